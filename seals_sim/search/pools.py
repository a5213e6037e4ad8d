"""The candidate pools P_r: all unlabeled rows, the neighbors of the labeled rows, or a random subset.

A labeled row, seeds included, is never a candidate again. Lines 2 and 8 of Algorithm 2 as printed would re-admit it,
since a point is its own nearest neighbor.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seals_sim.indexes.protocol import NeighborIndex
from seals_sim.search.candidates import CandidateTable, FixedTable, GrowingTable
from seals_sim.search.learners import Model
from seals_sim.search.seeds import find_others
from seals_sim.types import LabeledRows, Row, Rows, StoredVectors
from seals_sim.vectors.scan import gather


class _FixedPool:
    def __init__(self, table: FixedTable) -> None:
        self._table = table
        self.n_candidates = table.n_live

    def begin_round(self, model: Model) -> None:
        pass

    def candidates(self, slot: int) -> CandidateTable:
        return self._table

    def expand(self, slot: int, query: Row, label: int) -> None:
        self._table.remove(query)


class AllPool(_FixedPool):
    """Every unlabeled row is a candidate (Algorithm 1 line 2).

    Args:
        labeled: The seeds.
        vectors: (n, d) float32 or float16, used in place.
    """

    def __init__(self, labeled: LabeledRows, vectors: StoredVectors) -> None:
        super().__init__(FixedTable(Rows(np.arange(len(vectors))), vectors, labeled.rows))


class RandomPool(_FixedPool):
    """RandPool (7.8): `size` unlabeled rows, drawn once, uniformly and without replacement.

    Args:
        labeled: The seeds.
        vectors: (n, d) float32 or float16.
        size: Number of rows to draw.
        rng: Random generator.

    Raises:
        ValueError: If fewer than `size` rows are unlabeled.
    """

    def __init__(self, labeled: LabeledRows, vectors: StoredVectors, size: int, rng: np.random.Generator) -> None:
        excluded = np.unique(labeled.rows)
        drawn = np.sort(rng.choice(len(vectors) - len(excluded), size=size, replace=False))  # among the unlabeled
        rows = find_others(drawn, Rows(excluded))
        super().__init__(FixedTable(rows, vectors[rows], labeled.rows))


class SealsPool:
    """The k nearest neighbors of every labeled row (Algorithm 2), or of every positive.

    Args:
        labeled: The seeds.
        vectors: (n, d) float32 or float16, used to score candidates.
        index: Finds neighbors. It may be built on a different embedding of the same rows (Fig. 5).
        k: Neighbors of each labeled row.
        only_positives: Whether only positives bring their neighbors. Not in the paper: at equal cost, more neighbors of
            fewer rows find more positives (reports/beyond).
    """

    def __init__(
        self,
        labeled: LabeledRows,
        vectors: StoredVectors,
        index: NeighborIndex,
        k: int,
        *,
        only_positives: bool = False,
    ) -> None:
        # A memmap costs more at every read; vectors that are computed on the fly stay as they are.
        self._vectors: Any = np.asarray(vectors) if isinstance(vectors, np.ndarray) else vectors
        self._index, self._k, self._only_positives = index, k, only_positives
        self._table = GrowingTable(len(vectors), vectors.shape[1], excluded=labeled.rows)
        sources = labeled.rows[labeled.labels == 1] if only_positives else labeled.rows
        if len(sources):
            self._admit_all(index.neighbors(Rows(sources), k))  # line 2

    @property
    def n_candidates(self) -> int:
        return len(self._table.joined)

    def begin_round(self, model: Model) -> None:
        pass

    def candidates(self, slot: int) -> CandidateTable:
        return self._table

    def expand(self, slot: int, query: Row, label: int) -> None:
        if label == 1 or not self._only_positives:
            self.take(query, self.neighbors(query))  # line 8
        else:
            self._table.remove(query)

    def neighbors(self, query: Row) -> Rows:
        """The k nearest neighbors of a row."""
        return self._index.neighbors(Rows(np.array([query])), self._k)[0]

    def take(self, query: Row, neighbors: Rows) -> None:
        """Remove a labeled row and admit its neighbors (m,), each given once."""
        self._table.remove(query)
        self.admit(neighbors)

    def admit(self, neighbors: Rows) -> None:
        """Make candidates of rows (m,), each given once, unless they have been labeled."""
        self._admit_all([neighbors])

    def _admit_all(self, lists: list[Rows]) -> None:
        self._hold(lists)
        for neighbors in lists:
            self._table.join(neighbors)

    def _hold(self, lists: list[Rows]) -> None:
        """Read the vectors of rows that the table does not hold yet, for all lists at once."""
        new = self._table.unseen(Rows(np.concatenate(lists)))
        if len(new):
            self._table.hold(new, gather(self._vectors, new))
