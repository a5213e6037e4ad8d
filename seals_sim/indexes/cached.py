"""Indexes in the cache under a digest of their vectors, so that every command finds the same index again."""

from __future__ import annotations

import copy
import shutil
import sys
from pathlib import Path

import numpy as np

from seals_sim.disk.cache import locking
from seals_sim.errors import DamagedError, OtherOriginError
from seals_sim.indexes.choice import IndexOptions, build_index
from seals_sim.indexes.protocol import NeighborIndex
from seals_sim.progress import begin_step
from seals_sim.types import StoredVectors
from seals_sim.vectors.copies import Copies
from seals_sim.workers import INLINE, Workers

_KEPT_FROM = 2**24  # values of a table: from here on, finding equal rows takes a twentieth of a second
_ATTEMPTS = 8  # more than an index has parts, but not endless, in case the disk corrupts what is written


def build_cached_index(
    name: str,
    vectors: StoredVectors,
    digest: str,
    cache: Path,
    options: IndexOptions,
    rng: np.random.Generator,
    quiet: bool,
    workers: Workers = INLINE,
) -> NeighborIndex:
    """Build an index, or open it from the cache.

    Args:
        name: One of INDEXES or ENGINES.
        vectors: (n, d), l2-normalized.
        digest: Digest of the vectors, under which the index is stored.
        cache: The folder of the cache.
        options: Settings of the index.
        rng: Random generator for the rows that an index is trained on.
        quiet: Whether to hide the progress bar.
        workers: As for `build_index`.

    Returns:
        The index.

    Raises:
        UserError: If the index is unknown, the cache cannot be used, or a vector engine does not answer. A damaged
            index is rebuilt instead.
    """
    folder = cache / "indexes" / digest[:32]

    def build() -> NeighborIndex:
        drawing = copy.deepcopy(rng)
        return build_index(name, vectors, folder, options, drawing, digest, quiet, workers, find_copies)

    def find_copies(vectors: StoredVectors) -> Copies | None:
        return _find_copies(vectors, digest, cache)

    with locking(folder):
        for _ in range(_ATTEMPTS):
            try:
                return build()
            except (DamagedError, OtherOriginError) as error:  # parts made from a rebuilt part no longer fit
                print(f"{error.folder} is damaged; rebuilding it", file=sys.stderr)
                shutil.rmtree(error.folder)
        return build()


def _find_copies(vectors: StoredVectors, digest: str, cache: Path) -> Copies | None:
    """Find equal rows; for a table so large that this takes time, read the result from the cache."""
    if vectors.size < _KEPT_FROM:
        return Copies.find(vectors)

    def find() -> Copies | None:
        begin_step("looking for equal rows")
        return Copies.find(vectors)

    return Copies.find_once(cache, digest, find)
