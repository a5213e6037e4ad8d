"""How tables are read: whole columns at once, or row by row if a row needs an error message.

pyarrow is several times as fast, but it does not report the line of an error, and it tolerates quotes that swallow
rows. So it reads files without errors; the careful reader reads the rest again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa

from seals_sim.datasets.lines import UNREADABLE, BadLines

UNREADABLE_AT_ONCE = (pa.ArrowException, ValueError, OverflowError, *UNREADABLE)

Where = int | str  # a line number, or the name of another place
Record = dict[str, object]


class TableFile(Protocol):
    """A table in one of the formats."""

    def read_header(self, bad: BadLines) -> list[str]:
        """Read the names of the columns.

        Args:
            bad: Receives what cannot be read before the first row.

        Returns:
            The names in order; empty if there are no rows.

        Raises:
            UserError: If two columns have the same name, or the file cannot be read.
        """

    def read_at_once(self, columns: Sequence[str]) -> pa.Table | None:
        """Read some columns without reporting errors.

        Args:
            columns: Their names, which must be in the header.

        Returns:
            These columns; None if something is, or may be, wrong with the file.
        """

    def read_types(self, columns: Sequence[str]) -> dict[str, pa.DataType] | None:
        """The types of some columns, if the file has types; None if JSON can write every cell."""

    def iterate_rows(self, columns: Sequence[str], bad: BadLines) -> Iterator[tuple[Where, Record]]:
        """Read row by row.

        Args:
            columns: The columns needed; a row may have others or lack some.
            bad: Receives what cannot be read.

        Yields:
            The place of each row, for errors, and its cells by column name.

        Raises:
            UserError: For a row that cannot be read, unless such rows are skipped.
        """


def require_utf8(data: bytes) -> None:
    """Raise ArrowInvalid if the data is not UTF-8; nothing is copied."""
    ends = pa.py_buffer(np.array([0, len(data)], dtype=np.int64))
    pa.Array.from_buffers(pa.large_string(), 1, [None, ends, pa.py_buffer(data)]).validate(full=True)
