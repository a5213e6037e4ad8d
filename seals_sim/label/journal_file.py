"""The file format of the journal: its tables and its versions."""

from __future__ import annotations

import os
import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from seals_sim.errors import UserError

APPLICATION = 0x5EA15EA1 & 0x7FFFFFFF  # SQLite's application_id of these files

# Version 1.
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
    """
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    kind TEXT NOT NULL CHECK (kind IN ('ask', 'answer', 'undo')),
    row INTEGER NOT NULL,
    answer INTEGER CHECK (answer IN (0, 1)),  -- NULL: skipped
    is_control INTEGER NOT NULL DEFAULT 0,
    score REAL,
    neighbors BLOB  -- int64: rows that this one has brought into the pool
)""",
)

# From version 1 to 2, and so on. In version 1 every answer counts as the person's.
UPGRADES = (
    (
        """
CREATE TABLE imports (
    id INTEGER PRIMARY KEY,
    time TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    digest TEXT NOT NULL UNIQUE,  -- SHA-256 of the file
    name TEXT NOT NULL
)""",
        "ALTER TABLE events ADD COLUMN import_id INTEGER REFERENCES imports (id)",  # NULL: by the person
        "PRAGMA user_version = 2",
    ),
    (
        """
CREATE TABLE rows (  -- of the table, those that events are about
    row INTEGER PRIMARY KEY,
    table_rows BLOB NOT NULL,  -- int64: this row and its copies, as the user's table counts
    text TEXT NOT NULL,  -- JSON, which holds any text: theirs, or null
    ids TEXT NOT NULL  -- JSON: their cells in the id column
)""",
        "CREATE TABLE space (name TEXT PRIMARY KEY, value BLOB NOT NULL)",  # model, digest, mean, directions
        "PRAGMA user_version = 3",
    ),
    (
        "ALTER TABLE events ADD COLUMN who TEXT NOT NULL DEFAULT ''",  # the person's name, if several label
        "PRAGMA user_version = 4",
    ),
    (
        "ALTER TABLE events ADD COLUMN concept TEXT NOT NULL DEFAULT ''",  # its name, if a session has several
        "ALTER TABLE seeds ADD COLUMN concept TEXT NOT NULL DEFAULT ''",
        """
CREATE TABLE notes (
    id INTEGER PRIMARY KEY,
    time TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    row INTEGER NOT NULL,
    text TEXT NOT NULL,  -- empty: the row has no note any more
    who TEXT NOT NULL
)""",
        "PRAGMA user_version = 5",
    ),
)
VERSION = 1 + len(UPGRADES)

_HEADER_BYTES = 100
_ROLLBACK = 1  # the write version in the header of a database without a write-ahead log


def require_session(path: Path) -> None:
    """Check SQLite's header, so that only session files are ever touched.

    Raises:
        UserError: For a file that is missing, is not a session, or has an unknown version.
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
        raise UserError(f"{path}: is damaged or not a label session, the .seals file that labeling writes")
    if not 1 <= version <= VERSION:
        raise UserError(f"{path}: is a version {version} session; this program reads versions 1 to {VERSION}")


def has_write_ahead_log(path: Path) -> bool:
    """Whether the latest writes may be in a second file, as in version 1."""
    with path.open("rb") as file:
        return file.read(_HEADER_BYTES)[18] != _ROLLBACK


def is_writable(path: Path) -> bool:
    """Whether answers can be added: SQLite must write the file and a journal next to it."""
    return os.access(path, os.W_OK) and os.access(path.resolve().parent, os.W_OK)


def connect(path: Path, is_read_only: bool) -> sqlite3.Connection:
    """Open a database that may come from a stranger: no code in it runs, and no file is created.

    Args:
        path: Path of the file.
        is_read_only: Write nothing.
    """
    address = f"{path.resolve().as_uri()}?mode={'ro' if is_read_only else 'rw'}"
    database = sqlite3.connect(address, uri=True, timeout=0, check_same_thread=False)
    if sys.version_info >= (3, 12):
        database.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)
        database.setconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_TRIGGER, False)
        database.setconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_VIEW, False)
    database.execute("PRAGMA trusted_schema = OFF")
    database.execute("PRAGMA cell_size_check = ON")
    database.execute("PRAGMA locking_mode = EXCLUSIVE")
    return database


def has_our_tables(database: sqlite3.Connection) -> bool:
    """Whether a database has the tables of its version and nothing else: no triggers, views or other code."""
    with closing(sqlite3.connect(":memory:")) as ours:
        for statement in (*TABLES, *(each for upgrade in UPGRADES[: read_version(database) - 1] for each in upgrade)):
            ours.execute(statement)
        return _read_tables(database) == _read_tables(ours)


def _read_tables(database: sqlite3.Connection) -> list[tuple[object, ...]]:
    rows = database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name").fetchall()
    return [(*names, _split_words(sql)) for *names, sql in rows]


def _split_words(sql: object) -> object:
    """The tokens of a statement, without comments; two statements with the same tokens mean the same."""
    if not isinstance(sql, str):
        return sql
    words = re.findall(r"--[^\n]*|'(?:[^']|'')*'|\w+|\S", sql)
    return [word for word in words if not word.startswith("--")]


def identify(path: Path) -> tuple[int, int] | None:
    """Device and inode of the file at `path`, or None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def read_version(database: sqlite3.Connection) -> int:
    """The version of an open journal."""
    return int(database.execute("PRAGMA user_version").fetchone()[0])
