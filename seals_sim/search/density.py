"""Information density (3.1): max entropy weighted by the mean similarity to the pool."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seals_sim.search.candidates import CandidateTable, Growing
from seals_sim.search.learners import Model
from seals_sim.search.scores import max_entropy
from seals_sim.types import Rows, Scores, StoredVectors, Vectors
from seals_sim.vectors.scan import dots, sweep


class RunningSum:
    """The sum of the live candidates' vectors, brought up to date at each call with what came and went.

    Coordinates are rounded to multiples of 2^-28, so that sums of up to 2^25 of them are exact in float64: hence the
    same in whatever order rows come and go, and free of drift. Vectors must be l2-normalised.
    """

    _ROUNDING = 1.5 * 2.0**24  # beside it float64 has no smaller bit than 2^-28

    def __init__(self, n_threads: int = 1) -> None:
        self._n_threads = n_threads
        self._n_read = self._n_removed_read = 0
        self._sum: NDArray[np.float64] | float = 0.0

    def catch_up(self, candidates: CandidateTable) -> NDArray[np.float64]:
        """Raises ValueError for a table that holds rows which have not joined it."""
        if candidates.has_waiting:
            raise ValueError("the pool's density is defined only where its rows join as soon as they are held")
        removed = [p for p in candidates.removed[self._n_removed_read :] if p < self._n_read]
        self._sum = self._sum - self._total(candidates.vectors[removed])
        is_live, totals = candidates.is_live[self._n_read :], []

        def add(start: int, rows: Vectors) -> None:
            there = is_live[start : start + len(rows)]
            totals.append(self._total(rows if there.all() else rows[there]))

        sweep(candidates.vectors[self._n_read :], add, self._n_threads)
        self._sum = sum(totals, self._sum)
        self._n_read, self._n_removed_read = len(candidates), len(candidates.removed)
        return np.asarray(self._sum)

    def _total(self, vectors: StoredVectors) -> NDArray[np.float64]:
        rounded = vectors.astype(np.float64)
        rounded += self._ROUNDING
        rounded -= self._ROUNDING
        total: NDArray[np.float64] = rounded.sum(axis=0)
        return total


def signed_power(x: Scores, beta: float) -> Scores:
    """sign(x) |x|^beta: the paper's (...)^beta where x >= 0, and increasing where a mean similarity is negative."""
    return x if beta == 1 else np.sign(x) * np.abs(x) ** beta


class FrozenDensity:
    """Mean cosine similarity to the pool, to the power beta, fixed for each row when it enters the pool.

    'The average similarity score for each example only needs to be computed once' (section 4). The mean of
    sim(z, z_p) over l2-normalised z_p is z . mean(z_p): O(d) a row and not O(|P| d).
    """

    def __init__(self, beta: float) -> None:
        self._beta = beta
        self._sum = RunningSum()
        self._density = Growing(np.float64)

    def of(self, candidates: CandidateTable, first: int) -> Scores:
        total = self._sum.catch_up(candidates)
        new = candidates.vectors[len(self._density.values) :]
        if len(new):
            mean = (total / max(candidates.n_live, 1)).astype(np.float32)
            self._density.extend(len(new))[:] = signed_power(dots(new, mean).astype(np.float64), self._beta)
        return self._density.values[first:]


