"""Rows of unit length, so that inner products are cosines and Euclidean neighbors are the most similar rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seals_sim.errors import UserError
from seals_sim.types import Vectors


def normalized(vectors: NDArray[np.generic], name: str, block: int = 65536) -> Vectors:
    """Rows of unit length, float32. Raises UserError, with `name`, for a row that has no direction."""
    out = np.empty(vectors.shape, dtype=np.float32)
    for first in range(0, len(vectors), block):
        rows = vectors[first : first + block].astype(np.float64)
        is_finite = np.isfinite(rows).all(axis=1)
        if not is_finite.all():
            row = first + int(np.argmin(is_finite))
            raise UserError(f"{name}: row {row} (counted from 0) has a NaN or an infinite value")
        scale = np.abs(rows).max(axis=1, keepdims=True)
        if not scale.all():
            row = first + int(np.argmin(scale))
            raise UserError(f"{name}: row {row} (counted from 0) is zero and has no direction")
        rows /= scale  # so that squares neither overflow nor vanish
        out[first : first + block] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return out
