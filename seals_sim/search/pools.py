"""The candidate pools P_r: everything unlabelled, neighbours of the labelled rows, a random subset.

Rows are positions in `vectors`, the table of the whole unlabelled data U with the seeds. A labelled row, seeds
included, is never a candidate again: Algorithm 2's lines 2 and 8 as printed would re-admit it, since a point is
its own nearest neighbour.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from seals_sim.indexes import NeighborIndex
from seals_sim.search.candidates import CandidateTable, FixedTable, GrowingTable
from seals_sim.types import LabeledRows, Rows, StoredVectors
from seals_sim.vectors.scan import gathered


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
    likely: gives up to so many rows that may be labelled next; their neighbours are sought, read and scored together
    with those of the row that has been, which is several times faster, and join when their own row is labelled. That
    changes no pick.
    """

    _AHEAD = 32

    def __init__(
        self,
        labeled: LabeledRows,
        vectors: StoredVectors,
        index: NeighborIndex,
        k: int,
        likely: Callable[[int], Rows] | None = None,
    ) -> None:
        self._vectors: Any = np.asarray(vectors)  # without the cost of a memmap at every read
        self._index, self._k, self._likely = index, k, likely
        self._found: dict[int, Rows] = {}  # neighbours of rows that are not labelled yet
        self._table = GrowingTable(len(vectors), vectors.shape[1], excluded=labeled.rows)
        if len(labeled):
            found = index.neighbors(labeled.rows, k)
            self._hold(np.concatenate(found))
            for neighbors in found:
                self._table.join(neighbors)  # line 2

    @property
    def n_candidates(self) -> int:
        return len(self._table.joined)

    def candidates(self, slot: int) -> CandidateTable:
        return self._table

    def expand(self, slot: int, query: int, label: int) -> None:
        neighbors = self.neighbors(query)
        self._table.remove(query)
        self._table.join(neighbors)  # line 8

    def take(self, query: int, neighbors: Rows) -> None:
        """`expand` with neighbours that are known already; which label the query gets makes no difference."""
        self._table.remove(query)
        self.admit(neighbors)

    def neighbors(self, query: int) -> Rows:
        """Of a row that joins the labelled next: found once, and no more than once."""
        if query not in self._found:
            ahead = [] if self._likely is None else self._likely(self._AHEAD).tolist()
            rows = [query, *(row for row in ahead if row not in self._found and row != query)]
            found = self._index.neighbors(np.array(rows), self._k)
            self._hold(np.concatenate(found))
            self._found.update(zip(rows, found, strict=True))
        return self._found.pop(query)

    def admit(self, neighbors: Rows) -> None:
        """Make rows (m,), each given once, candidates, unless they have been labelled."""
        self._hold(neighbors)
        self._table.join(neighbors)

    def _hold(self, rows: Rows) -> None:
        new = self._table.unseen(rows)
        if len(new):
            self._table.hold(new, gathered(self._vectors, new))
