"""Scores phi of binary classification (3.1, 3.2): functions of the log-odds t alone, P = 1 / (1 + exp(-t)).

They are written so that they keep their order in float64 even when P itself would round to 0 or 1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from seals_sim.types import Scores

Score = Callable[[Scores], Scores]


def max_entropy(t: Scores) -> Scores:
    """phi_MaxEnt = -sum_y P(y|z) log P(y|z) (3.1), in nats.

    With e = exp(-|t|), the entropy is log(1 + e) + |t| e / (1 + e).

    >>> max_entropy(np.array([0.0, 1.0, -1.0])).round(6).tolist()
    [0.693147, 0.582203, 0.582203]
    """
    t = np.abs(t)
    e: Scores = np.exp(-t)
    return np.log1p(e) + t * e / (1 + e)


def least_confidence(t: Scores) -> Scores:
    """1 - max_y P(y|z) = 1 / (1 + exp(|t|)); Settles 2009, 2.3.

    >>> least_confidence(np.array([0.0])).tolist()
    [0.5]
    """
    e: Scores = np.exp(-np.abs(t))
    return e / (1 + e)


def margin(t: Scores) -> Scores:
    """Minus the margin P(y1|z) - P(y2|z) = tanh(|t| / 2) of the two classes; Settles 2009, 2.3.

    >>> margin(np.array([0.0, 2.0])).round(6).tolist()
    [-0.0, -0.761594]
    """
    return -np.tanh(np.abs(t) / 2)


def most_likely_positive(t: Scores) -> Scores:
    """phi_MLP = P(r|z) (3.2), as log P: the same order.

    >>> np.exp(most_likely_positive(np.array([0.0, 40.0, 41.0]))).round(3).tolist()
    [0.5, 1.0, 1.0]
    """
    return -np.logaddexp(0, -t)


def _identity(t: Scores) -> Scores:
    return t


def _nearness(t: Scores) -> Scores:
    return -np.abs(t)


# With two classes the order is that of t or of -|t|, which need no exp or log per row.
_SAME_ORDER: dict[Score, Score] = {
    max_entropy: _nearness,
    least_confidence: _nearness,
    margin: _nearness,
    most_likely_positive: _identity,
}


def get_order(score: Score) -> Score:
    """The cheapest known score that an arg max may use instead of this one.

    They differ only by rounding: the cheaper one distinguishes log-odds whose scores round to the same number.

    >>> get_order(max_entropy)(np.array([1e-9, -2e-9])).tolist()
    [-1e-09, -2e-09]
    """
    return _SAME_ORDER.get(score, score)
