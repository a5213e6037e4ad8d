"""The candidate pools P_r: everything unlabelled, neighbours of the labelled rows, a random subset.

Rows are positions in `vectors`, the table of the whole unlabelled data U with the seeds. A labelled row, seeds
included, is never a candidate again: Algorithm 2's lines 2 and 8 as printed would re-admit it, since a point is
its own nearest neighbour.
"""

from __future__ import annotations

import numpy as np

from seals_sim.candidates import CandidateTable, FixedTable, GrowingTable, Rows, StoredVectors
from seals_sim.indexes import NeighborIndex
from seals_sim.loop import LabeledRows


class _FixedPool:
    def __init__(self, table: FixedTable) -> None:
        self._table = table
        self.n_candidates = table.n_live

    def candidates(self, slot: int) -> CandidateTable:
        return self._table

    def expand(self, slot: int, query: int, label: int) -> None:
        self._table.remove(query)


class AllPool(_FixedPool):
    """Every unlabelled row is a candidate (Algorithm 1 line 2).

    vectors: (n, d) float32 or float16, used in place.
    """

    def __init__(self, labeled: LabeledRows, vectors: StoredVectors) -> None:
        super().__init__(FixedTable(np.arange(len(vectors)), vectors, labeled.rows))


class RandomPool(_FixedPool):
    """RandPool (7.8): `size` unlabelled rows, drawn once and uniformly without replacement.

    Raises ValueError where fewer than `size` rows are unlabelled.
    """

    def __init__(self, labeled: LabeledRows, vectors: StoredVectors, size: int, rng: np.random.Generator) -> None:
        unlabeled = np.setdiff1d(np.arange(len(vectors)), labeled.rows)
        rows = np.sort(rng.choice(unlabeled, size=size, replace=False))
        super().__init__(FixedTable(rows, vectors[rows], labeled.rows))


class SealsPool:
    """The k nearest neighbours of every labelled row, growing after each pick (Algorithm 2 lines 2 and 8).

    vectors: (n, d) float32 or float16. `index` may have been built on another embedding of the same rows (Fig. 5).
    """

    def __init__(self, labeled: LabeledRows, vectors: StoredVectors, index: NeighborIndex, k: int) -> None:
        self._vectors, self._index, self._k = vectors, index, k
        self._labeled = set(labeled.rows.tolist())
        self._table = GrowingTable(vectors.shape[1])
        self._admit_neighbors(labeled.rows)  # line 2

    @property
    def n_candidates(self) -> int:
        return len(self._table)

    def candidates(self, slot: int) -> CandidateTable:
        return self._table

    def expand(self, slot: int, query: int, label: int) -> None:
        self._labeled.add(query)
        self._table.remove(query)
        self._admit_neighbors(np.array([query]))  # line 8

    def _admit_neighbors(self, rows: Rows) -> None:
        found = np.unique(np.concatenate(self._index.neighbors(rows, self._k)))
        new = np.array(
            [row for row in found.tolist() if row not in self._table and row not in self._labeled], dtype=np.int64
        )
        self._table.enter(new, self._vectors[new])
