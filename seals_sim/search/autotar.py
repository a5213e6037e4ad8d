"""AutoTAR's schedule, for comparison: batches that grow by a tenth (Cormack and Grossman 2015)."""

from __future__ import annotations

from typing import Generic, TypeVar

from seals_sim.types import LabeledRows, Learner

Model = TypeVar("Model")


class GrowingBatches(Generic[Model]):
    """A learner that retrains only when a batch is full. Batches start at one answer and grow by a tenth each time.

    For a loop with batches of 1. The model is trained on the labels up to the end of the last full batch, so it depends
    on the labeled set alone. AutoTAR is this learner over a `PresumingLearner` with 100 rows, with a scan of everything
    and the most likely positives (their steps 3 to 9; the seeds replace step 1, a synthetic document).

    Args:
        learner: The learner to train.
        n_seeds: Number of labels before the first batch.

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
        """Fit the learner, or return the model of the last full batch. Raises ValueError if the learner does."""
        n = self.get_last_end(len(labeled))
        rows, labels = labeled.rows[:n], labeled.labels[:n]
        old = self._trained_on
        if old is None or len(old) != n or (old.rows != rows).any() or (old.labels != labels).any():
            self._trained_on = LabeledRows(rows, labels)
            self._model = self._learner.fit(self._trained_on)
        return self._model

    def get_last_end(self, n_labeled: int) -> int:
        """The number of labels at the end of the last full batch."""
        end, size = self._n_seeds, 1
        while end + size <= n_labeled:
            end += size
            size += -(-size // 10)
        return end
