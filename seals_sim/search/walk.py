"""A pool that follows the model: the neighbors of the positives and of the candidates with the highest scores.

The paper's pool contains only rows near a labeled row, so a part of a concept far from every label is never seen. Here
each new model walks: the neighbors of the best candidates join and are scored; those among the best bring their own
neighbors, until all of the best have done so. This is a search of a proximity graph (Malkov and Yashunin 2018,
Algorithm 2) for the largest w . z, starting from the best rows of the last round. It needs no index of inner products,
and the cost of a round depends on how much the model has changed, not on the size of the table.

A walk ends when nothing better is nearby. In such a graph the upper layers are random samples that give a search its
entry points. In the same way, a few random rows are candidates too, and the walk continues from those with high scores.
"""

from __future__ import annotations

import numpy as np

from seals_sim.indexes.protocol import NeighborIndex
from seals_sim.search.candidates import Growing
from seals_sim.search.learners import Model
from seals_sim.search.names import ENTRIES, N_STEP
from seals_sim.search.pools import SealsPool
from seals_sim.search.scores import Score, get_order, most_likely_positive
from seals_sim.search.seeds import find_others
from seals_sim.types import LabeledRows, Places, Rows, Scores, StoredVectors

_NO_ROWS = Rows(np.zeros(0, dtype=np.int64))
_MOST_ENTRIES = 32_768  # reached at 17 million rows: more would cost each round more than everything else


def draw_entries(n: int, rng: np.random.Generator, excluded: Rows = _NO_ROWS, times: int = ENTRIES) -> Rows:
    """Draw the entry rows of walks: 8 sqrt(n) rows, of which each round scores those still unlabeled.

    Args:
        n: Rows of the table.
        rng: Random generator.
        excluded: (m,) rows not to draw, sorted, each once.
        times: Number of rows, in multiples of sqrt(n).

    Returns:
        Sorted rows, each once; all rows of a table that has fewer.

    Examples:
        >>> len(draw_entries(90_000, np.random.default_rng(0)))
        2400
        >>> draw_entries(9, np.random.default_rng(0), excluded=Rows(np.array([2, 4]))).tolist()
        [0, 1, 3, 5, 6, 7, 8]
    """
    n_left = n - len(excluded)
    size = min(round(times * n**0.5), _MOST_ENTRIES, n_left)
    return find_others(np.sort(rng.choice(n_left, size=size, replace=False)), excluded)


class WalkPool(SealsPool):
    """The k nearest neighbors of every positive, and `n_step` neighbors of each round's `n_best` best candidates.

    Args:
        labeled: The seeds.
        vectors: (n, d) float32 or float16, used to score candidates.
        index: Finds neighbors of rows.
        k: Neighbors of each positive.
        n_best: Number of best candidates that bring their neighbors.
        n_step: Neighbors that each of them brings.
        entries: Rows that become candidates once there is a positive, such as those of `draw_entries`; None for none.
        score: Determines which candidates are best.
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
        entries: Rows | None = None,
        score: Score = most_likely_positive,
    ) -> None:
        super().__init__(labeled, vectors, index, k, only_positives=True)
        self._n_best, self._n_step, self._score = n_best, n_step, score
        self._has_walked, self._entries = Growing(np.bool_), entries

    def begin_round(self, model: Model) -> None:
        self.walk(model, self._score)

    def walk(self, model: Model, score: Score) -> None:
        """Walk until the best candidates by this score have all brought their neighbors."""
        if self._entries is not None and len(self._table):  # not before a positive has brought its neighbors
            self.admit(self._entries)
            self._entries = None
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
            live = live[of_live >= np.partition(of_live, -self._n_best)[-self._n_best]]  # with ties, in any order
        return Places(live)
