"""A pool that follows the model: the neighbors of the positives, and of the candidates that the model likes best.

The paper's pool knows only what lies near a labeled row, so a part of a concept that no label is near is never seen.
Here each new model walks: the neighbors of the best candidates join, are scored, and where they are among the best
bring their own, until the best have all brought theirs. It is the search of a proximity graph (Malkov and Yashunin
2018, Algorithm 2) for the largest w . z, begun at the best rows of the last round. So no index of inner products is
needed, and the cost of a round follows how much the model has changed, not the table.
"""

from __future__ import annotations

import numpy as np

from seals_sim.indexes.protocol import NeighborIndex
from seals_sim.search.candidates import Growing
from seals_sim.search.learners import Model
from seals_sim.search.names import N_STEP
from seals_sim.search.pools import SealsPool
from seals_sim.search.scores import Score, get_order, most_likely_positive
from seals_sim.types import LabeledRows, Places, Rows, Scores, StoredVectors


class WalkPool(SealsPool):
    """The k nearest neighbors of every positive, and `n_step` of each of the best `n_best` candidates of every round.

    Args:
        labeled: The seeds.
        vectors: (n, d) float32 or float16, which candidates are scored by.
        index: Finds neighbors of rows.
        k: Neighbors of each positive.
        n_best: How many of the best candidates bring their neighbors.
        n_step: Neighbors of each of them.
        score: Says which are the best.
    """

    def __init__(
        self,
        labeled: LabeledRows,
        vectors: StoredVectors,
        index: NeighborIndex,
        k: int = 100,
        *,
        n_best: int = 300,
        n_step: int = N_STEP,
        score: Score = most_likely_positive,
    ) -> None:
        super().__init__(labeled, vectors, index, k, only_positives=True)
        self._n_best, self._n_step, self._score = n_best, n_step, score
        self._has_walked = Growing(np.bool_)

    def begin_round(self, model: Model) -> None:
        self.walk(model, self._score)

    def walk(self, model: Model, score: Score) -> None:
        """Walk until the best candidates by a score have all brought their neighbors."""
        order = get_order(score)
        scores = Growing(np.float64)
        while True:
            first, n = len(scores.values), len(self._table)
            if first < n:
                scores.extend(n - first)[:] = order(model.decision(self._table.vectors[first:]))
                self._has_walked.extend(n - len(self._has_walked.values))[:] = False
            best = self._find_best(scores.values)
            new = best[~self._has_walked.values[best]]
            if not len(new):
                return
            self._has_walked.values[new] = True
            self._admit_all(self._index.neighbors(Rows(self._table.rows[new]), self._n_step))

    def _find_best(self, scores: Scores) -> Places:
        live = np.flatnonzero(self._table.is_live)
        if len(live) > self._n_best:
            of_live = scores[live]
            live = live[of_live >= np.partition(of_live, -self._n_best)[-self._n_best]]  # with ties, in whatever order
        return Places(live)
