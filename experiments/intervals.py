"""The confidence interval of a mean over concepts, shared by all experiments."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats


def bootstrap_mean(values: ArrayLike) -> tuple[float, float, float]:
    """The mean, and the ends of its 95 % interval by a BCa bootstrap. All three are equal if the values have no spread.

    Args:
        values: (n,), one for each concept, class or problem.

    Examples:
        >>> bootstrap_mean([2.0, 2.0])
        (2.0, 2.0, 2.0)
        >>> mean, low, high = bootstrap_mean([0.0, 1.0, 2.0, 3.0, 4.0])
        >>> low < mean < high
        True
    """
    known = np.asarray(values, dtype=float)
    mean = float(known.mean())
    if len(known) < 2 or np.ptp(known) == 0:
        return mean, mean, mean
    interval = stats.bootstrap((known,), np.mean, rng=np.random.default_rng(0)).confidence_interval
    return mean, float(interval.low), float(interval.high)
