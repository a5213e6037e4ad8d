"""Clusters of separate processes on loopback, started by `dask scheduler` and `dask worker`, and what may happen to
them in the middle of a command.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pandas as pd
import pytest

from experiments.beyond import __main__ as beyond
from experiments.goodreads import __main__ as goodreads
from seals_sim import UserError, workers
from seals_sim.packing import call_packed, pack
from seals_sim.workers import open_workers
from tests.worker_functions import add, wait_and_tell

pytest.importorskip("distributed", reason="needs the extra [dask]")

ROOT = Path(__file__).parents[1]


@contextmanager
def running(folder: Path, words, **environment):
    """A process of Dask's command line, on loopback only, killed at the end."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DASK_TEMPORARY_DIRECTORY": str(folder), **environment}
    with (folder / f"{words[0]}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_" + words[0], *words[1:]],
            stdout=log, stderr=log, env=environment, cwd=folder,
        )  # fmt: skip
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@contextmanager
def scheduling(folder: Path, *words, **environment):
    """Start a scheduler, and yield its address."""
    note = folder / "scheduler.json"
    place = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(note)]
    with running(folder, ["scheduler", *place, *words], **environment):
        until = time.monotonic() + 30
        while not note.exists() or not note.read_text():
            assert time.monotonic() < until, (folder / "scheduler.log").read_text()
            time.sleep(0.1)
        yield json.loads(note.read_text())["address"]


WORKER = ["--nthreads", "1", "--no-nanny", "--memory-limit", "0", "--no-dashboard"]


def working(folder: Path, address: str, **environment):
    return running(folder, ["worker", address, "--host", "127.0.0.1", *WORKER], **environment)


@pytest.fixture(scope="module")
def lonely(tmp_path_factory):
    """The address of a scheduler to which tests add their own workers."""
    with scheduling(tmp_path_factory.mktemp("scheduler")) as address:
        yield address


def test_a_scheduler_without_workers_is_one_line(lonely, monkeypatch):
    monkeypatch.setattr(workers, "_WORKERS_SECONDS", 0.5)
    with pytest.raises(UserError, match=f"cluster = '{lonely}': has no workers; start some with: dask worker {lonely}"):
        open_workers(lonely).__enter__()


def test_workers_that_all_go_are_one_line(lonely, tmp_path, monkeypatch):
    with working(tmp_path, lonely) as worker, open_workers(lonely) as cluster:
        monkeypatch.setattr(workers, "_WORKERS_SECONDS", 1)
        monkeypatch.setattr(workers, "_LOOK_SECONDS", 0.2)
        results = cluster.map(wait_and_tell, 0.05, range(1000))
        assert next(results) == (worker.pid, 0)
        worker.kill()
        with pytest.raises(UserError, match=f"cluster = '{lonely}': all its workers are gone; start some and rerun"):
            list(results)


@pytest.mark.parametrize("what", ["package", "python"])
def test_a_worker_of_another_version_is_one_line(what, lonely, tmp_path):
    """The worker claims to have another version, since installing one would take a minute."""
    about = tmp_path / "seals_sim-0.0.1.dist-info"
    if what == "package":
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: seals-sim\nVersion: 0.0.1\n")
    else:
        (tmp_path / "sitecustomize.py").write_text("import platform\nplatform.python_version = lambda: '3.7.1'\n")
    said = {"package": "seals-sim 0.0.1 on Python", "python": "on Python 3.7, another"}[what]
    with (
        working(tmp_path, lonely, PYTHONPATH=f"{tmp_path}:{ROOT}"),
        pytest.raises(UserError, match=f"cluster = '{lonely}': one process has .*{said}.*; install the same ver"),
    ):
        open_workers(lonely).__enter__()


def test_a_worker_of_another_version_that_comes_late_is_one_line():
    with pytest.raises(UserError, match=r"cluster = 'tcp://h:1': one process has seals-sim 0.0.1 on"):
        call_packed("tcp://h:1", "seals-sim 0.0.1 on Python 3.11", "digest", pack((add, 1)), pack(2))


