"""Neighbors among rows that have several vectors each: the most similar pair of chunks decides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seals_sim.types import Rows, StoredVectors, Vectors
from seals_sim.vectors.chunked import ChunkedVectors


class ChunkedIndex:
    """Brute force over all chunks.

    Attributes:
        vectors: The table.
        build_seconds: 0.
        n_bytes: 0.

    Examples:
        >>> chunks = np.array([[1, 0], [0, 1], [0.6, 0.8], [-1, 0]], dtype=np.float32)
        >>> index = ChunkedIndex(ChunkedVectors(chunks, np.array([0, 2, 3, 4])))
        >>> index.neighbors(np.array([1]), k=2)[0].tolist()
        [1, 0]
    """

    build_seconds = 0.0
    n_bytes = 0

    def __init__(self, vectors: ChunkedVectors) -> None:
        """Wrap a table without copying it."""
        self._table = vectors
        self.vectors: StoredVectors = vectors.as_stored()

    def neighbors(self, rows: Rows, k: int) -> list[Rows]:
        """Find the k nearest rows of each of `rows`: see `NeighborIndex`."""
        return [_find_highest(self._table.compare(self._table.list_chunks(row)), k) for row in rows.tolist()]

    def nearest(self, queries: Vectors, k: int) -> list[Rows]:
        """Find the k nearest rows of each of `queries`: see `VectorIndex`."""
        return [_find_highest(self._table.compare(query[None]), k) for query in queries]


def _find_highest(similarity: NDArray[np.float32], k: int) -> Rows:
    """Highest first; ties go to the lowest row."""
    return Rows(np.argsort(-similarity, kind="stable")[:k])
