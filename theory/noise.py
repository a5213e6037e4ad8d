"""Labels that are wrong now and then, which the theorems exclude, and a soft margin for when no hard one exists."""

from __future__ import annotations

from functools import lru_cache

import cvxpy as cp
import numpy as np

from seals_sim.errors import UserError
from theory.errors import NotSeparable, SolverError
from theory.searches import HomogeneousMaxMargin, HomogeneousSeparator, LabeledPoints
from theory.separators import Matrix, Separation, Vector, fast, solve_quietly


class NoisyHalfSpace:
    """The oracle of 7.2 with labels flipped: each with probability `flip`, and by a fair coin where
    |w_star . x| < band. Raises UserError for a flip outside [0, 1) or a negative band.
    """

    def __init__(self, w_star: Vector, rng: np.random.Generator, flip: float = 0.0, band: float = 0.0) -> None:
        if not 0 <= flip < 1:
            raise UserError("must be at least 0 and below 1", parameter="noise", value=flip)
        if not band >= 0:
            raise UserError("must be 0 or more", parameter="noise_band", value=band)
        self._w_star, self._rng, self._flip, self._band = w_star, rng, flip, band

    def label(self, query: Vector) -> int:
        side = float(query @ self._w_star)
        label = 1 if side >= 0 else -1
        chance = max(self._flip, 0.5 if abs(side) < self._band else 0.0)
        return -label if self._rng.random() < chance else label


def soft(points: Matrix, n_shared: int) -> Separation:
    """The nearest point to 0 of the reduced hull of points b_j (m, d): no weight above 1 / n_shared.

    This is the nu-SVM's soft margin (Crisp & Burges 1999) without bias: n maximises the mean of the n_shared lowest
    n . b_j, so n_shared - 1 points can be on the wrong side and count for little. The certificate's lower bound is
    that mean. n_shared = 1 is the hard margin. Raises NotSeparable where the reduced hull holds 0.

    >>> points = np.array([[1.0, 0.5], [1.0, -0.5], [-0.1, 0.0]])
    >>> soft(points, 2).nearest.round(6)
    array([0.45, 0.  ])
    """
    m, d = points.shape
    size = 1 << max(m - 1, 1).bit_length()
    problem, rows, caps, weights = _compiled(size, d)
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
    """As `separators.certify`, with the mean of the n_shared lowest heights as the lower bound."""
    weights = weights / weights.sum()
    combination = weights @ points
    upper = float(np.linalg.norm(combination))
    if upper <= 1e-7 * float(np.abs(points).max()):
        raise NotSeparable(f"even without the {n_shared} worst points' full weight the hulls meet")
    normal = combination / upper
    lower = float(np.sort(points @ normal)[:n_shared].mean())
    return Separation(normal, upper, weights, upper - lower, abs(upper - lower))


@lru_cache(maxsize=64)
def _compiled(m: int, d: int) -> tuple[cp.Problem, cp.Parameter, cp.Parameter, cp.Variable]:
    rows, caps = cp.Parameter((m, d)), cp.Parameter(m, nonneg=True)
    weights, nearest = cp.Variable(m, nonneg=True), cp.Variable(d)
    constraints = [rows.T @ weights == nearest, cp.sum(weights) == 1, weights <= caps]
    return cp.Problem(cp.Minimize(cp.sum_squares(nearest)), constraints), rows, caps, weights


class SoftHomogeneousMaxMargin:
    """Line 11 with noisy labels: the hard margin where there is one, and else the soft margin with the smallest
    n_shared = 2, 4, 8, ... whose reduced hull leaves 0 outside. `was_soft` tells whether it ever had to be.
    """

    def __init__(self) -> None:
        self._hard = HomogeneousMaxMargin(fast)
        self.was_soft = False

    def fit(self, labeled: LabeledPoints) -> HomogeneousSeparator:
        try:
            return self._hard.fit(labeled)
        except NotSeparable:
            self.was_soft = True
        signed, n_shared = labeled.labels[:, None] * labeled.points, 2
        while True:
            try:
                separation = soft(signed, n_shared)
                return HomogeneousSeparator(separation.normal, separation)
            except NotSeparable:
                if n_shared >= len(signed):
                    raise
                n_shared = min(2 * n_shared, len(signed))
