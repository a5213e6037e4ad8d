"""Files that are either whole or not there."""

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

_UNFINISHED = ".seals-unfinished-"  # no file of anybody else is called that
_SECONDS_OF_A_DAY = 86_400


@contextmanager
def replacing(path: Path, is_private: bool = False) -> Iterator[Path]:
    """Write a file whole or not at all. Missing folders are made, links are followed, and devices are left alone.

    A file that is replaced keeps its permissions. Temporary files that killed processes left in the folder are removed
    a day later.

    Args:
        path: Of the file.
        is_private: A new file, and folders made for it, can be read by their owner alone; others are as the umask says.

    Yields:
        A temporary name beside it, renamed to `path` when the block ends well and removed when it does not.

    Raises:
        UserError: Where it cannot be written: no right to, or the disk is full.

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
            raise UserError(f"{path}: is no regular file, so it is not replaced")
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
    """Remove temporary files that nobody has written to for a day: whoever made them was killed."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(_UNFINISHED):
                with suppress(OSError):  # another process was faster, or it is not ours
                    if time.time() - entry.stat(follow_symlinks=False).st_mtime > _SECONDS_OF_A_DAY:
                        os.unlink(entry.path)


def make_folder(folder: Path, is_private: bool = False) -> None:
    """Make a folder and those above it, where they are missing.

    Args:
        folder: To be made.
        is_private: Those that are made can be used by their owner alone.

    Raises:
        OSError: Where that is not possible.
    """
    for path in reversed([folder, *folder.parents]):
        if not path.exists():
            path.mkdir(0o700 if is_private else 0o777, exist_ok=True)
    folder.mkdir(exist_ok=True)  # an error where it is a file


def _get_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def require_writable(folder: Path, parameter: str) -> None:
    """Check that files can be made in a folder, before the work begins; nothing is left behind.

    Args:
        folder: It and those above it need not exist.
        parameter: What the folder was given for, which the error names.

    Raises:
        UserError: Where none can be made.
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
    """Check that a file can be made, before the work begins; nothing is left behind.

    Args:
        path: Of the file, which may exist.
        parameter: What it was given for, which the error names.

    Raises:
        UserError: Where it cannot be made.
    """
    try:
        is_folder = stat.S_ISDIR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):  # which the check of the folder explains
        is_folder = False
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", parameter=parameter, value=str(path)) from error
    if is_folder:
        raise UserError("is a folder, and a file is needed", parameter=parameter, value=str(path))
    require_writable(path.parent, parameter)


def require_room(path: Path, n_bytes: int) -> None:
    """Check that a file of so many bytes fits on its disk.

    Args:
        path: Of the file; its folder exists.
        n_bytes: Of the file.

    Raises:
        UserError: If it does not fit.

    Examples:
        >>> require_room(Path("array.npy"), 1)
        >>> require_room(Path("array.npy"), 10**24)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        seals_sim.errors.UserError: array.npy: needs 1,000,000,000,000,000,000.0 MB, and the disk has ... MB free
    """
    free = shutil.disk_usage(path.parent).free
    if free < n_bytes:
        raise UserError(f"{path}: needs {n_bytes / 1e6:,.1f} MB, and the disk has {free / 1e6:,.1f} MB free")


def compute_sha256(path: Path) -> str:
    """Compute the checksum of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def explain_unwritable(path: Path, error: OSError) -> UserError:
    """Say in a line for people why a file cannot be written."""
    return UserError(f"{path}: cannot be written: {error.strerror or error}")


def write_text(path: Path, text: str, is_private: bool = False) -> None:
    """Write a text file whole or not at all, as UTF-8.

    Args:
        path: Of the file.
        text: Its content.
        is_private: See `replacing`.

    Raises:
        UserError: Where it cannot be written.
    """
    with replacing(path, is_private) as temporary:
        temporary.write_text(text, encoding="utf-8")
