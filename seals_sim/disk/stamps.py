"""Digests of files without reading them again, if they have not changed since they were digested.

A change is detected as in git's index: by size, both times and inode number. Copying a file may preserve its
modification time, but nobody can set its change time.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from typing_extensions import TypedDict

from seals_sim.disk.files import write_text
from seals_sim.disk.reading import read_json
from seals_sim.errors import UserError

_SETTLED_NS = 2_000_000_000  # file system clocks can be this coarse: a later change may have the same time

Stamp = tuple[int, int, int, int]


class _Note(TypedDict):
    stamp: Stamp
    digest: str


def digest_once(path: Path, note: Path, compute: Callable[[], str]) -> str:
    """Return the recorded digest of a file if the file has not changed since, or compute and record it.

    Nothing is recorded for a file changed in the last two seconds: it may change again within the same clock tick.

    Args:
        path: Path of the file.
        note: File to record the digest in, unless the folder is read-only.
        compute: Function that digests the file.

    Examples:
        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path, note = Path(folder) / "a", Path(folder) / "a.digest"
        ...     _ = path.write_text("long ago")
        ...     os.utime(path, (0, 0))
        ...     note_digest(path, note, "d")
        ...     digest_once(path, note, lambda: "computed again")
        'd'
    """
    before = _get_stamp(path)
    with suppress(UserError):  # nothing is recorded, or the record is damaged
        noted: _Note = read_json(note, _Note)
        if noted["stamp"] == before:
            return noted["digest"]
    is_settled = max(before[1:3]) < time.time_ns() - _SETTLED_NS
    digest = compute()
    if is_settled and _get_stamp(path) == before:
        note_digest(path, note, digest)
    return digest


def note_digest(path: Path, note: Path, digest: str) -> None:
    """Record the digest of a file that nobody is changing, unless the folder is read-only."""
    with suppress(UserError):
        write_text(note, json.dumps({"stamp": _get_stamp(path), "digest": digest}), is_private=True)


def _get_stamp(path: Path) -> Stamp:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
