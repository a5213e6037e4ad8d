"""The parts of Algorithm 2 (pool, selector, learner) as a session uses them: one pick at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from seals_sim.indexes import VectorIndex
from seals_sim.label.events import Seed
from seals_sim.label.learner import SeededLearner, SimilarityModel
from seals_sim.label.options import SessionOptions, SessionStrategy
from seals_sim.search.candidates import CandidateTable
from seals_sim.search.learners import LinearModel
from seals_sim.search.pools import SealsPool
from seals_sim.search.scores import max_entropy, most_likely_positive
from seals_sim.search.strategies import ArgMax
from seals_sim.types import LabeledRows, Row, Rows, Scores


class SessionSelector:
    """The session's strategy; the most similar row while the model is one of similarity."""

    def __init__(self, strategy: SessionStrategy) -> None:
        score = max_entropy if strategy == "maxent" else most_likely_positive
        self._by_strategy, self._by_similarity = ArgMax(score), ArgMax(most_likely_positive)

    def select(self, candidates: CandidateTable, model: LinearModel) -> Row | None:
        """The next row, or None where there is no candidate."""
        selector = self._by_similarity if isinstance(model, SimilarityModel) else self._by_strategy
        return selector.select(candidates, model)


class SessionSearch:
    """Pool, learner and selector of one session, at first with the seeds alone."""

    def __init__(self, index: VectorIndex, seeds: Sequence[Seed], options: SessionOptions) -> None:
        self._vectors = index.vectors
        self._pool = SealsPool(LabeledRows([], []), index.vectors, index, options.k)
        for seed in seeds:
            self._pool.admit(seed.neighbors)
        self._learner = SeededLearner(index.vectors, seeds, options.regularization)
        self._selector = SessionSelector(options.strategy)
        self._labeled: LabeledRows | None = None
        self.model: LinearModel

    @property
    def n_candidates(self) -> int:
        """How many rows have been in the pool so far."""
        return self._pool.n_candidates

    def expand(self, row: Row, neighbors: Rows) -> None:
        """A row that leaves the pool, asked or answered, and its neighbors (k,), which may join (Alg. 2 line 8)."""
        self._pool.take(row, neighbors)

    def train(self, labels: Mapping[int, int]) -> None:
        """Train on labels by row, unless they are those of the last training (line 4)."""
        labeled = LabeledRows(list(labels), list(labels.values()))
        if self._labeled is None or not _is_equal(self._labeled, labeled):
            self._labeled, self.model = labeled, self._learner.fit(labeled)

    def select(self) -> Row | None:
        """The next row, or None where the pool is dry (line 6)."""
        return self._selector.select(self._pool.candidates(0), self.model)

    def find_neighbors(self, row: Row) -> Rows:
        """Rows (k,) that `row` brings into the pool."""
        return self._pool.neighbors(row)

    def compute_score(self, row: Row) -> float:
        """P(positive), or the similarity while a class is missing."""
        t = self.model.decision(self._vectors[[row]])
        return float(t[0] if isinstance(self.model, SimilarityModel) else compute_probabilities(t)[0])


def compute_probabilities(t: Scores) -> NDArray[np.float64]:
    """P(positive) for log-odds t."""
    return 1 / (1 + np.exp(-t))


def _is_equal(a: LabeledRows, b: LabeledRows) -> bool:
    return np.array_equal(a.rows, b.rows) and np.array_equal(a.labels, b.labels)
