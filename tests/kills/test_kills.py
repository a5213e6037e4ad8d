"""A few kills in every run of the tests, and 200 in the slow ones; `make kills` makes 1,000."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def kill(*words):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.kills", *map(str, words)]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "    0 things wrong" in ended.stdout


def test_a_killed_session_keeps_what_it_acknowledged():
    kill("--n", 4, "--only", "session")


@pytest.mark.slow
def test_200_kills_lose_nothing_and_leave_nothing():
    kill("--n", 200)


def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    """Unlike joblib's own, which wait 300 seconds for work."""
    script = (
        "import os, sys, time\n"
        "from joblib import delayed\n"
        "from seals_sim.replay.workers import start_workers\n"
        "def work():\n"
        "    print(os.getpid(), flush=True)\n"
        "    time.sleep(60)\n"
        "list(start_workers(2)(delayed(work)() for _ in range(2)))\n"
    )
    (tmp_path / "parent.py").write_text(script)
    parent = subprocess.Popen([sys.executable, tmp_path / "parent.py"], stdout=subprocess.PIPE, text=True, cwd=ROOT,
                              env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    workers = [int(parent.stdout.readline()) for _ in range(2)]
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 5
    while any(is_running(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [pid for pid in workers if is_running(pid)] == []


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="no /dev/shm")
def test_a_kill_before_joblib_has_noted_its_folder_leaves_none(tmp_path):
    script = (
        "import os, signal\n"
        "from joblib import _memmapping_reducer as reducer, delayed\n"
        "from seals_sim.replay.workers import start_workers\n"
        "reducer.resource_tracker.register = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "list(start_workers(2)(delayed(abs)(-1) for _ in range(2)))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, env=environment)
    assert parent.wait(60) == -signal.SIGKILL
    assert list(Path("/dev/shm").glob(f"joblib_memmapping_folder_{parent.pid}_*")) == []


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
