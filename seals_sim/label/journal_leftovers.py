"""SQLite's journals next to a session file, of this session or left behind by another one.

SQLite assigns the files `t.seals-journal` and `t.seals-wal` to `t.seals` by their names alone. If a session is copied
or moved over another one whose process was killed, SQLite would write pages of the old session into the new one. So a
journal is used only if it contains the session's own id: every transaction changes the row that holds the id, which
puts the row's previous page into the journal.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from seals_sim.errors import UserError

_MAGIC = bytes.fromhex("d9d505f920a163d7")  # starts a rollback journal, and ends one that names a third file
_ID = re.compile(rb'"id": "([0-9a-f]{32})", "n_saved"')
_LOCKS = (0x40000000, 512)  # position and number of the bytes that SQLite locks


def draw_id() -> str:
    """An id for a session."""
    return secrets.token_hex(16)


def require_unlocked(path: Path) -> None:
    """Check that no other process has the session open, before any file next to it is touched.

    Raises:
        UserError: If one has it open.
    """
    with path.open("rb") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB, _LOCKS[1], _LOCKS[0])
        except OSError as error:
            raise UserError(f"{path}: another process has this session open; close it there first") from error


def set_aside_foreign(path: Path, has_write_ahead_log: bool) -> None:
    """Rename journals of other sessions, so that SQLite does not use them for this one.

    Args:
        path: Path of the session, which no process has open.
        has_write_ahead_log: Whether it has a write-ahead log, as in version 1.

    Raises:
        UserError: If one cannot be renamed.
    """
    if not has_write_ahead_log:
        set_aside(path, "-wal")
    if _is_foreign(path):
        set_aside(path, "-journal")


def _is_foreign(path: Path) -> bool:
    try:
        journal = _place_beside(path, "-journal").read_bytes()
    except OSError:
        return False
    if journal.endswith(_MAGIC):  # SQLite would delete the file that it names; sessions write no such journal
        return True
    own = _ID.search(path.read_bytes()) if journal.startswith(_MAGIC) else None  # an early session has no id
    return own is not None and own[0] not in journal


def set_aside(path: Path, *endings: str) -> None:
    """Rename files that another session left next to `path`, so that SQLite does not use them."""
    for ending in endings:
        leftover = _place_beside(path, ending)
        try:
            leftover.rename(leftover.with_name(f"{leftover.name}.leftover"))
        except FileNotFoundError:
            continue
        except OSError as error:
            raise UserError(f"{leftover}: belongs to another session; move it away ({error.strerror})") from error


def _place_beside(path: Path, ending: str) -> Path:
    """The path where SQLite looks: it follows links."""
    real = Path(os.path.realpath(path))
    return real.with_name(real.name + ending)


@contextmanager
def copied_with_log(path: Path) -> Iterator[Path]:
    """Copy a session of version 1 with its write-ahead log, since even closing the original would change it.

    Yields:
        The copy, in a separate folder.

    Raises:
        UserError: If the log belongs to another session, or the files cannot be copied.
    """
    log = _place_beside(path, "-wal")
    with tempfile.TemporaryDirectory() as folder:
        copy, alone = Path(folder) / "copy", Path(folder) / "alone"
        try:
            shutil.copyfile(path, copy)
            if log.exists():
                shutil.copyfile(log, f"{copy}-wal")
        except OSError as error:
            raise UserError(f"{path}: cannot be read: {error.strerror}") from error
        content = bytearray(copy.read_bytes())
        content[18:20] = b"\1\1"  # read without its log
        alone.write_bytes(content)
        for query in ("SELECT name, value FROM about", "SELECT id, time, kind, row, answer FROM events ORDER BY id"):
            before, with_log = _read(alone, query), _read(copy, query)
            if before and with_log[: len(before)] != before:
                raise UserError(f"{log}: belongs to another session; move it away")
        yield copy


def _read(path: Path, query: str) -> list[tuple[object, ...]]:
    try:
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA trusted_schema = OFF")
            return database.execute(query).fetchall()
    except sqlite3.DatabaseError:
        return []  # damaged; a later check finds this
