"""Theorems 2 and 3 as bounds on numbers of queries: as stated, as proved, and sharpened (README, steps 1-4).

All take gamma = max_i gamma_i and give a number of queries in all, n a round (n = d - 1 unless said otherwise). sigma
may be a lower bound of it: the result is then larger. Where sigma is 0 the theorems say nothing: infinity.
"""

from __future__ import annotations

import math
from collections.abc import Callable

Logarithm = Callable[[float], float]


def stated_2(dim: int, gamma: float, delta: float, sigma: float, epsilon: float, log: Logarithm = math.log2) -> float:
    """Theorem 2 as printed: d (gamma / delta + 2 log(2 d delta / (epsilon min(sigma, 1)))).

    The paper does not say which logarithm; the proof needs log2.

    >>> round(stated_2(2, gamma=2, delta=0.01, sigma=1, epsilon=0.1, log=math.log), 1)
    396.3
    """
    return dim * (gamma / delta + 2 * log(_ratio(2 * dim * delta, epsilon * min(sigma, 1))))


def stated_3(dim: int, gamma: float, sigma: float, epsilon: float, log: Logarithm = math.log2) -> float:
    """Theorem 3 as printed: d 2 log(2 d gamma / (epsilon min(sigma, 1)))."""
    return dim * 2 * log(_ratio(2 * dim * gamma, epsilon * min(sigma, 1)))


def epsilon_bar(dim: int, sigma: float, epsilon: float) -> float:
    """The paper's epsilon_bar = min(sigma, 1) epsilon^2 / (2 sqrt d), to which step 1 takes every rho_i."""
    return min(sigma, 1) * epsilon**2 / (2 * math.sqrt(dim))


def epsilon_bar_sharpened(n: int, sigma: float, epsilon: float) -> float:
    """min(sigma, sqrt(2 n)) epsilon / sqrt(2 n): so much is enough, since the error is linear in it."""
    return min(sigma, math.sqrt(2 * n)) * epsilon / math.sqrt(2 * n)


def rounds_2(gamma: float, delta: float, rho: float) -> float:
    """Step 1 of Theorem 2: after so many rounds every rho_i is at most rho. gamma / delta + log2(2 delta / rho)."""
    return max(gamma / delta + math.log2(_ratio(2 * delta, rho)), 0.0)


def rounds_3(gamma: float, rho: float) -> float:
    """Step 1 of Theorem 3: log2(2 gamma / rho)."""
    return max(math.log2(_ratio(2 * gamma, rho)), 0.0)


def proved_2(dim: int, gamma: float, delta: float, sigma: float, epsilon: float) -> float:
    """What the proof of Theorem 2 shows, with log2: d (gamma / delta + log2(2 delta / epsilon_bar)).

    >>> round(proved_2(2, gamma=2, delta=0.01, sigma=1, epsilon=0.1), 1)
    405.0
    """
    return dim * rounds_2(gamma, delta, epsilon_bar(dim, sigma, epsilon))


def proved_3(dim: int, gamma: float, sigma: float, epsilon: float) -> float:
    """What the proof of Theorem 3 shows, with log2: d log2(2 gamma / epsilon_bar)."""
    return dim * rounds_3(gamma, epsilon_bar(dim, sigma, epsilon))


def sharpened_2(dim: int, gamma: float, delta: float, sigma: float, epsilon: float, n: int | None = None) -> float:
    """n (gamma / delta + log2(2 sqrt(2 n) delta / (min(sigma, sqrt(2 n)) epsilon))), for epsilon < sqrt 2."""
    n = dim - 1 if n is None else n
    return n * rounds_2(gamma, delta, epsilon_bar_sharpened(n, sigma, epsilon))


def sharpened_3(dim: int, gamma: float, sigma: float, epsilon: float, n: int | None = None) -> float:
    """n log2(2 gamma sqrt(2 n) / (min(sigma, sqrt(2 n)) epsilon)), for epsilon < sqrt 2."""
    n = dim - 1 if n is None else n
    return n * rounds_3(gamma, epsilon_bar_sharpened(n, sigma, epsilon))


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0 else math.inf
