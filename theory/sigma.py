"""sigma, the diversity of the seeds: min over z_i in Z_i of the (d-1)th singular value of [z_1 ... z_n] (7.2).

Z_i = {z : |z - x_{i,0}| <= R_i and |w_star . z| <= epsilon}, with R_i = gamma_i + 2 delta + epsilon in Theorem 2 and
2 gamma_i + epsilon in Theorem 3. This minimum is not a convex problem. It is bounded from above by the singular value
of a feasible Z, and from below by certificates that hold for every Z.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cvxpy as cp
import numpy as np

from theory.problems import Problem
from theory.separators import Matrix, Vector, solve_quietly

_GRID = np.geomspace(1e-3, 30, 13)  # values of the parameter a of the second lower bound


@dataclass(frozen=True)
class SigmaBounds:
    """lower <= sigma <= upper, both up to rounding."""

    lower: float
    upper: float

    @property
    def gap(self) -> float:
        """The distance between the bounds, relative to the upper one."""
        return 1 - self.lower / self.upper if self.upper > 0 else 0.0


@dataclass(frozen=True, eq=False)
class _Sets:
    """The Z_i in coordinates of the boundary.

    Attributes:
        centers: (d-1, n), the projections of the seeds onto the boundary.
        heights: (n,), the signed distances of the seeds from the boundary.
        radii: (n,), R_i.
        epsilon: Half the width of the slab.
    """

    centers: Matrix
    heights: Vector
    radii: Vector
    epsilon: float

    @property
    def shadows(self) -> Vector:
        """(n,), the radii r_i of the projections of Z_i: sqrt(R_i^2 - (|w_star . x_i| - epsilon)_+^2)."""
        climb = np.maximum(np.abs(self.heights) - self.epsilon, 0)
        return np.asarray(np.sqrt(np.maximum(self.radii**2 - climb**2, 0)))


def enclose_sigma_2(problem: Problem, epsilon: float, smallest_epsilon: float | None = None) -> SigmaBounds:
    """Enclose the sigma of Theorem 2 for every epsilon from smallest_epsilon to epsilon.

    Args:
        problem: Its seeds and distances define the Z_i, which grow with epsilon.
        epsilon: The largest epsilon.
        smallest_epsilon: By default epsilon.

    Returns:
        Bounds that hold for all of these epsilon.

    Examples:
        >>> from theory.problems import make_example_1
        >>> bounds = enclose_sigma_2(make_example_1(3), epsilon=0.1)
        >>> round(bounds.lower, 3), round(bounds.upper, 3)  # the paper: >= 1; by hand: sqrt 2 (6 - sqrt 8.8) = 4.290
        (4.29, 4.292)
    """
    return _enclose(problem, problem.compute_gamma() + 2 * problem.delta, epsilon, smallest_epsilon)


def enclose_sigma_3(problem: Problem, epsilon: float, smallest_epsilon: float | None = None) -> SigmaBounds:
    """Enclose the sigma of Theorem 3, as `enclose_sigma_2` does for Theorem 2."""
    return _enclose(problem, 2 * problem.compute_gamma(), epsilon, smallest_epsilon)


def enclose_sigma_eta(problem: Problem, eta: float) -> SigmaBounds:
    """Enclose the sigma of the scale-free bound, over {z : |z - x_{i,0}| <= gamma_i and |w_star . z| <= eta}."""
    return _enclose(problem, problem.compute_gamma() - eta, eta, None)


def _enclose(problem: Problem, radii: Vector, epsilon: float, smallest_epsilon: float | None) -> SigmaBounds:
    largest = _build_sets(problem, radii, epsilon)
    smallest = _build_sets(problem, radii, epsilon if smallest_epsilon is None else smallest_epsilon)
    lower, direction = bound_below_by_semidefinite_program(largest)
    lower = max(bound_below_by_norms(largest), lower, 0.0)
    return SigmaBounds(lower, max(bound_above_by_alternation(smallest, direction), lower))


def _build_sets(problem: Problem, radii: Vector, epsilon: float) -> _Sets:
    basis = _build_boundary_basis(problem.w_star)
    seeds = problem.points[list(problem.searches)]
    return _Sets((seeds @ basis).T, seeds @ problem.w_star, radii + epsilon, epsilon)


def _build_boundary_basis(w_star: Vector) -> Matrix:
    """Build an orthonormal basis (d, d-1) of the boundary."""
    return np.asarray(np.linalg.svd(w_star[None, :])[2][1:].T)


def bound_below_by_norms(sets: _Sets) -> float:
    """Compute sigma_{d-1}(P) - |r|_2: omit the heights, and add a matrix with columns |v_i| <= r_i (Weyl)."""
    return _compute_smallest_singular(sets.centers) - float(np.linalg.norm(sets.shadows))


def bound_below_by_semidefinite_program(sets: _Sets) -> tuple[float, Vector]:
    """Find the largest s with P^T P >= (1 + a) diag(t) + (1 + 1/a) s^2 I and sum r_i^2 / t_i <= 1, for some a.

    For unit u, |Z u| >= |P u| - sum |u_i| r_i, and (s + sum |u_i| r_i)^2 <= (1 + 1/a) s^2 + (1 + a) sum t_i u_i^2.
    The t of the solver is scaled to be feasible, and s is computed from it as an eigenvalue, so the solver need not be
    trusted.

    Returns:
        s, and the direction (n,) in which the bound is tight; s is 0 where the bound shows nothing, as for n > d - 1.
    """
    size, n = sets.centers.shape
    best, direction = 0.0, np.ones(n) / np.sqrt(n)
    if n != size:
        return best, direction
    gram, scale = sets.centers.T @ sets.centers, float(np.linalg.norm(sets.centers, 2))
    shadows = sets.shadows
    if scale == 0 or shadows.max() >= scale:
        return best, direction
    for a in _GRID:
        t = _solve_semidefinite_program(gram / scale**2, shadows / scale, float(a))
        if t is None:
            continue
        t = t * scale**2 * float((shadows**2 / (t * scale**2)).sum())
        values, vectors = np.linalg.eigh(gram - (1 + a) * np.diag(t))
        square = (float(values[0]) - 8 * n * np.finfo(float).eps * scale**2) / (1 + 1 / a)
        if square > best**2:
            best, direction = float(np.sqrt(square)), vectors[:, 0]
    return best, direction


def _solve_semidefinite_program(gram: Matrix, shadows: Vector, a: float) -> Vector | None:
    """Find the t that maximizes lambda_min(P^T P - (1 + a) diag(t)); None if the solver fails."""
    n = len(gram)
    t, level = cp.Variable(n, pos=True), cp.Variable()
    constraints = [
        gram - (1 + a) * cp.diag(t) - level * np.eye(n) >> 0,
        cp.sum(cp.multiply(shadows**2, cp.inv_pos(t))) <= 1,
    ]
    try:
        solve_quietly(cp.Problem(cp.Maximize(level), constraints))
    except cp.error.SolverError:
        return None
    return None if t.value is None or t.value.min() <= 0 else np.asarray(t.value)


def bound_above_by_alternation(sets: _Sets, direction: Vector, n_steps: int = 30) -> float:
    """Find a small (d-1)th singular value by alternating between Z and its right singular vector q.

    Given q, the step to Z minimizes |Z q|, a second-order cone program. Each step lowers the value. Every Z is made
    exactly feasible before it counts.
    """
    size, n = sets.centers.shape
    starts = [direction, np.linalg.svd(sets.centers)[2][min(n, size) - 1], np.full(n, n**-0.5)]
    best = np.inf
    for right in starts:
        value = np.inf
        for _ in range(n_steps):
            z = _make_feasible(_minimize_combination(sets, right), sets)
            singular = np.linalg.svd(z)
            previous, value = value, min(value, float(singular[1][size - 1]))
            right = singular[2][size - 1]
            if value >= previous * (1 - 1e-5):
                break
        best = min(best, value)
    return best


@lru_cache(maxsize=32)
def _compile(size: int, n: int) -> tuple[cp.Problem, dict[str, cp.Parameter], cp.Variable, cp.Variable]:
    given = {
        "right": cp.Parameter(n), "centers": cp.Parameter((size, n)), "heights": cp.Parameter(n),
        "radii": cp.Parameter(n, nonneg=True), "epsilon": cp.Parameter(nonneg=True),
    }  # fmt: skip
    inside, height = cp.Variable((size, n)), cp.Variable(n)
    offset = cp.vstack([inside - given["centers"], cp.reshape(height - given["heights"], (1, n), order="C")])
    constraints = [cp.norm(offset, 2, axis=0) <= given["radii"], cp.abs(height) <= given["epsilon"]]
    aim = cp.norm(cp.hstack([inside @ given["right"], cp.sum(cp.multiply(height, given["right"]))]))
    return cp.Problem(cp.Minimize(aim), constraints), given, inside, height


def _minimize_combination(sets: _Sets, right: Vector) -> Matrix:
    """Find the Z (d, n), with its heights in the last row, that minimizes |Z q| over z_i in Z_i."""
    problem, given, inside, height = _compile(*sets.centers.shape)
    scale = float(np.abs(sets.centers).max()) or 1.0
    given["right"].value = right
    given["centers"].value, given["heights"].value = sets.centers / scale, sets.heights / scale
    given["radii"].value, given["epsilon"].value = sets.radii / scale, sets.epsilon / scale
    try:
        solve_quietly(problem)
    except cp.error.SolverError:  # the variables may still have the values of another problem
        return np.vstack([sets.centers, sets.heights])
    if inside.value is None or height.value is None:
        return np.vstack([sets.centers, sets.heights])
    return np.vstack([inside.value, height.value]) * scale


def _make_feasible(z: Matrix, sets: _Sets) -> Matrix:
    """Move each column into its Z_i: first the height into the slab, then the rest into the ball."""
    height = np.clip(z[-1], -sets.epsilon, sets.epsilon)
    low = np.sign(sets.heights) * np.maximum(np.abs(sets.heights) - sets.radii, 0)
    height = np.where(np.abs(height - sets.heights) > sets.radii, low, height)
    width = np.sqrt(np.maximum(sets.radii**2 - (height - sets.heights) ** 2, 0))
    offset = z[:-1] - sets.centers
    lengths = np.linalg.norm(offset, axis=0)
    shrink = np.minimum(1, width / np.where(lengths > 0, lengths, 1))
    return np.vstack([sets.centers + shrink * offset, height])


def _compute_smallest_singular(matrix: Matrix) -> float:
    """Compute the (d-1)th singular value of a matrix (d-1, n)."""
    return float(np.linalg.svd(matrix, compute_uv=False)[len(matrix) - 1]) if matrix.shape[1] >= len(matrix) else 0.0
