"""Batches of texts with similar numbers of tokens: every text of a batch is padded to the longest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


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
