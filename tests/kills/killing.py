"""Start a process, kill it at a random time, and look for what it leaves behind."""

from __future__ import annotations

import math
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seals_sim.randomness import make_generator
from tests.kills.chains import CHAINS, Chain, prepare

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP)
LEFT_SECONDS = 5.0
_KILLS_A_CHAIN = 6
_LONGEST_SECONDS = 300.0
_MARK = "SEALS_KILLS"


@dataclass
class Counts:
    """The results of a number of kills.

    Attributes:
        kills: Number of kills, by what was killed and how.
        late: Kills that came when the work had just ended by itself.
        with_part: Kills that left a partial result from which the next start resumed.
        ended: Runs that were brought to their end after some kills.
        wrong: Violations.
    """

    kills: dict[str, int] = field(default_factory=dict)
    late: int = 0
    with_part: int = 0
    ended: int = 0
    wrong: list[str] = field(default_factory=list)


def kill_many(
    n: int,
    chains: Sequence[Chain] = CHAINS,
    seed: int = 0,
    show: Callable[[], object] = list,
    most_seconds: float = math.inf,
) -> Counts:
    """Kill `n` times, alternating chains and signals.

    Args:
        n: Total number of kills.
        chains: What to kill.
        seed: Seed for the times of the kills.
        show: Called after each kill.
        most_seconds: No run starts after this time, so there may be fewer kills.

    Returns:
        The counts; `wrong` is empty if all is well.
    """
    counts, deadline = Counts(), time.monotonic() + most_seconds
    scratch = tempfile.mkdtemp(prefix="kills-")  # no TemporaryDirectory: forked copies would remove it when they end
    try:
        start = Path(scratch) / "start"
        start.mkdir()
        prepare(start)
        whole = {chain.name: _run_whole(chain, start, Path(scratch)) for chain in chains}
        number = 0
        while number < n and time.monotonic() < deadline:
            chain = chains[(number // _KILLS_A_CHAIN) % len(chains)]
            folder = Path(tempfile.mkdtemp(dir=scratch))
            shutil.copytree(start, folder, dirs_exist_ok=True)
            expected, seconds = whole[chain.name]
            for _ in range(min(_KILLS_A_CHAIN, n - number)):
                kind = SIGNALS[number % len(SIGNALS)]
                delay = float(make_generator(seed, "kill", number).uniform(0, seconds))
                is_late, problems = _kill_once(chain, folder, kind, delay)
                counts.late += is_late
                counts.wrong += [f"kill {number}: {problem}" for problem in problems]
                with _inside(folder):
                    counts.with_part += chain.has_part()
                name = f"{chain.name}, {kind.name}"
                counts.kills[name] = counts.kills.get(name, 0) + 1
                number += 1
                show()
            content, problem = _finish(chain, folder)
            if problem or content != expected:
                counts.wrong.append(f"{chain.name} before kill {number}: {problem or 'another result after resuming'}")
            counts.ended += 1
            shutil.rmtree(folder)
    finally:
        shutil.rmtree(scratch)
    return counts


def _run_whole(chain: Chain, start: Path, scratch: Path) -> tuple[bytes, float]:
    """The result of the chain without a kill, and how long it takes."""
    folder = Path(tempfile.mkdtemp(dir=scratch))
    shutil.copytree(start, folder, dirs_exist_ok=True)
    since = time.monotonic()
    content, problem = _finish(chain, folder)
    if problem:
        raise RuntimeError(f"{chain.name}: {problem}")
    return content, min(max(0.8, time.monotonic() - since), 30.0)


def _finish(chain: Chain, folder: Path) -> tuple[bytes, str]:
    """Run the chain to its end in its own process. Return a digest of the result, and what went wrong."""
    import hashlib
    import pickle

    def work() -> None:
        digest = hashlib.sha256(pickle.dumps(chain.end())).digest()
        Path("digest").write_bytes(digest)

    pid = _start(work, folder)
    if not _wait(pid, _LONGEST_SECONDS):
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return b"", "did not end"
    said = (folder / "err").read_text(errors="replace")
    path = folder / "digest"
    if not path.exists():
        return b"", f"failed: {said[-300:]}"
    return path.read_bytes(), "" if "Traceback" not in said else said[-300:]


def _kill_once(chain: Chain, folder: Path, kind: signal.Signals, delay: float) -> tuple[bool, list[str]]:
    """Start the work and kill it. Return whether it had ended by itself, and what went wrong."""
    pid = _start(chain.work, folder)
    time.sleep(delay)
    is_late = _wait(pid, 0)
    if not is_late:
        os.kill(pid, kind)
        if not _wait(pid, LEFT_SECONDS + 25):
            os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return is_late, [f"{chain.name} did not end by {kind.name}"]
    deadline = time.monotonic() + LEFT_SECONDS
    while (left := list_left(pid, folder)) and time.monotonic() < deadline:
        time.sleep(0.1)
    problems = [f"{chain.name}, {kind.name}: left {', '.join(left)}"] if left else []
    said = (folder / "err").read_text(errors="replace")
    if "Traceback" in said:
        problems.append(f"{chain.name}, {kind.name}: {said[-400:]}")
    with _inside(folder):
        return is_late, problems + [f"{chain.name}, {kind.name}: {problem}" for problem in chain.check()]


def list_left(pid: int, folder: Path) -> list[str]:
    """Processes and shared memory that a process has left behind."""
    mark = f"{_MARK}={folder}".encode()
    left = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            session = int((entry / "stat").read_text().rpartition(")")[2].split()[3])
            if session == pid or mark in (entry / "environ").read_bytes().split(b"\0"):
                left.append(f"process {entry.name}")
        except OSError:
            continue
    for place in (Path("/dev/shm"), folder / "tmp"):
        left += [path.name for path in place.iterdir() if f"_{pid}_" in path.name or f"-{pid}-" in path.name]
    return left


def _start(work: Callable[[], None], folder: Path) -> int:
    (folder / "tmp").mkdir(exist_ok=True)
    (folder / "err").write_bytes(b"")
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setsid()
        os.chdir(folder)
        os.environ.update({_MARK: str(folder), "TMPDIR": str(folder / "tmp")})
        tempfile.tempdir = None
        handle = os.open("err", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
        work()
        code = 0
    except SystemExit:
        code = 2
    except KeyboardInterrupt:
        code = 3
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        _end_as_python_does()
        os._exit(code)
    raise AssertionError


def _end_as_python_does() -> None:
    """A forked copy skips Python's own shutdown, in which joblib stops its workers."""
    import atexit
    import threading

    threading._shutdown()
    atexit._run_exitfuncs()


def _wait(pid: int, seconds: float) -> bool:
    """Whether the process ends within this many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if os.waitpid(pid, os.WNOHANG)[0]:
                return True
        except ChildProcessError:
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)


class _inside:
    def __init__(self, folder: Path) -> None:
        self._folder, self._before = folder, os.getcwd()

    def __enter__(self) -> None:
        os.chdir(self._folder)

    def __exit__(self, *_: object) -> None:
        os.chdir(self._before)
