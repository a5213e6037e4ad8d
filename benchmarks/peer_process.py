"""Run a command in its own process under a time limit, and return its result, or how far it got."""

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

from benchmarks.peer_environments import extract_reason

_ROOT = Path(__file__).parents[1]
_TICK = 0.2


@dataclass(frozen=True)
class Limits:
    """Time limits in seconds: for setup before the first round (loading, building an index), and for the rounds."""

    ready: float
    rounds: float


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        result: What `Progress` wrote last; empty if the run never began.
        seconds: Seconds of the rounds, until the run ended or was stopped.
        error: Why the run did not finish; empty if it did.
        is_timed_out: Whether the run hit its time limit.
    """

    result: Mapping[str, Any]
    seconds: float
    error: str = ""
    is_timed_out: bool = False


def run_watched(command: Sequence[str], job_file: Path, limits: Limits) -> Outcome:
    """Run the command with the path of the job file as its last argument, and wait."""
    job = json.loads(job_file.read_text(encoding="utf-8"))
    result = Path(job["result"])
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        process = subprocess.Popen(
            [*command, str(job_file.absolute())],
            cwd=_ROOT, env=_environment(job["threads"]), stdout=said, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            is_timed_out = not _wait(process, result, limits)
            until = time.time()
        finally:
            _kill(process)
        said.seek(0)
        words = said.read()
    state = _read(result)
    if state.get("is_finished"):
        return Outcome(state, state["total_seconds"])
    if not is_timed_out:
        where = f"failed in round {state['rounds'] + (state['n_labeled'] > 0)}" if state else "failed"
        return Outcome(state, state.get("total_seconds", 0.0), f"{where}: {extract_reason(words)}")
    if not state:
        return Outcome({}, 0.0, f"not ready to start within {limits.ready:g} s")
    seconds = until - state["started"]
    so_far = f"finished {state['rounds']} of {state['n_rounds']} rounds in {seconds:.0f} s"
    return Outcome(state, seconds, f"timed out: {so_far}", is_timed_out=True)


def _wait(process: subprocess.Popen[Any], result: Path, limits: Limits) -> bool:
    """Wait. Return True if the process ended, False if it timed out."""
    deadline, has_started = time.time() + limits.ready, False
    while process.poll() is None:
        if not has_started and (state := _read(result)):
            deadline, has_started = state["started"] + limits.rounds, True
        if time.time() > deadline:
            return False
        time.sleep(_TICK)
    return True


def _read(result: Path) -> dict[str, Any]:
    if not result.exists():
        return {}
    state: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return state


def _kill(process: subprocess.Popen[Any]) -> None:
    """Kill the process and everything it has started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _environment(threads: int) -> dict[str, str]:
    numbers = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {**inherited, **dict.fromkeys(numbers, str(threads)), "PYTHONNOUSERSITE": "1"}
