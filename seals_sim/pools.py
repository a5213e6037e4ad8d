"""The candidate pools P_r: everything unlabelled, neighbours of the labelled rows, a random subset.

Rows are positions in `vectors`, the table of the whole unlabelled data U with the seeds. A labelled row, seeds
included, is never a candidate again: Algorithm 2's lines 2 and 8 as printed would re-admit it, since a point is
its own nearest neighbour.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from seals_sim.candidates import CandidateTable, FixedTable, GrowingTable, Rows, StoredVectors
from seals_sim.indexes import NeighborIndex
from seals_sim.loop import LabeledRows
from seals_sim.scan import widened


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
    likely: gives up to so many rows that may be labelled next; their neighbours are sought together with those of the
    row that has been, since an index answers many queries at once several times faster. That changes no pick.
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
        self._table = GrowingTable(vectors.shape[1], excluded=labeled.rows)
        if len(labeled):
            self.admit(np.concatenate(index.neighbors(labeled.rows, k)))  # line 2

    @property
    def n_candidates(self) -> int:
        return len(self._table)

    def candidates(self, slot: int) -> CandidateTable:
        return self._table

    def expand(self, slot: int, query: int, label: int) -> None:
        self.take(query, self.neighbors(query))  # line 8

    def take(self, query: int, neighbors: Rows) -> None:
        """`expand` with neighbours that are known already; which label the query gets makes no difference."""
        self._table.remove(query)
        self._table.exclude(query)
        self.admit(neighbors)

    def neighbors(self, query: int) -> Rows:
        """Found once, and no more than once."""
        if query not in self._found:
            ahead = [] if self._likely is None else self._likely(self._AHEAD).tolist()
            rows = [query, *(row for row in ahead if row not in self._found)]
            self._found.update(zip(rows, self._index.neighbors(np.array(rows), self._k), strict=True))
        return self._found.pop(query)

    def admit(self, neighbors: Rows) -> None:
        """Make rows candidates, unless they have been labelled."""
        new = self._table.unseen(neighbors)
        if len(new):
            self._table.enter(new, widened(self._vectors[new]))
