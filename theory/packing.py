"""A lower bound on the queries that any method needs to reach an error, by counting caps of the sphere (README.md).

After N labels a method has at most 2^N answers, and each is within epsilon of the directions in one cap of the sphere.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import betainc

from theory.problems import Problem
from theory.separators import solve_fast


def compute_cap_share(dim: int, epsilon: float) -> float:
    """Compute the share of the unit sphere within the distance epsilon, at most sqrt 2, of one of its points.

    It is at most sin(theta)^(d-1) / 2, theta the angle of the cap.

    Examples:
        >>> round(compute_cap_share(3, 1.0), 12), compute_cap_share(5, 2**0.5)
        (0.25, 0.5)
    """
    square = min(epsilon**2 * (1 - epsilon**2 / 4), 1.0)
    return 0.5 * float(betainc((dim - 1) / 2, 0.5, square))


def bound_labels_below(dim: int, epsilon: float) -> float:
    """Bound the labels, seeds included, that any method needs for some w_star: (d - 1) log2(1 / epsilon) + 1.

    Args:
        dim: d, the dimension.
        epsilon: The error to reach, at most sqrt 2.

    Returns:
        The number of labels; below it, a method fails for some w_star on the sphere.

    Examples:
        >>> bound_labels_below(11, 2.0**-20)
        201.0
    """
    return (dim - 1) * math.log2(1 / epsilon) + 1


def count_seed_labelings(n_seeds: int, dim: int) -> int:
    """Count the labelings of n seeds by half-spaces through the origin, at most 2 sum_{k<d} C(n-1, k) (Cover 1965).

    Examples:
        >>> count_seed_labelings(3, 2), count_seed_labelings(3, 5)
        (6, 8)
    """
    return 2 * sum(math.comb(n_seeds - 1, k) for k in range(dim))


def bound_queries_below_for_points(dim: int, n_seeds: int, epsilon: float) -> float:
    """Bound the queries for some w_star if the points of the seeds are given: labels less log2 of the labelings.

    With 2 (d - 1) seeds this is at least (d - 1) (log2(1 / epsilon) - 2), the bound
    (d - 1) log2(1 / epsilon) - O(d) with its constant.
    """
    return max(bound_labels_below(dim, epsilon) - math.log2(count_seed_labelings(n_seeds, dim)), 0.0)


def compute_seed_sine(problem: Problem) -> float:
    """Compute sin(alpha): alpha is the largest angle by which some w can turn in any direction and still fit the seeds.

    It is the distance of the hull of y_j x_j / |x_j| from 0.
    """
    signed = problem.labels[:, None] * problem.points
    return solve_fast(signed / np.linalg.norm(signed, axis=1, keepdims=True)).distance


def bound_queries_below(dim: int, sine: float, epsilon: float) -> float:
    """Bound the queries that any method needs for some w_star that gives these seeds their labels.

    Args:
        dim: d, the dimension.
        sine: From `compute_seed_sine`.
        epsilon: The error to reach, at most sqrt 2.

    Returns:
        (d - 1) (log2(1 / epsilon) - log2(1 / sine)), or 0 if that is negative. With k queries fewer, a method succeeds
        on at most 2^-k of the cap of directions that gives the seeds their labels.

    Examples:
        >>> round(bound_queries_below(4, 2.0**-4, 2.0**-20), 9)
        48.0
    """
    own = epsilon * math.sqrt(1 - epsilon**2 / 4)
    return max((dim - 1) * math.log2(sine / own), 0.0)
