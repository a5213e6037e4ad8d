"""The least of g(u) = sqrt(sum_i (|p_i . u| - r_i)_+^2) over unit vectors, certified by branch and bound.

A region of directions is given by the signs s_i of some heights a_i = p_i . u. There, for every k in [0, 1],

    (|a_i| - r_i)_+^2 >= (1 - k^2) a_i^2 - 2 r_i (1 - k) s_i a_i      (README, exact sigma).

The minimum of a quadratic on the sphere is computable despite its many local minima, and the best k solve a
semidefinite program.
Regions whose bound is below the best known value are split by another sign.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import count

import cvxpy as cp
import numpy as np

from theory.excess import LEAST_SHARE, TIGHT, descend
from theory.separators import Matrix, Vector, solve_quietly


@dataclass(frozen=True, eq=False)
class Branching:
    """The result of branch and bound: lower <= least g <= value = g(direction), and the number of regions."""

    lower: float
    value: float
    direction: Vector
    n_regions: int


@dataclass(frozen=True, eq=False)
class _Region:
    """Directions u with s_i p_i . u >= 0 for each s_i that is not 0.

    Attributes:
        signs: (n,), s_i.
        bound: A lower bound of g^2.
        moments: (m + 1, m + 1), the second moments of (u, 1) in the relaxation; None if the solver failed.
    """

    signs: Vector
    bound: float
    moments: Matrix | None


def enclose_by_branching(
    centers: Matrix, radii: Vector, direction: Vector, value: float, max_regions: int = 60
) -> Branching:
    """Enclose the least g by splitting regions, the one with the lowest bound first.

    Args:
        centers: (m, n), the points p_i.
        radii: (n,).
        direction: The best u known.
        value: Its g, above 0.
        max_regions: The maximum number of regions.

    Returns:
        Bounds that differ by a relative TIGHT at most, unless the limit was reached or no sign was left to split by.

    Examples:
        >>> centers, radii = np.array([[5.0, 2.0], [0.0, 4.0]]), np.array([2.0, 1.0])
        >>> found = enclose_by_branching(centers, radii, np.array([0.0, 1.0]), 3.0)
        >>> round(found.lower, 6), round(found.value, 6), found.n_regions
        (1.414214, 1.414214, 2)
    """
    scale = float(np.linalg.norm(centers, 2))
    p, r, best, n_regions = centers / scale, radii / scale, value / scale, 1
    order, whole = count(), _bound_region(p, r, np.zeros(len(r)))
    queue, least = [(whole.bound, next(order), whole)], best**2
    while queue and queue[0][0] < (best * (1 - TIGHT)) ** 2 and n_regions < max_regions:
        _, _, region = heapq.heappop(queue)
        parts = _split(p, region)
        if not parts:
            least = min(least, region.bound)
        for signs in parts:
            part = _bound_region(p, r, signs)
            n_regions += 1
            if part.moments is not None:
                found, low = descend(p, r, part.moments[None, :-1, -1])
                direction, best = (found, low) if low < best else (direction, best)
            heapq.heappush(queue, (max(part.bound, region.bound), next(order), part))
    least = min([least, best**2, *(bound for bound, *_ in queue)])
    return Branching(float(np.sqrt(max(least, 0.0))) * scale, best * scale, direction, n_regions)


def _split(centers: Matrix, region: _Region) -> list[Vector]:
    """Split by the sign of the height that varies most in the relaxation. g(u) = g(-u), so the first keeps one half."""
    is_open = region.signs == 0
    if region.moments is None or not is_open.any():
        return []
    second, mean = region.moments[:-1, :-1], region.moments[:-1, -1]
    spread = np.einsum("ji,jk,ki->i", centers, second, centers) - (mean @ centers) ** 2
    unit = np.eye(len(is_open))[int(np.argmax(np.where(is_open, spread, -np.inf)))]
    return [region.signs + unit, region.signs - unit] if region.signs.any() else [region.signs + unit]


def _bound_region(centers: Matrix, radii: Vector, signs: Vector) -> _Region:
    """Bound g^2 in a region: heights without a sign as in `excess.bound_by_shares`, those with a sign by k.

    The solver need not be trusted: the bound is computed from its numbers.
    """
    m, n = centers.shape
    is_free = signs == 0
    shares, k, level, drop = cp.Variable(n), cp.Variable(n, nonneg=True), cp.Variable(), cp.Variable()
    pull = cp.reshape(centers @ cp.multiply(signs * radii, k - 1), (m, 1), order="C")
    quadratic = centers @ cp.diag(1 - shares) @ centers.T - level * np.eye(m)
    cone = cp.bmat([[quadratic, pull], [pull.T, cp.reshape(drop, (1, 1), order="C")]]) >> 0
    gain, limits = level - drop, [cone, shares <= 1, shares >= cp.square(k)]
    if is_free.any():
        gain -= (radii[is_free] ** 2) @ (cp.inv_pos(shares[is_free]) - 1)
        limits.append(shares[is_free] >= LEAST_SHARE)
    try:
        solve_quietly(cp.Problem(cp.Maximize(gain), limits))
    except cp.error.SolverError:
        return _Region(signs, 0.0, None)
    if shares.value is None or k.value is None:
        return _Region(signs, 0.0, None)
    bound = _evaluate(centers, radii, signs, np.asarray(shares.value), np.clip(k.value, 0, 1))
    return _Region(signs, bound, cone.dual_value / cone.dual_value[-1, -1])


def _evaluate(centers: Matrix, radii: Vector, signs: Vector, shares: Vector, k: Vector) -> float:
    """Compute the bound of g^2 that any such numbers prove: b (free) in (0, 1], and k (signed)."""
    is_free = signs == 0
    b = np.where(is_free, np.clip(shares, LEAST_SHARE, 1), 1)
    curve = np.where(is_free, 1 - b, 1 - k**2)
    quadratic, pull = (centers * curve) @ centers.T, centers @ (signs * radii * (1 - k))
    rounding = 8 * len(signs) * float(np.finfo(np.float64).eps) * float(np.linalg.norm(centers)) ** 2
    return bound_on_sphere(quadratic, pull) - float((radii**2 * (1 - b) / b).sum()) - rounding


def bound_on_sphere(quadratic: Matrix, pull: Vector) -> float:
    """Compute the least of u^T Q u - 2 c^T u over unit vectors, from below.

    It is at least t - c^T (Q - t)^-1 c for each t below the eigenvalues of Q, and equal for the best t. In the hard
    case it is the supremum.

    Examples:
        >>> round(bound_on_sphere(np.diag([1.0, 3.0]), np.array([2.0, 0.0])), 9)  # at u = (1, 0): 1 - 4
        -3.0
    """
    eigenvalues, vectors = np.linalg.eigh(quadratic)
    squares = (pull @ vectors) ** 2
    low, high = eigenvalues[0] - float(np.linalg.norm(pull)), eigenvalues[0]
    if low == high:
        return float(high)
    for _ in range(80):
        middle = (low + high) / 2
        is_left = middle < eigenvalues[0] and (squares / (eigenvalues - middle) ** 2).sum() < 1
        low, high = (middle, high) if is_left else (low, middle)
    return float(low - (squares / (eigenvalues - low)).sum())
