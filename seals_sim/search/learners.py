"""Learners: what A_r is (5.1: logistic regression trained on the embedded examples)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from threadpoolctl import ThreadpoolController

from seals_sim.search.candidates import Growing
from seals_sim.types import LabeledRows, Rows, StoredVectors
from seals_sim.vectors.scan import dots

_THREADS = ThreadpoolController()


class Model(Protocol):
    """A trained binary classifier."""

    def decision(self, vectors: StoredVectors) -> NDArray[np.float64]:
        """The log-odds t of the concept, P(r | z) = 1 / (1 + exp(-t)), for each of the vectors (m, d)."""


@dataclass(frozen=True, eq=False)
class LinearModel:
    """t = w . z + b, with w (d,) float32; n_threads: used where many rows are scored at once.

    Equal rows tie, and a restricted pool ranks its rows as the full scan does: see `dots`.

    >>> LinearModel(np.array([2.0, 0.0], dtype=np.float32), -1.0).decision(np.eye(2, dtype=np.float32)).tolist()
    [1.0, -1.0]
    """

    weights: NDArray[np.float32]
    bias: float
    n_threads: int = 1

    def decision(self, vectors: StoredVectors) -> NDArray[np.float64]:
        decision = dots(vectors, self.weights, self.n_threads).astype(np.float64)
        decision += self.bias
        return decision


def logistic(
    vectors: NDArray[np.float64], labels: NDArray[np.int8], regularization: float, n_threads: int = 1
) -> LinearModel:
    """scikit-learn's logistic regression on vectors (m, d) with labels (m,), 1 or 0, both there."""
    classifier = LogisticRegression(C=regularization, max_iter=1000)
    with _THREADS.limit(limits=1):
        classifier.fit(vectors, labels)
    return LinearModel(classifier.coef_[0].astype(np.float32), float(classifier.intercept_[0]), n_threads)


class LogisticLearner:
    """scikit-learn's logistic regression on the labelled rows of `vectors` (n, d).

    regularization: scikit-learn's C. Training runs on one thread: at these sizes more are slower, and the sums
    then do not depend on how many there are. n_threads: of the models. Raises ValueError where only one class is
    labelled.

    The solver is lbfgs, the fastest from a cold start (`python -m benchmarks.solvers`). A warm start would save a third
    of the time, but then the model would depend on all the models before it: this one is a function of the labelled
    set alone, so that a search that is resumed goes on as if it had not been stopped.
    """

    def __init__(self, vectors: StoredVectors, regularization: float = 1.0, n_threads: int = 1) -> None:
        self._vectors, self._regularization, self._n_threads = vectors, regularization, n_threads
        self._rows: Rows = np.empty(0, dtype=np.int64)
        self._read = Growing(np.float64, vectors.shape[1:])  # the vectors of _rows

    def fit(self, labeled: LabeledRows) -> LinearModel:
        return logistic(self._vectors_of(labeled.rows), labeled.labels, self._regularization, self._n_threads)

    def _vectors_of(self, rows: Rows) -> NDArray[np.float64]:
        """In float64; of a set that has grown only the newcomers are read."""
        n = len(self._rows)
        if not np.array_equal(rows[:n], self._rows):
            n, self._read = 0, Growing(np.float64, self._vectors.shape[1:])
        self._read.extend(len(rows) - n)[:] = self._vectors[rows[n:]]
        self._rows = rows
        return self._read.values
