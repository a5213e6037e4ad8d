"""Labels that are sometimes wrong, which the theorems exclude, and a soft margin if there is no hard one."""

from __future__ import annotations

from functools import lru_cache
from itertools import count

import cvxpy as cp
import numpy as np
from scipy.stats import binom

from seals_sim.errors import UserError
from seals_sim.types import Oracle
from theory.errors import NotSeparable, SolverError
from theory.searches import HomogeneousMaxMargin, HomogeneousSeparator, LabeledPoints
from theory.separators import Matrix, Separation, Vector, solve_fast, solve_quietly


class NoisyHalfSpace:
    """The oracle of section 7.2 with some labels flipped.

    Args:
        w_star: (d,), of unit length.
        rng: Decides which labels are flipped.
        flip: The probability that a label is flipped, in [0, 1).
        band: If |w_star . x| is below this, labels are tosses of a fair coin.

    Raises:
        UserError: If flip or band is out of range.
    """

    def __init__(self, w_star: Vector, rng: np.random.Generator, flip: float = 0.0, band: float = 0.0) -> None:
        if not 0 <= flip < 1:
            raise UserError("must lie in [0, 1)", parameter="flip", value=flip)
        if not band >= 0:
            raise UserError("must be 0 or more", parameter="band", value=band)
        self._w_star, self._rng, self._flip, self._band = w_star, rng, flip, band

    def label(self, query: Vector) -> int:
        side = float(query @ self._w_star)
        label = 1 if side >= 0 else -1
        chance = max(self._flip, 0.5 if abs(side) < self._band else 0.0)
        return -label if self._rng.random() < chance else label


class MajorityOracle:
    """Asks another oracle an odd number of times, and takes the majority."""

    def __init__(self, oracle: Oracle[Vector], n_times: int) -> None:
        if n_times < 1 or n_times % 2 == 0:
            raise UserError("must be odd", parameter="n_times", value=n_times)
        self._oracle, self._n_times = oracle, n_times

    def label(self, query: Vector) -> int:
        return 1 if sum(self._oracle.label(query) for _ in range(self._n_times)) > 0 else -1


def compute_majority_flip(flip: float, n_times: int) -> float:
    """Compute P_maj, the probability that the majority of n_times labels is wrong.

    Examples:
        >>> round(compute_majority_flip(0.1, 3), 9)  # .1^3 + 3 .1^2 .9
        0.028
    """
    return float(binom.sf(n_times // 2, n_times, flip))


def choose_n_times(flip: float, n_queries: int, confidence: float = 0.95) -> int:
    """Choose the least odd m with (1 - P_maj)^n_queries >= confidence, for flip < 1/2.

    Examples:
        >>> choose_n_times(0.1, 150), choose_n_times(0.0, 150)
        (11, 1)
    """
    if not 0 <= flip < 0.5:
        raise UserError("must lie in [0, 1/2)", parameter="flip", value=flip)
    return next(m for m in count(1, 2) if (1 - compute_majority_flip(flip, m)) ** n_queries >= confidence)


def solve_soft_margin(points: Matrix, n_shared: int) -> Separation:
    """Find the point nearest to 0 in the reduced hull of the points, in which no weight exceeds 1 / n_shared.

    This is the soft margin of the nu-SVM (Crisp & Burges 1999) without a bias. Its normal n maximizes the mean of the
    n_shared lowest n . b_j, so n_shared - 1 points may lie on the wrong side at little cost. That mean is the lower
    bound of the certificate.

    Args:
        points: (m, d), the points b_j.
        n_shared: 1 is the hard margin.

    Returns:
        The nearest point with its certificate.

    Raises:
        NotSeparable: If the reduced hull contains 0.
        SolverError: If the solver fails.

    Examples:
        >>> points = np.array([[1.0, 0.5], [1.0, -0.5], [-0.1, 0.0]])
        >>> solve_soft_margin(points, 2).nearest.round(6)
        array([0.45, 0.  ])
    """
    m, d = points.shape
    size = 1 << max(m - 1, 1).bit_length()
    problem, rows, caps, weights = _compile(size, d)
    scale = float(np.abs(points).max())
    rows.value = np.vstack([points / scale, np.zeros((size - m, d))])
    caps.value = np.where(np.arange(size) < m, 1 / n_shared, 0.0)
    try:
        solve_quietly(problem, tol_gap_abs=1e-13, tol_gap_rel=1e-10, tol_feas=1e-12)
    except cp.error.SolverError as error:
        raise SolverError(f"cvxpy: no soft margin ({error})") from error
    if weights.value is None:
        raise SolverError(f"cvxpy: no soft margin ({problem.status})")
    return _certify(points, np.clip(weights.value[:m], 0, 1 / n_shared), n_shared)


def _certify(points: Matrix, weights: Vector, n_shared: int) -> Separation:
    """Certify as `separators.certify` does, with the mean of the n_shared lowest heights as the lower bound."""
    weights = weights / weights.sum()
    combination = weights @ points
    upper = float(np.linalg.norm(combination))
    if upper <= 1e-7 * float(np.abs(points).max()):
        raise NotSeparable(f"the hulls meet even if no point has a weight above 1 / {n_shared}")
    normal = combination / upper
    lower = float(np.sort(points @ normal)[:n_shared].mean())
    return Separation(normal, upper, weights, upper - lower, abs(upper - lower))


@lru_cache(maxsize=64)
def _compile(m: int, d: int) -> tuple[cp.Problem, cp.Parameter, cp.Parameter, cp.Variable]:
    rows, caps = cp.Parameter((m, d)), cp.Parameter(m, nonneg=True)
    weights, nearest = cp.Variable(m, nonneg=True), cp.Variable(d)
    constraints = [rows.T @ weights == nearest, cp.sum(weights) == 1, weights <= caps]
    return cp.Problem(cp.Minimize(cp.sum_squares(nearest)), constraints), rows, caps, weights


class SoftHomogeneousMaxMargin:
    """Line 11 with noisy labels.

    It fits the hard margin if there is one, and otherwise the soft margin with the smallest n_shared = 2, 4, 8, ... for
    which the reduced hull does not contain 0.

    Attributes:
        was_soft: Whether any fit had a soft margin.
    """

    def __init__(self) -> None:
        self._hard = HomogeneousMaxMargin(solve_fast)
        self.was_soft = False

    def fit(self, labeled: LabeledPoints) -> HomogeneousSeparator:
        try:
            return self._hard.fit(labeled)
        except NotSeparable:
            self.was_soft = True
        signed, n_shared = labeled.labels[:, None] * labeled.points, 2
        while True:
            try:
                separation = solve_soft_margin(signed, n_shared)
                return HomogeneousSeparator(separation.normal, separation)
            except NotSeparable:
                if n_shared >= len(signed):
                    raise
                n_shared = min(2 * n_shared, len(signed))
