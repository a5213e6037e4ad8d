"""Plant near-duplicates among real rows. They are SIMULATED: a copy is its row's vector with noise."""

from __future__ import annotations

import numpy as np

from seals_sim.types import Rows, Vectors
from seals_sim.vectors.normalize import normalize

N_COPIES = 4
COSINE = 0.97  # mean, between a copy and its row


def plant(n: int, fraction: float, rng: np.random.Generator) -> Rows:
    """Choose the rows that get copies, `N_COPIES` each.

    Args:
        n: Number of rows in the pool.
        fraction: Fraction of the rows that get copies.
        rng: Draws the rows.

    Returns:
        (m,), for each row of the larger pool the row that it comes from. The first n rows come from themselves.

    Examples:
        >>> len(plant(10, 0.5, np.random.default_rng(0)))
        30
    """
    chosen = np.sort(rng.choice(n, size=round(fraction * n), replace=False))
    return Rows(np.concatenate([np.arange(n), np.repeat(chosen, N_COPIES)]))


def copy_with_noise(vectors: Vectors, origins: Rows, rng: np.random.Generator) -> Vectors:
    """Make the vectors of the larger pool.

    Args:
        vectors: (n, d) l2-normalized.
        origins: The result of `plant`.
        rng: Draws the noise.

    Returns:
        (m, d) float32, l2-normalized.
    """
    n, d = vectors.shape
    spread = np.sqrt((1 / COSINE**2 - 1) / d)
    copies = vectors[origins[n:]] + spread * rng.standard_normal((len(origins) - n, d), dtype=np.float32)
    return np.concatenate([vectors, normalize(copies, "near-duplicates")])
