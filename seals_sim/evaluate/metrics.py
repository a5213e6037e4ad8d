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
    """How well a model ranks held-out data, and how many rows of it are positive to the model (P > 1/2)."""

    average_precision: float
    auc: float
    n_called_positive: int


def measure_quality(model: Model, vectors: StoredVectors, is_positive: NDArray[np.bool_]) -> Quality:
    """Average precision (sum over recall steps of precision, ties as one step) and area under the ROC curve,
    on test vectors (m, d) with labels (m,) bool of both classes.
    """
    decision = model.decision(vectors)
    return Quality(
        average_precision=float(average_precision_score(is_positive, decision)),
        auc=float(roc_auc_score(is_positive, decision)),
        n_called_positive=int((decision > 0).sum()),
    )


def count_positives(labeled: LabeledRows) -> int:
    """Positives among the labelled, seeds included: the utility u(L_r) of 3.2."""
    return int((labeled.labels == 1).sum())


def compute_recall(labeled: LabeledRows, n_pool_positives: int) -> float:
    """The part of the pool's positives (seeds included) that is labelled."""
    return count_positives(labeled) / n_pool_positives


def compute_pool_fraction(n_candidates: int, n_pool: int, n_seeds: int) -> float:
    """Distinct candidates considered so far, as a part of the unlabelled data U, the pool without the seeds."""
    return n_candidates / (n_pool - n_seeds)
