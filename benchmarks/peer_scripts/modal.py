"""modAL: pool-based uncertainty sampling over the whole pool.

The fast path in its documentation is `ActiveLearner.query(X_pool, n_instances=...)` with a plain uncertainty measure,
which scores the pool once per batch (modal-python.readthedocs.io: "Uncertainty sampling", and "Pool-based sampling" for
the loop). "Ranked batch-mode sampling" also computes distances between all rows of the pool. With two classes the least
confident rows are those with the highest entropy, and the default `uncertainty_sampling` takes no logarithms.

The pool is float64, which the reference of LogisticRegression recommends "for optimal performance": the scikit-learn
release that modAL needs widens float32 rows to float64 in every query.
"""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
from modAL.models import ActiveLearner
from modAL.uncertainty import uncertainty_sampling
from sklearn.linear_model import LogisticRegression

from benchmarks.peer_scripts.job import Job, Labels, Rows, ShrinkingPool, run


class Modal:
    def __init__(self, job: Job) -> None:
        self._vectors = np.load(job.vectors, mmap_mode="r").astype(np.float64)

    def start(self, rows: Rows, labels: Labels) -> None:
        self._learner = ActiveLearner(
            LogisticRegression(max_iter=1000), uncertainty_sampling, X_training=self._vectors[rows], y_training=labels
        )
        self._pool = ShrinkingPool(self._vectors, rows)

    def query(self, n: int) -> Rows:
        self._queried, self._instances = self._learner.query(self._pool.vectors, n_instances=n)
        return self._pool.rows(self._queried)

    def learn(self, rows: Rows, labels: Labels) -> None:
        self._learner.teach(self._instances, labels)
        self._pool.remove(self._queried)


if __name__ == "__main__":
    run(lambda job: (Modal(job), version("modAL-python"), 0.0))
