"""Spreads over repeats, and fits over concepts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats


@dataclass(frozen=True)
class Spread:
    """A mean over concepts.

    Attributes:
        mean: Its mean over repeats.
        std: Its standard deviation over repeats; NaN for a single repeat.
    """

    mean: float
    std: float

    def text(self, digits: int, scale: float = 1.0) -> str:
        """Format both, multiplied by `scale`.

        Examples:
            >>> Spread(0.5, 0.01).text(1, 100), Spread(0.5, np.nan).text(2)
            ('50.0 ± 1.0', '0.50')
        """
        mean = f"{self.mean * scale:.{digits}f}"
        return mean if np.isnan(self.std) else f"{mean} ± {self.std * scale:.{digits}f}"


def measure_spread(values: pd.DataFrame | pd.Series) -> Spread:
    """Average over concepts, then take the mean and standard deviation over repeats.

    Args:
        values: One row per concept and one column per repeat, or one value per repeat.
    """
    by_repeat = values.mean() if isinstance(values, pd.DataFrame) else values
    return Spread(float(by_repeat.mean()), float(by_repeat.std(ddof=1)) if len(by_repeat) > 1 else np.nan)


@dataclass(frozen=True)
class Fit:
    """A least-squares line y = slope x + intercept over n pairs (Figure 11).

    Attributes:
        n: The number of pairs.
        pearson: Pearson's r.
        slope: The slope of the line.
        intercept: The intercept of the line.
        spearman: Spearman's rank correlation.
        p_value: The p-value of Spearman's rank correlation.
    """

    n: int
    pearson: float
    slope: float
    intercept: float
    spearman: float
    p_value: float


def fit(x: ArrayLike, y: ArrayLike) -> Fit | None:
    """Fit the pairs in which both values are finite.

    Args:
        x: (n,).
        y: (n,).

    Returns:
        The fit, or None if fewer than 3 pairs are finite or one side is constant.

    Examples:
        >>> line = fit([0.0, 1.0, 2.0, np.nan], [1.0, 3.0, 5.0, 7.0])
        >>> line.n, round(line.pearson, 6), round(line.slope, 6), round(line.intercept, 6)
        (3, 1.0, 2.0, 1.0)
    """
    pairs = np.array([np.asarray(x, dtype=float), np.asarray(y, dtype=float)])
    pairs = pairs[:, np.isfinite(pairs).all(axis=0)]
    if pairs.shape[1] < 3 or (np.ptp(pairs, axis=1) == 0).any():
        return None
    line, rank = stats.linregress(pairs[0], pairs[1]), stats.spearmanr(pairs[0], pairs[1])
    return Fit(
        pairs.shape[1],
        float(line.rvalue),
        float(line.slope),
        float(line.intercept),
        float(rank.statistic),
        float(rank.pvalue),
    )


def fit_repeats(everything: pd.DataFrame, seals: pd.DataFrame) -> dict[str, Spread] | None:
    """Fit SEALS against All over concepts, in each repeat.

    Args:
        everything: A measure of All: one row per concept, one column per repeat.
        seals: The same measure of SEALS.

    Returns:
        Pearson's r, slope and intercept, each with its spread over repeats; None if a repeat has no fit.
    """
    fits = [fit(everything[repeat], seals[repeat]) for repeat in everything.columns]
    lines = [line for line in fits if line is not None]
    if len(lines) < len(fits):
        return None
    return {
        name: measure_spread(pd.Series([getattr(line, name) for line in lines]))
        for name in ("pearson", "slope", "intercept")
    }
