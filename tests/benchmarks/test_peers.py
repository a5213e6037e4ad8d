"""The comparison with other libraries, without installing them: our own runs, and peers that fail, hang or work."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import ours, peer_environments, peers
from benchmarks.peer_environments import Environment, PeerError, prepare_python
from benchmarks.peer_process import Limits, Outcome, run_watched
from benchmarks.peer_scripts.job import Job, ShrinkingPool

_ROOT = Path(__file__).parents[2]
_SCRIPT = """
import sys, time
sys.path.insert(0, {root!r})
import numpy as np
from benchmarks.peer_scripts.job import run

class Peer:
    n_queries = 0

    def start(self, rows, labels):
        self.left = np.setdiff1d(np.arange(50), rows)

    def query(self, n):
        self.n_queries += 1
        {does}
        result, self.left = self.left[:n], self.left[n:]
        return result

    def learn(self, rows, labels):
        pass

run(lambda job: (Peer(), "1.2.3", 7.0))
"""


def _job(tmp_path: Path) -> Path:
    """10 seeds, then four rounds of 5 labels and one of 2; every fifth row of 50 is a positive."""
    labels = (np.arange(50) % 5 == 0).astype(np.int8)
    arrays = {"labels": labels, "seed_rows": np.arange(10), "seed_labels": labels[:10], "vectors": np.zeros((50, 2))}
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    paths = {name: str(tmp_path / f"{name}.npy") for name in arrays}
    job = Job(
        "peer", **paths, index="", result=str(tmp_path / "result.json"), k=3, budget=32, batch=5, threads=1, seed=0
    )
    (tmp_path / "job.json").write_text(json.dumps(asdict(job)))
    return tmp_path / "job.json"


def _command(tmp_path: Path, does: str) -> tuple[str, str]:
    script = tmp_path / "script.py"
    script.write_text(_SCRIPT.format(root=str(_ROOT), does=does))
    return sys.executable, str(script)


def _rows(*rows: tuple[int, str, float, bool, bool]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["n", "method", "total_seconds", "is_finished", "is_timed_out"])


def test_our_runs_and_a_peer_that_cannot_be_installed(tmp_path, monkeypatch, capsys):
    def refuse(environment: Environment, work: Path) -> Path:
        raise PeerError("cannot be installed: ERROR: no such release")

    def outcome(command: tuple[str, ...], job_file: Path, limits: Limits) -> Outcome:
        """Run one of our methods in its own process and the others here, since their imports take longer than their
        runs.
        """
        if job_file.name.startswith("seals-ivf"):
            return run_watched(command, job_file, limits)
        monkeypatch.setattr(sys, "argv", ["benchmarks.ours", str(job_file)])
        ours.main()
        result = json.loads(Path(Job.read(job_file).result).read_text())
        return Outcome(result, result["total_seconds"])

    monkeypatch.setattr(peers, "prepare_python", refuse)
    monkeypatch.setattr(peers, "run_watched", outcome)
    out = tmp_path / "o"
    peers.main(["--n", "5000", "--dimensions", "16", "--k", "10", "--budget", "200", "--peers", "modal", "--quiet",
                "--threads", "1", "--work", str(tmp_path / "w"), "--out", str(out)])  # fmt: skip
    table = pd.read_csv(out / "peers.csv").set_index("method")
    assert list(table.index) == ["seals-ivf", "seals-graph", "all", "modal"]
    assert table.loc["seals-ivf", "ratio"] == 1
    own = table.iloc[:3]
    assert own["is_finished"].all()
    assert (own["n_labeled"] == 200).all()
    assert own["recall"].between(0.01, 1).all()
    assert table.loc["seals-ivf", "n_positive"] == table.loc["seals-graph", "n_positive"]
    assert table.loc["all", "shared_with_all"] == 200
    assert table.loc["modal", "error"] == "cannot be installed: ERROR: no such release"
    assert np.isnan(table.loc["modal", "ratio"])
    said = capsys.readouterr().out
    assert re.match(r"python -m benchmarks\.peers .*--n 5000 ", said)
    assert "SIMULATED" in said
    assert (out / "peers.png").stat().st_size > 5_000


def test_finished_peer_has_its_result(tmp_path):
    outcome = run_watched(_command(tmp_path, "pass"), _job(tmp_path), Limits(60, 60))
    assert outcome.error == ""
    result = outcome.result
    assert (result["version"], result["index_seconds"], result["rounds"], result["n_rounds"]) == ("1.2.3", 7, 5, 5)
    assert result["rows"] == list(range(32))
    assert result["n_positive"] == 7
    assert outcome.seconds == result["total_seconds"] == result["select_seconds"] + result["train_seconds"]


def test_stopped_peer_gives_a_lower_bound(tmp_path):
    command = _command(tmp_path, "time.sleep(60 if self.n_queries == 3 else 0)")
    outcome = run_watched(command, _job(tmp_path), Limits(60, 1.0))
    assert outcome.is_timed_out
    assert outcome.result["rounds"] == 2
    assert outcome.error == "timed out: finished 2 of 5 rounds in 1 s"
    assert 1 <= outcome.seconds < 10
    table = peers.add_ratios(_rows((9, "seals-ivf", 0.5, True, False), (9, "slow", outcome.seconds, False, True)))
    assert table["ratio"][1] == outcome.seconds / 0.5


def test_peer_that_never_starts_is_reported(tmp_path):
    outcome = run_watched((sys.executable, "-c", "import time; time.sleep(60)"), _job(tmp_path), Limits(0.3, 60))
    assert outcome.error == "not ready to start within 0.3 s"
    assert not outcome.is_timed_out


def test_failing_peer_gives_its_reason(tmp_path):
    command = _command(tmp_path, "if self.n_queries == 2: raise ValueError('no  more')")
    outcome = run_watched(command, _job(tmp_path), Limits(60, 60))
    assert outcome.error == "failed in round 2: ValueError: no more"
    assert not outcome.is_timed_out


def test_ratios_compare_with_our_seals_at_the_same_size():
    table = _rows(
        (10, "seals-ivf", 2.0, True, False), (10, "all", 3.0, True, False), (10, "broken", 1.0, False, False),
        (20, "seals-ivf", 4.0, True, False), (20, "all", 40.0, True, False),
        (30, "seals-ivf", 9.0, False, True), (30, "all", 60.0, True, False),
    )  # fmt: skip
    ratio = peers.add_ratios(table)["ratio"]
    assert ratio[[0, 1, 3, 4]].tolist() == [1, 1.5, 1, 10]
    assert ratio[[2, 5, 6]].isna().all()


def test_environments_fail_clearly_and_are_reused(tmp_path, monkeypatch):
    ran: list[str] = []

    def run(command: list[str], **unused: object) -> object:
        ran.append(" ".join(command))
        assert "venv" in command or "install" in command
        failed = "wrong==1" in command
        return type(
            "Ended", (), {"returncode": int(failed), "stderr": "ERROR: no wrong==1\nnotice: new pip", "stdout": ""}
        )

    monkeypatch.setattr(peer_environments.subprocess, "run", run)
    with pytest.raises(PeerError, match=r"^cannot be installed: ERROR: no wrong==1$"):
        prepare_python(Environment("bad", ("wrong==1",)), tmp_path)
    good = Environment("good", ("right==1",))
    assert prepare_python(good, tmp_path) == prepare_python(good, tmp_path)
    assert len(ran) == 4
    prepare_python(Environment("good", ("right==2",)), tmp_path)
    assert len(ran) == 6


def test_shrinking_pool_tracks_row_numbers():
    vectors = np.arange(60, dtype=np.float32).reshape(20, 3)
    pool = ShrinkingPool(vectors.copy(), np.array([0, 19, 7]))
    left = set(range(20)) - {0, 19, 7}
    rng = np.random.default_rng(0)
    while left:
        places = rng.choice(len(pool.vectors), size=min(3, len(left)), replace=False)
        rows = pool.rows(places)
        assert np.array_equal(pool.vectors[places], vectors[rows])
        left -= set(rows.tolist())
        pool.remove(places)
        assert set(pool.rows(np.arange(len(pool.vectors))).tolist()) == left


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--peers", "sklearn"], "--peers sklearn"),
        (["--budget", "100"], "--budget 100"),
        (["--batch", "0"], "--batch 0"),
    ],
)
def test_bad_options_get_one_line(tmp_path, capsys, option, message):
    with pytest.raises(SystemExit) as ended:
        peers.main(["--work", str(tmp_path / "w"), "--out", str(tmp_path / "o"), *option])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {message}")
    assert said.count("\n") == 1
