"""The journal of a label session: one SQLite file; an event is on the disk before the call that made it returns."""

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
from seals_sim.types import Rows

VERSION = 1
_APPLICATION = 0x5EA15EA1 & 0x7FFFFFFF  # SQLite's application_id of these files
Kind = Literal["ask", "answer", "undo"]

_TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE seeds (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL,
    label INTEGER NOT NULL CHECK (label IN (0, 1)),
    vector BLOB NOT NULL,     -- float32
    neighbors BLOB NOT NULL   -- int64: rows
);
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    kind TEXT NOT NULL CHECK (kind IN ('ask', 'answer', 'undo')),
    row INTEGER NOT NULL,
    answer INTEGER CHECK (answer IN (0, 1)),  -- NULL: skipped
    is_control INTEGER NOT NULL DEFAULT 0,
    score REAL,
    neighbors BLOB  -- int64: rows that this one has brought into the pool
);
"""


@dataclass(frozen=True, eq=False)
class Event:
    """ask: a row was put to the person, with its score, drawn at random if is_control; answer: 1, 0 or None (skipped);
    undo: the last answer for the row does not count. neighbors: rows that this one has brought into the pool, where it
    is the first event of its row, so that a session goes on with the pool that it had.
    """

    kind: Kind
    row: int
    answer: int | None = None
    is_control: bool = False
    score: float | None = None
    neighbors: Rows | None = None


@dataclass(frozen=True, eq=False)
class Seed:
    """An example that is no row of the table, such as a text typed in. vector: (d,); neighbors: rows."""

    text: str
    label: int
    vector: NDArray[np.float32]
    neighbors: Rows


class Journal:
    """An open journal; no other process can open it meanwhile.

    Raises UserError for a file that is no journal, of another version, damaged, or in use; it is left as it is.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        _require_session(path)
        self._database = sqlite3.connect(path, timeout=0, check_same_thread=False)
        try:
            self._take()
        except UserError:
            self._database.close()
            raise

    def _take(self) -> None:
        """Lock the file for as long as it is open, and look whether it is sound."""
        with self._reported():
            self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute("COMMIT")
            is_sound = self._database.execute("PRAGMA quick_check").fetchone()[0] == "ok"
        if not is_sound:
            raise UserError(f"{self._path}: is damaged; restore it from a copy, or begin another session")

    @classmethod
    def create(cls, path: Path, about: Mapping[str, object], seeds: Sequence[Seed]) -> Journal:
        """A new file, whole or not at all. Raises UserError where one is there."""
        if path.exists():
            raise UserError(f"{path}: is there already; open it, or choose another name")
        with replacing(path) as temporary, closing(sqlite3.connect(temporary)) as database, database:
            database.executescript(_TABLES)
            values = [(name, json.dumps(value)) for name, value in about.items()]
            database.executemany("INSERT INTO about VALUES (?, ?)", values)
            database.executemany(
                "INSERT INTO seeds (text, label, vector, neighbors) VALUES (?, ?, ?, ?)",
                [
                    (seed.text, seed.label, seed.vector.astype("<f4").tobytes(), _packed(seed.neighbors))
                    for seed in seeds
                ],
            )
            database.execute(f"PRAGMA application_id = {_APPLICATION}")
            database.execute(f"PRAGMA user_version = {VERSION}")
        return cls(path)

    def about(self) -> dict[str, Any]:
        with self._reported():
            return {name: json.loads(value) for name, value in self._database.execute("SELECT name, value FROM about")}

    def seeds(self) -> list[Seed]:
        with self._reported():
            rows = self._database.execute("SELECT text, label, vector, neighbors FROM seeds ORDER BY id").fetchall()
        return [
            Seed(text, label, np.frombuffer(vector, dtype="<f4").astype(np.float32), _unpacked(neighbors))
            for text, label, vector, neighbors in rows
        ]

    def events(self) -> list[Event]:
        with self._reported():
            query = "SELECT kind, row, answer, is_control, score, neighbors FROM events ORDER BY id"
            rows = self._database.execute(query).fetchall()
        return [
            Event(kind, row, answer, bool(is_control), score, None if neighbors is None else _unpacked(neighbors))
            for kind, row, answer, is_control, score, neighbors in rows
        ]

    def add(self, events: Sequence[Event]) -> None:
        """All or none; they are on the disk when this returns."""
        values = [
            (
                event.kind, event.row, event.answer, int(event.is_control), event.score,
                None if event.neighbors is None else _packed(event.neighbors),
            )
            for event in events
        ]  # fmt: skip
        query = "INSERT INTO events (kind, row, answer, is_control, score, neighbors) VALUES (?, ?, ?, ?, ?, ?)"
        with self._reported(), self._database:
            self._database.executemany(query, values)

    def close(self) -> None:
        self._database.close()

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


def _require_session(path: Path) -> None:
    """By SQLite's header, so that nothing is done to a file that is not ours."""
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such session") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    version, application = (int.from_bytes(header[place : place + 4], "big") for place in (60, 68))
    if len(header) < 100 or application != _APPLICATION:
        raise UserError(f"{path}: is damaged or no label session; choose another name")
    if version != VERSION:
        raise UserError(f"{path}: is a session of version {version}, and this program reads version {VERSION}")


def _packed(rows: Rows) -> bytes:
    return rows.astype("<i8").tobytes()


def _unpacked(content: bytes) -> Rows:
    return np.frombuffer(content, dtype="<i8").astype(np.int64)
