"""The candidate table: which rows the selector may choose from, and their vectors.

A table only grows. The position of a row in it never changes, and a row that leaves is marked dead, so a
selector that remembers how far it has read needs to look at the newcomers alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Vectors = NDArray[np.float32]
StoredVectors = NDArray[np.float32] | NDArray[np.float16]  # rows of a large table, perhaps memory-mapped


class CandidateTable(ABC):
    """Rows that have been in the pool, in order of entry.

    rows: (m,) int64; vectors: (m, d) float32 or float16; is_live: (m,) bool, false for a row that cannot be
    chosen (any more).
    removed: positions of the rows that have left, in order.
    """

    def __init__(self) -> None:
        self.removed: list[int] = []
        self.n_live = 0

    rows: Rows
    vectors: StoredVectors
    is_live: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.rows)

    @abstractmethod
    def find(self, row: int) -> int | None:
        """The position of `row`, or None where it never entered."""

    def remove(self, row: int) -> None:
        """Mark `row` dead, if it is a live candidate."""
        position = self.find(row)
        if position is not None and self.is_live[position]:
            self.is_live[position] = False
            self.removed.append(position)
            self.n_live -= 1


class FixedTable(CandidateTable):
    """All candidates there from the start (Algorithm 1, RandPool).

    rows: (m,) sorted; vectors: (m, d), used as they are, never copied; excluded: rows that are no candidates.
    """

    def __init__(self, rows: Rows, vectors: StoredVectors, excluded: Rows) -> None:
        super().__init__()
        self.rows, self.vectors = rows, vectors
        self.is_live = np.isin(rows, excluded, invert=True)
        self.n_live = int(self.is_live.sum())

    def find(self, row: int) -> int | None:
        position = int(np.searchsorted(self.rows, row))
        return position if position < len(self.rows) and self.rows[position] == row else None


class GrowingTable(CandidateTable):
    """Candidates that enter as the search goes on (Algorithm 2); memory follows the candidates, not the data.

    excluded: rows that are no candidates.

    >>> table = GrowingTable(n_dimensions=2, excluded=np.array([5]))
    >>> table.unseen(np.array([7, 3, 7, 5])).tolist()
    [3, 7]
    >>> table.enter(np.array([7, 3]), np.eye(2, dtype=np.float32))
    >>> table.remove(7)
    >>> table.rows.tolist(), table.is_live.tolist(), table.find(3), table.find(5)
    ([7, 3], [False, True], 1, None)
    """

    def __init__(self, n_dimensions: int, excluded: Rows, capacity: int = 1024) -> None:
        super().__init__()
        self._rows = np.empty(capacity, dtype=np.int64)
        self._vectors = np.empty((capacity, n_dimensions), dtype=np.float32)
        self._is_live = np.empty(capacity, dtype=np.bool_)
        self._position: dict[int, int | None] = dict.fromkeys(excluded.tolist())
        self._expose(0)

    def _expose(self, n: int) -> None:
        self.rows, self.vectors, self.is_live = self._rows[:n], self._vectors[:n], self._is_live[:n]

    def unseen(self, rows: Rows) -> Rows:
        """Those of rows (m,) that have not entered yet and may, each once."""
        found = set(rows.tolist()).difference(self._position)
        return np.fromiter(found, dtype=np.int64, count=len(found))

    def enter(self, rows: Rows, vectors: StoredVectors) -> None:
        """Take in new candidates: rows (m,), none of which has entered before, and their vectors (m, d)."""
        start, end = len(self), len(self) + len(rows)
        if end > len(self._rows):
            room = max(end, 2 * len(self._rows)) - start
            self._rows = np.concatenate([self.rows, np.empty(room, dtype=np.int64)])
            self._vectors = np.concatenate([self.vectors, np.empty((room, vectors.shape[1]), dtype=np.float32)])
            self._is_live = np.concatenate([self.is_live, np.empty(room, dtype=np.bool_)])
        self._rows[start:end], self._vectors[start:end], self._is_live[start:end] = rows, vectors, True
        self._position.update(zip(rows.tolist(), range(start, end), strict=True))
        self.n_live += len(rows)
        self._expose(end)

    def exclude(self, row: int) -> None:
        """Never let a row enter that has not entered yet."""
        self._position.setdefault(row)

    def find(self, row: int) -> int | None:
        return self._position.get(row)
