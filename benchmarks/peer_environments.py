"""A virtual environment for each library, so that their requirements do not clash with each other or with ours."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seals_sim.disk.files import write_text

_SECONDS = 1_800  # for pip


class PeerError(Exception):
    """The reason why a library could not be run, in one line."""


@dataclass(frozen=True)
class Environment:
    """Pinned requirements, including those that the libraries leave open but the timings depend on."""

    name: str
    requirements: tuple[str, ...]


_SHARED = ("numpy==2.4.6", "scipy==1.17.1", "threadpoolctl==3.8.0", "joblib==1.6.0")

# The newest stable release of each library.
SMALL_TEXT = Environment("small-text", ("small-text==1.4.1", "hnswlib==0.8.0", "scikit-learn==1.9.1", *_SHARED))
# modAL passes force_all_finite to scikit-learn, which accepts that name up to 1.7.
MODAL = Environment("modal", ("modAL-python==0.4.2.1", "scikit-learn==1.7.2", *_SHARED))
SCIKIT_ACTIVEML = Environment("scikit-activeml", ("scikit-activeml==1.0.1", "scikit-learn==1.9.1", *_SHARED))


def prepare_python(environment: Environment, work: Path) -> Path:
    """The environment's interpreter, in work / env-NAME.

    The environment is made unless it is already complete with the same pins. Raises PeerError.
    """
    folder = work.absolute() / f"env-{environment.name}"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    pins, mark = "\n".join(environment.requirements) + "\n", folder / "finished.txt"
    if mark.exists() and mark.read_text(encoding="utf-8") == pins:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(folder)])
    _run([str(python), "-m", "pip", "install", "--quiet", *environment.requirements])
    write_text(mark, pins)
    return python


def _run(command: Sequence[str]) -> None:
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        raise PeerError(f"installation timed out after {_SECONDS} s") from None
    if ended.returncode:
        raise PeerError(f"cannot be installed: {extract_reason(ended.stderr + ended.stdout)}")


def extract_reason(text: str) -> str:
    """The last line that says what went wrong. For pip, that is the last line marked ERROR."""
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["no reason given"])[-1][:300]
