"""Efficient nonmyopic search (ENS), for comparison: Jiang, Malkomes, Converse, Shofner, Moseley and Garnett 2017.

The value of a pick is what it is expected to find itself plus what the rest of the budget is expected to find after it,
as if the whole rest were asked at once: the sum of the largest probabilities. Near the end of the budget this equals
most-likely positive; before that, it prefers rows whose answer says much about other rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from seals_sim.indexes.protocol import NeighborIndex
from seals_sim.search.candidates import CandidateTable
from seals_sim.types import LabeledRows, Row, Rows

PRIOR = 0.1
"""Their gamma. Much rarer concepts may need a smaller value."""
_ROUNDING = 1e-9  # rounding error of sums of probabilities

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NeighborVotes:
    """Their k-NN model: P(positive) = (gamma + positive labeled neighbors) / (1 + labeled neighbors).

    Attributes:
        n_positive: (n,) positive labels among each row's neighbors.
        n_labeled: (n,) labels among each row's neighbors.
        n_left: Labels left in the budget.
        prior: Gamma, the probability of a row without labeled neighbors.
    """

    n_positive: Values
    n_labeled: Values
    n_left: int
    prior: float = PRIOR

    def predict(self, rows: Rows, more_positive: int = 0, more_labeled: int = 0) -> Values:
        """The probabilities of rows (m,), optionally with extra labeled neighbors."""
        return (self.prior + self.n_positive[rows] + more_positive) / (1 + self.n_labeled[rows] + more_labeled)


class VotingLearner:
    """Counts the labels among every row's neighbors.

    Attributes:
        voters: (n, n) sparse; row x marks the rows that x is a neighbor of, except itself.

    Args:
        index: Finds neighbors of rows.
        n_rows: Rows of the pool.
        k: Neighbors of each row, not counting itself.
        budget: Total number of labels.
        prior: Prior of the model.
    """

    def __init__(self, index: NeighborIndex, n_rows: int, k: int, budget: int, prior: float = PRIOR) -> None:
        every = Rows(np.arange(n_rows))
        lists = index.neighbors(every, min(k + 1, n_rows))
        of = np.repeat(every, [len(neighbors) for neighbors in lists])
        near = np.concatenate(lists)
        is_other = near != of
        marks = np.ones(int(is_other.sum()))
        self.voters: Any = sparse.csr_array((marks, (near[is_other], of[is_other])), shape=(n_rows, n_rows))
        self._budget, self._prior = budget, prior
        self._forget()

    def _forget(self) -> None:
        self._rows, self._labels = Rows(np.empty(0, dtype=np.int64)), np.empty(0, dtype=np.int8)
        self._n_positive, self._n_labeled = np.zeros((2, self.voters.shape[0]))

    def fit(self, labeled: LabeledRows) -> NeighborVotes:
        n = len(self._rows)
        if not (np.array_equal(labeled.rows[:n], self._rows) and np.array_equal(labeled.labels[:n], self._labels)):
            self._forget()
            n = 0
        new = np.zeros((2, self.voters.shape[0]))
        new[0, labeled.rows[n:]], new[1, labeled.rows[n:]] = labeled.labels[n:], 1
        is_new = new[1].nonzero()[0]
        more = self.voters[is_new].T @ new[:, is_new].T
        self._n_positive, self._n_labeled = self._n_positive + more[:, 0], self._n_labeled + more[:, 1]
        self._rows, self._labels = labeled.rows, labeled.labels
        return NeighborVotes(self._n_positive, self._n_labeled, self._budget - len(labeled), self._prior)


class NonmyopicSearch:
    """The candidate with the largest expected count; ties go to the lowest row.

    As in the paper, candidates are scored in the order of an upper bound, until the bound falls below the best score.
    The authors' bound uses the largest probability that any row could reach; this one uses the change of each row that
    an answer affects: for any threshold t, the m largest of some values sum to at most m t + sum(max(v - t, 0)).

    Attributes:
        n_scored: Number of candidates that the bound did not exclude at the last pick.

    Args:
        voters: The learner's `voters`.
    """

    def __init__(self, voters: Any) -> None:
        self._voters, self._most_votes = voters, int(np.diff(voters.indptr).max())
        self.n_scored = 0

    def select(self, candidates: CandidateTable, model: NeighborVotes) -> Row | None:
        """The next row, or None if no candidate is left."""
        rows = Rows(np.sort(candidates.rows[candidates.is_live]))
        if not len(rows):
            return None
        now = model.predict(rows)
        n_rest = min(model.n_left - 1, len(rows) - 1)
        if n_rest < 1:
            return Row(int(rows[now.argmax()]))
        head = _Head(now, min(len(rows), n_rest + 1 + self._most_votes), n_rest)
        bounds = self._bound(rows, model, now, head)
        best, found, self.n_scored = -np.inf, 0, 0
        for place in np.argsort(-bounds, kind="stable"):
            if bounds[place] < best - _ROUNDING:
                break
            score = self._score(int(place), rows, model, now, head)
            self.n_scored += 1
            if score > best + _ROUNDING or (score > best - _ROUNDING and place < found):
                best, found = max(best, score), int(place)
        return Row(int(rows[found]))

    def _bound(self, rows: Rows, model: NeighborVotes, now: Values, head: _Head) -> Values:
        """An upper bound on every candidate's score."""
        changes = np.zeros((self._voters.shape[0], 2))
        before = np.maximum(now - head.least, 0)
        changes[rows, 0] = np.maximum(model.predict(rows, 1, 1) - head.least, 0) - before
        changes[rows, 1] = np.maximum(model.predict(rows, 0, 1) - head.least, 0) - before
        after = head.total + (self._voters @ changes)[rows]
        bounds: Values = now * (1 + after[:, 0]) + (1 - now) * after[:, 1]
        return bounds

    def _score(self, place: int, rows: Rows, model: NeighborVotes, now: Values, head: _Head) -> float:
        row = rows[place]
        touched = self._voters.indices[self._voters.indptr[row] : self._voters.indptr[row + 1]]
        places = np.minimum(np.searchsorted(rows, touched), len(rows) - 1)
        places = places[rows[places] == touched]
        changed = Rows(rows[places])
        rest = head.leave_out(np.append(places, place))
        if_positive, if_negative = (head.add_up(rest, model.predict(changed, more, 1)) for more in (1, 0))
        return float(now[place] * (1 + if_positive) + (1 - now[place]) * if_negative)


class _Head:
    """The largest of some probabilities (m,), of which `n_rest` are summed."""

    def __init__(self, values: Values, n: int, n_rest: int) -> None:
        places = np.argpartition(-values, n - 1)[:n]
        places = places[np.argsort(-values[places], kind="stable")]
        self._values, self._n_rest = values[places], n_rest
        self._order = np.full(len(values), n)  # n means not among them
        self._order[places] = np.arange(n)
        self.total, self.least = float(self._values[:n_rest].sum()), float(self._values[n_rest - 1])

    def leave_out(self, places: NDArray[np.int64]) -> Values:
        """The largest n_rest, without those at some places."""
        is_kept = np.ones(len(self._values) + 1, dtype=np.bool_)
        is_kept[self._order[places]] = False
        return self._values[is_kept[:-1]][: self._n_rest]

    def add_up(self, rest: Values, others: Values) -> float:
        """The sum of the largest n_rest of both arrays."""
        both = np.concatenate([rest, others])
        n_over = len(both) - self._n_rest
        return float(both.sum() if n_over <= 0 else np.partition(both, n_over)[n_over:].sum())
