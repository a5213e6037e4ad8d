"""The parts of Algorithm 2 (pool, selector, learner) as used by a session: one pick at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from seals_sim.indexes import VectorIndex
from seals_sim.label.events import Seed
from seals_sim.label.learner import PresumedNegatives, ProvisionalModel, SeededLearner, SimilarityModel
from seals_sim.label.options import SessionOptions, SessionStrategy
from seals_sim.label.pools import build_session_pool, negatives_lead
from seals_sim.search.candidates import CandidateTable
from seals_sim.search.learners import LinearModel
from seals_sim.search.scores import max_entropy, most_likely_positive
from seals_sim.search.strategies import ArgMax
from seals_sim.types import LabeledRows, Row, Rows, Scores, StoredVectors
from seals_sim.vectors.chunked import ChunkedVectors
from seals_sim.vectors.scan import iterate_blocks


class SessionSelector:
    """Picks by the session's strategy; while a class is missing, the row most similar to the examples."""

    def __init__(self, strategy: SessionStrategy) -> None:
        score = max_entropy if strategy == "maxent" else most_likely_positive
        self._by_strategy, self._by_similarity = ArgMax(score), ArgMax(most_likely_positive)

    def select(self, candidates: CandidateTable, model: LinearModel) -> Row | None:
        """The next row, or None if there is no candidate."""
        selector = self._by_similarity if isinstance(model, ProvisionalModel) else self._by_strategy
        return selector.select(candidates, model)


class SessionSearch:
    """Pool, learner and selector of one session, initially with only the seeds.

    Args:
        index: Finds neighbors among the rows that can be asked.
        vectors: (n, d), the vectors to learn from; those of the index, or of another embedding of the same rows.
        excluded: Rows that cannot be asked.
        seeds: Examples that need not be rows.
        options: Options of the session.
    """

    def __init__(
        self,
        index: VectorIndex,
        vectors: StoredVectors,
        excluded: Rows,
        seeds: Sequence[Seed],
        options: SessionOptions,
    ) -> None:
        self._vectors = vectors
        brought = [seed.neighbors for seed in seeds if seed.label == 1 or negatives_lead(options)]
        self.pool = build_session_pool(index, vectors, excluded, brought, options)
        presumed = PresumedNegatives(vectors, options.presumed, options.seed)
        self._learner = SeededLearner(vectors, seeds, options.regularization, presumed)
        self._selector = SessionSelector(options.strategy)
        self._labeled: LabeledRows | None = None
        self._n_seeds = len(seeds)
        self.model: LinearModel

    def train(self, labels: Mapping[int, int]) -> None:
        """Train on labels by row, unless they are the same as at the last training (line 4)."""
        labeled = LabeledRows(list(labels), list(labels.values()))
        if self._labeled is None or not _is_equal(self._labeled, labeled):
            self._labeled, self.model = labeled, self._learner.fit(labeled)

    def score_all(self, labels: Mapping[int, int]) -> NDArray[np.float64]:
        """Scores of all rows (n,) under the model of labels by row only, without presumed negatives."""
        model = self._learner.fit_labeled(LabeledRows(list(labels), list(labels.values())))
        return compute_scores(np.concatenate([model.decision(block) for _, block in iterate_blocks(self._vectors)]))

    def begin_round(self) -> None:
        """Let the pool adapt to the model."""
        self.pool.begin_round(self.model)

    def select(self) -> Row | None:
        """The next row (line 6), or None if the pool is empty, or if nothing is labeled to compare rows with."""
        if not self._n_seeds and (self._labeled is None or not len(self._labeled)):
            return None
        return self._selector.select(self.pool.candidates, self.model)

    def find_chunk(self, row: Row) -> int:
        """The best chunk of a row, counted from its first one."""
        some = self._vectors[[row]]
        return int(some.find_best(self.model.weights)[0]) if isinstance(some, ChunkedVectors) else 0

    def compute_score(self, row: Row) -> float:
        """A score from 0 to 1, or the similarity while a class is missing."""
        t = self.model.decision(self._vectors[[row]])
        return float(t[0] if isinstance(self.model, SimilarityModel) else compute_scores(t)[0])


def compute_scores(t: Scores) -> NDArray[np.float64]:
    """The logistic function of log-odds t.

    The values are not probabilities: rows are labeled because they are likely to be positive, and the scores of a table
    add up to many times its number of positives.
    """
    return 1 / (1 + np.exp(-t))


def _is_equal(a: LabeledRows, b: LabeledRows) -> bool:
    return np.array_equal(a.rows, b.rows) and np.array_equal(a.labels, b.labels)
