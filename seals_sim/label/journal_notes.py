"""Notes on rows in the journal, which stores all that were written; a row's last one counts."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from seals_sim.errors import UserError
from seals_sim.label import journal_rows
from seals_sim.label.journal_events import WITH_CONCEPTS
from seals_sim.label.journal_rows import Describe

MAX_NOTE = 10_000  # characters


class JournalNotes:
    """The part of a journal that stores notes."""

    is_read_only: bool
    _version: int
    _database: sqlite3.Connection
    _describe: Describe | None
    _notes: dict[int, str] | None = None
    _fetch: Callable[[str], list[tuple[Any, ...]]]
    _transaction: Callable[[], AbstractContextManager[None]]
    _require_writable: Callable[[], None]

    def read_notes(self) -> dict[int, str]:
        """Row to note, in the order in which the notes that count were written."""
        if self._notes is None:
            self._notes = {}
            for row, text in self._fetch_notes():
                _replace(self._notes, row, text)
        return self._notes

    def _fetch_notes(self) -> list[tuple[Any, ...]]:
        return self._fetch("SELECT row, text FROM notes ORDER BY id") if self._version >= WITH_CONCEPTS else []

    def _check_notes(self, n_rows: int) -> None:
        """Raise ValueError for an invalid note."""
        for row, text in self._fetch_notes():
            if not isinstance(row, int) or not 0 <= row < n_rows or not isinstance(text, str) or len(text) > MAX_NOTE:
                raise ValueError(f"the note on row {row!r:.40}")

    def write_note(self, row: int, text: str, who: str) -> None:
        """Replace the note on a row; an empty note removes it. It is on disk when this returns.

        Raises:
            UserError: If it cannot be written, or is too long.
        """
        text = text.strip()
        if len(text) > MAX_NOTE:
            raise UserError(f"a note has at most {MAX_NOTE:,} characters")
        self._require_writable()
        notes = self.read_notes()
        with self._transaction():
            self._database.execute("INSERT INTO notes (row, text, who) VALUES (?, ?, ?)", (row, text, who))
            if self._describe is not None:
                journal_rows.write_rows(self._database, {row: self._describe(row)})
        _replace(notes, row, text)


def _replace(notes: dict[int, str], row: int, text: str) -> None:
    notes.pop(row, None)
    if text:
        notes[row] = text
