"""Brute force: every row is compared with every query."""

from __future__ import annotations

import faiss
import numpy as np

from seals_sim.indexes.protocol import drop_padding
from seals_sim.runtime import faiss_by_matrix_products
from seals_sim.types import Rows, StoredVectors, Vectors
from seals_sim.vectors.scan import gather, is_float32, iterate_blocks, widen

_WIDENED = 2**28  # values


class ExactIndex:
    """Brute force over a table.

    Attributes:
        vectors: (n, d), the table; in float32 if that takes up to 1 GB.
        build_seconds: 0.
        n_bytes: 0.

    Examples:
        >>> index = ExactIndex(np.array([[1, 0], [0, 1], [0.8, 0.6]], dtype=np.float32))
        >>> index.neighbors(np.array([0]), k=2)[0].tolist()
        [0, 2]
    """

    build_seconds = 0.0
    n_bytes = 0

    def __init__(self, vectors: StoredVectors) -> None:
        """Wrap a table, without copying it if it is float32.

        Args:
            vectors: (n, d) l2-normalized, float32 or float16, perhaps memory-mapped.
        """
        self.vectors = widen(vectors) if vectors.size <= _WIDENED else vectors

    def neighbors(self, rows: Rows, k: int) -> list[Rows]:
        """Find the k nearest rows of each of `rows`: see `NeighborIndex`."""
        return self.nearest(gather(self.vectors, rows), k)

    def nearest(self, queries: Vectors, k: int) -> list[Rows]:
        """Find the k nearest rows of each of `queries`: see `VectorIndex`."""
        k = min(k, len(self.vectors))
        if is_float32(self.vectors):
            with faiss_by_matrix_products():
                return drop_padding(faiss.knn(np.ascontiguousarray(queries), self.vectors, k)[1])
        best = faiss.ResultHeap(len(queries), k)
        for start, block in iterate_blocks(self.vectors):
            distances, places = faiss.knn(queries, widen(block), min(k, len(block)))
            best.add_result(distances, places + start)
        best.finalize()
        return drop_padding(best.I)
