"""Every measure of a run, each defined once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from seals_sim.search.learners import Model
from seals_sim.types import LabeledRows, StoredVectors


@dataclass(frozen=True)
class Quality:
    """How well a model ranks held-out data.

    Attributes:
        average_precision: The sum over recall steps of precision, ties as one step.
        auc: The area under the ROC curve.
        n_called_positive: Rows that the model classifies as positive (P > 1/2).
    """

    average_precision: float
    auc: float
    n_called_positive: int


def measure_quality(model: Model, vectors: StoredVectors, is_positive: NDArray[np.bool_]) -> Quality:
    """Measure how well a model ranks held-out data.

    Args:
        model: Gives a decision value for each row.
        vectors: (m, d).
        is_positive: (m,), with both classes present.

    Returns:
        The measures.

    Examples:
        >>> from seals_sim.search.learners import LinearModel
        >>> vectors = np.array([[4], [3], [2], [1]], dtype=np.float32)
        >>> model = LinearModel(np.ones(1, dtype=np.float32), -2.5)
        >>> measure_quality(model, vectors, np.array([True, True, False, False]))
        Quality(average_precision=1.0, auc=1.0, n_called_positive=2)
    """
    decision = model.decision(vectors)
    return Quality(
        average_precision=float(average_precision_score(is_positive, decision)),
        auc=float(roc_auc_score(is_positive, decision)),
        n_called_positive=int((decision > 0).sum()),
    )


def count_positives(labeled: LabeledRows) -> int:
    """Count the positives among the labeled rows, seeds included: the utility u(L_r) of 3.2.

    Examples:
        >>> count_positives(LabeledRows([4, 7, 2], [1, 0, 1]))
        2
    """
    return int((labeled.labels == 1).sum())


def compute_recall(labeled: LabeledRows, n_pool_positives: int) -> float:
    """Compute the share of the pool's positives that are labeled (5.1).

    Args:
        labeled: Labeled rows, seeds included.
        n_pool_positives: Positives of the pool, seeds included.

    Returns:
        From 0 to 1.

    Examples:
        >>> compute_recall(LabeledRows([4, 7, 2], [1, 0, 1]), n_pool_positives=8)
        0.25
    """
    return count_positives(labeled) / n_pool_positives


def compute_pool_fraction(n_candidates: int, n_pool: int, n_seeds: int) -> float:
    """Compute the share of the unlabeled data U that has been considered (5.1).

    Args:
        n_candidates: Distinct candidates so far.
        n_pool: Rows of the pool, seeds included.
        n_seeds: Seeds, which are not part of U.

    Returns:
        From 0 to 1.

    Examples:
        >>> compute_pool_fraction(90, n_pool=1000, n_seeds=100)
        0.1
    """
    return n_candidates / (n_pool - n_seeds)
