"""Embedding a table with the static model: tens of thousands of texts per second, straight to disk, in float16."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from seals_sim.disk.arrays import ArrayStage
from seals_sim.disk.cache import locking
from seals_sim.embed.blocks import embed_again_if_damaged, name_folder
from seals_sim.embed.encoder import Encoder, find_dimensions
from seals_sim.embed.known import name_embeddings
from seals_sim.embed.names import STATIC_MODEL
from seals_sim.runtime import import_torch
from seals_sim.types import StoredVectors, Vectors

_DOING = "embedding with the static model"
_BLOCK = 16_384  # texts per step of the progress bar and per save


class StaticSpace:
    """The vectors of the static model: of unit length, or zero for a text without known tokens."""

    def __init__(self) -> None:
        self._encoder = Encoder(STATIC_MODEL)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Embed m texts: (m, d) float32.

        Examples:
            >>> np.linalg.norm(StaticSpace().encode(["a cat", ""]), axis=1).round(3).tolist()
            [1.0, 0.0]
        """
        embeddings = self._compute(texts)
        lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
        lengths[lengths == 0] = 1
        embeddings /= lengths
        return embeddings

    def _compute(self, texts: Sequence[str]) -> Vectors:
        """Same as `Encoder.encode`, to the last bit, in half the time: the rest went into lists and sorting."""
        tokenizer, bag = self._parts
        tokens = [encoding.ids for encoding in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]
        starts = np.cumsum([0, *map(len, tokens)])
        torch = import_torch()
        with torch.inference_mode():
            flat = np.fromiter(chain.from_iterable(tokens), dtype=np.int64, count=int(starts[-1]))
            embeddings: Vectors = bag(torch.from_numpy(flat), torch.from_numpy(starts[:-1])).numpy()
        return embeddings

    @cached_property
    def _parts(self) -> tuple[Any, Any]:
        """The tokenizer and the table of token vectors; a text gets the mean of its tokens."""
        (module,) = self._encoder._model
        return module.tokenizer, module.embedding

    def embed(
        self, texts: Sequence[str], texts_digest: str, cache: Path, quiet: bool = True
    ) -> tuple[StoredVectors, str]:
        """Embed a table, or open the result of an earlier call from a cache; an interrupted call resumes.

        Args:
            texts: n texts.
            texts_digest: Digest of all texts.
            cache: The cache folder.
            quiet: Whether to hide the progress bar.

        Returns:
            (n, d) float16, memory-mapped, and its digest.

        Raises:
            UserError: If the cache cannot be written.
        """
        key = name_embeddings(texts_digest, self._encoder.digest)
        folder = name_folder(cache, key)

        def fill() -> tuple[StoredVectors, str]:
            shape = (len(texts), find_dimensions(self._encoder, cache))
            stage = ArrayStage(folder, "static", {"key": key}, shape, np.float16)
            vectors: Any = stage.fill(lambda start, end: self.encode(texts[start:end]), _BLOCK, quiet, _DOING, "text")
            return vectors, stage.stage.digest

        with locking(folder):
            return embed_again_if_damaged(fill)
