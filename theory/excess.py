"""The least of g(u) = sqrt(sum_i (|p_i . u| - r_i)_+^2) over unit vectors u, the core of sigma (README: exact sigma).

g is the singular value left to the points p_i when each may move by r_i. It is not convex on the sphere. A search from
many starts bounds its minimum from above; three certificates bound it from below, each for every u at once.
"""

from __future__ import annotations

import cvxpy as cp
import numpy as np
from numpy.typing import NDArray

from theory.separators import Matrix, Vector, solve_quietly

TIGHT = 1e-7  # the relative gap at which a lower bound is good enough
_N_STARTS = 24
LEAST_SHARE = 1e-9


def compute_excess(centers: Matrix, radii: Vector, directions: Matrix) -> Vector:
    """Compute g for each row of directions (k, m), with centers (m, n) and radii (n,)."""
    return np.asarray(np.linalg.norm(np.maximum(np.abs(directions @ centers) - radii, 0), axis=1))


def search_least_excess(centers: Matrix, radii: Vector, n_steps: int = 200) -> tuple[Vector, float]:
    """Search for the least g by alternating between Z and u, from the singular vectors and from random starts.

    For u, the best Z has z_i = p_i - sign(p_i . u) min(r_i, |p_i . u|) u. For Z, the best u is its left singular vector
    with the least singular value. Neither step raises g.

    Args:
        centers: (m, n), the points p_i.
        radii: (n,).
        n_steps: The maximum number of steps.

    Returns:
        The best u (m,) and its g.

    Examples:
        >>> u, value = search_least_excess(np.diag([5.0, 5.0]), np.ones(2))
        >>> round(value, 9), np.abs(u).round(6)
        (3.585786438, array([0.707107, 0.707107]))
    """
    m = len(centers)
    random = np.random.default_rng(0).normal(size=(_N_STARTS, m))  # the same starts every time
    return descend(centers, radii, np.vstack([np.linalg.svd(centers)[0].T, random]), n_steps)


def descend(centers: Matrix, radii: Vector, starts: Matrix, n_steps: int = 200) -> tuple[Vector, float]:
    """Alternate as `search_least_excess` does, from each row of starts (k, m). Returns the best u (m,) and its g."""
    starts = starts / np.maximum(np.linalg.norm(starts, axis=1, keepdims=True), 1e-300)
    values = compute_excess(centers, radii, starts)
    for _ in range(n_steps):
        heights = starts @ centers
        moves = np.sign(heights) * np.minimum(radii, np.abs(heights))
        z = centers - starts[:, :, None] * moves[:, None, :]
        new = np.linalg.eigh(z @ z.transpose(0, 2, 1))[1][:, :, 0]
        new_values = compute_excess(centers, radii, new)
        is_better = new_values < values
        has_settled = (new_values >= values * (1 - 1e-13)).all()
        starts, values = np.where(is_better[:, None], new, starts), np.minimum(values, new_values)
        if has_settled or values.min() == 0:
            break
    best = int(np.argmin(values))
    return starts[best], float(values[best])


def bound_by_shares(centers: Matrix, radii: Vector, shares: Vector) -> float:
    """Bound the least g from below: g^2 >= lambda_min(P diag(1 - b) P^T) - sum r_i^2 (1 - b_i) / b_i for b in (0, 1]^n.

    The bound is exact for b_i = min(1, r_i / |p_i . u|) where u is the minimizer and has the least eigenvalue.

    Returns:
        The bound on g; 0 if it shows nothing.
    """
    b = np.clip(shares, LEAST_SHARE, 1)
    eigenvalue = float(np.linalg.eigvalsh((centers * (1 - b)) @ centers.T)[0])
    rounding = 8 * centers.shape[1] * float(np.finfo(np.float64).eps) * float(np.linalg.norm(centers)) ** 2
    return float(np.sqrt(max(eigenvalue - rounding - float((radii**2 * (1 - b) / b).sum()), 0.0)))


def bound_at_direction(centers: Matrix, radii: Vector, direction: Vector) -> float:
    """Bound the least g from below by the shares that belong to a direction u."""
    return bound_by_shares(centers, radii, radii / np.maximum(np.abs(direction @ centers), 1e-300))


def bound_by_program(centers: Matrix, radii: Vector) -> float:
    """Bound the least g from below by the best shares, a semidefinite program.

    Its solver need not be trusted: the bound is computed from its b as an eigenvalue.
    """
    m, n = centers.shape
    scale = float(np.linalg.norm(centers, 2))
    p, r = centers / scale, radii / scale
    b, level = cp.Variable(n), cp.Variable()
    gain = level - cp.sum(cp.multiply(r**2, cp.inv_pos(b))) + float((r**2).sum())
    limits = [p @ cp.diag(1 - b) @ p.T - level * np.eye(m) >> 0, b <= 1, b >= LEAST_SHARE]
    try:
        solve_quietly(cp.Problem(cp.Maximize(gain), limits))
    except cp.error.SolverError:
        return 0.0
    return 0.0 if b.value is None else bound_by_shares(centers, radii, np.asarray(b.value))


def enclose_on_circle(centers: Matrix, radii: Vector, upper: float, max_arcs: int = 10**6) -> float:
    """Bound the least g from below in two dimensions, by arcs of directions, halved while they may hold a lower g.

    On an arc, the least |p_i . u| is at an end or 0; the sum of these least terms bounds g on the arc.

    Args:
        centers: (2, n).
        radii: (n,).
        upper: A value of g; arcs whose bound is above upper (1 - TIGHT) are done.
        max_arcs: The maximum number of arcs to examine.

    Returns:
        The bound; at least upper (1 - TIGHT) unless the limit was reached.
    """
    ends = np.linspace(0, np.pi, 65)
    arcs: NDArray[np.float64] = np.column_stack([ends[:-1], ends[1:]])
    goal, least, n_seen = upper * (1 - TIGHT), np.inf, 0
    while True:
        bounds = _bound_arcs(centers, radii, arcs)
        is_open = bounds < goal
        least = min(least, float(bounds[~is_open].min(initial=np.inf)))
        n_seen += len(arcs)
        if not is_open.any():
            return least
        if n_seen > max_arcs:
            return min(least, float(bounds.min()))
        middle = arcs[is_open].mean(axis=1)
        arcs = np.vstack(
            [np.column_stack([arcs[is_open, 0], middle]), np.column_stack([middle, arcs[is_open, 1]])]
        )  # fmt: skip


def _bound_arcs(centers: Matrix, radii: Vector, arcs: Matrix) -> Vector:
    at = [np.column_stack([np.cos(end), np.sin(end)]) @ centers for end in arcs.T]
    least = np.where(at[0] * at[1] > 0, np.minimum(np.abs(at[0]), np.abs(at[1])), 0)  # arcs are shorter than pi
    return np.asarray(np.linalg.norm(np.maximum(least * (1 - 1e-14) - radii, 0), axis=1))
