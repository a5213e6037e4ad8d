"""Predicting how many positives remain from how many the search has found lately.

A random sample shows what remains for any concept, but little about a rare one: after n rows without a positive, a
share of 3 / n may still be positive. (No other way to draw n rows does better: to n draws, positives that lie anywhere
look the same.) A forecast says more, since searches resemble each other: they find most of what exists, and then less
and less. It was learned from sessions on several tables, and its interval was measured on tables that it was not
learned on (`python -m experiments.remaining`, reports/remaining). That is no guarantee for a concept of another kind,
for example one with a part that resembles nothing found so far.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seals_sim.evaluate.remaining import Interval

_TAIL = 0.05

LEAST_ANSWERS = 135
"""Minimum number of answers to rows chosen by the search; with fewer there is no forecast."""
LARGEST_RATE = 0.5
"""While this share of the last quarter of these answers is positive, the search is far from its end."""
MOST_ANSWERS = 900
"""Nothing was measured beyond this many answers; the forecast treats a larger number as this one."""


def describe_search(labels: Sequence[int]) -> NDArray[np.float64]:
    """Compute the features of a forecast.

    Args:
        labels: (m,) 1 or 0 for the rows that the search chose, in the order in which they were asked.

    Returns:
        (4,): 1; the logs of the positive shares of the last half and the last quarter of the labels; log m.

    Examples:
        >>> describe_search([1] * 50 + [0] * 50).round(2).tolist()
        [1.0, -4.62, -3.95, 4.61]
    """
    sequence = np.asarray(labels, dtype=np.float64)
    m = len(sequence)
    parts = [(last.sum() + 0.5) / (len(last) + 1) for last in (sequence[m // 2 :], sequence[m - m // 4 :])]
    return np.array([1.0, *np.log(parts), np.log(min(m, MOST_ANSWERS))])


@dataclass(frozen=True)
class Forecast:
    """log(1 + remaining) is linear in `describe_search`, with an error.

    Attributes:
        weights: (4,).
        error: For each table learned from, all but 5 % of the errors on it, when predicted from the other tables, are
            below this value.
    """

    weights: tuple[float, ...]
    error: float

    @classmethod
    def fit(
        cls, features: NDArray[np.float64], remaining: NDArray[np.float64], tables: NDArray[np.object_]
    ) -> Forecast:
        """Learn from (n, 4) features, (n,) remaining positives, and their (n,) tables, of which there are two or more.

        A future table is a new one, so its error is taken to be that of the worst table so far when predicted from all
        others.
        """
        logs, errors = np.log1p(remaining), []
        for name in np.unique(tables):
            is_here = tables == name
            weights = np.linalg.lstsq(features[~is_here], logs[~is_here], rcond=None)[0]
            errors.append(np.quantile(logs[is_here] - features[is_here] @ weights, 1 - _TAIL))
        weights = np.linalg.lstsq(features, logs, rcond=None)[0]
        return cls(tuple(weights.tolist()), float(max(errors)))

    def predict(self, labels: Sequence[int], random: Interval) -> Interval | None:
        """Predict how many positives remain: see `forecast_remaining`."""
        if not can_foretell(labels):
            return None
        log = float(describe_search(labels) @ np.array(self.weights))
        high = min(int(np.ceil(np.expm1(log + self.error))), random.high)
        if random.low > high:
            return None
        return Interval(random.low, float(np.clip(np.expm1(log), random.low, high)), high)


FORECAST = Forecast((3.789365, 0.161530, 0.804692, 0.446437), 3.137377)
"""Learned from all sessions of reports/remaining."""


def can_foretell(labels: Sequence[int]) -> bool:
    """Whether there are enough labels, with some positives but few among the latest."""
    sequence = np.asarray(labels, dtype=np.int64)
    last = sequence[len(sequence) - len(sequence) // 4 :]
    return bool(len(sequence) >= LEAST_ANSWERS and sequence.any() and last.mean() < LARGEST_RATE)


def forecast_remaining(labels: Sequence[int], random: Interval) -> Interval | None:
    """Predict how many positives remain, with an interval that was measured to contain the truth in 96 % of sessions.

    The upper end is that of the forecast or of the rows drawn at random, whichever is lower. The lower end is that of
    the random rows, since it is never unlikely that nothing remains.

    Args:
        labels: (m,) 1 or 0 for the rows that the search chose, in the order in which they were asked.
        random: Estimate for the rows without an answer from rows drawn at random (`estimate_remaining`).

    Returns:
        The interval; None if it is too early (`can_foretell`) or the rows drawn at random contradict the forecast.
    """
    return FORECAST.predict(labels, random)
