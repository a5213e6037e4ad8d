"""Information density (3.1): max entropy weighted by the mean similarity to the pool."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seals_sim.search.candidates import CandidateTable, Growing
from seals_sim.search.learners import Model
from seals_sim.search.scores import max_entropy
from seals_sim.search.selectors import RowSelector
from seals_sim.types import Places, Row, Scores, StoredVectors, Vectors
from seals_sim.vectors.scan import compute_dots, sweep


class RunningSum:
    """The sum of the live candidates' vectors, updated at each call with the rows that came and went.

    Coordinates are rounded to multiples of 2^-28, so sums of up to 2^25 of them are exact in float64: independent of
    the order in which rows come and go, and free of drift. Vectors must be l2-normalized.
    """

    _ROUNDING = 1.5 * 2.0**24  # at this magnitude the smallest bit of float64 is 2^-28

    def __init__(self, n_threads: int = 1) -> None:
        self._n_threads = n_threads
        self._n_read = self._n_removed_read = 0
        self._sum: NDArray[np.float64] | float = 0.0

    def catch_up(self, candidates: CandidateTable) -> NDArray[np.float64]:
        """The current sum (d,).

        Raises:
            ValueError: If the table holds rows that have not joined it.
        """
        if candidates.has_waiting:
            raise ValueError("the density of a pool is defined only where its rows join as soon as they are held")
        removed = [place for place in candidates.removed[self._n_removed_read :] if place < self._n_read]
        self._sum = self._sum - self._add_up(candidates.vectors[removed])
        is_live, totals = candidates.is_live[self._n_read :], []

        def add(start: int, rows: Vectors) -> None:
            is_there = is_live[start : start + len(rows)]
            totals.append(self._add_up(rows if is_there.all() else rows[is_there]))

        sweep(candidates.vectors[self._n_read :], add, self._n_threads)
        self._sum = sum(totals, self._sum)
        self._n_read, self._n_removed_read = len(candidates), len(candidates.removed)
        return np.asarray(self._sum)

    def _add_up(self, vectors: StoredVectors) -> NDArray[np.float64]:
        rounded = vectors.astype(np.float64)
        rounded += self._ROUNDING
        rounded -= self._ROUNDING
        total: NDArray[np.float64] = rounded.sum(axis=0)
        return total


def signed_power(x: Scores, beta: float) -> Scores:
    """sign(x) |x|^beta: the paper's (...)^beta for x >= 0, and still increasing for negative mean similarities."""
    return x if beta == 1 else np.sign(x) * np.abs(x) ** beta


class FrozenDensity:
    """Mean cosine similarity to the pool, to the power beta, fixed for each row when the row enters the pool.

    'The average similarity score for each example only needs to be computed once' (section 4). The mean of
    sim(z, z_p) over l2-normalized z_p is z . mean(z_p): O(d) per row instead of O(|P| d).

    Args:
        beta: The exponent.
    """

    def __init__(self, beta: float) -> None:
        self._beta = beta
        self._sum = RunningSum()
        self._density = Growing(np.float64)

    def weigh(self, candidates: CandidateTable, first: int) -> Scores:
        total = self._sum.catch_up(candidates)
        new = candidates.vectors[len(self._density.values) :]
        if len(new):
            mean = (total / max(candidates.n_live, 1)).astype(np.float32)
            self._density.extend(len(new))[:] = signed_power(compute_dots(new, mean).astype(np.float64), self._beta)
        return self._density.values[first:]


class InformationDensity(RowSelector):
    """phi_ID = phi_MaxEnt(z) (mean over z_p in P_r of sim(z, z_p))^beta (3.1), over the current pool at each pick.

    A scan scores every live candidate with the mean m0 of the pool. The next picks move the mean a little, to m, which
    by Cauchy-Schwarz changes each similarity by at most |m - m0|. While that is within `reach`, only the candidates
    with the highest bounds are scored again, and the choice stays exact. A new model, new candidates or too large a
    move triggers a new scan.

    Args:
        beta: The exponent.
        n_threads: Threads for passes over a large pool.
    """

    _SHORTLIST = 512
    _REACH = 50  # in units of 1 / n: a pick moves the mean of n unit vectors by about 1 / n, and some picks cancel out
    _ROUNDING = 1e-5  # well above that of float32 similarities

    def __init__(self, beta: float = 1.0, n_threads: int = 1) -> None:
        self._beta, self._n_threads = beta, n_threads
        self._sum = RunningSum(n_threads)
        self._model: Model | None = None
        self._entropy = Growing(np.float64)  # by place, under the model

    def select(self, candidates: CandidateTable, model: Model) -> Row | None:
        total = self._sum.catch_up(candidates)
        if not candidates.n_live:
            return None
        mean = total / candidates.n_live
        is_current = model is self._model and len(self._entropy.values) == len(candidates)
        if is_current and np.linalg.norm(mean - self._reference) <= self._reach - self._ROUNDING:
            scores = self._score(candidates, self._shortlist, mean)
            if scores.max(initial=-np.inf) > self._highest_other:
                return _best_row(candidates, self._shortlist, scores)
        return self._scan(candidates, model, mean)

    def _scan(self, candidates: CandidateTable, model: Model, mean: NDArray[np.float64]) -> Row:
        """The best of all live candidates; also sets the shortlist for the next picks."""
        if model is not self._model:
            self._model, self._entropy = model, Growing(np.float64, capacity=len(candidates))
        new = candidates.vectors[len(self._entropy.values) :]
        self._entropy.extend(len(new))[:] = max_entropy(model.decision(new))

        live = Places(np.flatnonzero(candidates.is_live))
        entropy, similarity = self._entropy.values[live], _similarity(candidates.vectors, mean, self._n_threads)[live]
        self._reference, self._reach = mean, self._REACH / candidates.n_live
        bounds = entropy * signed_power(similarity + self._reach, self._beta)
        n_others = max(len(live) - self._SHORTLIST, 0) if self._beta >= 0 else len(live)  # below 0 these are not bounds
        order = np.argpartition(bounds, n_others - 1) if n_others else np.arange(len(live))
        self._highest_other = bounds[order[:n_others]].max(initial=-np.inf)
        self._shortlist = Places(live[order[n_others:]])
        return _best_row(candidates, live, entropy * signed_power(similarity, self._beta))

    def _score(self, candidates: CandidateTable, places: Places, mean: NDArray[np.float64]) -> Scores:
        """Scores by place; -inf for candidates that have left."""
        similarity = _similarity(candidates.vectors[places], mean)
        scores = self._entropy.values[places] * signed_power(similarity, self._beta)
        return np.where(candidates.is_live[places], scores, -np.inf)


def _similarity(vectors: StoredVectors, mean: NDArray[np.float64], n_threads: int = 1) -> Scores:
    return compute_dots(vectors, mean.astype(np.float32), n_threads).astype(np.float64)


def _best_row(candidates: CandidateTable, places: Places, scores: Scores) -> Row:
    """Ties go to the lowest row."""
    return Row(int(candidates.rows[places[scores == scores.max()]].min()))
