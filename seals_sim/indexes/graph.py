"""The k-NN graph of a table on disk: every query is a row of the table, so that a lookup reads one row of integers.

Found once with the best index there is, block by block, and then used by every concept and repeat.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seals_sim.disk.arrays import ArrayStage
from seals_sim.disk.stages import Stage
from seals_sim.indexes.protocol import NeighborIndex
from seals_sim.types import Rows

_BLOCK = 4_096


class StoredGraph:
    """Neighbours (m, k_max) int32 of `rows` (m,) sorted, nearest first, -1 where an index has found fewer.

    rows: None for all rows of the table.

    >>> graph = StoredGraph(np.array([3, 7]), np.array([[3, 5], [7, -1]], dtype=np.int32))
    >>> graph.neighbors(np.array([7, 3]), k=2)
    [array([7]), array([3, 5])]
    """

    def __init__(self, rows: Rows | None, found: NDArray[np.int32], build_seconds: float = 0.0) -> None:
        self._rows, self._found, self.build_seconds = rows, np.asarray(found), build_seconds
        self.n_bytes = found.nbytes

    def neighbors(self, rows: Rows, k: int) -> list[Rows]:
        """Of rows that the graph has; k at most k_max, unless k_max is all there is. Raises ValueError for others."""
        n, k_max = self._found.shape
        if self._rows is None:
            places, is_held = rows, k <= k_max or k_max == n
        else:
            places = np.minimum(np.searchsorted(self._rows, rows), n - 1)
            is_held = k <= k_max and np.array_equal(self._rows[places], rows)
        if not is_held:
            raise ValueError(f"this graph holds {k_max} neighbours of {n:,} rows")
        found = self._found[places, :k]
        if (found[:, -1] >= 0).all():  # padding stands at the end
            return list(found.astype(np.int64))
        return [row[row >= 0].astype(np.int64) for row in found]


def build_graph(
    index: NeighborIndex,
    made_from: str,
    rows: Rows | int,
    k_max: int,
    folder: Path,
    name: str = "graph",
    quiet: bool = True,
) -> tuple[StoredGraph, Stage]:
    """Find the neighbours of `rows`, (m,) sorted, or of the first so many, which are then all there are, in folder /
    name, going on where an earlier call was stopped.

    made_from: a digest of the index. Takes 4 m k_max bytes on disk.
    """
    of_all = isinstance(rows, int)
    asked = Rows(np.arange(rows)) if isinstance(rows, int) else rows
    k_max = min(k_max, len(asked)) if of_all else k_max
    array = ArrayStage(folder, name, {"index": made_from, "k": k_max}, (len(asked), k_max), np.int32)

    def neighbors(start: int, end: int) -> NDArray[np.int32]:
        block = np.full((end - start, k_max), -1, dtype=np.int32)
        for place, found in enumerate(index.neighbors(Rows(asked[start:end]), k_max)):
            block[place, : len(found)] = found
        return block

    found = array.fill(neighbors, _BLOCK, quiet)
    return StoredGraph(None if of_all else asked, found, array.stage.seconds + index.build_seconds), array.stage
