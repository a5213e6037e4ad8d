"""Selection strategies phi (3.1, 3.2) and their arg max over the candidates."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from seals_sim.errors import UserError
from seals_sim.search.candidates import CandidateTable
from seals_sim.search.density import FrozenDensity, InformationDensity
from seals_sim.search.entries import DENSE_ROWS
from seals_sim.search.kcenters import KCenters
from seals_sim.search.learners import Model
from seals_sim.search.names import STRATEGIES
from seals_sim.search.ranking import Ranking
from seals_sim.search.scores import Score, get_order, least_confidence, margin, max_entropy, most_likely_positive
from seals_sim.search.selectors import RowSelector
from seals_sim.types import Row, Scores, Vectors

_LEAST_SHARE = 1e-3  # of candidates in a large table: below it, finding one takes more than a thousand draws


class Weight(Protocol):
    """A factor of the score that depends on the candidate and not on the model."""

    def weigh(self, candidates: CandidateTable, first: int) -> Scores:
        """The factors for the places from `first` on; called when there are new ones."""


class ArgMax(RowSelector):
    """The candidate with the highest score under the model; ties go to the lowest row.

    Scores stay valid as long as the model is the same, so within a batch a pick costs only the candidates that have
    entered since the last pick.

    Args:
        score: A function of the log-odds.
        weight: Factor that multiplies the scores.
    """

    def __init__(self, score: Score, weight: Weight | None = None) -> None:
        self._score = score if weight else get_order(score)
        self._weight = weight
        self._model: Model | None = None

    def select(self, candidates: CandidateTable, model: Model) -> Row | None:
        if model is not self._model:
            self._model, self._ranking = model, Ranking(candidates)
        first = len(self._ranking)
        if first < len(candidates):
            scores = self._score(model.decision(candidates.vectors[first:]))
            if self._weight is not None:
                scores = scores * self._weight.weigh(candidates, first)
            self._ranking.append(scores)
        place = self._ranking.best()
        return None if place is None else Row(int(candidates.rows[place]))

    def forecast(self, n: int) -> list[Row]:
        """Empty if there is a weight, which needs the newcomers of one pick at a time."""
        return self._ranking.forecast(n) if self._weight is None else []


class Random(RowSelector):
    """A live candidate, uniformly at random.

    Rows of the pool are drawn until one is a candidate or, if that may take long, a candidate is drawn by its rank. The
    same generator makes the same choice from the same set of candidates, whatever their order of entry.

    Args:
        rng: Random generator.
        n_rows: Rows of the pool.
    """

    def __init__(self, rng: np.random.Generator, n_rows: int) -> None:
        self._rng, self._n_rows = rng, n_rows

    def select(self, candidates: CandidateTable, model: Model) -> Row | None:
        n = candidates.n_live
        if n and self._n_rows > DENSE_ROWS and n < self._n_rows * _LEAST_SHARE:
            rank = int(self._rng.integers(n))
            return Row(int(np.partition(candidates.rows[candidates.is_live], rank)[rank]))
        while candidates.n_live:
            for row in self._rng.integers(self._n_rows, size=64).tolist():
                place = candidates.find(Row(row))
                if place is not None and candidates.is_live[place]:
                    return Row(row)
        return None


SCORES: dict[str, Score] = {
    "maxent": max_entropy,
    "most_likely_positive": most_likely_positive,
    "least_confidence": least_confidence,
    "margin": margin,
}
"""Scores of the strategies that depend on the log-odds alone."""


def build_selector(
    name: str, *, beta: float, rng: np.random.Generator, n_rows: int, centers: Vectors, n_threads: int = 1
) -> RowSelector:
    """Build a new selector for one run.

    Args:
        name: One of STRATEGIES.
        beta: Exponent of the information density.
        rng: Random generator of `Random`.
        n_rows: Rows of the pool, for `Random`.
        centers: (m, d) the seeds' vectors, for `KCenters`.
        n_threads: Threads for passes over a large pool.

    Raises:
        UserError: If the strategy is unknown.
    """
    if name in SCORES:
        return ArgMax(SCORES[name])
    match name:
        case "information_density":
            return InformationDensity(beta, n_threads)
        case "information_density_frozen":
            return ArgMax(max_entropy, FrozenDensity(beta))
        case "random":
            return Random(rng, n_rows)
        case "k_centers":
            return KCenters(centers)
    raise UserError(f"unknown strategy; choose from {', '.join(STRATEGIES)}", parameter="strategies", value=name)
