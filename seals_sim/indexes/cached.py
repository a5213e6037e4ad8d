"""Indexes in the cache under a digest of their vectors, so that every command finds the same one again."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seals_sim.indexes.choice import IndexOptions, build_index
from seals_sim.indexes.protocol import NeighborIndex
from seals_sim.types import StoredVectors


def build_cached_index(
    name: str,
    vectors: StoredVectors,
    digest: str,
    cache: Path,
    options: IndexOptions,
    rng: np.random.Generator,
    quiet: bool,
) -> NeighborIndex:
    """Build an index, or open it from the cache.

    Args:
        name: One of INDEXES.
        vectors: (n, d), l2-normalized.
        digest: Of the vectors, under which the index lies.
        cache: The folder of the cache.
        options: Of the index.
        rng: Draws the rows that an index is trained on.
        quiet: No progress bar.

    Returns:
        The index.

    Raises:
        UserError: Where there is no such index, or the cache cannot be used.
    """
    folder = cache / "indexes" / digest[:32]
    return build_index(name, vectors, folder, options, rng, digest, quiet)
