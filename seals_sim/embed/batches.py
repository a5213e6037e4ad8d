"""Batches of texts with similar numbers of tokens: every text of a batch is padded to the longest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seals_sim.types import Vectors


def list_batches(n_tokens: Sequence[int], size: int) -> list[NDArray[np.int64]]:
    """Divide texts into batches.

    Args:
        n_tokens: (n,) tokens of each text.
        size: Texts per batch; the last has the rest.

    Returns:
        Positions of the texts, longest first.

    Examples:
        >>> [batch.tolist() for batch in list_batches([4, 9, 5, 8, 9], size=2)]
        [[1, 4], [3, 2], [0]]
    """
    by_length = np.argsort(-np.asarray(n_tokens, dtype=np.int64), kind="stable")
    return [by_length[start : start + size] for start in range(0, len(by_length), size)]


def join_batches(batches: Sequence[NDArray[np.int64]], embedded: Sequence[Vectors], dimensions: int) -> Vectors:
    """Put the embeddings of all batches in the order of the texts: (n, dimensions) float32.

    Examples:
        >>> batches = list_batches([4, 9, 5], size=2)
        >>> join_batches(batches, [np.array([[9.0], [5.0]]), np.array([[4.0]])], 1)[:, 0].tolist()
        [4.0, 9.0, 5.0]
    """
    joined = np.empty((sum(map(len, batches)), dimensions), dtype=np.float32)
    for batch, some in zip(batches, embedded, strict=True):
        joined[batch] = some
    return joined
