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

LEAST_ANSWERS = 90
"""Answers to rows that the search chose, below which nothing is foretold."""
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
    """log(1 + remaining) is linear in `describe_search`, with an error between two bounds.

    Attributes:
        weights: (4,).
        low: The lower bound of the error; 2 % of those learned from are below.
        high: The upper one.
    """

    weights: tuple[float, ...]
    low: float
    high: float

    @classmethod
    def fit(cls, features: NDArray[np.float64], remaining: NDArray[np.float64], tail: float = 0.02) -> Forecast:
        """Learn from (n, 4) features and the (n,) positives that remained; `tail`: errors beyond each bound."""
        logs = np.log1p(remaining)
        weights = np.linalg.lstsq(features, logs, rcond=None)[0]
        low, high = np.quantile(logs - features @ weights, [tail, 1 - tail])
        return cls(tuple(weights.tolist()), float(low), float(high))

    def predict(self, labels: Sequence[int], n_left: int) -> Interval:
        """How many positives remain.

        Args:
            labels: As for `describe_search`.
            n_left: Rows without an answer.
        """
        log = float(describe_search(labels) @ np.array(self.weights))
        low, guess, high = (np.expm1(log + error) for error in (self.low, 0.0, self.high))
        bounded = (float(np.clip(value, 0, n_left)) for value in (low, guess, high))
        return Interval(int(np.floor(next(bounded))), next(bounded), int(np.ceil(next(bounded))))


FORECAST = Forecast((2.4532, 0.3040, 0.5459, 0.5091), -2.2602, 2.3275)
"""Learned from all sessions of reports/remaining."""


def forecast_remaining(labels: Sequence[int], n_left: int) -> Interval | None:
    """Foretell how many positives remain, with an interval that held the truth in 95 % of the sessions measured.

    Args:
        labels: (m,) 1 or 0 for the rows that the search chose, in the order of asking.
        n_left: Rows without an answer.

    Returns:
        None where labels are fewer than `LEAST_ANSWERS`, or none is positive.
    """
    if len(labels) < LEAST_ANSWERS or not any(labels):
        return None
    return FORECAST.predict(labels, n_left)
