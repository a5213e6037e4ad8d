"""One run in a process of its own, watched: what it came to, or how far it was when its time was up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.peer_environments import last_line

_ROOT = Path(__file__).parents[1]
_TICK = 0.2


@dataclass(frozen=True)
class Limits:
    """Seconds for what comes before the first round (loading, building an index), and for the rounds."""

    ready: float
    rounds: float


@dataclass(frozen=True)
class Outcome:
    """found: the last thing that the run said, as `Progress` writes it, empty where it never began.

    seconds: of the rounds up to where it was stopped; error: why it has no more to say, empty where it is finished.
    """

    found: Mapping[str, Any]
    seconds: float
    error: str = ""
    is_timed_out: bool = False


def outcome_of(command: Sequence[str], job_file: Path, limits: Limits) -> Outcome:
    """Run the command with the job's file as its last word, and wait."""
    job = json.loads(job_file.read_text(encoding="utf-8"))
    result = Path(job["result"])
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        process = subprocess.Popen(
            [*command, str(job_file.absolute())],
            cwd=_ROOT, env=_environment(job["threads"]), stdout=said, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            is_timed_out = not _ended(process, result, limits)
            until = time.time()
        finally:
            _kill(process)
        said.seek(0)
        words = said.read()
    found = _read(result)
    if found.get("is_finished"):
        return Outcome(found, found["total_seconds"])
    if not is_timed_out:
        where = f"failed in round {found['rounds'] + (found['n_labeled'] > 0)}" if found else "failed"
        return Outcome(found, found.get("total_seconds", 0.0), f"{where}: {last_line(words)}")
    if not found:
        return Outcome({}, 0.0, f"not ready to start within {limits.ready:g} s")
    seconds = until - found["started"]
    so_far = f"finished {found['rounds']} of {found['n_rounds']} rounds in {seconds:.0f} s"
    return Outcome(found, seconds, f"timed out: {so_far}", is_timed_out=True)


def _ended(process: subprocess.Popen[Any], result: Path, limits: Limits) -> bool:
    """Wait: True where the process came to its end, False where its time is up."""
    deadline, has_started = time.time() + limits.ready, False
    while process.poll() is None:
        if not has_started and (found := _read(result)):
            deadline, has_started = found["started"] + limits.rounds, True
        if time.time() > deadline:
            return False
        time.sleep(_TICK)
    return True


def _read(result: Path) -> dict[str, Any]:
    if not result.exists():
        return {}
    found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return found


def _kill(process: subprocess.Popen[Any]) -> None:
    """With all that it has started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _environment(threads: int) -> dict[str, str]:
    numbers = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {**kept, **dict.fromkeys(numbers, str(threads)), "PYTHONNOUSERSITE": "1"}
