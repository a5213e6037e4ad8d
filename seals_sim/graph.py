"""The k-NN graph of a table on disk: every query is a row of the table, so that a lookup reads one row of integers.

Found once with the best index there is, block by block, and then used by every concept and repeat.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seals_sim.candidates import Rows
from seals_sim.indexes import NeighborIndex
from seals_sim.stages import ArrayStage, Stage

_BLOCK = 4_096


class StoredGraph:
    """Neighbours (m, k_max) int32 of `rows` (m,) sorted, nearest first, -1 where an index has found fewer.

    >>> graph = StoredGraph(np.array([3, 7]), np.array([[3, 5], [7, -1]], dtype=np.int32))
    >>> graph.neighbors(np.array([7, 3]), k=2)
    [array([7]), array([3, 5])]
    """

    def __init__(self, rows: Rows, found: NDArray[np.int32], build_seconds: float = 0.0) -> None:
        self._rows, self._found, self.build_seconds = rows, found, build_seconds

    def neighbors(self, rows: Rows, k: int) -> list[Rows]:
        """Of rows that the graph has; k at most k_max. Raises ValueError for others."""
        places = np.minimum(np.searchsorted(self._rows, rows), len(self._rows) - 1)
        if k > self._found.shape[1] or not np.array_equal(self._rows[places], rows):
            raise ValueError(f"this graph holds {self._found.shape[1]} neighbours of {len(self._rows):,} rows")
        return [row[row >= 0] for row in self._found[places, :k].astype(np.int64)]


def build_graph(
    index: NeighborIndex, made_from: str, rows: Rows, k_max: int, folder: Path, name: str = "graph", quiet: bool = True
) -> tuple[StoredGraph, Stage]:
    """Find the neighbours of `rows` (m,) sorted, in folder / name, going on where an earlier call was stopped.

    made_from: a digest of the index. Takes 4 m k_max bytes on disk.
    """
    array = ArrayStage(folder, name, {"index": made_from, "k": k_max}, (len(rows), k_max), np.int32)

    def neighbors(start: int, end: int) -> NDArray[np.int32]:
        block = np.full((end - start, k_max), -1, dtype=np.int32)
        for place, found in enumerate(index.neighbors(rows[start:end], k_max)):
            block[place, : len(found)] = found
        return block

    found = array.fill(neighbors, _BLOCK, quiet)
    return StoredGraph(rows, found, array.stage.seconds), array.stage
