"""How many positives remain and when to stop: statements that hold no matter how good the model is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LARGE = 10_000  # rows: the time of scipy's hypergeometric distribution grows with them (3 ms per value at 10 million)
_STEPS = 16  # few enough factors for the product to stay accurate in a float
_NOTHING = -45.0  # log of a share below float precision


@dataclass(frozen=True)
class Interval:
    """A confidence interval for a number of rows, and a point estimate."""

    low: int
    guess: float
    high: int


def estimate_remaining(n_left: int, n_drawn: int, n_positive: int, confidence: float = 0.95) -> Interval:
    """Estimate the number of positives among unseen rows from rows drawn at random.

    The interval is that of Clopper and Pearson (1934), exact for a sample with replacement and slightly too wide for
    one without. A sample drawn during the search errs on the high side: its early draws came from rows that still
    contained the positives found since.

    Args:
        n_left: Unseen rows.
        n_drawn: Rows drawn uniformly from them.
        n_positive: Positives among the drawn rows.
        confidence: Confidence level of the interval.

    Returns:
        The interval; its guess is NaN if nothing was drawn.

    Examples:
        >>> estimate_remaining(10_000, 50, 0)
        Interval(low=0, guess=0.0, high=712)
        >>> estimate_remaining(10_000, 0, 0)
        Interval(low=0, guess=nan, high=10000)
    """
    if n_drawn == 0:
        return Interval(0, float("nan"), n_left)
    low_part, high_part = _bound_part(n_positive, n_drawn, confidence)
    low, high = int(np.floor(low_part * n_left)), int(np.ceil(high_part * n_left))
    return Interval(low, n_left * n_positive / n_drawn, high)


def _bound_part(n_positive: int, n_drawn: int, confidence: float) -> tuple[float, float]:
    from scipy.special import betaincinv  # scipy.stats has the interval but takes a second to import

    tail, n_negative = (1 - confidence) / 2, n_drawn - n_positive
    low = float(betaincinv(n_positive, n_negative + 1, tail)) if n_positive else 0.0
    high = float(betaincinv(n_positive + 1, n_negative, 1 - tail)) if n_negative else 1.0
    return low, high


def compute_p_missing(
    labels: Sequence[int], n_rows: int, target_recall: float = 0.95, n_positive_before: int = 0
) -> float:
    """Compute the p-value of the hypothesis that less than `target_recall` of all positives are known.

    The stopping rule of Callaghan and Müller-Hansen (Systematic Reviews 9:273, 2020): stop when it falls below, say,
    0.05. For each i, the last i rows are treated as a random sample of all rows that were left before them. A search
    finds more positives than such a sample would, so the test errs on the side of continuing. As in the paper, the
    result is the smallest p over all i, uncorrected.

    Args:
        labels: (m,) 1 or 0, in the order in which the search asked for the rows.
        n_rows: Rows that the search could have asked for, including those it did ask for.
        target_recall: Target share of all positives, including those known beforehand.
        n_positive_before: Positives that did not come from the search. They count as known, but they are part of
            neither the sequence nor `n_rows`.

    Returns:
        A probability; 1 while the search has no label or no positive is known.

    Examples:
        >>> compute_p_missing([1] * 10, n_rows=1000)
        1.0
        >>> compute_p_missing([1] * 10 + [0] * 980, n_rows=1000) < 0.05
        True
        >>> compute_p_missing([], n_rows=1000, n_positive_before=60)
        1.0
    """
    sequence = np.asarray(labels, dtype=np.int64)
    m, n_positive = len(sequence), int(sequence.sum())
    n_found = n_positive_before + n_positive
    if m == 0 or n_found == 0:
        return 1.0
    least_total = int(np.floor(n_found / target_recall)) + 1  # fewest positives if the target is missed
    backward = sequence[::-1]
    last = np.append(
        np.flatnonzero(backward[1:]) + 1, m
    )  # p falls with every negative before a positive: i + 1 of n + 1
    positives_in_last = np.cumsum(backward)[last - 1]
    n_before = n_rows - m + last  # rows left before the last i
    positives_before = least_total - (n_found - positives_in_last)
    if n_rows > _LARGE and least_total <= n_rows - m:
        return float(np.exp(np.min(_compute_log_cdf(positives_in_last, n_before, positives_before, last))))
    from scipy.stats import hypergeom

    p = hypergeom.cdf(positives_in_last, n_before, np.minimum(positives_before, n_before), last)
    return float(np.min(p))


def _compute_log_cdf(
    x: NDArray[np.int64], n: NDArray[np.int64], n_good: NDArray[np.int64], n_drawn: NDArray[np.int64]
) -> NDArray[np.float64]:
    """log P(at most x of n_drawn rows of n are among n_good of them), all (m,), for n_good + n_drawn <= n.

    Computed term by term, so that the time depends on the numbers drawn and found, not on n.
    """
    fewer, more = np.minimum(n_good, n_drawn), np.maximum(n_good, n_drawn)
    term = np.zeros(len(x))  # log P(none is)
    for start in range(0, int(fewer.max()), _STEPS):
        first = int(np.searchsorted(fewer, start, side="right"))  # `fewer` rises with the rows drawn
        steps, least = np.arange(start, start + _STEPS)[:, None], fewer[first:]
        parts = 1 - more[first:] / (n[first:] - np.minimum(steps, least - 1))
        term[first:] += np.log(np.prod(parts, axis=0, where=steps < least))
    total = term.copy()
    with np.errstate(divide="ignore"):  # beyond the largest possible number
        for found in range(int(x.max())):
            is_left = found < np.minimum(x, fewer)
            ways = (fewer - found)[is_left] * ((more - found)[is_left] / (found + 1))
            term[is_left] += np.log(ways / (n - fewer - more + found + 1)[is_left])
            total[is_left] = np.logaddexp(total[is_left], term[is_left])
            if not is_left.any() or np.max((term - total)[is_left]) < _NOTHING:  # terms rise and then fall for good
                break
    return np.minimum(total, 0)
