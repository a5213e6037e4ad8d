"""The journal of a label session: one SQLite file; an event is on the disk before the call that made it returns."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from seals_sim.candidates import Vectors
from seals_sim.errors import UserError

VERSION = 1
_APPLICATION = 0x5EA15EA1 & 0x7FFFFFFF  # SQLite's application_id of these files
Kind = Literal["ask", "answer", "undo"]

_TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE seeds (id INTEGER PRIMARY KEY, text TEXT, vector BLOB NOT NULL, label INTEGER NOT NULL);
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    kind TEXT NOT NULL CHECK (kind IN ('ask', 'answer', 'undo')),
    row INTEGER NOT NULL,
    answer INTEGER CHECK (answer IN (0, 1)),  -- NULL: skipped
    is_control INTEGER NOT NULL DEFAULT 0,
    score REAL
);
"""


@dataclass(frozen=True)
class Event:
    """ask: a row was put to the person, with its score, drawn at random if is_control; answer: 1, 0 or None (skipped);
    undo: the last answer for the row does not count.
    """

    kind: Kind
    row: int
    answer: int | None = None
    is_control: bool = False
    score: float | None = None


@dataclass(frozen=True)
class Seed:
    """An example that is no row of the table, such as a text typed in."""

    text: str
    label: int


class Journal:
    """An open journal; no other process can open it meanwhile.

    Raises UserError for a file that is no journal, of another version, damaged, or in use; it is left as it is.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.exists():
            raise UserError(f"{path}: there is no such session")
        self._database = self._connected()
        with self._reported():
            application = self._database.execute("PRAGMA application_id").fetchone()[0]
            version = self._database.execute("PRAGMA user_version").fetchone()[0]
            if application != _APPLICATION:
                raise UserError(f"{path}: is not a label session; choose another name")
            if version != VERSION:
                raise UserError(f"{path}: is a session of version {version}, and this program reads version {VERSION}")
            if self._database.execute("PRAGMA quick_check").fetchone()[0] != "ok":
                raise UserError(f"{path}: is damaged; restore it from a copy, or begin another session")

    @classmethod
    def create(cls, path: Path, about: Mapping[str, object], seeds: Sequence[Seed], vectors: Vectors) -> Journal:
        """A new file. vectors: (m, d) float32, of the seeds. Raises UserError where the file is there."""
        if path.exists():
            raise UserError(f"{path}: is there already; open it, or choose another name")
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.new")
        temporary.unlink(missing_ok=True)
        database = sqlite3.connect(temporary)
        with database:
            database.executescript(_TABLES)
            database.executemany(
                "INSERT INTO about VALUES (?, ?)", [(name, json.dumps(value)) for name, value in about.items()]
            )
            database.executemany(
                "INSERT INTO seeds (text, vector, label) VALUES (?, ?, ?)",
                [
                    (seed.text, np.ascontiguousarray(vector, dtype="<f4").tobytes(), seed.label)
                    for seed, vector in zip(seeds, vectors, strict=True)
                ],
            )
            database.execute(f"PRAGMA application_id = {_APPLICATION}")
            database.execute(f"PRAGMA user_version = {VERSION}")
        database.close()
        temporary.rename(path)
        return cls(path)

    def about(self) -> dict[str, Any]:
        with self._reported():
            return {name: json.loads(value) for name, value in self._database.execute("SELECT name, value FROM about")}

    def seeds(self) -> tuple[list[Seed], Vectors]:
        """And their vectors (m, d); (0, 0) for none."""
        with self._reported():
            rows = self._database.execute("SELECT text, label, vector FROM seeds ORDER BY id").fetchall()
        vectors = [np.frombuffer(vector, dtype="<f4") for _, _, vector in rows]
        found = np.array(vectors, dtype=np.float32).reshape(len(rows), -1)
        return [Seed(text, label) for text, label, _ in rows], found

    def events(self) -> list[Event]:
        with self._reported():
            query = "SELECT kind, row, answer, is_control, score FROM events ORDER BY id"
            rows = self._database.execute(query).fetchall()
        return [Event(kind, row, answer, bool(is_control), score) for kind, row, answer, is_control, score in rows]

    def add(self, events: Sequence[Event]) -> None:
        """All or none; they are on the disk when this returns."""
        with self._reported(), self._database:
            self._database.executemany(
                "INSERT INTO events (kind, row, answer, is_control, score) VALUES (?, ?, ?, ?, ?)",
                [(event.kind, event.row, event.answer, int(event.is_control), event.score) for event in events],
            )

    def close(self) -> None:
        self._database.close()

    def _connected(self) -> sqlite3.Connection:
        with self._reported():
            database = sqlite3.connect(self._path, timeout=0, check_same_thread=False)
            database.execute("PRAGMA locking_mode = EXCLUSIVE")
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.execute("BEGIN IMMEDIATE")  # takes the lock, which this mode keeps
            database.execute("COMMIT")
            return database

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise UserError(f"{self._path}: another process has this session open; close it there first") from error
            raise UserError(f"{self._path}: cannot be used ({error})") from error
        except sqlite3.DatabaseError as error:
            raise UserError(f"{self._path}: is damaged or no label session ({error}); it is left as it is") from error
