"""Stopping rules of the literature on searches for all there is, each a function of what a search knows.

All of them speak of recall without knowing how many positives there are. `compute_p_missing` (Callaghan and
Müller-Hansen 2020) and `forecast_remaining`, which the page shows, are the others that are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LEAST_RATIO, _MOST_COUNTED = 156, 150  # of the knee
_LONGEST_EM, _CONVERGED = 1000, 1e-6
_MOST_OFF = 0.3  # of a corrected prior on the last answers: alpha of Molinari and Esuli
_STEP = 0.01  # log-odds: scores as near as this are one to the correction of the prior, for speed


def count_target_set(target_recall: float, risk: float = 0.05) -> int:
    """How many positives drawn at random a search must find before it stops (Cormack and Grossman, SIGIR 2016).

    Were less than `target_recall` found, all of them would be among what is found with a chance of at most `risk`.
    Cormack and Grossman take 10, for 70 %.

    Examples:
        >>> [count_target_set(recall) for recall in (0.75, 0.8, 0.9, 0.95)]
        [11, 14, 29, 59]
    """
    return int(np.ceil(np.log(risk) / np.log(target_recall)))


def find_target_stop(is_found_at: Sequence[int | None]) -> int | None:
    """After how many answers all of a target set are found; None where the search has not found them.

    Args:
        is_found_at: Of each of the target set, the answer that found it, from 1; None where none did.
    """
    found = [place for place in is_found_at if place is not None]
    return max(found) if found and len(found) == len(is_found_at) else None


def is_at_knee(labels: Sequence[int], least: int = 1000) -> bool:
    """Whether the curve of what is found has bent enough: the knee of Cormack and Grossman (SIGIR 2016).

    The knee is where the curve lies farthest above the line from its beginning to its end. There the search stops
    once positives came 156 times as often before as since, or six times as often where 150 or more are found.

    Args:
        labels: (m,) 1 or 0, in the order of asking.
        least: Answers before which it never stops.

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
    """Recall estimated from scores, and the standard error of that."""

    recall: float
    error: float

    def reaches(self, target_recall: float, n_errors: float = 0) -> bool:
        """Whether the target is reached even so many standard errors below: Quant has none of them, QuantCI two."""
        return self.recall - n_errors * self.error >= target_recall


def estimate_recall_by_scores(known: NDArray[np.float64], rest: NDArray[np.float64]) -> RecallByScores:
    """Estimate recall from scores taken for probabilities: Quant (Yang, Lewis and Frieder, DocEng 2021).

    Args:
        known: (m,) scores of the rows that have answers.
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
    """Correct scores for another part of positives than in training, as SAL-tau does (Molinari and Esuli, DMKD 2023).

    Expectation and maximization (Saerens, Latinne and Decaestecker 2002), in which the ratio of the new prior to the
    old one counts by as much as the classifier is trusted.

    Args:
        scores: (n,), above 0 and below 1.
        prior: Mean score in training, above 0 and below 1.
        trust: From 0 (scores stay as they are) to 1 (the method of 2002).

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
    odds = np.log(corrected / original * (1 - original) / (1 - corrected))  # what the correction has added
    return 1 / (1 + np.exp(-_logit(scores) - odds[kind]))


def measure_trust(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    """Tau: the cosine between scores of the last answers before and after training on them."""
    lengths = float(np.linalg.norm(before) * np.linalg.norm(after))
    return float(before @ after) / lengths if lengths else 0.0


def is_prior_off(labels: NDArray[np.int8], scores: NDArray[np.float64]) -> bool:
    """Whether corrected scores of the last answers say too falsely how many of them are positive."""
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
