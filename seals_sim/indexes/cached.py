"""Indexes kept in the cache under a digest of their vectors, so that every command finds the same one again."""

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
    """Build the index called `name`, or read it from the cache, where it lies under `digest`, that of the vectors."""
    folder = cache / "indexes" / digest[:32]
    return build_index(name, vectors, folder, options, rng, digest, quiet)
