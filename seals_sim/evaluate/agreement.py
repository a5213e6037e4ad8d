"""How well two judges of the same rows agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Agreement:
    """The answers of two judges to the same rows.

    Attributes:
        n: Rows that both answered.
        n_same: Rows with the same answer.
        n_first_alone: Rows to which only the first said yes.
        n_second_alone: Rows to which only the second said yes.
        low: Lower end of the 95 % confidence interval for the share of equal answers.
        high: Upper end of that interval.
        kappa: Cohen's kappa: 1 for full agreement, 0 for what chance alone would give; None if both gave the same
            answer throughout, so that chance alone gives full agreement.
    """

    n: int
    n_same: int
    n_first_alone: int
    n_second_alone: int
    low: float
    high: float
    kappa: float | None


def compare_answers(pairs: Sequence[tuple[int, int]]) -> Agreement | None:
    """Compare two judges; None if there are no rows.

    The interval is Wilson's (E. B. Wilson, 1927), which is neither empty nor above 1 if all answers agree.

    Args:
        pairs: Both answers to each row, 1 or 0.

    Examples:
        >>> found = compare_answers([(1, 1)] * 20 + [(1, 0)] * 5 + [(0, 1)] * 10 + [(0, 0)] * 15)
        >>> found.n_same, found.n, round(found.kappa, 3)
        (35, 50, 0.4)
        >>> round(found.low, 3), round(found.high, 3)
        (0.562, 0.809)
    """
    from scipy.stats import binomtest

    if not pairs:
        return None
    first, second = np.array(pairs).T
    n, n_same = len(first), int((first == second).sum())
    interval = binomtest(n_same, n).proportion_ci(method="wilson")
    by_chance = float(first.mean() * second.mean() + (1 - first.mean()) * (1 - second.mean()))
    return Agreement(
        n=n,
        n_same=n_same,
        n_first_alone=int((first > second).sum()),
        n_second_alone=int((first < second).sum()),
        low=float(interval.low),
        high=float(interval.high),
        kappa=None if by_chance == 1 else (n_same / n - by_chance) / (1 - by_chance),
    )
