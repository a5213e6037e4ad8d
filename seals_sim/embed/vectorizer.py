"""The space of a table as a scikit-learn transformer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from seals_sim.embed.joined import open_encoder
from seals_sim.embed.names import DEFAULT_MODEL
from seals_sim.embed.space import choose_dimensions
from seals_sim.types import Vectors
from seals_sim.vectors.whitening import Whitening, whiten

_BLOCK = 2048  # texts embedded at a time
keep_encoder = lru_cache(maxsize=2)(open_encoder)
"""`open_encoder`, with the last encoders kept: estimators are copied often, and a model takes seconds to load."""


class TextVectorizer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Texts to vectors: embedded by a sentence-transformers model, whitened, scaled to unit length.

    Args:
        model: A model, by name or folder.
        dimensions: Dimensions to whiten to; 0 for no whitening; None for `choose_dimensions`.

    Attributes:
        mean_: (d,) float32, mean of the embeddings; None without whitening.
        directions_: (d, dimensions) float32, see `Whitening`; None without whitening.

    Examples:
        >>> TextVectorizer("wordllama", dimensions=2).fit_transform(["a cat", "a dog", "the sea", "cats"]).shape
        (4, 2)
    """

    def __init__(self, model: str = DEFAULT_MODEL, dimensions: int | None = None) -> None:
        self.model, self.dimensions = model, dimensions

    def fit(self, texts: Sequence[str], y: object = None) -> Self:
        """Fit the whitening on distinct texts.

        Args:
            texts: n texts.
            y: Not used.

        Raises:
            UserError: If there is no such model, or the texts span fewer dimensions than requested.
        """
        texts = require_texts(texts)
        dimensions = choose_dimensions(texts) if self.dimensions is None else self.dimensions
        self.mean_: NDArray[np.float32] | None = None
        self.directions_: NDArray[np.float32] | None = None
        if dimensions:
            whitening = Whitening.fit(self._embed(list(dict.fromkeys(texts))), dimensions)
            self.mean_, self.directions_ = whitening.mean, whitening.directions
        return self

    def transform(self, texts: Sequence[str]) -> Vectors:
        """Embed texts; equal texts get the same vector, to the last bit.

        Args:
            texts: m texts.

        Returns:
            (m, dimensions) float32, of unit length.
        """
        check_is_fitted(self, "mean_")
        texts = require_texts(texts)
        place = {text: place for place, text in enumerate(dict.fromkeys(texts))}
        embeddings = self._embed(list(place))
        if self.mean_ is None or self.directions_ is None:
            vectors = whiten(embeddings, 0)
        else:
            vectors = Whitening(self.mean_, self.directions_).apply(embeddings)
        return vectors[[place[text] for text in texts]]

    def _embed(self, texts: Sequence[str]) -> Vectors:
        encoder = keep_encoder(self.model)
        return np.concatenate([encoder.encode(texts[first : first + _BLOCK]) for first in range(0, len(texts), _BLOCK)])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array = True, False
        return tags


def require_texts(texts: Sequence[str]) -> list[str]:
    """Check the input of an estimator.

    Raises:
        ValueError: If it is not a list of texts, or it is empty.
    """
    if isinstance(texts, str):
        raise ValueError("give a list of texts, not one text")
    listed = list(texts)
    if not listed or not all(isinstance(text, str) for text in listed):
        raise ValueError("give a list of at least one text, with nothing but texts in it")
    return listed
