"""sigma, the diversity of the seeds: min over z_i in Z_i of the (d-1)th singular value of [z_1 ... z_n] (7.2).

Z_i = {z : |z - x_{i,0}| <= R_i and |w_star . z| <= epsilon}, with R_i = gamma_i + 2 delta + epsilon in Theorem 2 and
2 gamma_i + epsilon in Theorem 3. With p_i the projection of the seed x_{i,0} onto the boundary, h_i its distance from
it, r_i = sqrt(R_i^2 - (h_i - epsilon)_+^2), and m(epsilon) the least of

    g(u) = sqrt(sum_i (|p_i . u| - r_i)_+^2)   over unit vectors u of the boundary,

sigma(0) = m(0), and m(epsilon) <= sigma(epsilon) <= sqrt(m(epsilon)^2 + n epsilon^2), for any n >= d - 1
(README.md, exact sigma).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from theory.branching import enclose_by_branching
from theory.excess import (
    TIGHT,
    bound_at_direction,
    bound_by_program,
    compute_excess,
    enclose_on_circle,
    search_least_excess,
)
from theory.problems import Problem
from theory.separators import Matrix, Vector
from theory.slabs import bound_by_farthest, find_farthest

MAX_REGIONS = 60
_CLOSE = 0.1  # the relative gap that splitting by signs is likely to close


@dataclass(frozen=True)
class SigmaBounds:
    """lower <= sigma <= upper, both up to rounding.

    Attributes:
        lower: Certified for every z_i in Z_i.
        upper: The value of a Z that lies in the sets.
        proof: The certificate of the lower bound: `exact` (d = 2, which has one u), `enclosure` (d = 3, arcs of a
            circle), `eigenvalue` (the bound of the best u itself), `program` (a semidefinite program), `branching` (one
            for each of some regions), `vertices` (of the slabs, which only show that sigma is above 0), or `zero` (the
            sets hold linearly dependent points of the boundary, so sigma is 0).
    """

    lower: float
    upper: float
    proof: str = ""

    @property
    def gap(self) -> float:
        """The distance between the bounds, relative to the upper one."""
        return 1 - self.lower / self.upper if self.upper > 0 else 0.0


@dataclass(frozen=True, eq=False)
class Sets:
    """The Z_i in coordinates of the boundary.

    Attributes:
        centers: (d-1, n), the projections p_i of the seeds onto the boundary.
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


def enclose_sigma_2(problem: Problem, epsilon: float, max_regions: int = MAX_REGIONS) -> SigmaBounds:
    """Enclose the sigma of Theorem 2.

    Args:
        problem: Its seeds and distances define the Z_i, which grow with epsilon.
        epsilon: The error to reach, which is a length in the Z_i; 0 for the limit.
        max_regions: The limit of branch and bound. 1 is fast, but certifies the value only to a few percent.

    Returns:
        Its bounds. If the proof of the lower one is tight, they differ by at most n epsilon^2 / (2 lower).

    Examples:
        >>> from theory.problems import make_example_1
        >>> bounds = enclose_sigma_2(make_example_1(3), epsilon=0.1)
        >>> round(bounds.lower, 5), round(bounds.upper, 5)  # the paper: >= 1; by hand: sqrt 2 (6 - sqrt 8.8) = 4.29005
        (4.29005, 4.29005)
    """
    return enclose(build_sets(problem, problem.compute_gamma() + 2 * problem.delta + epsilon, epsilon), max_regions)


def enclose_sigma_3(problem: Problem, epsilon: float, max_regions: int = MAX_REGIONS) -> SigmaBounds:
    """Enclose the sigma of Theorem 3, as `enclose_sigma_2` does for Theorem 2."""
    return enclose(build_sets(problem, 2 * problem.compute_gamma() + epsilon, epsilon), max_regions)


