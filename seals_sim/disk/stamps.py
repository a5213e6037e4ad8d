"""Digests of files that need not be read for them: they are as they were when they were digested.

What tells that is what git's index goes by: size, both times, and number of the file. Who copies a file may keep the
time of its content, but nobody sets the time of its change.
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

_SETTLED_NS = 2_000_000_000  # clocks of file systems are as coarse as that: a later change may have the same time

Stamp = tuple[int, int, int, int]


class _Note(TypedDict):
    stamp: Stamp
    digest: str


def digest_once(path: Path, note: Path, compute: Callable[[], str]) -> str:
    """Take the digest of a file that was noted when it was as it is now, or compute and note it.

    Of a file that was changed in the last two seconds nothing is noted: it may be changed again within the same tick.

    Args:
        path: Path of the file.
        note: Where the digest is noted, unless the folder can only be read.
        compute: Digests the file.

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
    with suppress(UserError):  # none is noted, or the note is damaged
        noted: _Note = read_json(note, _Note)
        if noted["stamp"] == before:
            return noted["digest"]
    is_settled = max(before[1:3]) < time.time_ns() - _SETTLED_NS
    digest = compute()
    if is_settled and _get_stamp(path) == before:
        note_digest(path, note, digest)
    return digest


def note_digest(path: Path, note: Path, digest: str) -> None:
    """Note the digest of a file that nobody changes, unless the folder can only be read."""
    with suppress(UserError):
        write_text(note, json.dumps({"stamp": _get_stamp(path), "digest": digest}), is_private=True)


def _get_stamp(path: Path) -> Stamp:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
