"""scikit-activeml: pool-based uncertainty sampling over the whole pool.

The fast path in its documentation (scikit-activeml.github.io, API reference of `pool.UncertaintySampling.query`):
`candidates` may be the samples themselves, "not necessarily contained in X", so the labels of all rows need no check
and the unlabeled rows are not copied out of X; `fit_clf=False` with a classifier that is trained once per round, as in
its tutorial 01; `batch_size`. `pool.ParallelUtilityEstimationWrapper` accepts only batches of one. With two classes the
least confident rows are those with the highest entropy, and the default `least_confident` takes no logarithms.

This is `scikit-activeml`. To break ties, it draws a random number for each row of the pool, for each row of the batch.
`scikit-activeml-utilities` asks for one row with `return_utilities=True` and picks the n greatest utilities itself. No
page describes this, but each part is documented, and it is faster.
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
        self._is_batch = job.method == "scikit-activeml"
        self._vectors = np.load(job.vectors)
        self._strategy = UncertaintySampling(method="least_confident", random_state=job.seed)
        self._classifier = SklearnClassifier(LogisticRegression(max_iter=1000), classes=[0, 1], random_state=job.seed)

    def start(self, rows: Rows, labels: Labels) -> None:
        self._x, self._y = self._vectors[rows], labels.astype(np.float64)  # float: nan marks missing labels
        self._classifier.fit(self._x, self._y)
        self._pool = ShrinkingPool(self._vectors, rows)

    def query(self, n: int) -> Rows:
        pool = {"clf": self._classifier, "fit_clf": False, "candidates": self._pool.vectors}
        if self._is_batch:
            self._queried = self._strategy.query(self._x, self._y, batch_size=n, **pool)
        else:
            _, utilities = self._strategy.query(self._x, self._y, return_utilities=True, **pool)
            self._queried = np.argpartition(-utilities[0], n - 1)[:n]
        return self._pool.rows(self._queried)

    def learn(self, rows: Rows, labels: Labels) -> None:
        self._x = np.concatenate([self._x, self._pool.vectors[self._queried]])
        self._y = np.concatenate([self._y, labels])
        self._classifier.fit(self._x, self._y)
        self._pool.remove(self._queried)


if __name__ == "__main__":
    run(lambda job: (ScikitActiveml(job), version("scikit-activeml"), 0.0))
