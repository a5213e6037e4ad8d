"""scikit-activeml: pool-based uncertainty sampling over the whole pool.

Its fast path by its documentation (scikit-activeml.github.io, API reference of `pool.UncertaintySampling.query`):
`candidates` may be the samples themselves, "not necessarily contained in X", so that neither the labels of all rows
are checked nor the unlabelled rows copied out of X; `fit_clf=False` with a classifier that is trained once a round, as
in its tutorial 01; `batch_size`. `pool.ParallelUtilityEstimationWrapper` takes batches of one only. With two classes
the least confident rows are those of greatest entropy, and `least_confident`, the default, takes no logarithms.
"""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
from skactiveml.classifier import SklearnClassifier
from skactiveml.pool import UncertaintySampling
from sklearn.linear_model import LogisticRegression

from benchmarks.peer_scripts.job import Job, Labels, Rows, ShrinkingPool, run


class ScikitActiveml:
    def __init__(self, job: Job) -> None:
        self._vectors = np.load(job.vectors)
        self._strategy = UncertaintySampling(method="least_confident", random_state=job.seed)
        self._classifier = SklearnClassifier(LogisticRegression(max_iter=1000), classes=[0, 1], random_state=job.seed)

    def start(self, rows: Rows, labels: Labels) -> None:
        self._x, self._y = self._vectors[rows], labels.astype(np.float64)  # nan, in others, is a missing label
        self._classifier.fit(self._x, self._y)
        self._pool = ShrinkingPool(self._vectors, rows)

    def query(self, n: int) -> Rows:
        self._queried = self._strategy.query(
            self._x, self._y, self._classifier, fit_clf=False, candidates=self._pool.vectors, batch_size=n
        )
        return self._pool.rows(self._queried)

    def learn(self, rows: Rows, labels: Labels) -> None:
        self._x = np.concatenate([self._x, self._pool.vectors[self._queried]])
        self._y = np.concatenate([self._y, labels])
        self._classifier.fit(self._x, self._y)
        self._pool.remove(self._queried)


if __name__ == "__main__":
    run(lambda job: (ScikitActiveml(job), version("scikit-activeml"), 0.0))
