"""How many positives remain, foretold from how many the search has found lately.

A sample drawn at random says what remains whatever the concept, and little of a rare one: n rows without a positive
leave possible that a part of 3 / n is positive. (No other way to draw n rows does better: to n draws, positives that
lie anywhere look the same.) A forecast says more, since searches resemble each other: they find most of what there is,
and then less and less. It was learned from sessions on several tables, and its interval was measured on
tables that it was not learned on (`python -m experiments.remaining`, reports/remaining). That is no guarantee for a
concept of another kind, say one with a part that resembles nothing found so far.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seals_sim.evaluate.remaining import Interval

_TAIL = 0.05

LEAST_ANSWERS = 135
"""Answers to rows that the search chose, below which nothing is foretold."""
LARGEST_RATE = 0.5
"""While as large a part of the last quarter of them is positive, the search is far from its end."""
MOST_ANSWERS = 900
"""Beyond so many, nothing was measured; the forecast treats more as if they were these."""


def describe_search(labels: Sequence[int]) -> NDArray[np.float64]:
    """What a forecast depends on.

    Args:
        labels: (m,) 1 or 0 for the rows that the search chose, in the order of asking.

    Returns:
        (4,): 1; the log of the part that is positive in the last half of the labels, and in the last quarter; log m.

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
        error: All but 5 % of the errors on one table are below it, for each table that was learned from and what the
            others say about it.
    """

    weights: tuple[float, ...]
    error: float

    @classmethod
    def fit(
        cls, features: NDArray[np.float64], remaining: NDArray[np.float64], tables: NDArray[np.object_]
    ) -> Forecast:
        """Learn from (n, 4) features, the (n,) positives that remained, and their (n,) tables, two or more.

        A table that is yet to come is another one, so its error is taken for that of the worst table so far, under
        what all others say about it.
        """
        logs, errors = np.log1p(remaining), []
        for name in np.unique(tables):
            is_here = tables == name
            weights = np.linalg.lstsq(features[~is_here], logs[~is_here], rcond=None)[0]
            errors.append(np.quantile(logs[is_here] - features[is_here] @ weights, 1 - _TAIL))
        weights = np.linalg.lstsq(features, logs, rcond=None)[0]
        return cls(tuple(weights.tolist()), float(max(errors)))

    def predict(self, labels: Sequence[int], random: Interval) -> Interval | None:
        """How many positives remain: see `forecast_remaining`."""
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
    """Whether there are enough labels, some of them positive, but few of the last."""
    sequence = np.asarray(labels, dtype=np.int64)
    last = sequence[len(sequence) - len(sequence) // 4 :]
    return bool(len(sequence) >= LEAST_ANSWERS and sequence.any() and last.mean() < LARGEST_RATE)


def forecast_remaining(labels: Sequence[int], random: Interval) -> Interval | None:
    """Foretell how many positives remain, with an interval that was measured to hold the truth in 96 % of sessions.

    The upper end is the forecast's, or that of the rows drawn at random where it is lower; the lower end is theirs:
    that nothing remains is never unlikely.

    Args:
        labels: (m,) 1 or 0 for the rows that the search chose, in the order of asking.
        random: What rows drawn at random say of the rows without an answer (`estimate_remaining`).

    Returns:
        None while it is too early (`can_foretell`), or where the rows drawn at random contradict it.
    """
    return FORECAST.predict(labels, random)
