"""The k-NN graph of a table on disk. Every query is a row of the table, so a lookup reads one row of integers.

It is built once with the best available index, block by block, and then serves every concept and repeat.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seals_sim.disk.arrays import ArrayStage
from seals_sim.disk.stages import Stage
from seals_sim.indexes.protocol import NeighborIndex
from seals_sim.types import Rows
from seals_sim.workers import INLINE, Workers

_BLOCK = 4_096


class StoredGraph:
    """A k-NN graph; a lookup reads one row of it.

    Attributes:
        build_seconds: Build time, including its index.
        n_bytes: Bytes of the graph.

    Examples:
        >>> graph = StoredGraph(np.array([3, 7]), np.array([[3, 5], [7, -1]], dtype=np.int32))
        >>> graph.neighbors(np.array([7, 3]), k=2)
        [array([7]), array([3, 5])]
    """

    def __init__(self, rows: Rows | None, neighbors: NDArray[np.int32], build_seconds: float = 0.0) -> None:
        """Wrap a finished graph.

        Args:
            rows: (m,) sorted rows of the graph; None for all rows of the table.
            neighbors: (m, k_max) their neighbors, nearest first, padded with -1 if the index found fewer.
            build_seconds: Build time.
        """
        self._rows, self._neighbors, self.build_seconds = rows, np.asarray(neighbors), build_seconds
        self.n_bytes = neighbors.nbytes

    def neighbors(self, rows: Rows, k: int) -> list[Rows]:
        """Look up the neighbors of rows.

        Args:
            rows: Rows of the graph.
            k: At most k_max, unless k_max is the size of the table.

        Returns:
            For each of `rows`, at most k rows of the table, nearest first.

        Raises:
            ValueError: For rows that are not in the graph, or more neighbors than it holds.
        """
        n, k_max = self._neighbors.shape
        if self._rows is None:
            places, is_held = rows, k <= k_max or k_max == n
        else:
            places = np.minimum(np.searchsorted(self._rows, rows), n - 1)
            is_held = k <= k_max and np.array_equal(self._rows[places], rows)
        if not is_held:
            raise ValueError(f"this graph holds {k_max} neighbors for each of {n:,} rows")
        neighbors = self._neighbors[places, :k]
        if (neighbors[:, -1] >= 0).all():  # padding is at the end
            return list(neighbors.astype(np.int64))
        return [row[row >= 0].astype(np.int64) for row in neighbors]


def build_graph(
    index: NeighborIndex,
    made_from: str,
    rows: Rows | int,
    k_max: int,
    folder: Path,
    name: str = "graph",
    quiet: bool = True,
    workers: Workers = INLINE,
) -> tuple[StoredGraph, Stage]:
    """Build a k-NN graph or open it; an interrupted build resumes. It takes 4 m k_max bytes on disk.

    Args:
        index: Finds the neighbors.
        made_from: A digest of the index.
        rows: (m,) sorted rows; or the number m, for all rows of a table of that size.
        k_max: Neighbors of each row.
        folder: Parent folder of all stages.
        name: Name of this stage.
        quiet: Whether to hide the progress bar.
        workers: Each finds the neighbors of a block of rows at a time.

    Returns:
        The graph and its build stage.

    Raises:
        UserError: If the folder holds a graph of another index, or cannot be written.
    """
    of_all = isinstance(rows, int)
    asked = Rows(np.arange(rows)) if isinstance(rows, int) else rows
    k_max = min(k_max, len(asked)) if of_all else k_max
    array = ArrayStage(folder, name, {"index": made_from, "k": k_max}, (len(asked), k_max), np.int32)
    blocks = (Rows(asked[start : start + _BLOCK]) for start in range(array.n_done, len(asked), _BLOCK))
    neighbors = array.fill_from(workers.map(_find_block, (index, k_max), blocks), quiet, "finding neighbors")
    return StoredGraph(None if of_all else asked, neighbors, array.stage.seconds + index.build_seconds), array.stage


def _find_block(shared: tuple[NeighborIndex, int], rows: Rows) -> NDArray[np.int32]:
    index, k_max = shared
    block = np.full((len(rows), k_max), -1, dtype=np.int32)
    for place, nearest in enumerate(index.neighbors(rows, k_max)):
        block[place, : len(nearest)] = nearest
    return block
