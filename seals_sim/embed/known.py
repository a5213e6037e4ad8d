"""Texts that were embedded before, in any table, so that only the new texts of a grown table are embedded."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seals_sim.disk.cache import load_or_compute
from seals_sim.disk.files import replacing
from seals_sim.disk.reading import read_array
from seals_sim.errors import UserError
from seals_sim.types import Vectors

_DIGEST_BYTES = 16  # among a million texts, two share a digest with a probability of 10**-26


class KnownTexts:
    """The tables whose embeddings by one model are cached: for each, the digests of its texts in order.

    Args:
        cache: The cache folder.
        model_key: Digest of the model, with its precision if that is not float32.
    """

    def __init__(self, cache: Path, model_key: str) -> None:
        name = hashlib.sha256(model_key.encode()).hexdigest()[:32]
        self._cache, self._folder, self._model_key = cache, cache / "texts" / name, model_key

    def find(self, texts: Sequence[str]) -> tuple[list[str], Vectors | None]:
        """Find texts in the newest table that contains any of them.

        Args:
            texts: Distinct texts.

        Returns:
            The texts found and their embeddings; an empty list and None if no table has any.
        """
        paths = sorted(self._folder.glob("*.npy"), key=lambda path: -path.stat().st_mtime_ns)
        digests = _digest(texts if paths else [])
        for path in paths:
            with suppress(UserError):  # damaged, or its embeddings are gone: they are computed again
                listed = read_array(path)
                if listed.ndim != 1 or listed.dtype != digests.dtype:
                    continue
                _, places, rows = np.intersect1d(digests, listed, return_indices=True)
                if not len(places):
                    continue
                embeddings, _ = load_or_compute(self._cache, name_embeddings(path.stem, self._model_key), _refuse)
                if len(embeddings) == len(listed):
                    return [texts[place] for place in places], np.asarray(embeddings[rows])
        return [], None

    def add(self, texts_digest: str, texts: Sequence[str]) -> None:
        """Remember a table whose embeddings are in the cache, if the cache is writable.

        Args:
            texts_digest: Digest of the table's texts.
            texts: Texts of its rows.
        """
        path = self._folder / f"{texts_digest}.npy"
        if path.exists():
            return
        with suppress(UserError), replacing(path, is_private=True) as temporary:
            np.save(temporary, _digest(texts), allow_pickle=False)


def name_embeddings(texts_digest: str, model_key: str) -> str:
    """The cache key of a table's embeddings by a model."""
    return f"texts {texts_digest} model {model_key}"


def _digest(texts: Sequence[str]) -> NDArray[np.bytes_]:
    digests = (hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).digest() for text in texts)
    return np.fromiter(digests, dtype=f"S{_DIGEST_BYTES}", count=len(texts))


def _refuse() -> Vectors:
    raise UserError("the embeddings are gone")