class InformationDensity:
    """phi_ID = phi_MaxEnt(z) (mean over z_p in P_r of sim(z, z_p))^beta (3.1), over the pool as it is at each pick.

    Every pick changes the mean m of the pool and so every score, but by little: by Cauchy-Schwarz a similarity to m is
    off from that to an earlier m0 by |m - m0| at most. So candidates are first sifted by what their score can be at
    most, and inside a batch only a shortlist of them is scored, which holds until m has moved too far. The choice is
    exact.
    """

    _SLACK = 1e-5  # well above float32 rounding in the bounds, relative to similarities of at most 1
    _LONG, _SHORT = 16_384, 2_048  # rows of a shortlist
    _SIFTED = 16  # a part of the table: where more are left over, m0 is made new
    _LIKELY = 256
    _BLOCK = 65_536

    def __init__(self, beta: float = 1.0, n_threads: int = 1) -> None:
        self._beta, self._n_threads = beta, n_threads
        self._sum = RunningSum(n_threads)
        self._model: Model | None = None
        self._reference: NDArray[np.float64]  # m0: the mean when the model was new, or when it had moved too far
        self._log_odds: Growing[np.float64]  # by position, as are these:
        self._similarity: Growing[np.float32]  # z . m0
        self._entropy: Growing[np.float32]  # at most
        self._shortlist: _Shortlist | None = None
        self._room = 1e-4  # by which m may move before the next shortlist

    def select(self, candidates: CandidateTable, model: Model) -> int | None:
        total = self._sum.catch_up(candidates)
        if not candidates.n_live:
            return None
        mean = total / candidates.n_live
        is_new_model = model is not self._model
        if is_new_model:
            self._model, self._reference = model, mean
            self._log_odds = Growing(np.float64, capacity=len(candidates))
            self._similarity, self._entropy = (Growing(np.float32, capacity=len(candidates)) for _ in range(2))
        if len(self._log_odds.values) < len(candidates):
            self._take_in(candidates, model)
        while True:
            if self._shortlist is not None and not is_new_model:
                row = self._shortlist.best(candidates, mean)
                if row is not None:
                    return row
                if len(self._shortlist) < self._SHORT:
                    self._room *= 2
            self._shorten(candidates, mean)
            is_new_model = False

    def _take_in(self, candidates: CandidateTable, model: Model) -> None:
        """Of newcomers, all where the model is new, in one pass: log-odds, similarity to m0, a bound of the entropy."""
        first = len(self._log_odds.values)
        new, reference = candidates.vectors[first:], self._reference.astype(np.float32)
        t, similarity = self._log_odds.extend(len(new)), self._similarity.extend(len(new))

        def score(start: int, rows: Vectors) -> None:
            block = slice(start, start + len(rows))
            t[block] = model.decision(rows)
            np.vecdot(rows, reference, out=similarity[block])

        sweep(new, score, self._n_threads)
        self._entropy.extend(len(new))[:] = _most_entropy(t)
        if first and self._shortlist is not None:
            self._shortlist.admit(np.arange(first, len(candidates)), max_entropy(t), self._shortlist.similarity(new))

    def _shorten(self, candidates: CandidateTable, mean: NDArray[np.float64]) -> None:
        """Make the shortlist of all that may be best while m does not move by more than the room."""
        likely = self._likely(candidates)
        best = _scored(candidates.vectors[likely], max_entropy(self._log_odds.values[likely]), mean, self._beta).max()
        floor = float(best) - np.log(2) * self._room
        reach = float(np.linalg.norm(mean - self._reference))
        sifted = self._sifted(candidates, reach + self._room + self._SLACK, floor)
        if len(sifted) > len(candidates) // self._SIFTED and reach > self._SLACK / 2:
            self._reference, reach = mean, 0.0
            self._similarity.values[:] = dots(candidates.vectors, mean.astype(np.float32), self._n_threads)
            sifted = self._sifted(candidates, self._room + self._SLACK, floor)
        self._shortlist = _Shortlist(mean, self._room, self._SLACK, floor, self._beta)
        is_up_to_date = reach <= self._SLACK / 2
        similarity = (
            self._similarity.values[sifted] if is_up_to_date else self._shortlist.similarity(candidates.vectors[sifted])
        )
        self._shortlist.admit(sifted, max_entropy(self._log_odds.values[sifted]), similarity.astype(np.float64))
        if len(self._shortlist) > self._LONG:
            self._room /= 2

    def _sifted(self, candidates: CandidateTable, limit: float, floor: float) -> Rows:
        """Positions of the live candidates whose score may come to `floor` while |m - m0| <= limit."""
        found = []
        for first in range(0, len(candidates), self._BLOCK):
            block = slice(first, first + self._BLOCK)
            density = signed_power(np.maximum(self._similarity.values[block] + np.float32(limit), 0), self._beta)
            is_possible = (self._entropy.values[block] * density >= floor) & candidates.is_live[block]
            found.append(first + np.flatnonzero(is_possible))
        return np.concatenate(found)

    def _likely(self, candidates: CandidateTable) -> Rows:
        """Positions of the live candidates with the highest scores, about, of the last shortlist if there are any."""
        live = np.empty(0, dtype=np.int64)
        if self._shortlist is not None:
            live = self._shortlist.positions[candidates.is_live[self._shortlist.positions]]
        if not len(live):
            live = np.flatnonzero(candidates.is_live)
        n = min(self._LIKELY, len(live))
        most = self._similarity.values[live] * self._entropy.values[live]
        return live[np.argpartition(-most, n - 1)[:n]]


