"""A classifier of long texts as a scikit-learn estimator: the best chunk of a text decides, as in a session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from seals_sim.embed.chunks import cut_texts
from seals_sim.embed.names import DEFAULT_MODEL
from seals_sim.embed.vectorizer import TextVectorizer, keep_encoder, require_texts
from seals_sim.label.events import Seed
from seals_sim.label.learner import SeededLearner
from seals_sim.label.search import compute_scores
from seals_sim.search.learners import LinearModel
from seals_sim.types import LabeledRows
from seals_sim.vectors.chunked import ChunkedVectors


class ChunkClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Scores texts: cuts them into chunks that fit the model, embeds these, and scores each text by its best chunk.

    Args:
        model: A sentence-transformers model, by name or folder, with a limit on the number of tokens.
        C: C of the logistic regression.

    Attributes:
        classes_: (2,), the lower label first.
        coef_: (1, d) float64.
        intercept_: (1,).

    Examples:
        >>> classifier = ChunkClassifier().fit(["it rained", "a cat", "the rain fell", "a dog"], [1, 0, 1, 0])
        >>> classifier.predict(["a wet day with rain", "cats"]).tolist()
        [1, 0]
    """

    def __init__(self, model: str = DEFAULT_MODEL, C: float = 1.0) -> None:
        self.model, self.C = model, C

    def fit(self, texts: Sequence[str], y: Sequence[Any]) -> Self:
        """Train on texts by the rule of the session (`seals_sim.search.best_chunks`).

        Args:
            texts: n of them.
            y: Their n labels, of two kinds.

        Raises:
            ValueError: If they do not fit together, or are not of two kinds.
            UserError: If there is no such model, or it reads texts of any length.
        """
        texts, given = require_texts(texts), np.asarray(y)
        classes = np.unique(given)
        if given.shape != (len(texts),) or len(classes) != 2:
            raise ValueError(f"each text needs a label, of two kinds; there are {len(classes)}")
        model = train_on_chunks(embed_chunks(texts, self.model), (given == classes[1]).astype(np.int8), (), self.C)
        return self.put(model, classes)

    def put(self, model: LinearModel, classes: NDArray[Any]) -> Self:
        """Use a trained model."""
        self.classes_ = classes
        self.coef_, self.intercept_ = model.weights[None].astype(np.float64), np.array([model.bias])
        return self

    def decision_function(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """The log-odds (m,) of the higher label, from the best chunk of each text."""
        check_is_fitted(self, "coef_")
        model = LinearModel(self.coef_[0].astype(np.float32), float(self.intercept_[0]))
        return model.decision(embed_chunks(require_texts(texts), self.model).as_stored())

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Scores (m, 2) of both labels from 0 to 1. They rank texts and are not calibrated probabilities."""
        score = compute_scores(self.decision_function(texts))
        return np.stack([1 - score, score], axis=1)

    def predict(self, texts: Sequence[str]) -> NDArray[Any]:
        """The labels (m,)."""
        is_higher = self.decision_function(texts) > 0
        predicted: NDArray[Any] = self.classes_[is_higher.astype(int)]
        return predicted

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array = True, False
        tags.classifier_tags.multi_class = False
        return tags


def embed_chunks(texts: Sequence[str], model: str) -> ChunkedVectors:
    """Cut texts as a session does, and embed the chunks; equal chunks get the same vector.

    Args:
        texts: n texts.
        model: The model, by name or folder.

    Returns:
        n rows.

    Raises:
        UserError: If there is no such model, or it reads texts of any length.
    """
    encoder = keep_encoder(model)
    chunks = cut_texts(texts, encoder)
    if not len(chunks):
        return ChunkedVectors(np.empty((0, encoder.dimensions), dtype=np.float32), chunks.starts)
    vectorizer = TextVectorizer(model, 0)
    return ChunkedVectors(vectorizer.fit_transform(chunks.list_texts(texts)), chunks.starts)


def train_on_chunks(
    rows: ChunkedVectors, labels: NDArray[np.int8], seeds: Sequence[Seed], regularization: float
) -> LinearModel:
    """Train as a session does on all its answers.

    Args:
        rows: m rows.
        labels: (m,), 1 or 0.
        seeds: Further examples.
        regularization: scikit-learn's C.
    """
    learner = SeededLearner(rows.as_stored(), seeds, regularization)
    return learner.fit_labeled(LabeledRows(list(range(len(rows))), labels.tolist()))
