"""The learner of a session: it also learns from seeds, and makes do with one class."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from seals_sim.label.events import Seed
from seals_sim.search.learners import LinearModel, fit_logistic
from seals_sim.types import LabeledRows, StoredVectors


@dataclass(frozen=True, eq=False)
class SimilarityModel(LinearModel):
    """Stands in for a classifier while a class is missing: its decision is a similarity, no log-odds."""


class SeededLearner:
    """Logistic regression on answers and seeds.

    While only one class is labeled, the model is the similarity to the mean of its examples (for negatives, minus it).

    Args:
        vectors: (n, d), what rows are positions in.
        seeds: Examples that need not be rows.
        regularization: scikit-learn's C.
    """

    def __init__(self, vectors: StoredVectors, seeds: Sequence[Seed], regularization: float) -> None:
        self._vectors, self._regularization = vectors, regularization
        self._seed_labels = np.array([seed.label for seed in seeds], dtype=np.int8)
        d = vectors.shape[1]
        self._seed_vectors = np.array([seed.vector for seed in seeds], dtype=np.float64).reshape(len(seeds), d)

    def fit(self, labeled: LabeledRows) -> LinearModel:
        """Train on seeds and labeled rows."""
        vectors = np.concatenate([self._seed_vectors, self._vectors[labeled.rows].astype(np.float64)])
        labels = np.concatenate([self._seed_labels, labeled.labels])
        if 0 < labels.sum() < len(labels):
            return fit_logistic(vectors, labels, self._regularization)
        sign = 1 if labels.any() else -1
        mean = sign * vectors.mean(axis=0) if len(vectors) else np.zeros(vectors.shape[1])
        length = float(np.linalg.norm(mean))
        return SimilarityModel((mean / length if length else mean).astype(np.float32), 0.0)


def explain_missing(labels: Collection[int], negatives_lead: bool = True) -> str:
    """Say which class is missing and what the search does meanwhile; empty where none is.

    Args:
        labels: Those given.
        negatives_lead: Whether there are candidates while there is no positive.

    Examples:
        >>> explain_missing({1})
        'No negatives marked yet: rows are shown in order of similarity to the positives.'
        >>> explain_missing({0, 1})
        ''
    """
    match sorted(set(labels)):
        case [0, 1]:
            return ""
        case [1]:
            return "No negatives marked yet: rows are shown in order of similarity to the positives."
        case [0] if not negatives_lead:
            return "No positives marked yet: rows are drawn at random."
        case [0]:
            return "No positives marked yet: rows least similar to the negatives are shown first."
    return "Nothing marked yet: rows are drawn at random."
