"""Max-margin separators, each with a certificate.

MaxMarginSeparator(S^{-y}, x) separates one point x from points A: it is the hyperplane half way between x and its
projection onto conv(A) (Lemma 2, step 1), and rho = dist(x, conv(A)) is twice its margin. The homogeneous fit of
Algorithm 3 line 11 is the projection of 0 onto conv{y_j x_j}. Both are one problem, the nearest point of a hull to
the origin, that is

    find the unit vector n that maximises  min_j n . b_j,       b_j = a_j - x  or  b_j = y_j x_j.

Any unit n gives a lower bound min_j n . b_j of the distance, any convex combination an upper bound
|sum_j lambda_j b_j|. A result is used only if the two meet.

There are two ways, to check one another. `solve_reference` states the problem to cvxpy, compiled once for each shape.
`solve_fast` calls an active-set QP solver directly, and gets to margins near float64's floor by recentring: with a guess n0
and the margin s that it is known to have nearly, n is sought as a n0 + t V u (V an orthonormal basis of n0's
complement, t of the margin's order), which turns the tiny margins into numbers of order 1.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import cvxpy as cp
import numpy as np
import quadprog
from numpy.typing import NDArray
from scipy.optimize import nnls

from theory.errors import NotSeparable, SolverError

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Separation:
    """The nearest point of conv{b_j} to the origin, as direction and distance.

    normal: (d,) unit; distance: the certified upper bound; weights: (m,) lambda >= 0 of sum 1.
    duality_gap and kkt_residual are absolute, in units of the coordinates: the upper minus the lower bound, and the
    largest of infeasibility |min_j n.b_j - distance|, stationarity |sum lambda_j b_j - distance n| and
    complementarity sum lambda_j (n.b_j - distance).
    """

    normal: Vector
    distance: float
    weights: Vector
    duality_gap: float
    kkt_residual: float

    @property
    def nearest(self) -> Vector:
        """The nearest point itself, as distance times normal."""
        return self.distance * self.normal


Hint = tuple[Vector, float]


class Solver(Protocol):
    """Finds the nearest point of conv{b_j}; hints: unit vectors near to the solution, each with a like distance."""

    def __call__(self, points: Matrix, hints: tuple[Hint, ...] = ()) -> Separation: ...


def compute_rounding_floor(points: Matrix) -> float:
    """What rounding leaves open in a distance computed from these points (m, d), absolute."""
    return 8 * _EPS * float(np.abs(points).max())


def certify(points: Matrix, normal: Vector, weights: Vector) -> Separation:
    """A direction and convex weights with what they prove about one another."""
    heights = points @ normal
    combination = weights @ points
    upper, lower = float(np.linalg.norm(combination)), float(heights.min())
    residuals = (
        abs(upper - lower),
        float(np.linalg.norm(combination - upper * normal)),
        abs(float(weights @ (heights - upper))),
    )
    return Separation(normal, upper, weights, upper - lower, max(residuals))


def solve_fast(points: Matrix, hints: tuple[Hint, ...] = (), rtol: float = 1e-10) -> Separation:
    """The nearest point of conv{b_j} for points (m, d), certified to rtol of the distance or to rounding.

    Raises NotSeparable where the hull holds the origin (to rounding) and SolverError where no certificate was had.

    >>> result = solve_fast(np.array([[2.0, 1.0], [2.0, -1.0], [5.0, 0.0]]))
    >>> result.nearest.round(9).tolist(), result.duality_gap < 1e-12
    ([2.0, -0.0], True)
    """
    try:
        return _find_nearest(points, hints, rtol)
    except SolverError:
        if not hints:
            raise
    return _find_nearest(points, (), rtol)  # the hints may have come from points that could be separated: start afresh


def _find_nearest(points: Matrix, hints: tuple[Hint, ...], rtol: float) -> Separation:
    squares = np.einsum("ij,ij->i", points, points)
    nearest, floor = int(np.argmin(squares)), compute_rounding_floor(points)
    radius = float(np.sqrt(squares[nearest]))
    if radius <= floor:
        raise NotSeparable("a point coincides with one of the other label")
    starts = [(points[nearest] / radius, radius), *hints]
    if not hints and (points @ starts[0][0]).min() <= 0:
        starts.append(_find_cold_start(points, radius))
    normal, scale = max(starts, key=lambda start: float((points @ start[0]).min()))
    active = np.array([nearest])
    best: Separation | None = None
    for _ in range(40):
        found = certify(points, normal, _fit_dual_weights(points, normal, active))
        if best is None or found.duality_gap < best.duality_gap:
            best = found
        if best.duality_gap <= rtol * best.distance + floor:
            break
        lower = float((points @ normal).min())
        scale = lower if lower > floor else scale
        normal, active = _recenter(points, normal, scale)
    assert best is not None
    if best.distance <= 2 * floor:
        raise NotSeparable(f"the labelled points cannot be separated: their hulls are {best.distance:.1e} apart")
    if best.duality_gap > 1e-6 * best.distance + 16 * floor:
        raise SolverError(f"quadprog: distance {best.distance:.3e} only certified to {best.duality_gap:.1e}")
    return best


def _find_cold_start(points: Matrix, radius: float) -> Hint:
    """A first direction by least distance programming (Lawson & Hanson 1974, ch. 23): non-negative least squares."""
    system = np.vstack([points.T / radius, np.ones(len(points))])
    target = np.zeros(len(system))
    target[-1] = 1
    weights, _ = nnls(system, target, maxiter=100 * sum(system.shape))
    combination = weights @ points
    size = float(np.linalg.norm(combination))
    if size <= float(weights.sum()) * compute_rounding_floor(points):
        raise NotSeparable("the labelled points cannot be separated: their hulls meet")
    return combination / size, size / float(weights.sum())


def _recenter(points: Matrix, center: Vector, scale: float) -> tuple[Vector, NDArray[np.intp]]:
    """The new direction a center + t V u, t = scale / size, and the active points: the QP

        min a^2 + t^2 |u|^2   with   (a center + t V u) . b_j >= scale,   size = max_j |b_j|.

    Where the solver fails at so small a curvature, a larger one pulls towards the center instead of 0, which repeating
    the step undoes (a proximal point method). Raises SolverError.
    """
    basis = _build_complement(center)
    size = float(np.linalg.norm(points, axis=1).max())
    rows = np.column_stack([points @ center / scale, points @ basis / size])
    norms = np.linalg.norm(rows, axis=1)
    d = points.shape[1]
    kept = _find_distinct(rows, norms)
    columns, bounds = np.ascontiguousarray((rows[kept] / norms[kept, None]).T), 1 / norms[kept]
    for curvature in (scale / size) ** 2 * 1e3 ** np.arange(12):
        try:
            solution, _, _, _, multipliers, _ = quadprog.solve_qp(
                np.diag([1.0] + [curvature] * (d - 1)), np.zeros(d), columns, bounds
            )
        except ValueError:
            continue
        active = kept[np.flatnonzero(multipliers)]
        if len(active) and np.isfinite(solution).all():
            break
    else:
        raise SolverError(f"quadprog: no solution at a margin near {scale:.1e}")
    direction = solution[0] * center + scale / size * (basis @ solution[1:])
    return direction / np.linalg.norm(direction), active


def _find_distinct(rows: Matrix, norms: Vector) -> NDArray[np.intp]:
    """Places of rows (m, d) that are not an earlier one to rounding: between twins quadprog may cycle."""
    order = np.argsort(norms, kind="stable")
    gaps = np.abs(np.diff(rows[order], axis=0)).max(axis=1)
    is_twin = np.zeros(len(rows), dtype=bool)
    is_twin[order[1:]] = gaps <= 4 * _EPS * norms[order[1:]]
    return np.flatnonzero(~is_twin)


def _build_complement(normal: Vector) -> Matrix:
    """An orthonormal basis (d, d-1) of the hyperplane through 0 with this unit normal: a Householder reflection."""
    reflector = normal.copy()
    reflector[0] += np.copysign(1.0, normal[0])
    full = np.eye(len(normal)) - np.outer(reflector, reflector) * (2 / (reflector @ reflector))
    return np.asarray(full[:, 1:])


def _fit_dual_weights(points: Matrix, normal: Vector, active: NDArray[np.intp]) -> Vector:
    """Convex weights of the active points whose combination has as little as can be across the normal.

    Columns are scaled to like size, so that points very near the origin and points far from it cancel well.
    """
    weights = np.zeros(len(points))
    if len(active) == 1:
        weights[active] = 1.0
        return weights
    some = points[active]
    sizes = np.linalg.norm(some, axis=1)
    across = (some - np.outer(some @ normal, normal)) / sizes[:, None]
    system = np.vstack([across.T, sizes.min() / sizes])
    target = np.zeros(len(system))
    target[-1] = 1
    scaled, _ = nnls(system, target, maxiter=100 * sum(system.shape))
    weights[active] = scaled / sizes
    total = float(weights.sum())
    if total <= 0:
        weights[active[0]] = total = 1.0
    return weights / total


@lru_cache(maxsize=256)
def _compile(m: int, d: int) -> tuple[cp.Problem, cp.Parameter, cp.Parameter, cp.Parameter, cp.Variable]:
    w = cp.Variable(d)
    rows, bounds, sizes = cp.Parameter((m, d)), cp.Parameter(m), cp.Parameter(d, nonneg=True)
    aim = cp.Minimize(cp.sum_squares(cp.multiply(sizes, w)))
    return cp.Problem(aim, [rows @ w >= bounds]), rows, bounds, sizes, w


def solve_reference(points: Matrix, hints: tuple[Hint, ...] = ()) -> Separation:
    """The same by cvxpy and Clarabel: min |w|^2 with w . b_j >= s, in coordinates centered on the last w found.

    Compiled once for each d and each power of two of points (padded with the last of them). Interior points lose
    digits as margins shrink: to be trusted where the distance is above 1e-6 of the coordinates. Raises as `solve_fast`.
    """
    norms = np.linalg.norm(points, axis=1)
    radius, size = float(norms.min()), float(norms.max())
    if radius <= compute_rounding_floor(points):
        raise NotSeparable("a point coincides with one of the other label")
    starts = [(points[np.argmin(norms)] / radius, radius), *hints]
    center, scale = max(starts, key=lambda start: float((points @ start[0]).min()))
    across = scale / size if hints else 1.0
    best: Separation | None = None
    for _ in range(8):
        found = _step_with_clarabel(points, np.column_stack([center, _build_complement(center) * across]), scale)
        if found is None:
            break
        if best is None or found.duality_gap < best.duality_gap:
            best = found
        if best.duality_gap <= 1e-9 * best.distance:
            return best
        center, scale = found.normal, max(float((points @ found.normal).min()), found.distance / 10)
        across = scale / size
    if best is not None and best.duality_gap <= 1e-5 * best.distance:
        return best
    if hints:
        return solve_reference(points)  # they may have come from points that could be separated
    if best is None:
        _find_cold_start(points, radius)  # raises NotSeparable where that is why
        raise SolverError("cvxpy: Clarabel found no separator, though there is one")
    raise SolverError(f"cvxpy: distance {best.distance:.3e} only certified to {best.duality_gap:.1e}")


def solve_quietly(problem: cp.Problem, **tolerances: float) -> None:
    """By Clarabel, without its 'may be inaccurate': how inaccurate, each caller finds out for itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        problem.solve(solver=cp.CLARABEL, **tolerances)


