"""Learners: they train A_r (5.1: logistic regression on the embedded examples)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from seals_sim.randomness import make_generator
from seals_sim.search.candidates import Growing
from seals_sim.types import LabeledRows, Rows, StoredVectors
from seals_sim.vectors.scan import compute_dots


class Model(Protocol):
    """A trained binary classifier."""

    def decision(self, vectors: StoredVectors) -> NDArray[np.float64]:
        """The log-odds t of the concept, P(r | z) = 1 / (1 + exp(-t)), for each of the vectors (m, d)."""


@dataclass(frozen=True, eq=False)
class LinearModel:
    """t = w . z + b. Equal rows tie, and a restricted pool ranks its rows like the full scan: see `compute_dots`.

    Attributes:
        weights: w, (d,) float32.
        bias: b.
        n_threads: Threads for scoring many rows at once.

    Examples:
        >>> LinearModel(np.array([2.0, 0.0], dtype=np.float32), -1.0).decision(np.eye(2, dtype=np.float32)).tolist()
        [1.0, -1.0]
    """

    weights: NDArray[np.float32]
    bias: float
    n_threads: int = 1

    def decision(self, vectors: StoredVectors) -> NDArray[np.float64]:
        decision = compute_dots(vectors, self.weights, self.n_threads).astype(np.float64)
        decision += self.bias
        return decision


def fit_logistic(
    vectors: NDArray[np.float64], labels: NDArray[np.int8], regularization: float, n_threads: int = 1
) -> LinearModel:
    """scikit-learn's logistic regression.

    Training runs on one thread: at these sizes more threads are slower, and this way the sums do not depend on their
    number. The solver is lbfgs, the fastest from a cold start (`python -m benchmarks.solvers`). A warm start would save
    a third of the time, but the model would then depend on all earlier models.

    Args:
        vectors: (m, d).
        labels: (m,), 1 or 0, both present.
        regularization: scikit-learn's C.
        n_threads: Threads of the model.

    Raises:
        ValueError: If only one class is labeled.
    """
    from sklearn.linear_model import LogisticRegression

    classifier = LogisticRegression(C=regularization, max_iter=1000)
    with _find_threads().limit(limits=1):
        classifier.fit(vectors, labels)
    return LinearModel(classifier.coef_[0].astype(np.float32), float(classifier.intercept_[0]), n_threads)


def import_training() -> None:
    """Import what training needs, which takes a second or two, before anyone waits for the first model."""
    import sklearn.linear_model  # noqa: F401


@cache
def _find_threads() -> ThreadpoolController:
    """The thread pools of the libraries that training uses, which are loaded by then. Finding them takes time."""
    return ThreadpoolController()


def fit_presuming(
    vectors: NDArray[np.float64],
    labels: NDArray[np.int8],
    presumed: NDArray[np.float64],
    regularization: float,
    n_threads: int = 1,
) -> LinearModel:
    """`fit_logistic`, with the vectors `presumed` (p, d) as additional negatives.

    Raises:
        ValueError: If there is no positive.
    """
    all_labels = np.concatenate([labels, np.zeros(len(presumed), dtype=np.int8)])
    return fit_logistic(np.concatenate([vectors, presumed]), all_labels, regularization, n_threads)


class LogisticLearner:
    """Logistic regression on the labeled rows (5.1).

    The model is a function of the labeled set alone, so a resumed search continues as if it had never stopped.

    Args:
        vectors: (n, d), the pool.
        regularization: scikit-learn's C.
        n_threads: Threads of the models.
    """

    def __init__(self, vectors: StoredVectors, regularization: float = 1.0, n_threads: int = 1) -> None:
        import_training()  # before anybody measures the first round
        self._vectors, self._regularization, self._n_threads = vectors, regularization, n_threads
        self._rows = Rows(np.empty(0, dtype=np.int64))
        self._read = Growing(np.float64, vectors.shape[1:])  # the vectors of _rows

    def fit(self, labeled: LabeledRows) -> LinearModel:
        """Train on the labeled rows. Raises ValueError if only one class is labeled."""
        self._read_vectors(labeled.rows)
        return fit_logistic(self._read.values, labeled.labels, self._regularization, self._n_threads)

    def _read_vectors(self, rows: Rows) -> None:
        """Read the vectors in float64; if the set has grown, only those of the newcomers."""
        n = len(self._rows)
        if not np.array_equal(rows[:n], self._rows):
            n, self._read = 0, Growing(np.float64, self._vectors.shape[1:])
        self._read.extend(len(rows) - n)[:] = self._vectors[rows[n:]]
        self._rows = rows


class PresumingLearner:
    """Logistic regression that also treats some unlabeled rows as negatives, for use while few negatives are known.

    For a rare concept nearly all of them are. The rows are drawn afresh for each size of the labeled set, so the model
    is a function of the labeled set alone (steps 4 and 5 of AutoTAR, Cormack and Grossman 2015, with 100 rows).

    Args:
        vectors: (n, d), the pool.
        n_presumed: Number of unlabeled rows to draw.
        seed: Random seed; the rows depend on it and on the number of labels.
        regularization: scikit-learn's C.
        n_threads: Threads of the models.
    """

    def __init__(
        self,
        vectors: StoredVectors,
        n_presumed: int,
        seed: int = 0,
        regularization: float = 1.0,
        n_threads: int = 1,
    ) -> None:
        import_training()
        self._vectors, self._n_presumed, self._seed = vectors, n_presumed, seed
        self._regularization, self._n_threads = regularization, n_threads

    def fit(self, labeled: LabeledRows) -> LinearModel:
        """Train on the labeled and the presumed rows. Raises ValueError if there is no positive."""
        drawn = make_generator(self._seed, "presumed", len(labeled)).integers(len(self._vectors), size=self._n_presumed)
        presumed = np.setdiff1d(drawn, labeled.rows)
        vectors, others = (self._vectors[rows].astype(np.float64) for rows in (labeled.rows, presumed))
        return fit_presuming(vectors, labeled.labels, others, self._regularization, self._n_threads)
