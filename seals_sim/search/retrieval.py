"""Selection over everything as a search: the rows that a linear model scores highest lie in a known direction.

Most-likely positive is a search for the largest inner products with w. Max entropy is a search for the rows nearest to
the hyperplane: from the projections of labelled rows onto it, as Algorithm 4 takes its queries (7.3).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import faiss
import numpy as np
from numpy.typing import NDArray

from seals_sim.search.candidates import CandidateTable
from seals_sim.search.learners import LinearModel
from seals_sim.search.scores import Score, order_of
from seals_sim.types import Rows, StoredVectors, Vectors
from seals_sim.vectors.codes import KIND, coded, scale_for
from seals_sim.vectors.scan import block_of, widened

_BLOCK = 65_536


class Searched(Protocol):
    """Finds rows of `vectors` (n, d), l2-normalised, near any vector: an index, or `CodedTable`."""

    vectors: StoredVectors

    def nearest(self, queries: Vectors, k: int) -> list[Rows]:
        """For each of `queries` (m, d), k rows or a few times that, in any order; fewer where it finds no more."""


class CodedTable:
    """8-bit codes of l2-normalised vectors (n, d), in memory: n d bytes, in one part a thread. A search reads all: the
    full scan of Algorithm 1 at a quarter of float32's bytes.
    """

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

    def nearest(self, queries: Vectors, k: int) -> list[Rows]:
        """At least k rows (or all), those nearest by their codes in each part."""
        asked = coded(queries, scale_for(queries))  # Faiss rounds them too, so they must fill the 8 bits

        def search(part: Any) -> NDArray[np.int64]:
            found: NDArray[np.int64] = part.search(asked, min(k, part.ntotal))[1]
            return found

        with ThreadPoolExecutor(len(self._parts)) as threads:
            found = list(threads.map(search, self._parts))
        return list(np.hstack([rows + start for rows, start in zip(found, self._starts, strict=True)]))


Aim = Callable[[LinearModel, Vectors], Vectors]


def along_weights(model: LinearModel, labeled: Vectors) -> Vectors:
    """w itself (1, d): the rows nearest to it are the likeliest positives."""
    return _normalized(model.weights[None])


def onto_hyperplane(model: LinearModel, labeled: Vectors) -> Vectors:
    """Projections of labelled rows (m, d) onto w . z + b = 0, scaled to length 1 as the rows are."""
    t = model.decision(labeled)
    moved = labeled - (t / np.vecdot(model.weights, model.weights)).astype(np.float32)[:, None] * model.weights
    return _normalized(moved)


class ModelSearch:
    """The best row by `score` of those that a search brings, scored exactly at each new model.

    aim: where to search; score: of the strategy, `most_likely_positive` for `along_weights`, `max_entropy` or one of
    its kind for `onto_hyperplane`; seeds: (s, d), vectors of the rows labelled before the first pick; n_sought: rows a
    search, beyond those that are labelled already. The projections are of the `_SEARCHES` rows labelled last: each of
    Algorithm 4's searches goes on from its own latest query. Ties go to the lowest row. Where the searches find no
    further row, neither does this: an index need not find all.
    """

    _SEARCHES = 100

    def __init__(self, table: Searched, aim: Aim, score: Score, seeds: Vectors, n_sought: int = 1000) -> None:
        self._table, self._aim, self._order, self._n_sought = table, aim, order_of(score), n_sought
        self._seeds = widened(seeds[-self._SEARCHES :])
        self._model: LinearModel | None = None
        self._best: list[tuple[float, int]] = []

    def select(self, candidates: CandidateTable, model: LinearModel) -> int | None:
        if model is not self._model:
            self._model, self._n, self._is_exhausted = model, self._n_sought, False
            if self._aim is along_weights:
                self._n += len(candidates) - candidates.n_live
            self._search(candidates)
        while candidates.n_live:
            while self._best:
                row = heapq.heappop(self._best)[1]
                position = candidates.find(row)
                if position is not None and candidates.is_live[position]:
                    return row
            if self._is_exhausted:
                return None
            n_found = self._n_found
            self._n *= 2
            self._search(candidates)
            self._is_exhausted = self._n_found == n_found
        return None

    def _search(self, candidates: CandidateTable) -> None:
        assert self._model is not None
        latest = widened(candidates.vectors[candidates.removed[-self._SEARCHES :]])
        labeled = np.concatenate([self._seeds, latest])[-self._SEARCHES :]
        rows = np.unique(np.concatenate(self._table.nearest(self._aim(self._model, labeled), self._n)))
        self._n_found = len(rows)
        scores = self._order(self._model.decision(self._table.vectors[rows]))
        self._best = list(zip((-scores).tolist(), rows.tolist(), strict=True))
        heapq.heapify(self._best)


def _normalized(vectors: Vectors) -> Vectors:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    found: Vectors = vectors / np.maximum(length, np.finfo(np.float32).tiny)
    return found
