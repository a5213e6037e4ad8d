"""Notes on the rows of a session: free text, whatever the answer is. All concepts of a session share them."""

from __future__ import annotations

from collections.abc import Callable

from seals_sim.label.copies import DistinctRows
from seals_sim.label.journal import Journal


class NotedSession:
    """The part of a session that is about notes."""

    _journal: Journal
    _rows: DistinctRows
    _require_row: Callable[[int], None]

    def write_note(self, row: int, text: str, who: str = "") -> None:
        """Replace the note on a row and on all rows that are answered together with it.

        Args:
            row: The row, answered or not.
            text: At most 10,000 characters; an empty text removes the note.
            who: The person, if there are several.

        Raises:
            UserError: If the table has no such row, or the file cannot be written.
        """
        self._require_row(row)
        self._journal.write_note(self._rows.find(row), text, who)

    def get_note(self, row: int) -> str:
        """The note on a row; empty if there is none."""
        return self._journal.read_notes().get(self._rows.find(row), "")

    def list_noted(self) -> list[int]:
        """Rows with a note, in the order of writing; of rows answered together, only the first."""
        return list(self._journal.read_notes())
