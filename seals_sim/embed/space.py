"""G_z: from texts to vectors, as in 7.12: Sentence-BERT, PCA whitening, L2 normalization."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from tqdm import tqdm

from seals_sim.datasets.dataset import update_with_texts
from seals_sim.disk.cache import compute_with_cache, load_or_compute
from seals_sim.embed.encoder import Encoder
from seals_sim.embed.names import DEFAULT_DIMENSIONS, DEFAULT_MODEL
from seals_sim.types import Vectors
from seals_sim.vectors.whitening import Whitening, whiten

_BLOCK = 2048  # texts between two steps of the progress bar


def embed_texts(
    texts: Sequence[str],
    model: str = DEFAULT_MODEL,
    dimensions: int | None = DEFAULT_DIMENSIONS,
    cache: Path | None = None,
    quiet: bool = True,
) -> Vectors:
    """Whitened, l2-normalised embeddings (n, dimensions), float32, from the cache where they are there.

    The whitening is fitted on these texts, without labels. dimensions: 0 leaves the model's own embedding as it is
    (normalised); None: `fitting_dimensions`. cache: the folder to keep embeddings in; None keeps nothing. Raises
    UserError.
    """
    return TextSpace(texts, model, dimensions, cache, quiet).vectors()


def fitting_dimensions(texts: Sequence[str]) -> int:
    """256, or fewer where the table is too small for that.

    >>> fitting_dimensions(["a", "b", "c"])
    1
    """
    distinct: set[str] = set()
    for text in texts:
        distinct.add(text)
        if len(distinct) > DEFAULT_DIMENSIONS:
            break
    return max(1, min(DEFAULT_DIMENSIONS, len(texts) // 4, len(distinct) - 1))


class TextSpace:
    """The space that `embed_texts` puts a table of texts in, for these and for any other texts: one model, and the
    whitening that was fitted on the table. The arguments are those of `embed_texts`.
    """

    def __init__(
        self, texts: Sequence[str], model: str, dimensions: int | None, cache: Path | None = None, quiet: bool = True
    ) -> None:
        self._texts, self._cache, self._quiet = texts, cache, quiet
        self._dimensions = fitting_dimensions(texts) if dimensions is None else dimensions
        self._encoder = Encoder(model)
        digest = hashlib.sha256()
        update_with_texts(digest, texts)
        self.texts_digest = digest.hexdigest()
        self._key = f"texts {self.texts_digest} model {self._encoder.digest}"

    def vectors(self) -> Vectors:
        """Of the table (n, dimensions)."""
        return self._whitened() if self._cache is None else self.load_vectors(self._cache)[0]

    def load_vectors(self, cache: Path) -> tuple[Vectors, str]:
        """`vectors`, and a digest of them."""
        return load_or_compute(cache, f"{self._key} whitened {self._dimensions}", self._whitened)

    def encode(self, others: Sequence[str]) -> Vectors:
        """Of other texts (m, dimensions)."""
        found = self._encoder.encode(others)
        return self._whitening.apply(found) if self._dimensions else whiten(found, 0)

    def _whitened(self) -> Vectors:
        return whiten(self._unwhitened(), self._dimensions)

    def _unwhitened(self) -> Vectors:
        return compute_with_cache(self._cache, self._key, lambda: _encode(self._texts, self._encoder, self._quiet))

    @cached_property
    def _whitening(self) -> Whitening:
        def fitted() -> Vectors:
            whitening = Whitening.fit(self._unwhitened(), self._dimensions)
            return np.vstack([whitening.mean, whitening.directions.T])

        arrays = compute_with_cache(self._cache, f"{self._key} whitening {self._dimensions}", fitted)
        return Whitening(arrays[0], np.ascontiguousarray(arrays[1:].T))


def _encode(texts: Sequence[str], encoder: Encoder, quiet: bool) -> Vectors:
    distinct = sorted(set(texts), key=lambda text: (-len(text), text))  # by length: less padding; slow ones first
    blocks = []
    with tqdm(total=len(distinct), desc="embedding", unit="text", disable=quiet) as bar:
        for first in range(0, len(distinct), _BLOCK):
            block = distinct[first : first + _BLOCK]
            blocks.append(encoder.encode(block))
            bar.update(len(block))
    place = {text: place for place, text in enumerate(distinct)}
    return np.concatenate(blocks)[[place[text] for text in texts]]
