"""Selection over the whole table as a search: the rows that a linear model scores highest lie in a known direction.

Most-likely positive is a search for the largest inner products with w. Max entropy is a search for the rows nearest to
the hyperplane, starting from the projections of labeled rows onto it, like the queries of Algorithm 4 (7.3).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Protocol

import numpy as np

from seals_sim.search.candidates import CandidateTable
from seals_sim.search.learners import LinearModel, Model
from seals_sim.search.scores import Score, get_order
from seals_sim.search.selectors import RowSelector
from seals_sim.types import Row, Rows, StoredVectors, Vectors
from seals_sim.vectors.scan import widen


class Searchable(Protocol):
    """Finds rows near any vector: an index, or `CodedTable`.

    Attributes:
        vectors: (n, d), l2-normalized.
    """

    vectors: StoredVectors

    def nearest(self, queries: Vectors, k: int) -> list[Rows]:
        """Find k rows or a few times that for each of `queries` (m, d), in any order, or fewer if it finds no more."""


Aim = Callable[[LinearModel, Vectors], Vectors]


def aim_along_weights(model: LinearModel, labeled: Vectors) -> Vectors:
    """w itself, (1, d): the rows nearest to it are the most likely positives."""
    return _normalize(model.weights[None])


def aim_at_hyperplane(model: LinearModel, labeled: Vectors) -> Vectors:
    """Projections of labeled rows (m, d) onto w . z + b = 0, scaled to length 1 like the rows."""
    t = model.decision(labeled)
    moved = labeled - (t / np.vecdot(model.weights, model.weights)).astype(np.float32)[:, None] * model.weights
    return _normalize(moved)


class ModelSearch(RowSelector):
    """The best row by `score` among those that a search returns, scored exactly for each new model.

    Ties go to the lowest row. If the searches find no further row, neither does this: an index need not find all rows.
    The projected rows are those labeled last: each of Algorithm 4's searches continues from its own latest query.

    Args:
        table: The table to search.
        aim: Where to search.
        score: Score of the strategy: `most_likely_positive` for `aim_along_weights`, `max_entropy` or one of its kind
            for `aim_at_hyperplane`.
        seeds: (s, d), vectors of the rows labeled before the first pick.
        n_sought: Rows to find per search, not counting those already labeled.
    """

    _SEARCHES = 100

    def __init__(self, table: Searchable, aim: Aim, score: Score, seeds: Vectors, n_sought: int = 1000) -> None:
        self._table, self._aim, self._order, self._n_sought = table, aim, get_order(score), n_sought
        self._seeds = widen(seeds[-self._SEARCHES :])
        self._model: LinearModel | None = None
        self._best: list[tuple[float, int]] = []

    def select(self, candidates: CandidateTable, model: Model) -> Row | None:
        """The next row, or None if none is left. Raises TypeError for a model that is not linear."""
        if not isinstance(model, LinearModel):
            raise TypeError("only a linear model has a direction to search in")
        if model is not self._model:
            self._model, self._n, self._is_exhausted = model, self._n_sought, False
            if self._aim is aim_along_weights:
                self._n += len(candidates) - candidates.n_live
            self._search(candidates, model)
        while candidates.n_live:
            while self._best:
                row = Row(heapq.heappop(self._best)[1])
                place = candidates.find(row)
                if place is not None and candidates.is_live[place]:
                    return row
            if self._is_exhausted:
                return None
            n_before = self._n_retrieved
            self._n *= 2
            self._search(candidates, model)
            self._is_exhausted = self._n_retrieved == n_before
        return None

    def _search(self, candidates: CandidateTable, model: LinearModel) -> None:
        latest = widen(candidates.vectors[candidates.removed[-self._SEARCHES :]])
        labeled = np.concatenate([self._seeds, latest])[-self._SEARCHES :]
        rows = np.unique(np.concatenate(self._table.nearest(self._aim(model, labeled), self._n)))
        self._n_retrieved = len(rows)
        scores = self._order(model.decision(self._table.vectors[rows]))
        self._best = list(zip((-scores).tolist(), rows.tolist(), strict=True))
        heapq.heapify(self._best)


def _normalize(vectors: Vectors) -> Vectors:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    normalized: Vectors = vectors / np.maximum(length, np.finfo(np.float32).tiny)
    return normalized
