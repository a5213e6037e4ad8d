"""The theory bench resumes, gives the same rows wherever a job runs, and claims nothing if labels are wrong."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from experiments.theory_bounds import __main__ as theory_bounds
from experiments.theory_bounds.grid import Job
from experiments.theory_bounds.jobs import BOUND_COLUMNS, run_job
from experiments.theory_bounds.options import TheoryOptions
from experiments.theory_bounds.tables import fit_round_slopes
from seals_sim.replay.store import RunStore

ARGUMENTS = [
    "--problem", "example1,spread", "--algorithm", "3,4", "--dim", "3,5", "--gamma-over-delta", "4,30",
    "--epsilon", "1e-2,1e-6", "--quiet", "--jobs", "1",
]  # fmt: skip
FILES = ("rounds.csv", "bounds.csv", "checks.csv", "queries.jsonl", "problems.jsonl")


@pytest.mark.slow
def test_a_killed_bench_goes_on_to_the_same_rows(tmp_path):
    theory_bounds.main([*ARGUMENTS, "--out", str(tmp_path / "whole")])
    out = tmp_path / "killed"
    words = [sys.executable, "-m", "experiments.theory_bounds", *ARGUMENTS, "--out", str(out)]
    process = subprocess.Popen(words, cwd=Path(__file__).parents[2], start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None and not _count_finished(out):
            time.sleep(0.02)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert _count_finished(out) > 0
    assert not (out / "rounds.csv").exists()
    theory_bounds.main([*ARGUMENTS, "--out", str(out)])
    for name in FILES:
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    assert not (out / "runs.sqlite").exists()


def _count_finished(out):
    if not (out / "runs.sqlite").exists():
        return 0
    store = RunStore(out)
    try:
        return len(store.finished())
    finally:
        store.close()


def test_a_job_alone_gives_the_rows_it_gives_after_others():
    options = TheoryOptions(epsilon=(1e-2, 1e-6))
    job, others = Job("spread", "3", 4, 6.0, 0), [Job("spread", "4", 4, 20.0, 1), Job("random", "3", 4, 5.0, 2)]
    alone = run_job(job, options)
    for other in others:
        run_job(other, options)
    assert repr(run_job(job, options)) == repr(alone)


@pytest.mark.parametrize("words", [["--dim", "3,3"], ["--epsilon", "1e-3,1e-3"], ["--gamma-over-delta", "5,5.0"]])
def test_repeated_numbers_are_refused(words, tmp_path, refused):
    assert "has a value twice" in refused(theory_bounds.main, [*words, "--out", tmp_path / "run"])


def test_with_noise_nothing_is_certified(tmp_path, capsys):
    words = ["--problem", "spread", "--algorithm", "3", "--dim", "3", "--gamma-over-delta", "4", "--noise", "0.02"]
    theory_bounds.main([*words, "--seeds", "3", "--quiet", "--out", str(tmp_path / "run")])
    rounds = pd.read_csv(tmp_path / "run" / "rounds.csv")
    assert rounds["certificate"].isna().all()
    assert "target" not in set(rounds["status"])
    assert "Warning: 3 runs may have had wrong labels" in capsys.readouterr().out


def test_a_bench_of_pools_has_no_empty_tables(tmp_path):
    words = ["--algorithm", "pool", "--dim", "2", "--pool-size", "1000", "--quiet", "--out", str(tmp_path / "run")]
    theory_bounds.main(words)
    page = (tmp_path / "run" / "index.html").read_text()
    assert page.count("<table>") == page.count("</h2>") == 1


def test_each_epsilon_has_its_own_sigma():
    """At gamma / delta = 1, sigma(.1) = 0 does not make the bound for 1e-6 void."""
    job, at = Job("spread", "3", 3, 1.0, 0), {name: place for place, name in enumerate(BOUND_COLUMNS)}
    one, both = (
        {row[at["epsilon"]]: row[at["stated_ln"]] for row in run_job(job, TheoryOptions(epsilon=epsilons)).bounds}
        for epsilons in ((1e-6,), (0.99, 1e-6))
    )
    assert both[1e-6] == one[1e-6] < math.inf
    assert json.dumps(both[0.99]) != json.dumps(both[1e-6])


def test_a_rate_has_an_interval_only_over_independent_problems():
    """All runs on Example 1 are one sequence, so there is no interval, however many runs there are."""
    bits = [10, 11, 12, 13]
    rows = [
        {"problem": name, "algorithm": "4", "dim": dim, "delta": 0.5, "gamma_over_delta": 20.0, "seed": 0,
         "epsilon": 2.0**-bit, "rounds_to_error": slope * bit, "fast_phase": True,
         "study": "main", "searches": 1, "flip": 0.0, "band": 0.0, "repeats": 1, "pool_size": 0,
         "oracle": "exact", "k": 0, "recall": 1.0}
        for name, dim, slope in (("example1", 3, 1.0), ("example1", 5, 1.0), ("spread", 3, 0.9), ("spread", 5, 1.1))
        for bit in bits
    ]  # fmt: skip
    table = fit_round_slopes(pd.DataFrame(rows)).set_index("problem")
    assert table["independent"].to_dict() == {"example1": 1, "spread": 2}
    assert table["slope"].to_dict() == pytest.approx({"example1": 1, "spread": 1})
    assert math.isnan(table.loc["example1", "half_width"])
    assert table.loc["spread", "half_width"] == pytest.approx(12.706 * 0.1, rel=1e-3)  # t with 1 degree of freedom
