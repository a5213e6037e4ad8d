"""8-bit codes of l2-normalised vectors: a coordinate times a scale, rounded; a quarter of float32's bytes."""

from __future__ import annotations

import faiss
import numpy as np

from seals_sim.types import StoredVectors, Vectors
from seals_sim.vectors.scan import widened

KIND = faiss.ScalarQuantizer.QT_8bit_direct_signed
_CLIPPED = 1e-5  # part of the coordinates that the scale may cut off
_LOOKED_AT = 10_000


def scale_for(vectors: StoredVectors) -> float:
    """The scale that takes all but the very largest coordinates of (some of) these vectors into -127 to 127."""
    some = widened(vectors[:: max(1, len(vectors) // _LOOKED_AT)])
    return 127 / float(np.quantile(np.abs(some), 1 - _CLIPPED))


def coded(vectors: StoredVectors, scale: float) -> Vectors:
    """Whole numbers (n, d) in float32, as Faiss takes them for codes of KIND.

    >>> coded(np.array([[0.5, -0.25]], dtype=np.float32), scale=100).tolist()
    [[50.0, -25.0]]
    """
    codes: Vectors = np.clip(np.rint(widened(vectors) * np.float32(scale)), -128, 127)
    return codes
