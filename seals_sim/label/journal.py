"""The journal of a label session: one SQLite file; an event is on disk before the call that made it returns.

The file is complete by itself after every call: SQLite keeps a rollback journal beside it only while it writes. (A
write-ahead log would halve the time of a write, but the answers would then lie in a second file.)
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seals_sim.disk.files import replacing
from seals_sim.errors import UserError
from seals_sim.label.journal_file import (
    APPLICATION,
    TABLES,
    UPGRADES,
    VERSION,
    identify,
    read_version,
    require_session,
    set_aside,
)
from seals_sim.types import Rows

Kind = Literal["ask", "answer", "undo"]


@dataclass(frozen=True, eq=False)
class Event:
    """Something that happened to a row.

    Attributes:
        kind: "ask": the row was put to the person; "answer": it was answered; "undo": its last answer no longer counts.
        row: Its position in the table.
        answer: 1, 0 or None (skipped).
        is_control: Whether an asked row was drawn at random.
        score: Of an asked row.
        neighbors: (k,) rows that this one brought into the pool, with the first event of each row, so that a reopened
            session goes on with the pool it had.
        is_imported: Whether an answer came from a file and not from the person.
    """

    kind: Kind
    row: int
    answer: int | None = None
    is_control: bool = False
    score: float | None = None
    neighbors: Rows | None = None
    is_imported: bool = False


@dataclass(frozen=True, eq=False)
class Seed:
    """An example that need not be in the table, such as words typed in.

    Attributes:
        text: The words.
        label: 1 or 0.
        vector: (d,) float32.
        neighbors: (k,) rows.
    """

    text: str
    label: int
    vector: NDArray[np.float32]
    neighbors: Rows


@dataclass(frozen=True)
class ImportedFile:
    """A file that labels were imported from: the SHA-256 of its content, and its name for people."""

    digest: str
    name: str


class Journal:
    """An open journal; no other process can open it until it is closed.

    Raises:
        UserError: For a file that is no journal, of an unknown version, damaged, or in use. The file stays as it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        require_session(path)
        self._database = sqlite3.connect(path, timeout=0, check_same_thread=False)
        self._file = identify(path)
        try:
            self._lock()
        except UserError:
            self._database.close()
            raise

    def _lock(self) -> None:
        """Lock the file for as long as it is open, check it, and bring it up to date."""
        execute = self._database.execute
        with self._reported():
            execute("PRAGMA locking_mode = EXCLUSIVE")
            if execute("PRAGMA quick_check").fetchone()[0] != "ok":
                raise UserError(f"{self.path}: is damaged; restore a copy of it, or begin another session")
            execute("PRAGMA journal_mode = DELETE")  # version 1 was written with a write-ahead log
            execute("PRAGMA synchronous = FULL")
            execute("BEGIN IMMEDIATE")
            for statements in UPGRADES[read_version(self._database) - 1 :]:
                for statement in statements:
                    execute(statement)
            execute("COMMIT")

    @classmethod
    def create(cls, path: Path, about: Mapping[str, object], seeds: Sequence[Seed]) -> Journal:
        """Write a new file, whole or not at all, and open it.

        Raises:
            UserError: Where the file exists.
        """
        if path.exists():
            raise UserError(f"{path}: already exists; open it, or choose another name")
        set_aside(path, "-wal", "-journal")
        with replacing(path) as temporary, closing(sqlite3.connect(temporary)) as database, database:
            for statement in TABLES:
                database.execute(statement)
            values = [(name, json.dumps(value)) for name, value in about.items()]
            database.executemany("INSERT INTO about VALUES (?, ?)", values)
            database.executemany(
                "INSERT INTO seeds (text, label, vector, neighbors) VALUES (?, ?, ?, ?)",
                [(seed.text, seed.label, seed.vector.astype("<f4").tobytes(), _pack(seed.neighbors)) for seed in seeds],
            )
            database.execute(f"PRAGMA application_id = {APPLICATION}")
            database.execute(f"PRAGMA user_version = {VERSION}")
        return cls(path)

    def read_about(self) -> dict[str, Any]:
        """What `create` was given."""
        with self._reported():
            return {name: json.loads(value) for name, value in self._database.execute("SELECT name, value FROM about")}

    def read_seeds(self) -> list[Seed]:
        """The seeds, in order."""
        with self._reported():
            rows = self._database.execute("SELECT text, label, vector, neighbors FROM seeds ORDER BY id").fetchall()
        return [
            Seed(text, label, np.frombuffer(vector, dtype="<f4").astype(np.float32), _unpack(neighbors))
            for text, label, vector, neighbors in rows
        ]

    def read_events(self) -> list[Event]:
        """All events, in order."""
        query = "SELECT kind, row, answer, is_control, score, neighbors, import_id FROM events ORDER BY id"
        with self._reported():
            rows = self._database.execute(query).fetchall()
        return [
            Event(
                kind, row, answer, bool(is_control), score,
                None if neighbors is None else _unpack(neighbors), import_id is not None,
            )
            for kind, row, answer, is_control, score, neighbors, import_id in rows
        ]  # fmt: skip

    def has_imported(self, file: ImportedFile) -> bool:
        """Whether a file with this content has been imported."""
        with self._reported():
            row = self._database.execute("SELECT 1 FROM imports WHERE digest = ?", (file.digest,)).fetchone()
        return row is not None

    def add(self, events: Sequence[Event], file: ImportedFile | None = None) -> None:
        """Write all events or none; they are on disk when this returns.

        Args:
            events: In order.
            file: Where they were imported from, which is remembered even if they are none.

        Raises:
            UserError: Where they cannot be written, or where the file is not at its place any more.
        """
        self._require_in_place()
        query = (
            "INSERT INTO events (kind, row, answer, is_control, score, neighbors, import_id) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)"
        )
        with self._reported(), self._database:
            import_id = None
            if file is not None:
                insert = "INSERT INTO imports (digest, name) VALUES (?, ?)"
                import_id = self._database.execute(insert, (file.digest, file.name)).lastrowid
            values = [
                (
                    event.kind, event.row, event.answer, int(event.is_control), event.score,
                    None if event.neighbors is None else _pack(event.neighbors),
                    import_id if event.is_imported else None,
                )
                for event in events
            ]  # fmt: skip
            self._database.executemany(query, values)

    def close(self) -> None:
        """Close the file; other processes can open it now."""
        self._database.close()

    def _require_in_place(self) -> None:
        if identify(self.path) != self._file:
            raise UserError(
                f"{self.path}: was moved, replaced, or deleted while this session was open; nothing more is saved: "
                "put the file back, or save the labels, and start again"
            )

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise UserError(f"{self.path}: another process has this session open; close it there first") from error
            raise UserError(f"{self.path}: cannot be used ({error})") from error
        except sqlite3.DatabaseError as error:
            raise UserError(f"{self.path}: is damaged or not a label session ({error})") from error


def _pack(rows: Rows) -> bytes:
    return rows.astype("<i8").tobytes()


def _unpack(content: bytes) -> Rows:
    return Rows(np.frombuffer(content, dtype="<i8").astype(np.int64))
