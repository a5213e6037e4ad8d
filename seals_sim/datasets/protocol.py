"""What a table is to its reader: columns read at once, or row by row where something has to be said of a row.

pyarrow is several times as fast, but it does not say in which line an error is, and it forgives quotes that swallow
rows. So it reads the files in which nothing is wrong, and the rest are read again, by the careful reader.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa

from seals_sim.datasets.lines import UNREADABLE, BadLines

UNREADABLE_AT_ONCE = (pa.ArrowException, ValueError, OverflowError, *UNREADABLE)

Where = int | str  # the number of a line, or the name of another place
Record = dict[str, object]


class TableFile(Protocol):
    """A table in one of the formats."""

    def read_header(self, bad: BadLines) -> list[str]:
        """Read the names of the columns.

        Args:
            bad: Gets what cannot be read before the first row.

        Returns:
            The names in their order; none where there are no rows.

        Raises:
            UserError: If two columns have the same name, or the file cannot be read.
        """

    def read_at_once(self, columns: Sequence[str]) -> pa.Table | None:
        """Read some columns, without a word about errors.

        Args:
            columns: Their names, which are in the header.

        Returns:
            These columns; None where something is wrong with the file, or may be.
        """

    def read_types(self, columns: Sequence[str]) -> dict[str, pa.DataType] | None:
        """The types of some columns, where the file has types; None where JSON can write every cell."""

    def iterate_rows(self, columns: Sequence[str], bad: BadLines) -> Iterator[tuple[Where, Record]]:
        """Read row by row.

        Args:
            columns: Those that are needed; a row may have others, or lack some.
            bad: Gets what cannot be read.

        Yields:
            The place of each row, for errors, and its cells by the names of their columns.

        Raises:
            UserError: For a row that cannot be read, unless these are skipped.
        """


def require_utf8(data: bytes) -> None:
    """Raise ArrowInvalid where it is not; nothing is copied."""
    ends = pa.py_buffer(np.array([0, len(data)], dtype=np.int64))
    pa.Array.from_buffers(pa.large_string(), 1, [None, ends, pa.py_buffer(data)]).validate(full=True)
