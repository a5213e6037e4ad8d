"""Two models as one: their embeddings side by side, the second with half weight."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seals_sim.embed.encoder import Encoder
from seals_sim.embed.names import AutoBackend, Precision
from seals_sim.errors import UserError
from seals_sim.types import Vectors

JOINED_WEIGHT = 0.5  # weight of the second; measured in reports/beyond/wordnet30k_lazy


def open_encoder(
    model: str, backend: AutoBackend = "torch", precision: Precision = "float32", cache: Path | None = None
) -> Encoder:
    """Find a model, or two models named with a plus between them.

    Args:
        model: A name or folder, or two such as all-MiniLM-L6-v2+wordllama.
        backend: As for `Encoder`, for both.
        precision: As for `Encoder`, for both.
        cache: As for `Encoder`.

    Raises:
        UserError: If there is no such model.

    Examples:
        >>> open_encoder("wordllama+wordllama").encode(["a cat"]).shape
        (1, 512)
    """
    first, plus, second = model.partition("+")
    if not plus or Path(model).exists():
        return Encoder(model, backend, precision, cache)
    if not first.strip() or not second.strip():
        raise UserError("needs a model on both sides of the plus", parameter="model", value=model)
    return JoinedEncoder(Encoder(first, backend, precision, cache), Encoder(second, backend, precision, cache))


def join(first: Vectors, second: Vectors) -> Vectors:
    """Put embeddings side by side, so that the cosine of two rows is a weighted mean of the two models' cosines.

    Args:
        first: (n, d).
        second: (n, e), with half weight.

    Returns:
        (n, d + e) float32. If one of the embeddings of a row is zero, only the other counts.

    Examples:
        >>> ones = np.ones((1, 1), dtype=np.float32)
        >>> join(2 * ones, 3 * ones).tolist()
        [[1.0, 0.5]]
    """
    return np.hstack([_scale(first), np.float32(JOINED_WEIGHT) * _scale(second)])


def _scale(vectors: Vectors) -> Vectors:
    """Scale to unit length, except zero rows."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Vectors = np.divide(vectors, lengths, where=lengths > 0, out=np.zeros(vectors.shape, dtype=np.float32))
    return scaled


class JoinedEncoder(Encoder):
    """Two models and their joint embeddings.

    Attributes:
        digest: Digest of both models and of how they are joined.
    """

    def __init__(self, first: Encoder, second: Encoder) -> None:
        self._parts = first, second
        described = f"{first.digest} {second.digest} {JOINED_WEIGHT}"
        self.digest = hashlib.sha256(described.encode()).hexdigest()

    def __reduce__(self) -> tuple[Any, ...]:
        return JoinedEncoder, self._parts

    @property
    def is_static(self) -> bool:
        return all(part.is_static for part in self._parts)

    def describe(self) -> str:
        return " + ".join(part.describe() for part in self._parts)

    @property
    def max_tokens(self) -> int | None:
        """`max_tokens` of the first model."""
        return self._parts[0].max_tokens

    def find_cut(self, texts: Sequence[str]) -> list[str]:
        """The texts of which the first model reads only the beginning."""
        return self._parts[0].find_cut(texts)

    def count_own_tokens(self) -> int:
        """See `Encoder`; the first model's."""
        return self._parts[0].count_own_tokens()

    def find_tokens(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """See `Encoder`; the first model's."""
        return self._parts[0].find_tokens(texts)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Embed n texts: (n, d + e) float32."""
        first, second = (part.encode(texts) for part in self._parts)
        return join(first, second)
