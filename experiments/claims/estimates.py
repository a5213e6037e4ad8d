"""Numbers with their 95 % intervals, and three ways to compare them with a limit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import hypot, inf, isnan

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from experiments.intervals import bootstrap_mean

Holds = bool | None
"""Whether a limit is kept; None if an interval crosses it."""


@dataclass(frozen=True)
class Estimate:
    """A value with a 95 % interval. Both ends equal the value if it has no spread."""

    value: float
    low: float
    high: float

    def text(self, digits: int = 1, scale: float = 1.0) -> str:
        """Format value and interval, multiplied by `scale`.

        Examples:
            >>> Estimate(0.5, 0.4, 0.6).text(0, 100), Estimate(2, 2, 2).text(0)
            ('50 [40, 60]', '2')
        """
        value, low, high = (f"{number * scale:.{digits}f}" for number in (self.value, self.low, self.high))
        return value if self.low == self.high else f"{value} [{low}, {high}]"


def take_exact(value: float) -> Estimate:
    """A number without spread, such as a count."""
    return Estimate(float(value), float(value), float(value))


@dataclass(frozen=True)
class Repeats:
    """A mean over `n` repeats with its standard deviation, as stored in the reports."""

    mean: float
    std: float
    n: int

    def estimate(self) -> Estimate:
        """The interval by Student's t; unbounded for a single repeat."""
        return _by_t(self.mean, self.std / self.n**0.5, self.n - 1)

    def minus(self, other: Repeats) -> Estimate:
        """The difference by Welch's t, as if the two shared no seeds. They do share them, so the interval is rather
        wide.
        """
        errors = np.array([self.std / self.n**0.5, other.std / other.n**0.5])
        freedom = np.array([self.n - 1, other.n - 1])
        total = float((errors**2).sum())
        degrees = total**2 / float((errors**4 / freedom).sum()) if total > 0 and freedom.all() else 1.0
        return _by_t(self.mean - other.mean, hypot(*errors), degrees)


def _by_t(mean: float, error: float, degrees: float) -> Estimate:
    if isnan(error):
        return Estimate(mean, -inf, inf)
    reach = float(stats.t.ppf(0.975, degrees)) * error if error else 0.0
    return Estimate(mean, mean - reach, mean + reach)


def average(values: ArrayLike) -> Estimate:
    """The mean over concepts, classes or problems, with a bootstrap interval (BCa, as in `experiments.beyond`)."""
    return Estimate(*bootstrap_mean(values))


def correlate(x: pd.Series, y: pd.Series) -> Estimate:
    """Pearson's r over the pairs with two finite values, with Fisher's interval."""
    pairs = pd.DataFrame({"x": x, "y": y}).dropna()
    return _by_fisher(float(stats.pearsonr(pairs["x"], pairs["y"]).statistic), len(pairs))


def correlate_given(x: pd.Series, y: pd.Series, given: pd.Series) -> Estimate:
    """Pearson's r of x and y after removing the linear effect of a third variable from both."""
    known = pd.DataFrame({"x": x, "y": y, "given": given}).dropna()
    r = known.corr()
    xy, xg, yg = r.loc["x", "y"], r.loc["x", "given"], r.loc["y", "given"]
    return _by_fisher(float((xy - xg * yg) / np.sqrt((1 - xg**2) * (1 - yg**2))), len(known) - 1)


def _by_fisher(r: float, n: int) -> Estimate:
    r = float(np.clip(r, -1 + 1e-12, 1 - 1e-12))  # keeps the transform finite
    reach = stats.norm.ppf(0.975) / max(n - 3, 1) ** 0.5
    return Estimate(r, float(np.tanh(np.arctanh(r) - reach)), float(np.tanh(np.arctanh(r) + reach)))


def are_at_most(values: Iterable[Estimate], limit: float) -> Holds:
    """Whether all are at most the limit. False if one is surely above it; None if there are no values.

    Examples:
        >>> are_at_most([Estimate(1, 0, 2)], 3), are_at_most([Estimate(1, 0, 2)], 1), are_at_most([take_exact(2)], 1)
        (True, None, False)
    """
    known = list(values)
    if any(value.low > limit for value in known):
        return False
    return True if known and all(value.high <= limit for value in known) else None


def are_at_least(values: Iterable[Estimate], limit: float) -> Holds:
    """Whether all are at least the limit. False if one is surely below it."""
    return are_at_most([Estimate(-value.value, -value.high, -value.low) for value in values], -limit)


def are_within(values: Iterable[Estimate], limit: float) -> Holds:
    """Whether all are within the limit on both sides of zero."""
    known = list(values)
    return both(are_at_most(known, limit), are_at_least(known, -limit))


def both(one: Holds, other: Holds) -> Holds:
    """Whether two things hold. False if one of them does not."""
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


def format_each(values: Mapping[str, Estimate], digits: int = 1, scale: float = 1.0) -> str:
    """Each value after its name.

    Examples:
        >>> format_each({"MaxEnt": take_exact(0.5), "MLP": take_exact(0.25)}, 0, 100)
        'MaxEnt 50, MLP 25'
    """
    return ", ".join(f"{name} {value.text(digits, scale)}" for name, value in values.items())
