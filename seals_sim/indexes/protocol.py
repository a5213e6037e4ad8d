"""What all neighbor indexes N(z, k) of Algorithm 2 have in common.

The k nearest neighbors of a row include the row itself, as in Faiss: k = n gives the whole table. Pools leave out
labeled rows. An index never changes once built.
"""

from __future__ import annotations

import hashlib
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from seals_sim.types import Rows, StoredVectors, Vectors
from seals_sim.vectors.scan import iterate_blocks


class NeighborIndex(Protocol):
    """Finds neighbors of rows by Euclidean distance.

    Attributes:
        build_seconds: Build time, over all its stages.
        n_bytes: Bytes of memory or of mapped files, without the vectors themselves.
    """

    build_seconds: float
    n_bytes: int

    def neighbors(self, rows: Rows, k: int) -> list[Rows]:
        """Find the nearest neighbors of rows.

        Args:
            rows: (m,) rows of the table.
            k: Number of neighbors.

        Returns:
            For each of `rows`, at most k rows of the table, nearest first; fewer if the index finds fewer, and more if
            rows are equal: then k counts distinct vectors (`DistinctIndex`).
        """


class VectorIndex(NeighborIndex, Protocol):
    """Also finds neighbors of arbitrary vectors.

    Attributes:
        vectors: (n, d), the table.
    """

    vectors: StoredVectors

    def nearest(self, queries: Vectors, k: int) -> list[Rows]:
        """Find the rows nearest to vectors.

        Args:
            queries: (m, d) float32.
            k: Number of neighbors.

        Returns:
            For each of `queries`, at most k rows of the table, nearest first.
        """


def drop_padding(neighbors: NDArray[np.int64]) -> list[Rows]:
    """Drop the -1 with which Faiss pads missing neighbors.

    Args:
        neighbors: (m, k).

    Returns:
        m arrays of at most k rows.

    Examples:
        >>> drop_padding(np.array([[5, 2], [7, -1]]))
        [array([5, 2]), array([7])]
    """
    return [row[row >= 0] for row in neighbors]


def fingerprint(vectors: StoredVectors) -> str:
    """Compute a digest of a whole table, by which an index recognizes its vectors.

    Args:
        vectors: (n, d), float32 or float16, perhaps memory-mapped.

    Returns:
        64 hexadecimal digits; they depend on values, shape and type.

    Examples:
        >>> fingerprint(np.eye(2, dtype=np.float32)) == fingerprint(np.eye(2, dtype=np.float16))
        False
    """
    digest = hashlib.sha256(f"{vectors.dtype.str} {vectors.shape}".encode())
    for _, block in iterate_blocks(vectors):
        digest.update(np.ascontiguousarray(block).data)
    return digest.hexdigest()
