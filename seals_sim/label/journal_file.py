"""The file format of the journal: its tables, its versions, and what may lie beside it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from seals_sim.errors import UserError

VERSION = 2
APPLICATION = 0x5EA15EA1 & 0x7FFFFFFF  # SQLite's application_id of these files

_IMPORTS = """
CREATE TABLE imports (
    id INTEGER PRIMARY KEY,
    time TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    digest TEXT NOT NULL UNIQUE,  -- SHA-256 of the file
    name TEXT NOT NULL
)"""

TABLES = (
    "CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    """
CREATE TABLE seeds (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL,
    label INTEGER NOT NULL CHECK (label IN (0, 1)),
    vector BLOB NOT NULL,     -- float32
    neighbors BLOB NOT NULL   -- int64: rows
)""",
    _IMPORTS,
    """
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    kind TEXT NOT NULL CHECK (kind IN ('ask', 'answer', 'undo')),
    row INTEGER NOT NULL,
    answer INTEGER CHECK (answer IN (0, 1)),  -- NULL: skipped
    is_control INTEGER NOT NULL DEFAULT 0,
    score REAL,
    neighbors BLOB,  -- int64: rows that this one has brought into the pool
    import_id INTEGER REFERENCES imports (id)  -- NULL: by the person
)""",
)

# From version 1 to 2, and so on. In version 1 every answer counts as the person's.
UPGRADES = (
    (
        _IMPORTS,
        "ALTER TABLE events ADD COLUMN import_id INTEGER REFERENCES imports (id)",
        "PRAGMA user_version = 2",
    ),
)

_HEADER_BYTES = 100
_ROLLBACK = 1  # the write version in the header of a database without a write-ahead log


def require_session(path: Path) -> None:
    """Check SQLite's header, so that a file that is not a session is never touched.

    Raises:
        UserError: For a file that is missing, not a session, or of an unknown version.
    """
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except FileNotFoundError:
        raise UserError(f"{path}: no such session") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    version, application = (int.from_bytes(header[place : place + 4], "big") for place in (60, 68))
    if len(header) < _HEADER_BYTES or application != APPLICATION:
        raise UserError(f"{path}: is damaged or not a label session; choose another name")
    if not 1 <= version <= VERSION:
        raise UserError(f"{path}: is a version {version} session; this program reads versions 1 to {VERSION}")
    if header[18] == _ROLLBACK:
        set_aside(path, "-wal")  # SQLite would read it as this session's, which has none


def set_aside(path: Path, *endings: str) -> None:
    """Rename files that another session left beside `path`, so that SQLite does not take them for its own."""
    for ending in endings:
        leftover = path.with_name(path.name + ending)
        try:
            leftover.rename(leftover.with_name(f"{leftover.name}.leftover"))
        except FileNotFoundError:
            continue
        except OSError as error:
            raise UserError(f"{leftover}: belongs to another session; move it away ({error.strerror})") from error


def identify(path: Path) -> tuple[int, int] | None:
    """Device and inode of the file at `path`, or None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def read_version(database: sqlite3.Connection) -> int:
    """The version of an open journal."""
    return int(database.execute("PRAGMA user_version").fetchone()[0])