class _Shortlist:
    """Candidates whose score may come to `floor` while the pool's mean stays within `room` of `reference`."""

    def __init__(self, reference: NDArray[np.float64], room: float, slack: float, floor: float, beta: float) -> None:
        self._reference, self._room, self._slack, self._floor, self._beta = reference, room, slack, floor, beta
        self.positions: Rows = np.empty(0, dtype=np.int64)
        self._similarity: Scores = np.empty(0)
        self._entropy: Scores = np.empty(0)

    def __len__(self) -> int:
        return len(self.positions)

    def similarity(self, vectors: StoredVectors) -> Scores:
        """To the reference."""
        return dots(vectors, self._reference.astype(np.float32)).astype(np.float64)

    def admit(self, positions: Rows, entropy: Scores, similarity: Scores) -> None:
        """Those of some candidates that belong here, up to half the slack off in their similarity to the reference."""
        most = entropy * signed_power(similarity + self._room + self._slack, self._beta)
        there = np.flatnonzero(most >= self._floor)
        if len(there):
            self.positions = np.concatenate([self.positions, positions[there]])
            self._similarity = np.concatenate([self._similarity, similarity[there]])
            self._entropy = np.concatenate([self._entropy, entropy[there]])

    def best(self, candidates: CandidateTable, mean: NDArray[np.float64]) -> int | None:
        """The row with the highest score, or None where one that is not here may have a higher one."""
        moved = float(np.linalg.norm(mean - self._reference))
        is_live = candidates.is_live[self.positions]
        if moved > self._room or not is_live.any():
            return None
        reach = moved + self._slack
        least = self._entropy * signed_power(self._similarity - reach, self._beta)
        most = self._entropy * signed_power(self._similarity + reach, self._beta)
        contenders = np.flatnonzero(is_live & (most >= least[is_live].max()))
        positions = self.positions[contenders]
        scores = _scored(candidates.vectors[positions], self._entropy[contenders], mean, self._beta)
        highest = scores.max()
        return None if highest < self._floor else int(candidates.rows[positions[scores == highest]].min())


def _scored(vectors: StoredVectors, entropy: Scores, mean: NDArray[np.float64], beta: float) -> Scores:
    return entropy * signed_power(dots(vectors, mean.astype(np.float32)).astype(np.float64), beta)


def _most_entropy(t: Scores, block: int = 65_536) -> NDArray[np.float32]:
    """A bound on the entropy that costs one exp: (1 + |t|) exp(-|t|), and log 2."""
    found = np.empty(len(t), dtype=np.float32)
    for first in range(0, len(t), block):
        size = np.abs(t[first : first + block]).astype(np.float32)
        most = np.minimum((1 + size) * np.exp(-size), np.float32(np.log(2)))
        found[first : first + block] = most * np.float32(1 + 1e-5)
    return found
