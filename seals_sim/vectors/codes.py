"""8-bit codes of l2-normalized vectors: coordinates times a scale, rounded; a quarter of the bytes of float32."""

from __future__ import annotations

import faiss
import numpy as np

from seals_sim.types import StoredVectors, Vectors
from seals_sim.vectors.scan import widen

KIND = faiss.ScalarQuantizer.QT_8bit_direct_signed
_CLIPPED = 1e-5  # share of the coordinates that may be clipped
_LOOKED_AT = 10_000


def choose_scale(vectors: StoredVectors) -> float:
    """Choose the scale that maps all but the very largest coordinates to -127 to 127.

    Args:
        vectors: (n, d), of which some 10,000 are sampled.

    Returns:
        The factor for `encode_as_bytes`.

    Examples:
        >>> choose_scale(np.array([[0.5, -0.5]], dtype=np.float32))
        254.0
    """
    some = widen(vectors[:: max(1, len(vectors) // _LOOKED_AT)])
    return 127 / float(np.quantile(np.abs(some), 1 - _CLIPPED))


def encode_as_bytes(vectors: StoredVectors, scale: float) -> Vectors:
    """Round vectors to integers from -128 to 127.

    Args:
        vectors: (n, d).
        scale: Factor to multiply by first.

    Returns:
        (n, d) float32, as Faiss expects for codes of KIND.

    Examples:
        >>> encode_as_bytes(np.array([[0.5, -0.25]], dtype=np.float32), scale=100).tolist()
        [[50.0, -25.0]]
    """
    codes: Vectors = np.clip(np.rint(widen(vectors) * np.float32(scale)), -128, 127)
    return codes
