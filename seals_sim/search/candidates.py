"""The candidate table: which rows the selector may choose from, and their vectors.

A table only grows. The position of a row in it never changes, and a row that leaves is marked dead, so a
selector that remembers how far it has read needs to look at the newcomers alone. A row may be held before it joins the
candidates, so that many are read and scored at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from seals_sim.types import Rows, StoredVectors

_Values = TypeVar("_Values", bound=np.generic)


class Growing(Generic[_Values]):
    """An array that grows at its end; `values` is a view of what is there now.

    >>> numbers = Growing(np.int64)
    >>> numbers.extend(2)[:] = 3, 4
    >>> numbers.values.tolist()
    [3, 4]
    """

    def __init__(self, dtype: type[_Values], shape: tuple[int, ...] = (), capacity: int = 1024) -> None:
        self._room = np.empty((capacity, *shape), dtype=dtype)
        self.values: NDArray[_Values] = self._room[:0]

    def extend(self, n: int) -> NDArray[_Values]:
        """A view of n new places, to be filled."""
        start, end = len(self.values), len(self.values) + n
        if end > len(self._room):
            self._room = np.empty((max(end, 2 * len(self._room)), *self._room.shape[1:]), dtype=self._room.dtype)
            self._room[:start] = self.values
        self.values = self._room[:end]
        return self._room[start:end]


class CandidateTable(ABC):
    """Rows that have been in the pool, in order of entry.

    rows: (m,) int64; vectors: (m, d) float32 or float16; is_live: (m,) bool, false for a row that cannot be
    chosen yet or any more.
    joined: positions of the rows that have become candidates since the table was made, in order; removed: of those that
    have left.
    """

    def __init__(self) -> None:
        self.removed: list[int] = []
        self.n_live = 0

    rows: Rows
    vectors: StoredVectors
    is_live: NDArray[np.bool_]
    joined: Rows

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def has_waiting(self) -> bool:
        """Whether rows are held that have not joined."""
        return False

    @abstractmethod
    def find(self, row: int) -> int | None:
        """The position of `row`, or None where it never entered."""

    def remove(self, row: int) -> None:
        """Mark `row` dead, if it is a live candidate."""
        position = self.find(row)
        if position is not None and self.is_live[position]:
            self._bury(position)

    def _bury(self, position: int) -> None:
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
        self.joined = np.empty(0, dtype=np.int64)
        self.n_live = int(self.is_live.sum())

    def find(self, row: int) -> int | None:
        position = int(np.searchsorted(self.rows, row))
        return position if position < len(self.rows) and self.rows[position] == row else None


class GrowingTable(CandidateTable):
    """Candidates that come as the search goes on (Algorithm 2). Memory follows the candidates: what is set aside beyond
    them, 4 bytes a row of the data and room for `capacity` rows at first, are pages that no one has touched.

    n_rows: of the data; excluded: rows that are no candidates.

    >>> table = GrowingTable(n_rows=9, n_dimensions=2, excluded=np.array([5]))
    >>> table.unseen(np.array([7, 3, 7, 5])).tolist()
    [3, 7]
    >>> table.hold(np.array([3, 7]), np.eye(2, dtype=np.float32))
    >>> table.join(np.array([5, 7]))
    >>> table.rows.tolist(), table.is_live.tolist(), table.find(7), table.find(5)
    ([3, 7], [False, True], 1, None)
    """

    _EXCLUDED = -1

    def __init__(self, n_rows: int, n_dimensions: int, excluded: Rows, capacity: int = 65_536) -> None:
        super().__init__()
        self._rows = Growing(np.int64, capacity=capacity)
        self._vectors = Growing(np.float32, (n_dimensions,), capacity)
        self._is_live = Growing(np.bool_, capacity=capacity)
        self._is_settled = Growing(np.bool_, capacity=capacity)  # has joined, or never will
        self._joined = Growing(np.int64, capacity=capacity)
        self._place = np.zeros(n_rows, dtype=np.int32)  # 0 for a row that is not here, else its position + 1
        self._place[excluded] = self._EXCLUDED
        self._expose()

    def _expose(self) -> None:
        self.rows, self.vectors, self.is_live = self._rows.values, self._vectors.values, self._is_live.values
        self.joined = self._joined.values

    @property
    def has_waiting(self) -> bool:
        return len(self.joined) < len(self)

    def unseen(self, rows: Rows) -> Rows:
        """Those of rows (m,) that are not here yet and may be, each once."""
        found = rows[self._place[rows] == 0]
        return np.unique(found) if len(found) else found

    def hold(self, rows: Rows, vectors: StoredVectors) -> None:
        """Take in rows (m,), none of which is here, and their vectors (m, d), not as candidates yet."""
        self._place[rows] = np.arange(len(self) + 1, len(self) + len(rows) + 1)
        self._rows.extend(len(rows))[:] = rows
        self._vectors.extend(len(rows))[:] = vectors
        self._is_live.extend(len(rows))[:] = False
        self._is_settled.extend(len(rows))[:] = False
        self._expose()

    def join(self, rows: Rows) -> None:
        """Make candidates of those of rows (m,), each given once, that are held and have not been candidates."""
        positions = self._place[rows] - 1
        positions = positions[positions >= 0]
        positions = positions[~self._is_settled.values[positions]]
        if len(positions):
            self._is_settled.values[positions] = self.is_live[positions] = True
            self.n_live += len(positions)
            self._joined.extend(len(positions))[:] = positions
            self.joined = self._joined.values

    def remove(self, row: int) -> None:
        """Mark `row` dead, if it is a live candidate; if it is none yet, it will not be."""
        position = self.find(row)
        if position is None:
            self._place[row] = self._EXCLUDED
        elif self.is_live[position]:
            self._bury(position)
        else:
            self._is_settled.values[position] = True

    def find(self, row: int) -> int | None:
        position = int(self._place[row]) - 1
        return position if position >= 0 else None
