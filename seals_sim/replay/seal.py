"""The seal of a finished run: checksums of the files that its report is drawn from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from jinja2 import TemplateError
from typing_extensions import TypedDict

from seals_sim.disk.files import compute_sha256, write_text
from seals_sim.disk.reading import explain_unreadable, read_json
from seals_sim.disk.stages import Sha256
from seals_sim.errors import UserError

SEAL = "finished.json"


class _Seal(TypedDict):
    sha256: dict[str, Sha256]


@contextmanager
def sealing(folder: Path, names: Sequence[str]) -> Iterator[None]:
    """A context in which to write the files of a run; at its end they are sealed. A run that is killed has no seal.

    Args:
        folder: Folder of the run.
        names: Names of its files.
    """
    (folder / SEAL).unlink(missing_ok=True)
    yield
    digests = {name: compute_sha256(folder / name) for name in names}
    write_text(folder / SEAL, json.dumps({"sha256": digests}, indent=1) + "\n")


def require_sealed(folder: Path, names: Sequence[str]) -> bool:
    """Check that the files of a finished run are as it wrote them.

    Args:
        folder: Folder of the run.
        names: Names of the files to read.

    Returns:
        Whether there is a seal. Early runs have none; only the contents of their files are checked.

    Raises:
        UserError: If a file is missing, cut off, damaged or changed.
    """
    seal = folder / SEAL
    if not seal.exists():
        return False
    digests = read_json(seal, _Seal)["sha256"]
    for name in names:
        path = folder / name
        try:
            digest = compute_sha256(path)
        except FileNotFoundError:
            raise describe_missing_file(path) from None
        except OSError as error:
            raise explain_unreadable(path, error) from error
        if digests.get(name) != digest:
            raise UserError(f"{path}: differs from what the run wrote, by {SEAL} (damaged or changed); copy it again")
    return True


@contextmanager
def explaining_misfits(folder: Path, is_sealed: bool) -> Iterator[None]:
    """A context in which to draw a report. If no seal confirms its files, any failure is reported as their fault.

    Args:
        folder: Folder of the run.
        is_sealed: Whether `require_sealed` has confirmed that all files are as the run wrote them.

    Raises:
        UserError: For any other failure in an early run.
    """
    try:
        yield
    except UserError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, TemplateError) as error:
        if is_sealed:
            raise
        reason = (str(error).splitlines() or [""])[0]
        problem = f"the files of this run do not fit together ({type(error).__name__}: {reason})"
        raise UserError(f"{folder}: {problem}; copy them again, or repeat the run") from error


def describe_missing_file(path: Path) -> UserError:
    """The error for a file that a report needs and the folder lacks."""
    return UserError(f"{path}: no such file; the run is not finished, or this file was not copied with its folder")
