"""The full scan of Algorithm 1 at a quarter of the bytes of float32: 8-bit codes of all rows, read at every search."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from seals_sim.types import Rows, StoredVectors, Vectors
from seals_sim.vectors.codes import KIND, choose_scale, encode_as_bytes
from seals_sim.vectors.scan import read_block

_BLOCK = 65_536


class CodedTable:
    """8-bit codes of l2-normalized vectors in memory, n d bytes, split into one part per thread.

    Args:
        vectors: (n, d) float32 or float16.
        n_threads: Threads that search at once.
    """

    def __init__(self, vectors: StoredVectors, n_threads: int = 1) -> None:
        self.vectors = vectors
        n, d = vectors.shape
        scale = choose_scale(vectors)
        self._starts = np.linspace(0, n, n_threads + 1).astype(int)[:-1]
        self._parts: list[Any] = []
        for start, end in zip(self._starts, [*self._starts[1:], n], strict=True):
            part: Any = faiss.IndexScalarQuantizer(d, KIND, faiss.METRIC_INNER_PRODUCT)
            for first in range(start, end, _BLOCK):
                part.add(encode_as_bytes(read_block(vectors, first, min(first + _BLOCK, end)), scale))
            self._parts.append(part)

    def nearest(self, queries: Vectors, k: int) -> list[Rows]:
        """Find at least k rows (or all) for each of the queries (m, d): the nearest in each part, by their codes."""
        codes = encode_as_bytes(queries, choose_scale(queries))  # Faiss rounds them too, so they must fill the 8 bits

        def search(part: Any) -> NDArray[np.int64]:
            nearest: NDArray[np.int64] = part.search(codes, min(k, part.ntotal))[1]
            return nearest

        with ThreadPoolExecutor(len(self._parts)) as threads:
            by_part = list(threads.map(search, self._parts))
        rows = np.hstack([part + start for part, start in zip(by_part, self._starts, strict=True)])
        return [Rows(row) for row in rows]