def _step_with_clarabel(points: Matrix, basis: Matrix, scale: float) -> Separation | None:
    """w = B v that minimises |w|^2 under w . b_j >= scale; B (d, d) has orthogonal columns. None: no solution."""
    m, d = points.shape
    problem, rows, bounds, sizes, v = _compile(1 << max(m - 1, 1).bit_length(), d)
    along = points @ basis
    norms = np.linalg.norm(along, axis=1)
    places = np.minimum(np.arange(rows.shape[0]), m - 1)
    rows.value, bounds.value = (along / norms[:, None])[places], (scale / norms)[places]
    sizes.value = np.linalg.norm(basis, axis=0)
    for tolerance in (1e-12, 1e-10, 1e-8):  # the last are Clarabel's own
        try:
            solve_quietly(problem, tol_gap_abs=tolerance, tol_gap_rel=tolerance, tol_feas=tolerance)
            break
        except cp.error.SolverError:
            continue
    else:
        return None
    dual = problem.constraints[0].dual_value
    if v.value is None or dual is None:
        return None
    normal, weights = basis @ v.value, np.bincount(places, np.maximum(dual, 0)) / norms
    length, total = float(np.linalg.norm(normal)), float(weights.sum())
    return certify(points, normal / length, weights / total) if length > 0 and total > 0 else None


SOLVERS: dict[str, Solver] = {"fast": solve_fast, "cvxpy": solve_reference}
