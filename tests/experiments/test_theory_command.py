"""`python -m experiments.theory_bounds` as a user runs it, and its files as an outsider reads them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.theory_bounds import __main__ as theory_bounds
from experiments.theory_bounds.grid import DIMS, RATIOS, list_jobs
from experiments.theory_bounds.jobs import BOUND_COLUMNS, KEY, ROUND_COLUMNS
from experiments.theory_bounds.options import STUDIES, TheoryOptions
from experiments.theory_bounds.report import list_findings, write_report
from experiments.theory_bounds.tables import count_collapses, summarize_noise
from seals_sim.errors import UserError
from theory.bounds import compute_sharpened_bound_2, compute_stated_bound_2

ARGUMENTS = [
    "--problem", "example1,spread", "--dim", "3", "--gamma-over-delta", "4", "--epsilon", "1e-2,1e-4,1e-6",
    "--pool-size", "1000", "--passive-queries", "60", "--quiet",
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("theory") / "run"
    theory_bounds.main([*ARGUMENTS, "--jobs", "2", "--out", str(out)])
    return out


def _table(folder, name):
    return pd.read_csv(folder / f"{name}.csv", dtype={"algorithm": str})


def _lines(folder, name):
    return [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]


def test_files_and_columns(folder):
    assert tuple(_table(folder, "rounds").columns) == ROUND_COLUMNS
    assert tuple(_table(folder, "bounds").columns) == BOUND_COLUMNS
    assert set(_table(folder, "rounds")["algorithm"]) == {"3", "4", "bisection", "passive", "pool"}
    page = (folder / "index.html").read_text()
    for name in ("theorems", "rates", "dependence", "algorithms", "clouds"):
        assert (folder / f"{name}.png").stat().st_size > 1000
        assert (folder / f"{name}.svg").exists()
    sources = re.findall(r'<img src="([^"]*)"', page)
    assert sources == [
        "theorems.svg",
        "rates.svg",
        "dependence.svg",
        "algorithms.svg",
        "clouds.svg",
    ]  # no study: no noise
    assert "nan" not in page.lower().split("</style>")[1]


def test_run_can_be_recomputed_from_its_files(folder):
    """From queries.jsonl and problems.jsonl alone: labels, steps, distances and errors of Algorithm 3 on Example 1."""
    problem = next(
        row for row in _lines(folder, "problems") if row["problem"] == "example1" and row["algorithm"] == "3"
    )
    key = {name: problem[name] for name in KEY}
    queries = [row for row in _lines(folder, "queries") if all(row[name] == value for name, value in key.items())]
    assert list(queries[0]) == [*KEY, "round", "search", "parent", "label", "rho", "x"]
    w_star = np.array(problem["w_star"])
    assert [row["search"] for row in queries if row["round"] == 0] == [0, 1, None, None]
    clusters = {row["search"]: [row] for row in queries if row["round"] == 0 and row["search"] is not None}
    labeled = [row for row in queries if row["round"] == 0]
    rounds = _table(folder, "rounds").query("problem == 'example1' and algorithm == '3'").set_index("round")
    for number in range(1, int(rounds.index.max()) + 1):
        asked = [row for row in queries if row["round"] == number]
        for row in asked:
            assert row["label"] == (1 if np.array(row["x"]) @ w_star >= 0 else -1)
            x_bar = clusters[row["search"]][row["parent"]]
            step = np.linalg.norm(np.array(row["x"]) - x_bar["x"])
            assert step == pytest.approx(min(row["delta"], row["rho"] / 2), rel=1e-6)
            nearest = min(
                np.linalg.norm(np.subtract(o["x"], x_bar["x"])) for o in labeled if o["label"] != x_bar["label"]
            )
            assert row["rho"] <= nearest * (1 + 1e-9)
        assert max(row["rho"] for row in asked) == rounds.loc[number - 1, "max_rho"]
        for row in asked:
            clusters[row["search"]].append(row)
        labeled += asked
    assert rounds["n_queries"].iloc[-1] == sum(row["round"] > 0 for row in queries)


def test_bounds_are_those_of_the_formulas(folder):
    problems = {(row["problem"], row["algorithm"]): row for row in _lines(folder, "problems")}
    table, rounds = _table(folder, "bounds"), _table(folder, "rounds")
    for row in table[(table["algorithm"] == "3")].itertuples():
        about = problems[row.problem, "3"]
        assert 0 < about["sigma_lower"] <= about["sigma_upper"]
        known = (3, max(about["gamma"]), row.delta, about["sigma_upper"], row.epsilon)
        assert row.stated_log2 == pytest.approx(compute_stated_bound_2(*known))
        assert row.sharpened_log2 == pytest.approx(compute_sharpened_bound_2(*known))
        assert bool(row.holds_sharpened) is (row.queries_to_error <= row.sharpened_log2)
        run = rounds[(rounds["problem"] == row.problem) & (rounds["algorithm"] == "3")]
        late = run[run["n_queries"] >= row.queries_to_error]
        assert (late["error"] <= row.epsilon).all()
        before = run[run["n_queries"] < row.queries_to_error]
        assert before["error"].iloc[-1] > row.epsilon
    assert table.loc[~table["algorithm"].isin(["3", "4"]), "stated_ln"].isna().all()
    checks = _table(folder, "checks")
    assert checks["n"].sum() > 500
    assert (checks["violations"] == 0).all()


def test_one_process_gives_the_same_files(folder, tmp_path):
    theory_bounds.main([*ARGUMENTS, "--jobs", "1", "--out", str(tmp_path / "run")])
    for name in ("rounds.csv", "bounds.csv", "queries.jsonl", "problems.jsonl", "steps.csv", "checks.csv", "rates.svg"):
        assert (folder / name).read_bytes() == (tmp_path / "run" / name).read_bytes(), name


SOURCES = ("config.json", "problems.jsonl", "rounds.csv", "bounds.csv", "checks.csv", "steps.csv", "diversity.csv")


def test_the_report_is_drawn_from_the_rows_alone(folder, tmp_path):
    for name in SOURCES:
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    assert write_report(tmp_path) == tmp_path / "index.html"
    for name in ("index.html", "rates.svg", "theorems.png"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
    assert re.search(r"Lemmas and steps: \d,\d{3} checks in \d runs, 0 violations", list_findings(tmp_path)[0])


def test_rotated_and_noisy_problems(tmp_path):
    arguments = ["--problem", "example1", "--algorithm", "3", "--dim", "3", "--gamma-over-delta", "5", "--rotate"]
    theory_bounds.main([*arguments, "--noise", "0.05", "--seeds", "3", "--quiet", "--out", str(tmp_path / "run")])
    rounds = _table(tmp_path / "run", "rounds")
    assert set(rounds["problem"]) == {"example1"}
    assert set(rounds["flip"]) == {0.05}
    assert set(rounds["seed"]) == {0, 1, 2}
    assert _table(tmp_path / "run", "bounds")["stated_ln"].isna().all()
    assert _table(tmp_path / "run", "checks").empty


def test_cvxpy_from_the_command(tmp_path):
    arguments = [
        "--problem",
        "example1",
        "--algorithm",
        "4",
        "--dim",
        "3",
        "--gamma-over-delta",
        "4",
        "--epsilon",
        "1e-3",
    ]
    ends = []
    for solver in ("fast", "cvxpy"):
        out = tmp_path / solver
        theory_bounds.main([*arguments, "--solver", solver, "--quiet", "--out", str(out)])
        ends.append(_table(out, "bounds")["queries_to_error"].tolist())
    assert ends[0] == ends[1] == [16]  # 8 rounds of 2: by hand for d = 4, and the error does not depend on d


def test_a_run_that_takes_too_long_is_stopped_and_marked(tmp_path, capsys):
    arguments = ["--problem", "example1", "--algorithm", "3", "--dim", "20", "--gamma-over-delta", "200"]
    theory_bounds.main([*arguments, "--time-limit", "0.5", "--quiet", "--out", str(tmp_path / "run")])
    assert _table(tmp_path / "run", "rounds")["status"].tolist() == ["timeout"]
    assert "Warning: 1 run ended without a result (timeout)." in capsys.readouterr().out


def test_the_whole_bench_is_the_cross_with_both_studies():
    todo = list_jobs(TheoryOptions(study=STUDIES))
    main = [job for job in todo if job.problem == "example1" and job.algorithm == "3"]
    assert {job.dim for job in main if job.gamma_over_delta == 20} == set(DIMS)
    assert {job.gamma_over_delta for job in main if job.dim == 10} == set(RATIOS)
    assert {(job.study, job.searches) for job in todo} >= {("collapse", 2), ("noise", 1), ("repair", 1), ("sigma", 8)}
    assert {job.pool_size for job in todo} >= {0, 1000}
    assert len({job.key for job in todo}) == len(todo)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--problem", "example2"], "--problem example2: unknown; choose from 'example1', "),
        (["--algorithm", "3,5"], "--algorithm 5: unknown; choose from"),
        (["--algorithm", "3,3"], "--algorithm 3,3: has a value twice"),
        (["--dim", "1"], "--dim 1: must be at least 2"),
        (["--dim", "two"], "--dim two: must be a whole number"),
        (["--delta", "0"], "--delta 0: must be above 0"),
        (["--delta", "nan"], "--delta nan: must be"),
        (["--gamma-over-delta", "2,-1"], "--gamma-over-delta -1: must be"),
        (["--opposite", "0"], "--opposite 0: must be"),
        (["--margin-scale", "-1"], "--margin-scale -1: must be"),
        (["--epsilon", "1e-3,1"], "--epsilon 1: must be below 1"),
        (["--epsilon", ","], "--epsilon ,: needs at least one"),
        (["--noise", "1"], "--noise 1: must be below 1"),
        (["--noise-band", "-1"], "--noise-band -1: must be at least 0"),
        (["--seeds", "0"], "--seeds 0: must be at least 1"),
        (["--pool-size", "10"], "--pool-size 10: must be at least 200"),
        (["--solver", "gurobi"], "--solver gurobi: unknown; choose from 'fast' or 'cvxpy'"),
        (["--jobs", "0"], "--jobs 0: must be at least 1"),
        (["--time-limit", "0"], "--time-limit 0: must be above 0"),
        (["--study", "none"], "--study none: unknown; choose from"),
    ],
)
def test_bad_options(arguments, message, tmp_path, refused):
    assert re.search(message, refused(theory_bounds.main, [*arguments, "--out", tmp_path / "run"]))
    assert not (tmp_path / "run").exists()


def test_folders_of_something_else_are_left_alone(folder, tmp_path, refused):
    (tmp_path / "notes.txt").write_text("mine")
    for out, message in ((tmp_path, "holds other files"), (folder, "holds a run with a different problem")):
        assert message in refused(theory_bounds.main, ["--dim", "2", "--algorithm", "4", "--quiet", "--out", out])
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("rounds.csv", lambda text: text.replace("max_rho", "rho", 1), r"rounds.csv: needs the columns"),
        ("rounds.csv", lambda text: first_lines(text, 1), r"rounds.csv: is cut off \(0 of \d+ rows\)"),
        ("rounds.csv", lambda text: first_lines(text, 100), r"rounds.csv: is cut off \(99 of \d+ rows\)"),
        ("rounds.csv", lambda text: text[:-3], r"rounds.csv: is cut off within its last line"),
        ("bounds.csv", lambda text: text.replace("0.01,", "a,", 1), r"bounds.csv: is damaged \(column 'epsilon'"),
        ("bounds.csv", lambda text: first_lines(text, -1), r"bounds.csv: is cut off \(\d+ of \d+ rows\)"),
        ("checks.csv", lambda text: first_lines(text, 1), r"checks.csv: is cut off \(0 of 28 rows\)"),
        ("steps.csv", lambda text: first_lines(text, -1), r"steps.csv: is cut off"),
        ("steps.csv", None, r"steps.csv: no such file; the run is not finished"),
        ("problems.jsonl", lambda text: first_lines(text, -1), r"problems.jsonl: is cut off \(it counts \d+ rows of"),
        ("problems.jsonl", lambda text: text[:-9], r"problems.jsonl: is cut off within its last line"),
        (
            "problems.jsonl",
            lambda text: text.replace('"rows"', '"n"'),
            r"problems.jsonl: cannot be read \(line 1: rows",
        ),
        ("problems.jsonl", None, r"problems.jsonl: no such file"),
        ("config.json", lambda text: text.replace("theory_bounds", "paper"), r"not a run of experiments.theory_bounds"),
    ],
)
def test_incomplete_runs_are_not_drawn(folder, tmp_path, name, damage, message):
    for source in SOURCES:
        (tmp_path / source).write_text((folder / source).read_text())
    if damage is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text(damage((tmp_path / name).read_text()))
    with pytest.raises(UserError, match=message):
        write_report(tmp_path)
    assert not (tmp_path / "index.html").exists()


def first_lines(text, n):
    return "".join(text.splitlines(keepends=True)[:n])


def test_a_report_without_its_rows_names_the_first_that_is_missing():
    committed = Path(__file__).parents[2] / "reports" / "theory_bounds"
    with pytest.raises(UserError, match=r"theory_bounds/rounds.csv: no such file"):
        write_report(committed)


def test_bounds_are_void_where_sigma_is_0(tmp_path, capsys):
    arguments = ["--problem", "random", "--algorithm", "4", "--dim", "3", "--gamma-over-delta", "5"]
    theory_bounds.main([*arguments, "--epsilon", "1e-2", "--quiet", "--out", str(tmp_path / "run")])
    bounds = _table(tmp_path / "run", "bounds")
    assert np.isinf(bounds["sharpened_log2"]).all()
    assert bounds["holds_sharpened"].isna().all()
    out = capsys.readouterr().out
    assert "scale_free held 0 times and failed 0. 1 are void" in out


def test_studies_are_counted_apart():
    """Runs with wrong labels do not count among those whose searches met by themselves, nor the other way around."""
    common: dict[str, object] = {
              "algorithm": "3", "dim": 5, "delta": 0.5, "gamma_over_delta": 20.0, "seed": 0, "round": 9,
              "n_queries": 36, "max_rho": 1e-9, "error": 0.1, "certificate": 9.0, "searches": 1, "flip": 0.0,
              "band": 0.0, "repeats": 1, "pool_size": 0, "oracle": "exact", "k": 0, "recall": 1.0}  # fmt: skip
    kinds: list[dict[str, object]] = [
        {"problem": "random", "study": "collapse"},
        {"problem": "random", "study": "collapse", "searches": 2},
        {"problem": "random", "study": "noise", "flip": 0.01},
        {"problem": "spread", "study": "noise"},
        {"problem": "spread", "study": "noise", "band": 0.1},
    ]
    rounds = pd.DataFrame([{**common, **kind, "status": "collapsed"} for kind in kinds])
    collapse, noise = count_collapses(rounds), summarize_noise(rounds)
    assert collapse[["searches", "runs", "collapsed"]].to_numpy().tolist() == [[1, 1, 1], [2, 1, 1]]
    assert noise[["kind", "flip", "band"]].to_numpy().tolist() == [
        ["random", 0.01, 0],
        ["spread", 0, 0],
        ["spread", 0, 0.1],
    ]
