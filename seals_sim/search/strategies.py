"""Selection strategies phi (3.1, 3.2) and their arg max over the candidates."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from seals_sim.errors import UserError
from seals_sim.search.candidates import CandidateTable
from seals_sim.search.density import FrozenDensity, InformationDensity
from seals_sim.search.learners import Model
from seals_sim.search.ranking import Ranking
from seals_sim.search.scores import Score, least_confidence, margin, max_entropy, most_likely_positive, order_of
from seals_sim.types import Rows, Scores, Selector, StoredVectors, Vectors
from seals_sim.vectors.scan import widened


class Weight(Protocol):
    """A factor of the score that belongs to the candidate and not to the model."""

    def of(self, candidates: CandidateTable, first: int) -> Scores:
        """The factors of the positions from `first` on; called when there are new ones."""


class ArgMax:
    """The candidate with the highest score under the model; ties go to the lowest row.

    Scores are kept as long as the model stays the same, so that inside a batch a pick costs only the candidates
    that have entered since the last one.
    """

    def __init__(self, score: Score, weight: Weight | None = None) -> None:
        self._score = score if weight else order_of(score)
        self._weight = weight
        self._model: Model | None = None

    def select(self, candidates: CandidateTable, model: Model) -> int | None:
        if model is not self._model:
            self._model, self._ranking = model, Ranking(candidates)
        first = len(self._ranking)
        if first < len(candidates):
            scores = self._score(model.decision(candidates.vectors[first:]))
            if self._weight is not None:
                scores = scores * self._weight.of(candidates, first)
            self._ranking.append(scores)
        self._rows = candidates.rows
        position = self._ranking.best()
        return None if position is None else int(candidates.rows[position])

    def likely(self, n: int) -> Rows:
        """Up to n rows that will be selected next, unless other newcomers or a new model come before them; none where a
        weight needs newcomers one pick at a time.
        """
        return self._rows[self._ranking.likely(n) if self._weight is None else []]


class Random:
    """A live candidate, uniformly: rows of the table are drawn until one is a candidate.

    The same generator makes the same choice from the same set of candidates, in whatever order they entered.
    n_rows: size of the table that rows are positions in.
    """

    def __init__(self, rng: np.random.Generator, n_rows: int) -> None:
        self._rng, self._n_rows = rng, n_rows

    def select(self, candidates: CandidateTable, model: Model) -> int | None:
        while candidates.n_live:
            for row in self._rng.integers(self._n_rows, size=64).tolist():
                position = candidates.find(row)
                if position is not None and candidates.is_live[position]:
                    return int(row)
        return None


class KCenters:
    """Greedy k-centers (Sener & Savarese 2018, Algorithm 1): the candidate farthest from its nearest labelled row.

    centers: (m, d) float32, vectors of the rows labelled before the first pick.
    """

    def __init__(self, centers: Vectors) -> None:
        self._centers = centers
        self._n_measured = 0  # centers that the distances below already count
        self._n_removed_read = 0
        self._distance: NDArray[np.float32] = np.empty(0, dtype=np.float32)  # squared, to the nearest center

    def select(self, candidates: CandidateTable, model: Model) -> int | None:
        picked = widened(candidates.vectors[candidates.removed[self._n_removed_read :]])
        self._n_removed_read = len(candidates.removed)
        self._centers = np.concatenate([self._centers, picked])
        if not candidates.n_live:
            return None
        n_old = len(self._distance)
        old = _squared_distance_to_nearest(candidates.vectors[:n_old], self._centers[self._n_measured :])
        new = _squared_distance_to_nearest(candidates.vectors[n_old:], self._centers)
        self._n_measured = len(self._centers)
        self._distance = np.concatenate([np.minimum(self._distance, old), new])

        farthest = np.where(candidates.is_live, self._distance, -np.inf)
        return int(candidates.rows[farthest == farthest.max()].min())


def _squared_distance_to_nearest(vectors: StoredVectors, centers: Vectors, block: int = 4096) -> NDArray[np.float32]:
    """For each of vectors (m, d), to the nearest of centers (c, d); each pair's value is its own dot product."""
    nearest = np.empty(len(vectors), dtype=np.float32)
    norms = np.vecdot(centers, centers)
    for first in range(0, len(vectors), block):
        rows = widened(vectors[first : first + block])
        products = np.vecdot(rows[:, None], centers[None])
        nearest[first : first + block] = np.vecdot(rows, rows) + (norms - 2 * products).min(axis=1, initial=np.inf)
    return nearest


STRATEGIES = (
    "maxent",
    "most_likely_positive",
    "information_density",
    "information_density_frozen",
    "least_confidence",
    "margin",
    "random",
    "k_centers",
)


def build_selector(
    name: str, *, beta: float, rng: np.random.Generator, n_rows: int, centers: Vectors, n_threads: int = 1
) -> Selector[CandidateTable, Model, int]:
    """The selector called `name` (one of STRATEGIES), fresh for one run.

    beta: exponent of the information density; rng, n_rows: for `random`; centers: the seeds' vectors, for
    `k_centers`; n_threads: for passes over a large pool. Raises UserError where there is no such strategy.
    """
    match name:
        case "maxent":
            return ArgMax(max_entropy)
        case "most_likely_positive":
            return ArgMax(most_likely_positive)
        case "least_confidence":
            return ArgMax(least_confidence)
        case "margin":
            return ArgMax(margin)
        case "information_density":
            return InformationDensity(beta, n_threads)
        case "information_density_frozen":
            return ArgMax(max_entropy, FrozenDensity(beta))
        case "random":
            return Random(rng, n_rows)
        case "k_centers":
            return KCenters(centers)
    raise UserError(f"--strategies {name}: there is no such strategy; choose from {', '.join(STRATEGIES)}")
