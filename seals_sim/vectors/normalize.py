"""Scaling rows to unit length, so that inner products are cosines and Euclidean neighbors are most similar."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seals_sim.errors import UserError
from seals_sim.types import Vectors


def normalize(vectors: NDArray[np.generic], name: str, block: int = 1024) -> Vectors:
    """Scale rows to unit length.

    Args:
        vectors: (n, d) of any real type.
        name: What to call the vectors in errors.
        block: Rows to process at a time: few, so that they stay in the CPU cache.

    Returns:
        (n, d) float32.

    Raises:
        UserError: For a row that is zero, infinite, or not a number.

    Examples:
        >>> normalize(np.array([[3, 4], [0, 2]]), "examples").round(1).tolist()
        [[0.6000000238418579, 0.800000011920929], [0.0, 1.0]]
    """
    out = np.empty(vectors.shape, dtype=np.float32)
    for first in range(0, len(vectors), block):
        rows = vectors[first : first + block].astype(np.float64)
        scale = np.maximum(rows.max(axis=1, keepdims=True), -rows.min(axis=1, keepdims=True))
        is_finite = np.isfinite(scale)  # NaN if a value is
        if not is_finite.all():
            row = first + int(np.argmin(is_finite))
            raise UserError(f"{name}: row {row} (counted from 0) has a NaN or an infinite value")
        if not scale.all():
            row = first + int(np.argmin(scale))
            raise UserError(f"{name}: row {row} (counted from 0) is zero and has no direction")
        rows /= scale  # so that squares neither overflow nor vanish
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        out[first : first + block] = rows
    return out
