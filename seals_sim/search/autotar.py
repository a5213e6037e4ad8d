"""AutoTAR's schedule, for comparison: batches that grow by a tenth (Cormack and Grossman 2015)."""

from __future__ import annotations

from typing import Generic, TypeVar

from seals_sim.types import LabeledRows, Learner

Model = TypeVar("Model")


class GrowingBatches(Generic[Model]):
    """A learner that trains anew only when a batch is full, of one answer at first and a tenth more after each.

    For a loop with batches of 1. The model is that of the labels at the end of the last full batch, so a function of
    the labeled set alone. AutoTAR is this over a `PresumingLearner` with 100 rows, a scan of everything, and the
    likeliest positives (their steps 3 to 9; step 1, a synthetic document, is left to the seeds).

    Args:
        learner: Is trained.
        n_seeds: Labels before the first batch.

    Examples:
        >>> batches = GrowingBatches(learner=None, n_seeds=5)
        >>> [batches.get_last_end(n) for n in (5, 6, 7, 8, 25, 26, 27, 28)]
        [5, 6, 6, 8, 20, 26, 26, 26]
    """

    def __init__(self, learner: Learner[LabeledRows, Model], n_seeds: int) -> None:
        self._learner, self._n_seeds = learner, n_seeds
        self._trained_on: LabeledRows | None = None
        self._model: Model

    def fit(self, labeled: LabeledRows) -> Model:
        """Raises ValueError as the learner does."""
        n = self.get_last_end(len(labeled))
        rows, labels = labeled.rows[:n], labeled.labels[:n]
        old = self._trained_on
        if old is None or len(old) != n or (old.rows != rows).any() or (old.labels != labels).any():
            self._trained_on = LabeledRows(rows, labels)
            self._model = self._learner.fit(self._trained_on)
        return self._model

    def get_last_end(self, n_labeled: int) -> int:
        """How many labels there were at the end of the last full batch."""
        end, size = self._n_seeds, 1
        while end + size <= n_labeled:
            end += size
            size += -(-size // 10)
        return end
