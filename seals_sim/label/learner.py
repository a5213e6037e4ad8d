"""The learner of a session, which can also learn from seeds and from one class."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seals_sim.label.events import Seed
from seals_sim.randomness import make_generator
from seals_sim.search.best_chunks import LabeledChunks, fit_best_chunks
from seals_sim.search.learners import LinearModel, fit_logistic, fit_presuming
from seals_sim.types import LabeledRows, Rows, StoredVectors
from seals_sim.vectors.chunked import ChunkedVectors
from seals_sim.vectors.scan import gather

_PRESUMED_REGULARIZATION = 10.0
"""C while rows are presumed: at 1, a handful of positives hardly counts against a hundred presumed negatives."""
_SHARE_PRESUMED = 0.1  # fraction of a small table
_COPY = 1 - 1e-5  # cosine


@dataclass(frozen=True, eq=False)
class ProvisionalModel(LinearModel):
    """The model while a class is missing: it ranks rows, and has no decision boundary yet."""


@dataclass(frozen=True, eq=False)
class SimilarityModel(ProvisionalModel):
    """A substitute for a classifier: its decision is a similarity, not log-odds."""


class PresumedNegatives:
    """Random rows that serve as negatives until that many are labeled.

    For a rare concept, nearly all of them are negative, and from the first answer they tell the search what most of the
    table is like (after AutoTAR, Cormack and Grossman 2015, which draws 100 new rows for every model). The rows are
    drawn only once, so that the questions depend on the answers alone.

    Args:
        vectors: (n, d), the table in which rows are positions.
        n: Number of rows, but at most a tenth of the table.
        seed: Seed for drawing them.
    """

    def __init__(self, vectors: StoredVectors, n: int, seed: int) -> None:
        self._n = min(n, int(_SHARE_PRESUMED * len(vectors)))
        drawn = make_generator(seed, "presumed").integers(max(1, len(vectors)), size=self._n)
        _, firsts = np.unique(drawn, return_index=True)
        self._rows = Rows(drawn[np.sort(firsts)])  # in drawing order, so that every prefix is random too
        if isinstance(vectors, ChunkedVectors):  # a chunk of each: what most of the table is like
            some = vectors[self._rows].draw(make_generator(seed, "presumed chunks"))
        else:
            some = gather(vectors, self._rows)
        self._vectors: NDArray[np.float64] = some.astype(np.float64)
        self._copies: dict[bytes, NDArray[np.int64]] = {}

    def choose(self, labeled: LabeledRows, positives: NDArray[np.float64], n_negative: int) -> NDArray[np.float64]:
        """Vectors (m, d) of the presumed rows needed besides the negatives; no labeled rows, no copies of positives."""
        if n_negative >= self._n:
            return self._vectors[:0]
        allowed = ~np.isin(self._rows, labeled.rows)
        for positive in positives:
            allowed[self._find_copies(positive)] = False
        return self._vectors[allowed][: self._n - n_negative]

    def _find_copies(self, positive: NDArray[np.float64]) -> NDArray[np.int64]:
        """Cached: a session has hundreds of positives, and trains after every answer."""
        key = positive.tobytes()
        if key not in self._copies:
            self._copies[key] = np.flatnonzero(self._vectors @ positive >= _COPY)
        return self._copies[key]


class SeededLearner:
    """Logistic regression on answers and seeds, and on presumed negatives while negatives are few.

    While there is only one class, the model is the similarity to the mean of its examples (negated for negatives).

    Args:
        vectors: (n, d), the table in which rows are positions.
        seeds: Examples that need not be rows.
        regularization: scikit-learn's C.
        presumed: Rows that serve as negatives; by default none.
    """

    def __init__(
        self,
        vectors: StoredVectors,
        seeds: Sequence[Seed],
        regularization: float,
        presumed: PresumedNegatives | None = None,
    ) -> None:
        self._vectors, self._regularization, self._presumed = vectors, regularization, presumed
        self._seed_labels = np.array([seed.label for seed in seeds], dtype=np.int8)
        d = vectors.shape[1]
        self._seed_vectors = np.array([seed.vector for seed in seeds], dtype=np.float64).reshape(len(seeds), d)

    def fit(self, labeled: LabeledRows) -> LinearModel:
        """Train on seeds, labeled rows and presumed negatives."""
        return self._read(labeled, lambda vectors, labels: self._fit_presuming(labeled, vectors, labels))

    def _fit_presuming(
        self, labeled: LabeledRows, vectors: NDArray[np.float64], labels: NDArray[np.int8]
    ) -> LinearModel:
        is_positive = labels == 1
        if self._presumed is not None and is_positive.any():
            n_negative = int((~is_positive).sum())
            presumed = self._presumed.choose(labeled, vectors[is_positive], n_negative)
            if len(presumed):
                model = fit_presuming(vectors, labels, presumed, _PRESUMED_REGULARIZATION)
                return model if n_negative else ProvisionalModel(model.weights, model.bias)
        return self._fit_plainly(vectors, labels)

    def fit_labeled(self, labeled: LabeledRows) -> LinearModel:
        """Train on seeds and labeled rows only."""
        return self._read(labeled, self._fit_plainly)

    def _read(
        self, labeled: LabeledRows, fit: Callable[[NDArray[np.float64], NDArray[np.int8]], LinearModel]
    ) -> LinearModel:
        """Fit a model to vectors with labels: those of seeds and of rows, or of the best chunks of rows."""
        labels = np.concatenate([self._seed_labels, labeled.labels])

        def train(vectors: NDArray[np.float64]) -> LinearModel:
            return fit(np.concatenate([self._seed_vectors, vectors]), labels)

        if isinstance(self._vectors, ChunkedVectors):
            rows, seeds = self._vectors[labeled.rows], self._seed_vectors.astype(np.float32)
            return fit_best_chunks(LabeledChunks(rows, labeled.labels, seeds, self._seed_labels), train)
        return train(self._vectors[labeled.rows].astype(np.float64))

    def _fit_plainly(self, vectors: NDArray[np.float64], labels: NDArray[np.int8]) -> LinearModel:
        if 0 < labels.sum() < len(labels):
            return fit_logistic(vectors, labels, self._regularization)
        sign = 1 if labels.any() else -1
        mean = sign * vectors.mean(axis=0) if len(vectors) else np.zeros(vectors.shape[1])
        length = float(np.linalg.norm(mean))
        return SimilarityModel((mean / length if length else mean).astype(np.float32), 0.0)


def explain_missing(labels: Collection[int], negatives_lead: bool = True) -> str:
    """Explain which class is missing and what the search does until it appears; empty if none is.

    Args:
        labels: The labels given so far.
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