def enclose_sigma_eta(problem: Problem, eta: float, max_regions: int = MAX_REGIONS) -> SigmaBounds:
    """Enclose the sigma of the scale-free bound, over {z : |z - x_{i,0}| <= gamma_i and |w_star . z| <= eta}."""
    return enclose(build_sets(problem, problem.compute_gamma(), eta), max_regions)


def build_sets(problem: Problem, radii: Vector, epsilon: float) -> Sets:
    """Build the Z_i with these R_i (n,)."""
    basis = np.linalg.svd(problem.w_star[None, :])[2][1:].T
    seeds = problem.points[list(problem.searches)]
    return Sets((seeds @ basis).T, seeds @ problem.w_star, radii, epsilon)


def enclose(sets: Sets, max_regions: int = MAX_REGIONS) -> SigmaBounds:
    """Enclose sigma over these sets."""
    centers, radii = sets.centers, sets.shadows
    direction, value = search_least_excess(centers, radii)
    if value == 0:
        return _enclose_zero(sets, direction)
    lower, proof = bound_below(centers, radii, direction, value)
    if lower == 0:
        farthest, is_farthest = find_farthest(centers, radii)
        size = float(np.linalg.norm(farthest))
        if size >= 1:
            return _enclose_zero(sets, farthest / size)
        lower, proof = (bound_by_farthest(radii, size), "vertices") if is_farthest else (0.0, "")
    elif value * (1 - _CLOSE) < lower < value * (1 - TIGHT) and max_regions > 1:
        found = enclose_by_branching(centers, radii, direction, value, max_regions)
        direction, value = found.direction, found.value
        lower, proof = (found.lower, "branching") if found.lower > lower else (lower, proof)
    upper = max(_compute_sigma(move(sets, direction)), value)
    return SigmaBounds(min(lower, upper), upper, proof)


def _enclose_zero(sets: Sets, direction: Vector) -> SigmaBounds:
    """Enclose sigma if g is 0 at this direction. sigma is 0 if g is also 0 without the slab."""
    flat = Sets(sets.centers, sets.heights, sets.radii, 0.0).shadows
    is_zero = compute_excess(sets.centers, flat, direction[None])[0] <= 1e-12 * float(np.linalg.norm(sets.centers))
    is_zero = bool(is_zero) or search_least_excess(sets.centers, flat)[1] == 0
    return SigmaBounds(0.0, 0.0 if is_zero else _compute_sigma(move(sets, direction)), "zero" if is_zero else "")


def bound_below(centers: Matrix, radii: Vector, direction: Vector, value: float) -> tuple[float, str]:
    """Bound the least g from below, by the strongest certificate for this dimension.

    Args:
        centers: (d-1, n).
        radii: (n,).
        direction: The best u known.
        value: Its g.

    Returns:
        The bound and its name, as in `SigmaBounds.proof`.
    """
    if len(centers) == 1:
        return value, "exact"
    lower = bound_at_direction(centers, radii, direction)
    if len(centers) == 2:
        return max(lower, enclose_on_circle(centers, radii, value)), "enclosure"
    if lower >= value * (1 - TIGHT):
        return lower, "eigenvalue"
    return max(lower, bound_by_program(centers, radii)), "program"


def move(sets: Sets, direction: Vector) -> Matrix:
    """Find the Z (d, n), heights in the last row, whose points are smallest along a direction u (d-1,) of the boundary.

    Each z_i is p_i moved along u, at the height nearest to 0 that its Z_i has there.
    """
    along = direction @ sets.centers
    steps = np.sign(along) * np.minimum(sets.shadows, np.abs(along))
    room = np.sqrt(np.maximum(sets.radii**2 - steps**2, 0))
    heights = np.sign(sets.heights) * np.minimum(np.maximum(np.abs(sets.heights) - room, 0), sets.epsilon)
    return np.vstack([sets.centers - np.outer(direction, steps), heights])


def _compute_sigma(z: Matrix) -> float:
    """Compute the (d-1)th singular value of Z (d, n)."""
    return float(np.linalg.svd(z, compute_uv=False)[len(z) - 2])
