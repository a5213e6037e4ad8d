"""Arrays on disk, under a key that names everything they were computed from."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from filelock import FileLock
from numpy.typing import NDArray

from seals_sim.disk.files import compute_sha256, make_folder, replacing, require_writable
from seals_sim.disk.reading import explain_unreadable, read_array, read_content
from seals_sim.disk.stamps import digest_once, note_digest

_NOTED_FROM = 2**24  # bytes: smaller files are digested in a hundredth of a second


def get_default_folder() -> Path:
    """The default cache folder of this machine; if it exists, it is closed to other users."""
    folder = platformdirs.user_cache_path("seals-sim")
    with suppress(OSError):  # missing, or not ours
        folder.chmod(0o700)
    return folder


def compute_with_cache(folder: Path | None, key: str, compute: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    """Compute an array, or load it from a cache if there is one.

    Args:
        folder: The cache folder; None for no cache, so that nothing is written.
        key: Names everything that the array depends on.
        compute: Function that computes the array.

    Returns:
        The array, memory-mapped if it comes from the cache.
    """
    return compute() if folder is None else load_or_compute(folder, key, compute)[0]


def is_cached(folder: Path, key: str) -> bool:
    """Whether there is an array under this key; it may be damaged."""
    return _get_path(folder, key).exists()


def _get_path(folder: Path, key: str) -> Path:
    return folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npy"


def load_or_compute(folder: Path, key: str, compute: Callable[[], NDArray[Any]]) -> tuple[NDArray[Any], str]:
    """Load the array under a key, or compute it and write it there.

    A file gets its name only once it is complete, and is used only if its checksum is right, which is verified once
    after every change of its size or times. Only its owner can read it, since texts can partly be recovered from
    vectors. The folder may be read-only if the array exists.

    Args:
        folder: The cache folder.
        key: Names everything that the array depends on.
        compute: Function that computes the array.

    Returns:
        The memory-mapped array and the checksum of its file.

    Raises:
        UserError: If the array exists but cannot be read, or is missing and the folder cannot be written.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _, digest = load_or_compute(Path(folder), "ones", lambda: np.ones(3, dtype=np.float32))
        ...     array, again = load_or_compute(Path(folder), "ones", lambda: np.zeros(3, dtype=np.float32))
        >>> array.tolist(), again == digest
        ([1.0, 1.0, 1.0], True)
    """
    path = _get_path(folder, key)
    checksum = path.with_suffix(".sha256")
    try:
        is_there = path.exists()
        if is_there and checksum.exists():
            digest = _digest(path)
            if digest.encode() == read_content(checksum).strip():
                return read_array(path), digest
    except OSError as error:
        raise explain_unreadable(path, error) from error
    require_writable(folder, "cache")
    if is_there:
        print(f"{path} is damaged; recomputing it", file=sys.stderr)
    array = compute()
    with replacing(path, is_private=True) as temporary:
        np.save(temporary, array, allow_pickle=False)
        digest = compute_sha256(temporary)
        with replacing(checksum, is_private=True) as temporary_checksum:
            temporary_checksum.write_text(digest + "\n", encoding="ascii")
    if path.stat().st_size >= _NOTED_FROM:
        note_digest(path, _name_note(path), digest)
    return read_array(path), digest  # mapped, as in the next call, so that both return the same kind of array


def _digest(path: Path) -> str:
    if path.stat().st_size < _NOTED_FROM:
        return compute_sha256(path)
    return digest_once(path, _name_note(path), lambda: compute_sha256(path))


def _name_note(path: Path) -> Path:
    return path.with_suffix(".checked")


@contextmanager
def locking(folder: Path) -> Iterator[None]:
    """Keep other processes from working in this folder; a read-only folder is not locked."""
    try:
        make_folder(folder, is_private=True)
        lock = FileLock(folder / ".lock")
        lock.acquire()
    except OSError:
        yield
        return
    try:
        yield
    finally:
        lock.release()
