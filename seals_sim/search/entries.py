"""Numbers for some rows of a table, looked up by row: in an array of all rows, or in memory that grows with the rows
that have one.
"""

from __future__ import annotations

from itertools import repeat
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from seals_sim.types import Rows

DENSE_ROWS = 10**7  # measured: `python -m benchmarks.entries`
_SPARSE_BYTES, _DENSE_BYTES = 160, 4  # per entry, about; per row


class Entries(Protocol):
    """An integer for each row; 0 for rows that were never set."""

    def get(self, rows: Rows) -> NDArray[np.int64]:
        """The numbers of rows (m,)."""

    def get_one(self, row: int) -> int:
        """The number of one row."""

    def set(self, rows: Rows, numbers: NDArray[np.int64]) -> None:
        """Set the numbers (m,) of rows (m,)."""


class DenseEntries:
    """An array of all rows: faster, as long as the rows that are set share memory pages.

    Args:
        n_rows: Rows of the table.
    """

    def __init__(self, n_rows: int) -> None:
        self._numbers = np.zeros(n_rows, dtype=np.int32)

    def get(self, rows: Rows) -> NDArray[np.int64]:
        """See `Entries`."""
        return self._numbers[rows].astype(np.int64)

    def get_one(self, row: int) -> int:
        """See `Entries`."""
        return int(self._numbers[row])

    def set(self, rows: Rows, numbers: NDArray[np.int64]) -> None:
        """See `Entries`."""
        self._numbers[rows] = numbers


class SparseEntries:
    """A dict: about 160 bytes for each row that is set, nothing for the others."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}

    def get(self, rows: Rows) -> NDArray[np.int64]:
        """See `Entries`."""
        return np.fromiter(map(self._numbers.get, rows.tolist(), repeat(0)), dtype=np.int64, count=len(rows))

    def get_one(self, row: int) -> int:
        """See `Entries`."""
        return self._numbers.get(int(row), 0)

    def set(self, rows: Rows, numbers: NDArray[np.int64]) -> None:
        """See `Entries`."""
        self._numbers.update(zip(rows.tolist(), numbers.tolist(), strict=True))


def make_entries(n_rows: int, n_known: int) -> Entries:
    """Create the entries of a table, all 0.

    Args:
        n_rows: Rows of the table.
        n_known: Rows that will be set right away; if they are many, an array takes less memory.

    Examples:
        >>> for n_rows in (100, 10**10):
        ...     entries = make_entries(n_rows, 0)
        ...     entries.set(Rows(np.array([7, 3])), np.array([1, -1]))
        ...     print(type(entries).__name__, entries.get(Rows(np.array([3, 4, 7]))).tolist(), entries.get_one(7))
        DenseEntries [-1, 0, 1] 1
        SparseEntries [-1, 0, 1] 1
    """
    if n_rows <= DENSE_ROWS or n_rows * _DENSE_BYTES < n_known * _SPARSE_BYTES:
        return DenseEntries(n_rows)
    return SparseEntries()
