"""Theorems 2 and 3 as bounds on numbers of queries: as stated, as proved, and sharpened (README.md, steps 1-4).

Every bound takes gamma = max_i gamma_i and counts all queries, n per round (n = d - 1 by default). sigma may be a lower
bound of the true value, which only makes the result larger. If sigma is 0, the theorems say nothing, and the bound is
infinite.
"""

from __future__ import annotations

import math
from collections.abc import Callable

Logarithm = Callable[[float], float]


def compute_stated_bound_2(
    dim: int, gamma: float, delta: float, sigma: float, epsilon: float, log: Logarithm = math.log2
) -> float:
    """Compute Theorem 2 as printed: d (gamma / delta + 2 log(2 d delta / (epsilon min(sigma, 1)))).

    Args:
        dim: d, the dimension.
        gamma: The largest distance from a searching seed to the hull of the other class.
        delta: The radius of a neighborhood.
        sigma: The diversity of the seeds (section 7.2).
        epsilon: The error to reach.
        log: The paper does not say which logarithm it means; its proof needs log2.

    Returns:
        The number of queries, as a real number.

    Examples:
        >>> round(compute_stated_bound_2(2, gamma=2, delta=0.01, sigma=1, epsilon=0.1, log=math.log), 1)
        396.3
    """
    return dim * (gamma / delta + 2 * log(_divide(2 * dim * delta, epsilon * min(sigma, 1))))


def compute_stated_bound_3(dim: int, gamma: float, sigma: float, epsilon: float, log: Logarithm = math.log2) -> float:
    """Compute Theorem 3 as printed: d 2 log(2 d gamma / (epsilon min(sigma, 1)))."""
    return dim * 2 * log(_divide(2 * dim * gamma, epsilon * min(sigma, 1)))


def compute_epsilon_bar(dim: int, sigma: float, epsilon: float) -> float:
    """Compute the paper's epsilon_bar = min(sigma, 1) epsilon^2 / (2 sqrt d), to which step 1 lowers rho_i."""
    return min(sigma, 1) * epsilon**2 / (2 * math.sqrt(dim))


def compute_sharpened_epsilon_bar(n: int, sigma: float, epsilon: float) -> float:
    """Compute min(sigma, sqrt(2 n)) epsilon / sqrt(2 n), which is enough because the error is linear in it."""
    return min(sigma, math.sqrt(2 * n)) * epsilon / math.sqrt(2 * n)


def bound_rounds_2(gamma: float, delta: float, rho: float) -> float:
    """Bound the rounds until every rho_i <= rho (Theorem 2, step 1): gamma / delta + log2(2 delta / rho)."""
    return max(gamma / delta + math.log2(_divide(2 * delta, rho)), 0.0)


def bound_rounds_3(gamma: float, rho: float) -> float:
    """Bound the rounds until every rho_i <= rho (Theorem 3, step 1): log2(2 gamma / rho)."""
    return max(math.log2(_divide(2 * gamma, rho)), 0.0)


def compute_proved_bound_2(dim: int, gamma: float, delta: float, sigma: float, epsilon: float) -> float:
    """Compute what the proof of Theorem 2 shows, with log2: (d - 1) (gamma / delta + log2(2 delta / epsilon_bar)).

    Examples:
        >>> round(compute_proved_bound_2(2, gamma=2, delta=0.01, sigma=1, epsilon=0.1), 1)
        202.5
    """
    return (dim - 1) * bound_rounds_2(gamma, delta, compute_epsilon_bar(dim, sigma, epsilon))


def compute_proved_bound_3(dim: int, gamma: float, sigma: float, epsilon: float) -> float:
    """Compute what the proof of Theorem 3 shows, with log2: (d - 1) log2(2 gamma / epsilon_bar)."""
    return (dim - 1) * bound_rounds_3(gamma, compute_epsilon_bar(dim, sigma, epsilon))


def compute_sharpened_bound_2(
    dim: int, gamma: float, delta: float, sigma: float, epsilon: float, n: int | None = None
) -> float:
    """Compute n (gamma / delta + log2(2 sqrt(2 n) delta / (min(sigma, sqrt(2 n)) epsilon)))."""
    n = dim - 1 if n is None else n
    return n * bound_rounds_2(gamma, delta, compute_sharpened_epsilon_bar(n, sigma, epsilon))


def compute_sharpened_bound_3(dim: int, gamma: float, sigma: float, epsilon: float, n: int | None = None) -> float:
    """Compute n log2(2 gamma sqrt(2 n) / (min(sigma, sqrt(2 n)) epsilon))."""
    n = dim - 1 if n is None else n
    return n * bound_rounds_3(gamma, compute_sharpened_epsilon_bar(n, sigma, epsilon))


def compute_scale_free_bound_2(n: int, gamma: float, delta: float, sigma: float, epsilon: float, eta: float) -> float:
    """Compute n (gamma / delta + log2(2 delta / min(eta, sigma epsilon sqrt(1 - epsilon^2 / 4) / sqrt n))).

    Args:
        n: The number of searches.
        gamma: The largest gamma_i.
        delta: The radius of a neighborhood.
        sigma: From `sigma.enclose_sigma_eta` for this eta.
        epsilon: The error to reach, at most sqrt 2.
        eta: Half the width of the slab, any length above 0 (see `choose_eta`). If all lengths grow by a factor, eta
            included, the bound stays the same.

    Returns:
        The number of queries, as a real number.
    """
    return n * bound_rounds_2(gamma, delta, min(eta, choose_eta(n, sigma, epsilon)))


def compute_scale_free_bound_3(n: int, gamma: float, sigma: float, epsilon: float, eta: float) -> float:
    """Compute n log2(2 gamma / min(eta, sigma epsilon sqrt(1 - epsilon^2 / 4) / sqrt n)), the same for Algorithm 4."""
    return n * bound_rounds_3(gamma, min(eta, choose_eta(n, sigma, epsilon)))


def choose_eta(n: int, sigma: float, epsilon: float) -> float:
    """Compute sigma epsilon sqrt(1 - epsilon^2 / 4) / sqrt n, the rho at which the error is at most epsilon.

    With the sigma of an infinitely thin slab this is a good eta: a smaller one only costs queries, and a larger one
    only lowers sigma_eta.
    """
    return sigma * epsilon * math.sqrt(1 - epsilon**2 / 4) / math.sqrt(n)


def bound_slow_fall(c: float, delta: float) -> float:
    """Bound from below how far rho falls in a step of at most delta with component c delta, at rho >= 2 delta.

    It is (2 - sqrt(5 - 4 c)) delta, which is positive only for c > 1/4 and reaches delta at c = 1.

    Examples:
        >>> bound_slow_fall(1.0, 0.5), bound_slow_fall(0.25, 0.5)
        (0.5, 0.0)
    """
    return (2 - math.sqrt(5 - 4 * c)) * delta


def _divide(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0 else math.inf
