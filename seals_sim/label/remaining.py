"""How many positives are left, and when to stop: statements that hold whatever the model is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, hypergeom


@dataclass(frozen=True)
class Interval:
    """A confidence interval for a number of rows, and its best guess."""

    low: int
    guess: float
    high: int


def remaining_positives(n_left: int, n_drawn: int, n_positive: int, confidence: float = 0.95) -> Interval:
    """Positives among `n_left` rows that nobody has looked at, from a control sample of the same: `n_drawn` rows drawn
    uniformly, `n_positive` of them positive. The interval is Clopper and Pearson's (1934), exact for a sample with
    replacement and a little too wide for one without.

    A sample that was drawn while the search went on errs to the high side: what it drew early was drawn from rows that
    still held the positives found since.

    >>> remaining_positives(10_000, 50, 0)
    Interval(low=0, guess=0.0, high=712)
    >>> remaining_positives(10_000, 0, 0)
    Interval(low=0, guess=nan, high=10000)
    """
    if n_drawn == 0:
        return Interval(0, float("nan"), n_left)
    part = binomtest(n_positive, n_drawn).proportion_ci(confidence, method="exact")
    low, high = int(np.floor(part.low * n_left)), int(np.ceil(part.high * n_left))
    return Interval(low, n_left * n_positive / n_drawn, high)


def p_of_missing_target(labels: Sequence[int], n_rows: int, target_recall: float = 0.95) -> float:
    """The p-value of the hypothesis that less than `target_recall` of all positives have been found: stop where it is
    below, say, 0.05.

    labels: (m,) 1 or 0, in the order in which rows were looked at; n_rows: of the whole table. The rule of Callaghan
    and Mueller-Hansen (Systematic Reviews 9:273, 2020): for each i, the last i rows are taken for a random sample of
    all that were left before them. A search finds more positives than such a sample would, so that the test errs to the
    side of going on. The smallest p over i is given, as they do, uncorrected.

    >>> p_of_missing_target([1] * 10, n_rows=1000)
    1.0
    >>> p_of_missing_target([1] * 10 + [0] * 980, n_rows=1000) < 0.05
    True
    """
    found = np.asarray(labels, dtype=np.int64)
    n_found, m = int(found.sum()), len(found)
    if n_found == 0:
        return 1.0
    least_total = int(np.floor(n_found / target_recall)) + 1  # positives, were the target missed
    last = np.arange(1, m + 1)
    positives_in_last = np.cumsum(found[::-1])
    n_before = n_rows - m + last  # rows left before the last i
    positives_before = least_total - (n_found - positives_in_last)
    p = hypergeom.cdf(positives_in_last, n_before, np.minimum(positives_before, n_before), last)
    return float(np.min(p))
