"""The candidate table: which rows the selector may choose from, and their vectors.

A table only grows. The place of a row in it never changes, and a row that leaves is marked dead. A selector that
remembers how far it has read therefore needs to look only at the newcomers. Rows can be held before they join the
candidates, so that many can be read and scored at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from seals_sim.search.entries import make_entries
from seals_sim.types import Place, Places, Row, Rows, StoredVectors

_Values = TypeVar("_Values", bound=np.generic)


class Growing(Generic[_Values]):
    """An array that grows at the end.

    Attributes:
        values: A view of the current entries.

    Examples:
        >>> numbers = Growing(np.int64)
        >>> numbers.extend(2)[:] = 3, 4
        >>> numbers.values.tolist()
        [3, 4]
    """

    def __init__(self, dtype: type[_Values], shape: tuple[int, ...] = (), capacity: int = 1024) -> None:
        self._room = np.empty((capacity, *shape), dtype=dtype)
        self.values: NDArray[_Values] = self._room[:0]

    def extend(self, n: int) -> NDArray[_Values]:
        """Add n entries and return a view of them to fill."""
        start, end = len(self.values), len(self.values) + n
        if end > len(self._room):
            self._room = np.empty((max(end, 2 * len(self._room)), *self._room.shape[1:]), dtype=self._room.dtype)
            self._room[:start] = self.values
        self.values = self._room[:end]
        return self._room[start:end]


class CandidateTable(ABC):
    """Rows that have been in the pool, in order of entry.

    Attributes:
        rows: (m,) the rows by place.
        vectors: (m, d) float32 or float16.
        is_live: (m,) bool, False for rows that cannot be chosen yet or any longer.
        joined: Places of the rows that have become candidates since the table was created, in order.
        removed: Places of the candidates that have left, in order.
        n_live: Number of rows that can be chosen.
    """

    rows: Rows
    vectors: StoredVectors
    is_live: NDArray[np.bool_]
    joined: Places

    def __init__(self) -> None:
        self.removed: list[Place] = []
        self.n_live = 0
        self._postponed: set[Place] = set()

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def has_waiting(self) -> bool:
        """Whether some rows are held that have not joined yet."""
        return False

    @abstractmethod
    def find(self, row: Row) -> Place | None:
        """The place of `row`, or None if it never entered."""

    def remove(self, row: Row) -> None:
        """Mark `row` dead, if it is a live candidate."""
        place = self.find(row)
        if place is not None and self._is_candidate(place):
            self._bury(place)

    def postpone(self, place: Place) -> None:
        """Set a live candidate aside, as if it were dead, until `restore`."""
        self.is_live[place] = False
        self.n_live -= 1
        self._postponed.add(place)

    def restore(self) -> int:
        """Make all postponed rows live again, except those labeled since, and return how many."""
        n = len(self._postponed)
        self.is_live[list(self._postponed)] = True
        self.n_live += n
        self._postponed.clear()
        return n

    def _is_candidate(self, place: Place) -> bool:
        return bool(self.is_live[place]) or place in self._postponed

    def _bury(self, place: Place) -> None:
        if place in self._postponed:
            self._postponed.remove(place)
        else:
            self.is_live[place] = False
            self.n_live -= 1
        self.removed.append(place)


class FixedTable(CandidateTable):
    """All candidates from the start (Algorithm 1, RandPool).

    Args:
        rows: (m,) sorted.
        vectors: (m, d), used in place, never copied.
        excluded: Rows that are not candidates.
    """

    def __init__(self, rows: Rows, vectors: StoredVectors, excluded: Rows) -> None:
        super().__init__()
        self.rows, self.vectors = rows, vectors
        self.is_live = np.ones(len(rows), dtype=np.bool_)
        places = np.searchsorted(rows, excluded)
        is_here = places < len(rows)
        is_here[is_here] = rows[places[is_here]] == excluded[is_here]
        self.is_live[places[is_here]] = False
        self.joined = Places(np.empty(0, dtype=np.int64))
        self.n_live = int(self.is_live.sum())

    def find(self, row: Row) -> Place | None:
        place = int(np.searchsorted(self.rows, row))
        return Place(place) if place < len(self.rows) and self.rows[place] == row else None


class GrowingTable(CandidateTable):
    """Candidates that enter during the search (Algorithm 2).

    Memory grows with the candidates. Anything reserved beyond that consists of untouched pages: room for `capacity`
    rows at first and, in a table of up to `DENSE_ROWS`, 4 bytes per row of the data.

    Args:
        n_rows: Rows of the data.
        n_dimensions: Dimensions of the vectors.
        excluded: Rows that are not candidates.
        capacity: Initial capacity in rows.

    Examples:
        >>> table = GrowingTable(n_rows=9, n_dimensions=2, excluded=Rows(np.array([5])))
        >>> table.unseen(Rows(np.array([7, 3, 7, 5]))).tolist()
        [3, 7]
        >>> table.hold(Rows(np.array([3, 7])), np.eye(2, dtype=np.float32))
        >>> table.join(Rows(np.array([5, 7])))
        >>> table.rows.tolist(), table.is_live.tolist(), table.find(Row(7)), table.find(Row(5))
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
        self._entries = make_entries(n_rows, len(excluded))  # 0 for a row that is not here, otherwise its place + 1
        self._entries.set(excluded, np.full(len(excluded), self._EXCLUDED))
        self._expose()

    def _expose(self) -> None:
        self.rows, self.joined = Rows(self._rows.values), Places(self._joined.values)
        self.vectors, self.is_live = self._vectors.values, self._is_live.values

    @property
    def has_waiting(self) -> bool:
        return len(self.joined) < len(self)

    def unseen(self, rows: Rows) -> Rows:
        """The rows among (m,) that have not entered and may, each once, sorted."""
        new = rows[self._entries.get(rows) == 0]
        return Rows(np.unique(new) if len(new) else new)

    def hold(self, rows: Rows, vectors: StoredVectors) -> None:
        """Add unseen rows (m,) and their vectors (m, d), not yet as candidates."""
        self._entries.set(rows, np.arange(len(self) + 1, len(self) + len(rows) + 1))
        self._rows.extend(len(rows))[:] = rows
        self._vectors.extend(len(rows))[:] = vectors
        self._is_live.extend(len(rows))[:] = False
        self._is_settled.extend(len(rows))[:] = False
        self._expose()

    def join(self, rows: Rows) -> None:
        """Make candidates of the rows among (m,), each given once, that are held and have never been candidates."""
        places = self._entries.get(rows) - 1
        places = places[places >= 0]
        places = places[~self._is_settled.values[places]]
        if len(places):
            self._is_settled.values[places] = self.is_live[places] = True
            self.n_live += len(places)
            self._joined.extend(len(places))[:] = places
            self._expose()

    def remove(self, row: Row) -> None:
        """Mark `row` dead if it is a live candidate; if it is not one yet, it never will be."""
        place = self.find(row)
        if place is None:
            self._entries.set(Rows(np.array([row])), np.array([self._EXCLUDED]))
        elif self._is_candidate(place):
            self._bury(place)
        else:
            self._is_settled.values[place] = True

    def find(self, row: Row) -> Place | None:
        place = self._entries.get_one(row) - 1
        return Place(place) if place >= 0 else None
