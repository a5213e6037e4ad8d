"""Selection strategies phi (3.1, 3.2) and their arg max over the candidates.

The scores of binary classification are functions of the log-odds t alone, P = 1 / (1 + exp(-t)). They are written
so that they keep their order in float64 where P itself would round to 0 or 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from seals_sim.candidates import CandidateTable, Rows, StoredVectors, Vectors
from seals_sim.errors import UserError
from seals_sim.learners import Model
from seals_sim.loop import Selector
from seals_sim.ranking import Ranking, Scores
from seals_sim.scan import dots, widened

Score = Callable[[Scores], Scores]


def max_entropy(t: Scores) -> Scores:
    """phi_MaxEnt = -sum_y P(y|z) log P(y|z) (3.1), in nats.

    With e = exp(-|t|), the entropy is log(1 + e) + |t| e / (1 + e).

    >>> max_entropy(np.array([0.0, 1.0, -1.0])).round(6).tolist()
    [0.693147, 0.582203, 0.582203]
    """
    t = np.abs(t)
    e: Scores = np.exp(-t)
    return np.log1p(e) + t * e / (1 + e)


def least_confidence(t: Scores) -> Scores:
    """1 - max_y P(y|z) = 1 / (1 + exp(|t|)); Settles 2009, 2.3.

    >>> least_confidence(np.array([0.0])).tolist()
    [0.5]
    """
    e: Scores = np.exp(-np.abs(t))
    return e / (1 + e)


def margin(t: Scores) -> Scores:
    """Minus the margin P(y1|z) - P(y2|z) = tanh(|t| / 2) of the two classes; Settles 2009, 2.3.

    >>> margin(np.array([0.0, 2.0])).round(6).tolist()
    [-0.0, -0.761594]
    """
    return -np.tanh(np.abs(t) / 2)


def most_likely_positive(t: Scores) -> Scores:
    """phi_MLP = P(r|z) (3.2), as log P: the same order.

    >>> np.exp(most_likely_positive(np.array([0.0, 40.0, 41.0]))).round(3).tolist()
    [0.5, 1.0, 1.0]
    """
    return -np.logaddexp(0, -t)


def _likeness(t: Scores) -> Scores:
    return t


def _nearness(t: Scores) -> Scores:
    return -np.abs(t)


# An arg max needs the order alone: with two classes it is that of t, or of -|t|, which cost no exp or log a row.
_SAME_ORDER: dict[Score, Score] = {
    max_entropy: _nearness,
    least_confidence: _nearness,
    margin: _nearness,
    most_likely_positive: _likeness,
}


def order_of(score: Score) -> Score:
    """A score with the same order as this one, the cheapest known."""
    return _SAME_ORDER.get(score, score)


class Weight(Protocol):
    """A factor of the score that belongs to the candidate and not to the model."""

    def of(self, candidates: CandidateTable, first: int) -> Scores:
        """The factors of the positions from `first` on; called once at each pick."""


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
        scores = self._score(model.decision(candidates.vectors[first:]))
        if self._weight is not None:
            scores = scores * self._weight.of(candidates, first)
        self._ranking.append(scores)
        self._rows = candidates.rows
        position = self._ranking.best()
        return None if position is None else int(candidates.rows[position])

    def likely(self, n: int) -> Rows:
        """Up to n rows that will be selected next, unless newcomers or a new model come before them."""
        return self._rows[self._ranking.likely(n)]


class RunningSum:
    """The sum of the live candidates' vectors, brought up to date at each call with what came and went.

    Kept in fixed point (64-bit integers, 2^-32 a unit): exact, hence the same in whatever order rows come and go,
    and free of drift. Vectors must be l2-normalised; up to 2^31 of them fit.
    """

    _UNIT = 2.0**32

    def __init__(self) -> None:
        self._n_read = self._n_removed_read = 0
        self._sum: NDArray[np.int64] | int = 0

    def catch_up(self, candidates: CandidateTable) -> NDArray[np.float64]:
        removed = [p for p in candidates.removed[self._n_removed_read :] if p < self._n_read]
        self._sum = self._sum - self._total(candidates.vectors[removed])
        for first in range(self._n_read, len(candidates), 8192):
            block = slice(first, first + 8192)
            self._sum = self._sum + self._total(candidates.vectors[block][candidates.is_live[block]])
        self._n_read, self._n_removed_read = len(candidates), len(candidates.removed)
        return np.asarray(self._sum) / self._UNIT

    def _total(self, vectors: StoredVectors) -> NDArray[np.int64]:
        total: NDArray[np.int64] = np.rint(vectors.astype(np.float32) * self._UNIT).astype(np.int64).sum(axis=0)
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
        self._density: Scores = np.empty(0)

    def of(self, candidates: CandidateTable, first: int) -> Scores:
        total = self._sum.catch_up(candidates)
        new = candidates.vectors[len(self._density) :]
        if len(new):
            mean = (total / max(candidates.n_live, 1)).astype(np.float32)
            entered = signed_power(dots(new, mean).astype(np.float64), self._beta)
            self._density = np.concatenate([self._density, entered])
        return self._density[first:]


class InformationDensity:
    """phi_ID = phi_MaxEnt(z) (mean over z_p in P_r of sim(z, z_p))^beta (3.1), over the pool as it is at each pick.

    Every pick changes the mean and so every score, but by little. Each candidate keeps its similarity to the
    pool's sum S as it was some picks ago; Cauchy-Schwarz bounds what the change of S can have done to it, and only
    candidates whose upper bound reaches the best lower bound are scored again. The choice is exact.
    """

    _SLACK = 1e-5  # well above float32 rounding in the bounds, relative to similarities of at most 1

    def __init__(self, beta: float = 1.0) -> None:
        self._beta = beta
        self._sum = RunningSum()
        self._model: Model | None = None
        self._entropy: Scores = np.empty(0)
        self._similarity: Scores = np.empty(0)  # z . _reference
        self._reference: NDArray[np.float64] | None = None

    def select(self, candidates: CandidateTable, model: Model) -> int | None:
        total = self._sum.catch_up(candidates)
        if not candidates.n_live:
            return None
        if model is not self._model:
            self._model, self._entropy = model, np.empty(0)
        new = candidates.vectors[len(self._entropy) :]
        if len(new):
            self._entropy = np.concatenate([self._entropy, max_entropy(model.decision(new))])

        contenders = self._contenders(candidates, total)
        if len(contenders) > len(candidates) // 4:
            self._reference, self._similarity = total, np.empty(0)
            contenders = self._contenders(candidates, total)
        mean = (total / candidates.n_live).astype(np.float32)
        density = signed_power(dots(candidates.vectors[contenders], mean).astype(np.float64), self._beta)
        scores = self._entropy[contenders] * density
        best = contenders[scores == scores.max()]
        return int(candidates.rows[best].min())

    def _contenders(self, candidates: CandidateTable, total: NDArray[np.float64]) -> NDArray[np.int64]:
        """Positions of live candidates that may have the highest score."""
        if self._reference is None:
            self._reference = total
        new = candidates.vectors[len(self._similarity) :]
        if len(new):
            similarity = dots(new, self._reference.astype(np.float32)).astype(np.float64)
            self._similarity = np.concatenate([self._similarity, similarity])
        reach = np.linalg.norm(total - self._reference) / candidates.n_live + self._SLACK
        mean = self._similarity / candidates.n_live
        lower = self._entropy * signed_power(mean - reach, self._beta)
        upper = self._entropy * signed_power(mean + reach, self._beta)
        best = lower[candidates.is_live].max()
        return np.flatnonzero(candidates.is_live & (upper >= best))


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
    name: str, *, beta: float, rng: np.random.Generator, n_rows: int, centers: Vectors
) -> Selector[CandidateTable, Model, int]:
    """The selector called `name` (one of STRATEGIES), fresh for one run.

    beta: exponent of the information density; rng, n_rows: for `random`; centers: the seeds' vectors, for
    `k_centers`. Raises UserError where there is no such strategy.
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
            return InformationDensity(beta)
        case "information_density_frozen":
            return ArgMax(max_entropy, FrozenDensity(beta))
        case "random":
            return Random(rng, n_rows)
        case "k_centers":
            return KCenters(centers)
    raise UserError(f"--strategies {name}: there is no such strategy; choose from {', '.join(STRATEGIES)}")
