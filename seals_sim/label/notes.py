"""Notes on the rows of a session: free words, whatever the answer is. All concepts of a session have the same ones."""

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
        """Write a note on a row, and on all that are answered together with it, in the place of the one before.

        Args:
            row: Answered or not.
            text: At most 10,000 characters; an empty one removes the note.
            who: The person, where there are several.

        Raises:
            UserError: For a row that the table does not have, or where the file cannot be written.
        """
        self._require_row(row)
        self._journal.write_note(self._rows.find(row), text, who)

    def get_note(self, row: int) -> str:
        """The note on a row; empty if there is none."""
        return self._journal.read_notes().get(self._rows.find(row), "")

    def list_noted(self) -> list[int]:
        """Rows with a note, those written last at the end; of those answered together the first."""
        return list(self._journal.read_notes())
