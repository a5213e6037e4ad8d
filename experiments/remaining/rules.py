"""Stopping rules from the literature on high-recall search, each a function of what a search knows.

All of them judge recall without knowing how many positives exist. The comparison also includes `compute_p_missing`
(Callaghan and Müller-Hansen 2020) and `forecast_remaining`, which the page shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LEAST_RATIO, _MOST_COUNTED = 156, 150  # constants of the knee
_LONGEST_EM, _CONVERGED = 1000, 1e-6
_MOST_OFF = 0.3  # largest error of a corrected prior on the last answers: alpha of Molinari and Esuli
_STEP = 0.01  # log-odds: for speed, the prior correction treats scores this close as one


def count_target_set(target_recall: float, risk: float = 0.05) -> int:
    """How many positives drawn at random a search must find before it stops (Cormack and Grossman, SIGIR 2016).

    If recall were below `target_recall`, the chance of having found all of them would be at most `risk`. Cormack and
    Grossman use 10 for 70 %.

    Examples:
        >>> [count_target_set(recall) for recall in (0.75, 0.8, 0.9, 0.95)]
        [11, 14, 29, 59]
    """
    return int(np.ceil(np.log(risk) / np.log(target_recall)))


def find_target_stop(is_found_at: Sequence[int | None]) -> int | None:
    """The number of answers after which a whole target set is found; None if the search has not found all of it.

    Args:
        is_found_at: For each member of the target set, the answer that found it, counted from 1; None if none did.
    """
    found = [place for place in is_found_at if place is not None]
    return max(found) if found and len(found) == len(is_found_at) else None


def is_at_knee(labels: Sequence[int], least: int = 1000) -> bool:
    """Whether the gain curve has bent enough: the knee of Cormack and Grossman (SIGIR 2016).

    The knee is where the curve lies farthest above the line from its beginning to its end. The search stops once
    positives came 156 times as often before the knee as since, or six times as often if 150 or more are found.

    Args:
        labels: (m,) 1 or 0, in the order of asking.
        least: It never stops before this many answers.

    Examples:
        >>> is_at_knee([1] * 100 + [0] * 900), is_at_knee([1] * 100 + [0] * 899), is_at_knee([0] * 1000)
        (True, False, False)
    """
    m = len(labels)
    found = np.cumsum(labels, dtype=np.int64)
    if m < max(least, 2) or found[-1] == 0:
        return False
    places = np.arange(1, m)
    knee = int(np.argmax(found[:-1] - found[-1] * places / m))
    before, since = found[knee] / (knee + 1), (found[-1] - found[knee] + 1) / (m - knee - 1)
    return bool(before / since >= _LEAST_RATIO - min(int(found[-1]), _MOST_COUNTED))


@dataclass(frozen=True)
class RecallByScores:
    """Recall estimated from scores, and its standard error."""

    recall: float
    error: float

    def reaches(self, target_recall: float, n_errors: float = 0) -> bool:
        """Whether the target is reached even this many standard errors below the estimate: none for Quant, two for
        QuantCI.
        """
        return self.recall - n_errors * self.error >= target_recall


def estimate_recall_by_scores(known: NDArray[np.float64], rest: NDArray[np.float64]) -> RecallByScores:
    """Estimate recall from scores treated as probabilities: Quant (Yang, Lewis and Frieder, DocEng 2021).

    Args:
        known: (m,) scores of the rows with answers.
        rest: (n,) scores of the others.

    Examples:
        >>> estimate_recall_by_scores(np.array([1.0, 0.9]), np.array([0.1, 0.0])).recall
        0.95
    """
    all_in_all = known.sum() + rest.sum()
    if all_in_all == 0:
        return RecallByScores(0.0, 0.0)
    of_known, of_rest = (float((part * (1 - part)).sum()) for part in (known, rest))
    variance = known.sum() ** 2 / all_in_all**4 * (of_known + of_rest) + of_known / all_in_all**2
    return RecallByScores(float(known.sum() / all_in_all), float(np.sqrt(variance)))


def correct_prior(scores: NDArray[np.float64], prior: float, trust: float) -> NDArray[np.float64]:
    """Correct scores for a different fraction of positives than in training, as SAL-tau does (Molinari and Esuli, DMKD
    2023).

    Expectation maximization (Saerens, Latinne and Decaestecker 2002), in which the ratio of the new prior to the old
    one is weighted by the trust in the classifier.

    Args:
        scores: (n,), above 0 and below 1.
        prior: Mean score in training, above 0 and below 1.
        trust: From 0 (scores stay unchanged) to 1 (the method of 2002).

    Examples:
        >>> correct_prior(np.array([0.5, 0.2]), 0.5, 0.0).tolist()
        [0.5, 0.2]
    """
    kinds, kind, counts = np.unique(np.round(_logit(scores) / _STEP), return_inverse=True, return_counts=True)
    original = 1 / (1 + np.exp(-kinds * _STEP))
    new, corrected = float(np.average(original, weights=counts)), original
    for _ in range(_LONGEST_EM):
        positive = (1 + trust * (new / prior - 1)) * original
        negative = (1 + trust * ((1 - new) / (1 - prior) - 1)) * (1 - original)
        corrected, last = positive / (positive + negative), new
        new = float(np.average(corrected, weights=counts))
        if 2 * abs(new - last) < _CONVERGED:
            break
    odds = np.log(corrected / original * (1 - original) / (1 - corrected))  # added by the correction
    return 1 / (1 + np.exp(-_logit(scores) - odds[kind]))


def measure_trust(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    """Tau: the cosine between the scores of the last answers before and after training on them."""
    lengths = float(np.linalg.norm(before) * np.linalg.norm(after))
    return float(before @ after) / lengths if lengths else 0.0


def is_prior_off(labels: NDArray[np.int8], scores: NDArray[np.float64]) -> bool:
    """Whether corrected scores of the last answers are too far off the fraction of positives among them."""
    true = float(labels.mean())
    return bool(abs(true - scores.mean()) / max(true, 1 - true) > _MOST_OFF)


def add_margin(target_recall: float) -> float:
    """The recall that SAL-tau with a margin for risk (SAL-tau-R) waits for.

    Examples:
        >>> add_margin(0.9)
        0.99
    """
    return 2 * target_recall - target_recall**2


def _logit(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log(scores) - np.log1p(-scores)
