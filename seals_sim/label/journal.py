"""The journal of a label session: one SQLite file; an event is on disk before the call that made it returns.

The file is complete in itself after every call: SQLite keeps a rollback journal next to it only while it writes. (A
write-ahead log would halve the time of a write, but the answers would then be in a second file.)
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakSet

from seals_sim.disk.files import replacing
from seals_sim.errors import UserError
from seals_sim.label import journal_events, journal_file, journal_rows
from seals_sim.label.events import Event, ImportedFile, Seed
from seals_sim.label.journal_concepts import JournalConcepts
from seals_sim.label.journal_contents import About, check_events, check_seeds, parse_about
from seals_sim.label.journal_file import (
    APPLICATION,
    TABLES,
    UPGRADES,
    VERSION,
    connect,
    has_our_tables,
    has_write_ahead_log,
    identify,
    read_version,
    require_session,
)
from seals_sim.label.journal_leftovers import (
    copied_with_log,
    draw_id,
    require_unlocked,
    set_aside,
    set_aside_foreign,
)
from seals_sim.label.journal_notes import JournalNotes
from seals_sim.label.journal_rows import Describe, KeptRow, KeptSpace
from seals_sim.label.judge.records import JudgeRecords

_DAMAGED = "restore a copy, or begin another session"
_MAX_SHOWN = 300  # characters of an error
_OPEN: WeakSet[Journal] = WeakSet()  # closing another handle on a file would drop its lock


class Journal(JournalNotes, JournalConcepts, JudgeRecords):
    """An open journal; no other process can open it until it is closed.

    The searches of several concepts share it: what each of them requests when it begins is done only once.

    The contents of the file are trusted only after `check` has passed; nothing is written before `prepare`.

    Attributes:
        path: Path of the file.
        is_read_only: Whether we may not write the file, so that nothing can be added.

    Raises:
        UserError: For a file that is not a journal, has an unknown version, is damaged, or is in use. The file stays as
            it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        require_session(path)
        self._file = identify(path)
        if any(other._file == self._file for other in _OPEN):
            raise UserError(f"{path}: this process has this session open; close it first")
        require_unlocked(path)
        self.is_read_only = not journal_file.is_writable(path)
        self._is_copy = has_write_ahead_log(path)
        self._describe: Describe | None = None
        self._is_checked = self._is_ready = False
        set_aside_foreign(path, self._is_copy)
        self._opened = ExitStack()
        with self._closing_on_error():
            source = self._opened.enter_context(copied_with_log(path)) if self._is_copy else path
            self._open(source, self.is_read_only and not self._is_copy)
        _OPEN.add(self)

    def _open(self, source: Path, is_read_only: bool) -> None:
        """Lock the file for as long as it is open, and check its tables."""
        with self._reported():
            self._database = self._opened.enter_context(closing(connect(source, is_read_only)))
            if not is_read_only:
                self._database.execute("BEGIN IMMEDIATE")
                self._database.execute("COMMIT")
            if not has_our_tables(self._database):
                raise UserError(f"{self.path}: does not have the tables of a label session; {_DAMAGED}")
            self._database.execute("PRAGMA ignore_check_constraints = ON")  # `check` gives better messages
            if self._database.execute("PRAGMA quick_check").fetchone()[0] != "ok":
                raise UserError(f"{self.path}: is damaged; {_DAMAGED}")
            self._database.execute("PRAGMA ignore_check_constraints = OFF")
            self._version = read_version(self._database)

    def check(self, n_rows: int, d: int) -> None:
        """Check all examples and events.

        Args:
            n_rows: Rows of the table that the session is about.
            d: Dimensions of its vectors.

        Raises:
            UserError: If something in the file is invalid.
        """
        if self._is_checked:
            return
        concepts = self.read_about().concepts
        seeds, events = self._fetch_seeds(), self._fetch_events()
        import_ids = [] if self._version == 1 else [id for (id,) in self._fetch("SELECT id FROM imports")]
        with self._believed():
            check_seeds(seeds, n_rows, d, concepts)
            check_events(events, import_ids, n_rows, concepts)
            self._check_notes(n_rows)
        self._is_checked = True

    def prepare(self) -> None:
        """Prepare the file for events, and upgrade one of an early version, unless it is read-only."""
        if self._is_ready:
            return
        self._is_ready, mark = True, self.read_about().session
        self._id, self._n_saved = (mark.id, mark.n_saved) if mark else (draw_id(), 0)
        if self.is_read_only:
            return
        if self._is_copy:
            self._opened.close()
            self._open(self.path, is_read_only=False)
        with self._reported():
            self._database.execute("PRAGMA journal_mode = DELETE")
            self._database.execute("PRAGMA synchronous = FULL")
            if mark is not None and self._version == VERSION:
                return
            self._database.execute("BEGIN IMMEDIATE")
            for statements in UPGRADES[self._version - 1 :]:
                for statement in statements:
                    self._database.execute(statement)
            insert = "INSERT OR REPLACE INTO about VALUES ('session', ?)"
            self._database.execute(insert, (_write_mark(self._id, self._n_saved),))
            self._database.execute("COMMIT")
            self._version = VERSION

    @classmethod
    def create(cls, path: Path, about: Mapping[str, object], seeds: Mapping[str, Sequence[Seed]]) -> Journal:
        """Write a new file, completely or not at all, and open it.

        Args:
            path: Path of the file.
            about: Description of the session.
            seeds: The examples of each concept.

        Raises:
            UserError: If the file exists.
        """
        if path.exists():
            raise UserError(f"{path}: already exists; open it, or choose another name")
        set_aside(path, "-wal", "-journal")
        with replacing(path, is_private=True) as temporary, closing(sqlite3.connect(temporary)) as database, database:
            for statement in (*TABLES, *(statement for upgrade in UPGRADES for statement in upgrade)):
                database.execute(statement)
            values = [(name, json.dumps(value)) for name, value in {**about, "concepts": list(seeds)}.items()]
            values.append(("session", _write_mark(draw_id(), 0)))
            database.executemany("INSERT INTO about VALUES (?, ?)", values)
            for concept, given in seeds.items():
                database.executemany(journal_events.INSERT_SEED, journal_events.pack_seeds(given, concept))
            database.execute(f"PRAGMA application_id = {APPLICATION}")
        return cls(path)

    def read_about(self) -> About:
        """The description of the session.

        Raises:
            UserError: If it is missing or wrong.
        """
        values = self._fetch("SELECT name, value FROM about")
        with self._believed():
            return parse_about(dict(values))

    def read_dimensions(self) -> int:
        """Dimensions of the vectors of its examples; 0 if there are none."""
        return max((len(vector) // 4 for _, _, _, vector, _, _ in self._fetch_seeds()), default=0)

    def read_seeds(self, concept: str = "") -> list[Seed]:
        """The seeds of a concept, in order."""
        return journal_events.unpack_seeds(self._fetch_seeds(), concept)

    def read_events(self, concept: str = "") -> list[Event]:
        """All events of a concept, in order."""
        return journal_events.unpack_events(self._fetch_events(), concept)

    def _fetch_seeds(self) -> list[tuple[Any, ...]]:
        return self._fetch(journal_events.select_seeds(self._version))

    def _fetch_events(self) -> list[tuple[Any, ...]]:
        return self._fetch(journal_events.select_events(self._version))

    def _fetch(self, query: str) -> list[tuple[Any, ...]]:
        with self._reported():
            return self._database.execute(query).fetchall()

    def has_imported(self, file: ImportedFile, concept: str = "") -> bool:
        """Whether a file with this content has been imported for a concept."""
        if self._version == 1:
            return False
        with self._reported():
            row = self._database.execute(
                "SELECT 1 FROM imports WHERE digest = ?", (journal_events.mark_file(file, concept),)
            ).fetchone()
        return row is not None

    def add(self, events: Sequence[Event], file: ImportedFile | None = None, concept: str = "") -> None:
        """Write all events or none; they are on disk when this returns.

        Args:
            events: The events, in order.
            file: The file they were imported from, which is recorded even if there are no events.
            concept: The concept that they are about.

        Raises:
            UserError: If they cannot be written, or the session file is no longer in its place.
        """
        if not events and file is None:
            return
        self._require_writable()
        with self._transaction():
            import_id = None
            if file is not None:
                insert, values = (
                    "INSERT INTO imports (digest, name) VALUES (?, ?)",
                    (journal_events.mark_file(file, concept), file.name),
                )
                import_id = self._database.execute(insert, values).lastrowid
            packed = [journal_events.pack_event(event, import_id, concept) for event in events]
            self._database.executemany(journal_events.INSERT_EVENT, packed)
            if self._describe is not None:
                journal_rows.write_rows(self._database, {event.row: self._describe(event.row) for event in events})

    def _require_writable(self) -> None:
        if self.is_read_only:
            raise UserError(
                f"{self.path}: is read-only: no permission to write the file or its folder; open a copy to answer rows"
            )
        self._require_in_place()

    def remember(self, describe: Describe, find_space: Callable[[], KeptSpace | None]) -> None:
        """Store the contents of rows with events, past and future, and how texts become vectors.

        Args:
            describe: Returns the contents of a row.
            find_space: Returns the space to store; called if the file has none yet.

        Raises:
            UserError: If the file cannot be written.
        """
        if self._describe is not None:
            return
        self._describe = describe
        if self.is_read_only:
            return
        kept, space = self.read_kept()
        rows = [row for (row,) in self._fetch(journal_rows.SPOKEN_OF)]
        changes, new_space = journal_rows.find_changes(kept, rows, describe), find_space() if space is None else None
        if changes or new_space is not None:
            with self._transaction():
                journal_rows.write_rows(self._database, changes, is_correction=True)
                journal_rows.write_space(self._database, new_space)

    def read_kept(self) -> tuple[dict[int, KeptRow], KeptSpace | None]:
        """The stored contents of rows with events, and the space; a file of an early version has neither.

        Raises:
            UserError: If it is damaged.
        """
        if self._version < journal_rows.SINCE:
            return {}, None
        rows, space = self._fetch(journal_rows.ROWS), self._fetch("SELECT name, value FROM space")
        with self._believed():
            return journal_rows.parse_rows(rows), journal_rows.parse_space(dict(space))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        if self._is_together:
            yield
            return
        with self._reported(), self._database:
            mark = _write_mark(self._id, self._n_saved + 1)  # see `journal_leftovers`
            self._database.execute("UPDATE about SET value = ? WHERE name = 'session'", (mark,))
            yield
        self._n_saved += 1

    def close(self) -> None:
        """Close the file; other processes can open it now."""
        _OPEN.discard(self)
        self._opened.close()

    def _require_in_place(self) -> None:
        if identify(self.path) != self._file:
            raise UserError(
                f"{self.path}: was moved, replaced or deleted while this session was open; no more answers are saved. "
                "Put the file back, or save the labels, and start again"
            )

    @contextmanager
    def _closing_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.close()
            raise

    @contextmanager
    def _believed(self) -> Iterator[None]:
        try:
            yield
        except ValueError as error:
            raise UserError(f"{self.path}: is damaged ({_flatten(error)}); {_DAMAGED}") from error

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise UserError(f"{self.path}: another process has this session open; close it there first") from error
            raise UserError(f"{self.path}: cannot be used ({_flatten(error)})") from error
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # a name in the file that is not text
            raise UserError(f"{self.path}: is damaged or not a label session ({_flatten(error)})") from error


def read_about(path: Path) -> tuple[About, KeptSpace | None]:
    """The description of a session, and the space of its vectors if the file stores it.

    Raises:
        UserError: For a file that is not a session, or is damaged.
    """
    with closing(Journal(path)) as journal:
        return journal.read_about(), journal.read_kept()[1]


def _flatten(error: Exception) -> str:
    """An error as one line, even if it quotes the file."""
    return " ".join(str(error).split())[:_MAX_SHOWN]


def _write_mark(id: str, n_saved: int) -> str:
    return json.dumps({"id": id, "n_saved": n_saved})
