"""Max-margin separators, each with a certificate.

MaxMarginSeparator(S^{-y}, x) separates one point x from points A: it is the hyperplane halfway between x and its
projection onto conv(A) (Lemma 2, step 1), and rho = dist(x, conv(A)) is twice its margin. The homogeneous fit of
Algorithm 3, line 11, is the projection of 0 onto conv{y_j x_j}. Both are the same problem, the point of a hull that is
nearest to the origin:

    find the unit vector n that maximizes  min_j n . b_j,       b_j = a_j - x  or  b_j = y_j x_j.

Any unit n gives a lower bound min_j n . b_j on the distance, and any convex combination an upper bound
|sum_j lambda_j b_j|. A result is used only if the two meet.

There are two solvers, which check each other. `solve_reference` states the problem to cvxpy and compiles it once per
shape. `solve_fast` calls an active-set QP solver directly, and handles margins close to the limit of float64 by
recentering. Given a guess n0 and its approximate margin, it looks for n as a n0 + t V u, where V is an orthonormal
basis of the complement of n0 and t is of the order of the margin; this turns tiny margins into numbers of order 1.
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
    """The point of conv{b_j} nearest to the origin, as direction and distance.

    Attributes:
        normal: (d,), of unit length.
        distance: The certified upper bound.
        weights: (m,), lambda >= 0 with the sum 1.
        duality_gap: The upper minus the lower bound, in units of the coordinates.
        kkt_residual: The largest of: infeasibility |min_j n.b_j - distance|, stationarity
            |sum lambda_j b_j - distance n|, and complementarity sum lambda_j (n.b_j - distance), in these units.
    """

    normal: Vector
    distance: float
    weights: Vector
    duality_gap: float
    kkt_residual: float

    @property
    def nearest(self) -> Vector:
        """The nearest point itself, (d,): distance times normal."""
        return self.distance * self.normal


Hint = tuple[Vector, float]


class Solver(Protocol):
    """Finds the point of conv{b_j} nearest to the origin; each hint is a guess of its normal and distance."""

    def __call__(self, points: Matrix, hints: tuple[Hint, ...] = ()) -> Separation: ...


def compute_rounding_floor(points: Matrix) -> float:
    """Compute the absolute rounding error of a distance computed from these points (m, d)."""
    return 8 * _EPS * float(np.abs(points).max())


def certify(points: Matrix, normal: Vector, weights: Vector) -> Separation:
    """Certify a direction (d,) and convex weights (m,) for points (m, d) by the bounds that they imply."""
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
    """Find the point of conv{b_j} nearest to the origin by an active-set solver.

    Args:
        points: (m, d), the points b_j.
        hints: Guesses of the normal and the distance.
        rtol: The duality gap to reach, relative to the distance, if rounding allows it.

    Returns:
        The nearest point with its certificate.

    Raises:
        NotSeparable: If the hull contains the origin, up to rounding.
        SolverError: If no result could be certified.

    Examples:
        >>> result = solve_fast(np.array([[2.0, 1.0], [2.0, -1.0], [5.0, 0.0]]))
        >>> result.nearest.round(9).tolist(), result.duality_gap < 1e-12
        ([2.0, -0.0], True)
    """
    try:
        return _find_nearest(points, hints, rtol)
    except SolverError:
        if not hints:
            raise
    return _find_nearest(points, (), rtol)  # the hints may be from points that were still separable


def _find_nearest(points: Matrix, hints: tuple[Hint, ...], rtol: float) -> Separation:
    squares = np.einsum("ij,ij->i", points, points)
    nearest, floor = int(np.argmin(squares)), compute_rounding_floor(points)
    radius = float(np.sqrt(squares[nearest]))
    if radius <= floor:
        raise NotSeparable("a point coincides with one of the other class")
    starts = [(points[nearest] / radius, radius), *hints]
    if not hints and (points @ starts[0][0]).min() <= 0:
        starts.append(_find_cold_start(points, radius))
    normal, scale = max(starts, key=lambda start: float((points @ start[0]).min()))
    active = np.array([nearest])
    best: Separation | None = None
    for _ in range(40):
        fit = certify(points, normal, _fit_dual_weights(points, normal, active))
        if best is None or fit.duality_gap < best.duality_gap:
            best = fit
        if best.duality_gap <= rtol * best.distance + floor:
            break
        lower = float((points @ normal).min())
        scale = lower if lower > floor else scale
        normal, active = _recenter(points, normal, scale)
    assert best is not None
    if best.distance <= 2 * floor:
        raise NotSeparable(f"the labeled points cannot be separated: their hulls are {best.distance:.1e} apart")
    if best.duality_gap > 1e-6 * best.distance + 16 * floor:
        raise SolverError(f"quadprog: distance {best.distance:.3e} only certified to {best.duality_gap:.1e}")
    return best


def _find_cold_start(points: Matrix, radius: float) -> Hint:
    """Find a first direction by least distance programming (Lawson & Hanson 1974, ch. 23)."""
    system = np.vstack([points.T / radius, np.ones(len(points))])
    target = np.zeros(len(system))
    target[-1] = 1
    weights, _ = nnls(system, target, maxiter=100 * sum(system.shape))
    combination = weights @ points
    size = float(np.linalg.norm(combination))
    if size <= float(weights.sum()) * compute_rounding_floor(points):
        raise NotSeparable("the labeled points cannot be separated: their hulls meet")
    return combination / size, size / float(weights.sum())


def _recenter(points: Matrix, center: Vector, scale: float) -> tuple[Vector, NDArray[np.intp]]:
    """Find the new direction a center + t V u, t = scale / size, and the active points by the QP

        min a^2 + t^2 |u|^2   with   (a center + t V u) . b_j >= scale,   size = max_j |b_j|.

    If the solver fails at such a small curvature, a larger one pulls toward the center instead of 0; repeating the step
    corrects for that (a proximal point method). Raises SolverError if none works.
    """
    basis = _build_complement(center)
    size = float(np.linalg.norm(points, axis=1).max())
    rows = np.column_stack([points @ center / scale, points @ basis / size])
    norms = np.linalg.norm(rows, axis=1)
    d = points.shape[1]
    distinct = _find_distinct(rows, norms)
    columns, bounds = np.ascontiguousarray((rows[distinct] / norms[distinct, None]).T), 1 / norms[distinct]
    for curvature in (scale / size) ** 2 * 1e3 ** np.arange(12):
        try:
            solution, _, _, _, multipliers, _ = quadprog.solve_qp(
                np.diag([1.0] + [curvature] * (d - 1)), np.zeros(d), columns, bounds
            )
        except ValueError:
            continue
        active = distinct[np.flatnonzero(multipliers)]
        if len(active) and np.isfinite(solution).all():
            break
    else:
        raise SolverError(f"quadprog: no solution at a margin near {scale:.1e}")
    direction = solution[0] * center + scale / size * (basis @ solution[1:])
    return direction / np.linalg.norm(direction), active


def _find_distinct(rows: Matrix, norms: Vector) -> NDArray[np.intp]:
    """Find the rows (m, d) that differ from all earlier ones beyond rounding: quadprog may cycle on equal rows."""
    order = np.argsort(norms, kind="stable")
    gaps = np.abs(np.diff(rows[order], axis=0)).max(axis=1)
    is_twin = np.zeros(len(rows), dtype=bool)
    is_twin[order[1:]] = gaps <= 4 * _EPS * norms[order[1:]]
    return np.flatnonzero(~is_twin)


def _build_complement(normal: Vector) -> Matrix:
    """Build an orthonormal basis (d, d-1) of the hyperplane with this unit normal by a Householder reflection."""
    reflector = normal.copy()
    reflector[0] += np.copysign(1.0, normal[0])
    full = np.eye(len(normal)) - np.outer(reflector, reflector) * (2 / (reflector @ reflector))
    return np.asarray(full[:, 1:])


def _fit_dual_weights(points: Matrix, normal: Vector, active: NDArray[np.intp]) -> Vector:
    """Fit convex weights of the active points whose combination deviates least from the normal.

    Columns are scaled to similar sizes, so that points very near the origin and far from it cancel accurately.
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
    """Find the point of conv{b_j} nearest to the origin by cvxpy and Clarabel.

    It minimizes |w|^2 with w . b_j >= s, in coordinates centered on the previous w. The problem is compiled once for
    each d and each number of points that is a power of two, padded with the last point. Interior-point solvers lose
    digits as margins shrink: trust a distance above 1e-6 of the coordinates.

    Args:
        points: (m, d), the points b_j.
        hints: Guesses of the normal and the distance.

    Returns:
        The nearest point with its certificate.

    Raises:
        NotSeparable: If the hull contains the origin, up to rounding.
        SolverError: If no result could be certified.
    """
    norms = np.linalg.norm(points, axis=1)
    radius, size = float(norms.min()), float(norms.max())
    if radius <= compute_rounding_floor(points):
        raise NotSeparable("a point coincides with one of the other class")
    starts = [(points[np.argmin(norms)] / radius, radius), *hints]
    center, scale = max(starts, key=lambda start: float((points @ start[0]).min()))
    across = scale / size if hints else 1.0
    best: Separation | None = None
    for _ in range(8):
        fit = _step_with_clarabel(points, np.column_stack([center, _build_complement(center) * across]), scale)
        if fit is None:
            break
        if best is None or fit.duality_gap < best.duality_gap:
            best = fit
        if best.duality_gap <= 1e-9 * best.distance:
            return best
        center, scale = fit.normal, max(float((points @ fit.normal).min()), fit.distance / 10)
        across = scale / size
    if best is not None and best.duality_gap <= 1e-5 * best.distance:
        return best
    if hints:
        return solve_reference(points)  # the hints may be from points that were still separable
    if best is None:
        _find_cold_start(points, radius)  # raises NotSeparable if that is the reason
        raise SolverError("cvxpy: Clarabel finds no separator, although there is one")
    raise SolverError(f"cvxpy: distance {best.distance:.3e} only certified to {best.duality_gap:.1e}")


def solve_quietly(problem: cp.Problem, **tolerances: float) -> None:
    """Solve with Clarabel, without its inaccuracy warning (callers check). Nothing is kept from the last solve."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        problem.solve(solver=cp.CLARABEL, warm_start=False, **tolerances)


def _step_with_clarabel(points: Matrix, basis: Matrix, scale: float) -> Separation | None:
    """Minimize |w|^2 over w = B v with w . b_j >= scale; B (d, d) has orthogonal columns. None without a solution."""
    m, d = points.shape
    problem, rows, bounds, sizes, v = _compile(1 << max(m - 1, 1).bit_length(), d)
    along = points @ basis
    norms = np.linalg.norm(along, axis=1)
    places = np.minimum(np.arange(rows.shape[0]), m - 1)
    rows.value, bounds.value = (along / norms[:, None])[places], (scale / norms)[places]
    sizes.value = np.linalg.norm(basis, axis=0)
    for tolerance in (1e-12, 1e-10, 1e-8):  # the last is the default of Clarabel
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