def make_certificate(folder: Path) -> dict[str, str]:
    """A self-signed certificate, set for all processes in Dask's environment variables."""
    names = {name: str(folder / f"{name}.pem") for name in ("cert", "key")}
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=seals", "-keyout", names["key"], "-out", names["cert"]], check=True, capture_output=True,
    )  # fmt: skip
    tls = "DASK_DISTRIBUTED__COMM__TLS__"
    kinds = {f"{tls}{who}__{name.upper()}": names[name] for who in ("SCHEDULER", "WORKER", "CLIENT") for name in names}
    return {**kinds, f"{tls}CA_FILE": names["cert"]}


ADD = """
import sys
from seals_sim.workers import open_workers
from tests.worker_functions import add
with open_workers(sys.argv[1]) as cluster:
    print(list(cluster.map(add, 5, range(3))))
"""


def test_tls_by_the_environment(tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("makes its certificate with openssl, which is not installed")
    secured = make_certificate(tmp_path)
    with ExitStack() as stack:
        address = stack.enter_context(scheduling(tmp_path, "--protocol", "tls", **secured))
        stack.enter_context(working(tmp_path, address, **secured))
        assert address.startswith("tls://127.0.0.1:")
        environment = {**os.environ, **secured, "PYTHONPATH": str(ROOT)}
        ended = subprocess.run(
            [sys.executable, "-c", ADD, address], capture_output=True, text=True, timeout=60, env=environment
        )
        assert ended.stdout == "[5, 6, 7]\n", ended.stderr
        with pytest.raises(UserError, match=f"cluster = '{address}': no scheduler answers .*TLS"):
            open_workers(address).__enter__()  # no certificate is set here
        with pytest.raises(UserError, match=r"cluster = 'tcp:.*': no scheduler answers"):
            open_workers(address.replace("tls", "tcp")).__enter__()


@pytest.fixture(scope="module")
def two():
    with open_workers("local:2") as cluster:
        yield cluster


@contextmanager
def killing_a_worker(cluster, after):
    """Kill one of two workers when `after` exists; Dask starts another."""
    pids = list(cluster._client.run(os.getpid).values())
    killed = []

    def kill():
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if after.exists():
                os.kill(pids[0], signal.SIGKILL)
                killed.append(pids[0])
                return
            time.sleep(0.01)

    thread = threading.Thread(target=kill)
    thread.start()
    yield
    thread.join()
    assert killed
    cluster._client.wait_for_workers(2, timeout=60)


FAST = ["--seed-positives", "3", "--seed-negatives", "15", "--budget", "40", "--repeats", "2", "--quiet"]
SECONDS = ["select_seconds", "neighbor_seconds", "train_seconds", "whole_seconds", "peak_bytes"]


@pytest.mark.slow
def test_rules_beyond_the_paper_on_a_cluster(two, tmp_path):
    words = [*FAST, "--dataset", "icd10", "--sample", "1500", "--model", "wordllama", "--dimensions", "24"]
    words += ["--concepts", "2", "--only", "all,walk", "--cache", str(tmp_path / "cache")]
    beyond.main([*words, "--out", str(tmp_path / "here")])
    beyond.main([*words, "--cluster", two._client.scheduler_info()["address"], "--out", str(tmp_path / "there")])
    here, there = (pd.read_csv(tmp_path / name / "searches.csv") for name in ("here", "there"))
    assert len(here) == 8
    pd.testing.assert_frame_equal(here.drop(columns=SECONDS[:3]), there.drop(columns=SECONDS[:3]))


@pytest.mark.slow
def test_goodreads_on_a_cluster_that_loses_a_worker(two, reviews, tmp_path):
    words = [
        *FAST,
        "--k",
        "5",
        "--batch",
        "20",
        "--reviews",
        str(reviews),
        "--model",
        "wordllama",
        "--dimensions",
        "16",
    ]
    words += ["--splits", "sentence", "--pools", "all,seals", "--int8", "--block", "50",
              "--strategies", "maxent"]  # fmt: skip
    goodreads.main([*words, "--out", str(tmp_path / "here")])
    with killing_a_worker(two, tmp_path / "there" / "config.json"):
        address = two._client.scheduler_info()["address"]
        goodreads.main([*words, "--cluster", address, "--out", str(tmp_path / "there")])
    here, there = (pd.read_csv(tmp_path / name / "rounds.csv") for name in ("here", "there"))
    assert here["batch_digest"].nunique() > 5
    pd.testing.assert_frame_equal(here.drop(columns=SECONDS), there.drop(columns=SECONDS))
