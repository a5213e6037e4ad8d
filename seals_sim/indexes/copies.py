"""Neighbors among distinct vectors: k copies of one row are one neighbor, not k.

Without this, all neighbors of a row with more than k copies would be its own copies, and Algorithm 2 would never get
past them.
"""

from __future__ import annotations

from typing import TypeGuard

import numpy as np

from seals_sim.indexes.protocol import NeighborIndex, VectorIndex
from seals_sim.types import Rows, StoredVectors, Vectors
from seals_sim.vectors.copies import Copies


class DistinctIndex:
    """An index of the distinct rows of a table that returns all copies of each.

    Attributes:
        vectors: (n, d), the table.
        distinct: The index of its distinct rows, in order of their first copies.
        distinct_vectors: (m, d), these rows.
        copies: Which rows are equal.
        build_seconds: Build time of `distinct`.
        n_bytes: Size of `distinct`.

    Examples:
        >>> from seals_sim.indexes import ExactIndex
        >>> table = np.array([[1, 0], [0, 1], [1, 0], [0.8, 0.6]], dtype=np.float32)
        >>> copies = Copies.find(table)
        >>> index = DistinctIndex(ExactIndex(table[copies.first]), table, copies)
        >>> index.neighbors(np.array([0]), k=2)[0].tolist()
        [0, 2, 3]
    """

    def __init__(self, distinct: NeighborIndex, vectors: StoredVectors, copies: Copies) -> None:
        self.vectors, self.distinct, self.copies = vectors, distinct, copies
        self.build_seconds, self.n_bytes = distinct.build_seconds, distinct.n_bytes

    @property
    def distinct_vectors(self) -> StoredVectors:
        return self.vectors[self.copies.first]

    def neighbors(self, rows: Rows, k: int) -> list[Rows]:
        """Find the k nearest distinct vectors of each row, with all their copies: see `NeighborIndex`."""
        return self._expand(self.distinct.neighbors(Rows(self.copies.number[rows]), k))

    def nearest(self, queries: Vectors, k: int) -> list[Rows]:
        """Find the k distinct vectors nearest to each query, with all their copies: see `VectorIndex`.

        Raises:
            TypeError: If the index of the distinct rows only takes rows.
        """
        distinct = self.distinct
        if not takes_vectors(distinct):
            raise TypeError("this index finds neighbors of rows only")
        return self._expand(distinct.nearest(queries, k))

    def _expand(self, lists: list[Rows]) -> list[Rows]:
        list_rows = self.copies.list_rows
        return [
            Rows(np.concatenate([list_rows(place) for place in places.tolist()])) if len(places) else places
            for places in lists
        ]


def find_known_copies(index: NeighborIndex) -> Copies | None:
    """Which rows of the index's table are equal, as found by `build_index`; None if no two are."""
    return index.copies if isinstance(index, DistinctIndex) else None


def takes_vectors(index: NeighborIndex) -> TypeGuard[VectorIndex]:
    """Whether an index finds neighbors of any vectors, not only of rows."""
    inner = index.distinct if isinstance(index, DistinctIndex) else index
    return hasattr(inner, "nearest")
