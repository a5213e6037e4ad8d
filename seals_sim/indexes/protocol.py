"""What all neighbour indexes N(z, k) have in common.

The k nearest neighbours of a row count the row itself, as Faiss counts it: k = n gives the whole table. Pools leave
labelled rows out. An index never changes once built.
"""

from __future__ import annotations

import hashlib
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from seals_sim.types import Rows, StoredVectors, Vectors
from seals_sim.vectors.scan import iterate_blocks


class NeighborIndex(Protocol):
    """Finds neighbours of rows by Euclidean distance.

    build_seconds: what it took to build, over all the stages of it; n_bytes: of memory or of mapped files, without the
    vectors themselves.
    """

    build_seconds: float
    n_bytes: int

    def neighbors(self, rows: Rows, k: int) -> list[Rows]:
        """For each of `rows` (m,), at most k rows of the table, nearest first (fewer where an index finds fewer)."""


class VectorIndex(NeighborIndex, Protocol):
    """Finds neighbours of any vectors too."""

    vectors: StoredVectors

    def nearest(self, queries: Vectors, k: int) -> list[Rows]:
        """For each of `queries` (m, d), at most k rows of the table, nearest first."""


def drop_padding(found: NDArray[np.int64]) -> list[Rows]:
    """Drop the -1 that Faiss puts where it found no further neighbour."""
    return [row[row >= 0] for row in found]


def fingerprint(vectors: StoredVectors) -> str:
    """A digest of a whole table (n, d), which a stored index keeps: another table has another.

    >>> fingerprint(np.eye(2, dtype=np.float32)) == fingerprint(np.eye(2, dtype=np.float16))
    False
    """
    digest = hashlib.sha256(f"{vectors.dtype.str} {vectors.shape}".encode())
    for _, block in iterate_blocks(vectors):
        digest.update(np.ascontiguousarray(block).data)
    return digest.hexdigest()
