"""The full scan of Algorithm 1 by 8-bit codes: a quarter of float32's bytes to read, and the best rows scored exactly.

Most-likely positive over everything is a search for the largest inner products with w, so that the codes need only
bring the best rows near the top.
"""

from __future__ import annotations

import heapq
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import faiss
import numpy as np
from numpy.typing import NDArray

from seals_sim.candidates import CandidateTable, Rows, StoredVectors
from seals_sim.codes import KIND, coded, scale_for
from seals_sim.learners import LinearModel
from seals_sim.scan import block_of

_BLOCK = 65_536


class CodedTable:
    """8-bit codes of l2-normalised vectors (n, d), in memory: n d bytes, in one part a thread."""

    def __init__(self, vectors: StoredVectors, n_threads: int = 1) -> None:
        self.vectors = vectors
        n, d = vectors.shape
        scale = scale_for(vectors)
        self._starts = np.linspace(0, n, n_threads + 1).astype(int)[:-1]
        self._parts: list[Any] = []
        for start, end in zip(self._starts, [*self._starts[1:], n], strict=True):
            part: Any = faiss.IndexScalarQuantizer(d, KIND, faiss.METRIC_INNER_PRODUCT)
            for first in range(start, end, _BLOCK):
                part.add(coded(block_of(vectors, first, min(first + _BLOCK, end)), scale))
            self._parts.append(part)

    def largest(self, weights: NDArray[np.float32], n: int) -> Rows:
        """At least n rows (or all), those with the largest inner products by their codes in each part."""
        query = coded(weights[None], scale_for(weights[None]))  # Faiss rounds it too, so it must fill the 8 bits

        def search(part: Any) -> Rows:
            found: Rows = part.search(query, min(n, part.ntotal))[1][0]
            return found

        with ThreadPoolExecutor(len(self._parts)) as threads:
            found = list(threads.map(search, self._parts))
        return np.concatenate([rows + start for rows, start in zip(found, self._starts, strict=True)])


class InnerProducts(Protocol):
    """Finds rows of `vectors` by their inner product with a vector."""

    vectors: StoredVectors

    def largest(self, weights: NDArray[np.float32], n: int) -> Rows:
        """At most a few times n rows with about the largest inner products with weights (d,), in any order."""


class CodedSearch:
    """Most-likely positive (3.2) as a search for w, in a `CodedTable` or an index; a shortlist of rows is scored in
    float32 at each new model.

    shortlist: how many, beyond those that are labelled already. Ties go to the lowest row. Where the search finds no
    further row, neither does this: an index need not find all.
    """

    def __init__(self, table: InnerProducts, shortlist: int = 1000) -> None:
        self._table, self._shortlist = table, shortlist
        self._model: LinearModel | None = None
        self._best: list[tuple[float, int]] = []

    def select(self, candidates: CandidateTable, model: LinearModel) -> int | None:
        if model is not self._model:
            self._model, self._n = model, self._shortlist + len(candidates) - candidates.n_live
            self._search()
        while candidates.n_live:
            while self._best:
                row = heapq.heappop(self._best)[1]
                position = candidates.find(row)
                if position is not None and candidates.is_live[position]:
                    return row
            n_found = self._n_found
            self._n *= 2
            self._search()
            if self._n_found == n_found:
                return None
        return None

    def _search(self) -> None:
        assert self._model is not None
        rows = self._table.largest(self._model.weights, self._n)
        self._n_found = len(rows)
        scores = self._model.decision(self._table.vectors[rows])
        self._best = list(zip((-scores).tolist(), rows.tolist(), strict=True))
        heapq.heapify(self._best)
