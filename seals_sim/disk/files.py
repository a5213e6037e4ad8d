"""Atomic writes: files are either complete or absent."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from seals_sim.errors import UserError

_UNFINISHED = ".seals-unfinished-"  # nobody else names files like this
_SECONDS_OF_A_DAY = 86_400


@contextmanager
def replacing(path: Path, is_private: bool = False) -> Iterator[Path]:
    """Write a file atomically. Missing folders are created, links are followed, and devices are refused.

    A replaced file keeps its permissions. Temporary files that killed processes left in the folder are removed after a
    day.

    Args:
        path: Path of the file.
        is_private: Whether only the owner can read a new file and new folders; otherwise the umask applies.

    Yields:
        A temporary path in the same folder, renamed to `path` if the block succeeds and removed otherwise.

    Raises:
        UserError: If it cannot be written, for example for lack of permission or disk space.

    Examples:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with replacing(Path(folder) / "new" / "a.txt") as temporary:
        ...         _ = temporary.write_text("all of it")
        ...     [path.name for path in (Path(folder) / "new").iterdir()]
        ['a.txt']
    """
    try:
        path = path.resolve() if path.is_symlink() else path
        if path.exists() and not path.is_file():
            raise UserError(f"{path}: is not a regular file, so it is not replaced")
        make_folder(path.parent, is_private)
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o600 if is_private else 0o666 & ~_get_umask()
        _remove_abandoned(path.parent)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{_UNFINISHED}{path.stem[:80]}-", suffix=path.suffix)
        os.close(handle)
    except OSError as error:
        raise explain_unwritable(path, error) from error
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(mode)
        temporary.replace(path)
    except OSError as error:
        raise explain_unwritable(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def _remove_abandoned(folder: Path) -> None:
    """Remove temporary files that have not changed for a day: the processes that made them were killed."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(_UNFINISHED):
                with suppress(OSError):  # another process was faster, or it is not ours
                    if time.time() - entry.stat(follow_symlinks=False).st_mtime > _SECONDS_OF_A_DAY:
                        os.unlink(entry.path)


def make_folder(folder: Path, is_private: bool = False) -> None:
    """Create a folder and its missing parents.

    Args:
        folder: Folder to create.
        is_private: Whether only the owner can use the folders that are created.

    Raises:
        OSError: If that is not possible.
    """
    for path in reversed([folder, *folder.parents]):
        if not path.exists():
            path.mkdir(0o700 if is_private else 0o777, exist_ok=True)
    folder.mkdir(exist_ok=True)  # an error if it is a file


def _get_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def require_writable(folder: Path, parameter: str) -> None:
    """Check that files can be created in a folder, before the work begins; nothing is left behind.

    Args:
        folder: A folder; it and its parents need not exist.
        parameter: Name of the parameter that gave the folder, for the error.

    Raises:
        UserError: If no file can be created.
    """
    made: list[Path] = []
    try:
        for path in reversed([folder, *folder.parents]):
            if not path.exists():
                path.mkdir()
                made.append(path)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", parameter=parameter, value=str(folder)) from error
    finally:
        for path in reversed(made):
            path.rmdir()


def require_writable_file(path: Path, parameter: str) -> None:
    """Check that a file can be written, before the work begins; nothing is left behind.

    Args:
        path: Path of the file, which may already exist.
        parameter: Name of the parameter that gave the path, for the error.

    Raises:
        UserError: If it cannot be written.
    """
    try:
        is_folder = stat.S_ISDIR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):  # reported by the check of the folder
        is_folder = False
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", parameter=parameter, value=str(path)) from error
    if is_folder:
        raise UserError("is a folder, not a file", parameter=parameter, value=str(path))
    require_writable(path.parent, parameter)


def require_room(path: Path, n_bytes: int) -> None:
    """Check that a new file fits on its disk.

    Args:
        path: Path of the file; its folder exists.
        n_bytes: Size of the file.

    Raises:
        UserError: If it does not fit.

    Examples:
        >>> require_room(Path("array.npy"), 1)
        >>> require_room(Path("array.npy"), 10**21)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        seals_sim.errors.UserError: array.npy: needs 1,000,000,000,000,000.0 MB, but only ... MB of disk space are free
    """
    free = shutil.disk_usage(path.parent).free
    if free < n_bytes:
        raise UserError(f"{path}: needs {n_bytes / 1e6:,.1f} MB, but only {free / 1e6:,.1f} MB of disk space are free")


def compute_sha256(path: Path) -> str:
    """Compute the checksum of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def explain_unwritable(path: Path, error: OSError) -> UserError:
    """Explain in one line why a file cannot be written."""
    return UserError(f"{path}: cannot be written: {error.strerror or error}")


def write_text(path: Path, text: str, is_private: bool = False) -> None:
    """Write a UTF-8 text file atomically.

    Args:
        path: Path of the file.
        text: Its content.
        is_private: See `replacing`.

    Raises:
        UserError: If it cannot be written.
    """
    with replacing(path, is_private) as temporary:
        temporary.write_text(text, encoding="utf-8")
