"""Whole commands on small real input: their files, resuming, and errors for bad input."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from seals_sim.datasets import read_icd10cm
from seals_sim.errors import UserError
from seals_sim.replay import replay as replaying
from seals_sim.replay import report
from seals_sim.replay.experiment import PICK_COLUMNS, ROUND_COLUMNS
from seals_sim.search import choice
from seals_sim.search.names import STRATEGIES
from tests.replay.commands import replay

SMALL = ["--sample", "900", "--concepts", "2", "--repeats", "2", "--seed-negatives", "15", "--k", "6", "--budget", "50",
         "--batch", "10", "--quiet"]  # fmt: skip


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def finished(tmp_path_factory, cache):
    """A finished run on real texts: a sample of the built-in ones."""
    out = tmp_path_factory.mktemp("runs") / "builtin"
    replay([*SMALL, "--cache", str(cache), "--out", str(out)])
    return out


FAST = ["--seed-negatives", "15", "--k", "6", "--budget", "45", "--batch", "10", "--concepts", "3", "--repeats", "2",
        "--quiet"]  # fmt: skip


def test_a_run_leaves_all_its_files(finished):
    names = {path.name for path in finished.iterdir()}
    assert names >= {"config.json", "rounds.csv", "picks.csv", "split.csv", "summary.csv", "index.html",
                     "curves.png", "curves.svg", "curves_maxent.png", "curves_maxent.svg"}  # fmt: skip
    assert "runs.sqlite" not in names
    assert not [name for name in names if name.startswith(".")]
    config = json.loads((finished / "config.json").read_text())
    assert config["protocol"]["seed"] == 0
    assert config["protocol"]["k"] == 6
    assert set(config["versions"]) >= {"numpy", "scikit-learn", "faiss-cpu"}
    assert len(config["data_fingerprint"]) == 64


def test_rows_agree_with_one_another(finished):
    rounds = pd.read_csv(finished / "rounds.csv")
    picks = pd.read_csv(finished / "picks.csv")
    split = pd.read_csv(finished / "split.csv")
    config = json.loads((finished / "config.json").read_text())
    assert tuple(rounds.columns) == ROUND_COLUMNS
    assert tuple(picks.columns) == PICK_COLUMNS
    assert len(split) == 900
    assert split["row"].is_monotonic_increasing
    assert split["row"].max() > 70_000, "rows of a sample are positions in the whole table"
    assert split["split"].value_counts().to_dict() == {"pool": 719, "test": 180, "validation": 1}
    assert set(split.set_index("row")["split"][picks["row"].unique()]) == {"pool"}
    whole = read_icd10cm()
    for concept, part in picks.groupby("concept"):
        assert (part["row"].isin(whole.concepts[concept]) == (part["label"] == 1)).all()

    methods = ["concept", "pool", "strategy", "repeat"]
    assert len(rounds) == 2 * 3 * 5 * 2 * 4
    for method, run in picks.groupby(methods):
        assert not run["row"].duplicated().any()
        at = rounds.set_index([*methods, "round"]).sort_index().loc[method]
        for number, row in at.iterrows():
            so_far = run[run["round"] <= number]
            assert len(so_far) == row["n_labeled"]
            assert so_far["label"].sum() == row["n_positive"]
            expected = row["n_positive"] / config["concepts"][method[0]]["pool_positives"]
            assert row["recall"] == pytest.approx(expected)
            assert row["pool_fraction"] == pytest.approx(row["n_candidates"] / (719 - 20))
    seeds = picks[picks["round"] == 0].groupby(["concept", "repeat", "pool", "strategy"])["row"].agg(tuple)
    assert (seeds.groupby(["concept", "repeat"]).nunique() == 1).all(), "methods of a repeat must share their seeds"
    assert rounds.loc[rounds["pool"] == "seals", "k"].eq(6).all()
    assert rounds.loc[rounds["pool"] != "seals", "k"].isna().all()
    assert rounds.loc[rounds["pool"] == "all", "pool_fraction"].eq(1).all()

    last = rounds[rounds["round"] == 3].set_index([*methods[:2], "strategy", "repeat"])
    size = last["n_candidates"].unstack("pool")
    assert (size["random_pool"] == size["seals"]).all()


def test_summary_is_the_mean_over_concepts_and_the_spread_over_repeats(finished):
    rounds = pd.read_csv(finished / "rounds.csv")
    table = pd.read_csv(finished / "summary.csv").set_index(["pool", "strategy"])
    last = rounds[(rounds["round"] == 3) & (rounds["pool"] == "seals") & (rounds["strategy"] == "maxent")]
    per_repeat = [part["recall"].mean() for _, part in last.groupby("repeat")]
    row = table.loc["seals", "maxent"]
    assert row["recall_mean"] == pytest.approx(np.mean(per_repeat))
    assert row["recall_std"] == pytest.approx(np.std(per_repeat, ddof=1))
    assert (row["n_concepts"], row["n_repeats"], row["k"]) == (2, 2, 6)


def test_the_page_needs_only_the_figures_beside_it(finished):
    page = (finished / "index.html").read_text()
    sources = re.findall(r'<img src="([^"]*)"', page)
    assert sources[:2] == ["curves.svg", "curves_maxent.svg"]
    assert all((finished / source).read_bytes().rstrip().endswith(b"</svg>") for source in sources)
    assert "http" not in page
    assert "base64" not in page
    for name in ("MaxEnt-SEALS", "MLP-All", "ID-RandPool", "k-centers-SEALS", "Random-All"):
        assert name in page
    assert "Embedded by all-MiniLM-L6-v2" in page
    assert "chose the same rows in" in " ".join(page.split())


def test_a_pool_that_covers_most_of_the_data_is_warned_of(finished, tmp_path, cache):
    assert "Warning" not in (finished / "index.html").read_text()
    replay([*SMALL, "--k", "60", "--pools", "seals", "--cache", str(cache), "--out", str(tmp_path / "o")])
    page = " ".join((tmp_path / "o" / "index.html").read_text().split())
    assert "Warning: the SEALS pool grew to" in page


EXPLICIT = ["--pools", "all", "--strategies", "most_likely_positive", "--dimensions", "0"]


def test_recommended_is_the_scan_of_what_the_model_gives(tmp_path, cache):
    replay([*SMALL, "--recommended", "--cache", str(cache), "--out", str(tmp_path / "o")])
    config = json.loads((tmp_path / "o" / "config.json").read_text())
    assert config["protocol"] | {"dimensions": 0, "pools": ["all"], "recommended": False} == config["protocol"]
    assert "--recommended" in config["command"]
    assert set(pd.read_csv(tmp_path / "o" / "rounds.csv")["strategy"]) == {"most_likely_positive"}
    replay([*SMALL, *EXPLICIT, "--cache", str(cache), "--out", str(tmp_path / "o")])  # the same run


def test_recommended_walks_where_a_scan_takes_long(vectors_and_labels, tmp_path, monkeypatch):
    monkeypatch.setattr(choice, "SCAN_BYTES", 100)
    replay([*vectors_and_labels, *FAST, "--recommended", "--out", str(tmp_path / "o")])
    assert json.loads((tmp_path / "o" / "config.json").read_text())["protocol"]["pools"] == ["walk"]


def test_parallel_runs_make_the_same_picks(finished, tmp_path, cache):
    replay([*SMALL, "--jobs", "2", "--cache", str(cache), "--out", str(tmp_path / "o")])
    assert (tmp_path / "o" / "picks.csv").read_bytes() == (finished / "picks.csv").read_bytes()


def test_other_seeds_make_other_picks(vectors_and_labels, tmp_path):
    for seed in "01":
        replay([*vectors_and_labels, *FAST, "--seed", seed, "--out", str(tmp_path / seed)])
    assert (tmp_path / "0" / "picks.csv").read_bytes() != (tmp_path / "1" / "picks.csv").read_bytes()


def test_the_report_is_drawn_again_from_the_rows(finished, tmp_path, capsys):
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("config.json", "rounds.csv", "picks.csv"):
        (copy / name).write_bytes((finished / name).read_bytes())
    assert report.write_report(copy) == copy / "index.html"
    for name in ("index.html", "summary.csv", "curves.svg", "curves.png"):
        assert (copy / name).read_bytes() == (finished / name).read_bytes()


def test_a_stopped_run_goes_on_and_ends_as_an_unbroken_one(vectors_and_labels, tmp_path, monkeypatch, capsys):
    arguments = [*vectors_and_labels, *FAST, "--out"]
    replay([*arguments, str(tmp_path / "whole")])
    run_methods, calls = replaying.run_methods, []

    def stops_at_the_fourth(*job):
        if len(calls) == 3:
            raise KeyboardInterrupt
        calls.append(job)
        return run_methods(*job)

    monkeypatch.setattr(replaying, "run_methods", stops_at_the_fourth)
    with pytest.raises(SystemExit) as stop:
        replay([*arguments, str(tmp_path / "broken")])
    assert stop.value.code == 130
    assert not (tmp_path / "broken" / "rounds.csv").exists()
    with pytest.raises(UserError, match=r"rounds\.csv: no such file; the run is not finished"):
        report.write_report(tmp_path / "broken")

    def counts(*job):
        calls.append(job)
        return run_methods(*job)

    monkeypatch.setattr(replaying, "run_methods", counts)
    replay([*arguments, str(tmp_path / "broken")])
    assert len(calls) == 6, "finished jobs must not be run again"
    assert (tmp_path / "broken" / "picks.csv").read_bytes() == (tmp_path / "whole" / "picks.csv").read_bytes()
    replay([*arguments, str(tmp_path / "broken")])
    assert len(calls) == 6


def test_every_strategy_and_index_by_name(vectors_and_labels, tmp_path):
    for index in ("exact", "lsh", "graph"):
        out = tmp_path / index
        replay(
            [*vectors_and_labels, *FAST, "--repeats", "1", "--strategies", ",".join(STRATEGIES), "--index", index,
             "--out", str(out)]
        )  # fmt: skip
        rounds = pd.read_csv(out / "rounds.csv")
        assert set(rounds["strategy"]) == set(STRATEGIES)
        assert (rounds.groupby(["concept", "pool", "strategy"])["n_labeled"].max() == 45).all()


def test_real_vectors_with_many_concepts(shared_data, tmp_path):
    """WordNet glosses, embedded: SEALS with few candidates finds nearly what the full scan finds."""
    folder = shared_data / "wordnet30k"
    concepts = json.loads((folder / "concepts.json").read_text())
    labels: list[list[str]] = [[] for _ in range(30_000)]
    for name, rows in concepts.items():
        for row in rows:
            labels[row].append(name)
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(json.dumps({"labels": names}) + "\n" for names in labels))
    replay(
        ["--vectors", str(folder / "minilm_l6_f16.npy"), "--labels", str(path), "--min-positives", "100",
         "--concepts", "4", "--repeats", "2", "--k", "10", "--budget", "500", "--index", "graph", "--jobs", "2",
         "--strategies", "most_likely_positive,random", "--quiet", "--out", str(tmp_path / "o")]
    )  # fmt: skip
    table = pd.read_csv(tmp_path / "o" / "summary.csv").set_index(["strategy", "pool"])
    recall = table["recall_mean"].loc["most_likely_positive"]
    assert recall["seals"] > 0.8 * recall["all"]
    assert recall["seals"] > 1.5 * recall["random_pool"]
    assert recall["seals"] > 5 * table["recall_mean"].loc["random", "all"]
    assert table["pool_fraction_mean"].loc["most_likely_positive", "seals"] < 0.25


def test_concept_names_are_escaped(tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", rng.normal(size=(200, 5)))
    evil = "<script>alert(1)</script>"
    kinds = [[evil] if row % 5 == 0 else ["$x_{^$ & co"] for row in range(200)]
    (tmp_path / "y.jsonl").write_text("".join(json.dumps({"label": kind}) + "\n" for kind in kinds))
    replay(["--vectors", str(tmp_path / "x.npy"), "--labels", str(tmp_path / "y.jsonl"), *FAST,
                        "--pools", "all,seals", "--strategies", "maxent,random",
                        "--out", str(tmp_path / "o")])  # fmt: skip
    page = (tmp_path / "o" / "index.html").read_text()
    assert evil not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--strategies", "maxent,bald"], "--strategies bald: unknown; choose from 'maxent', "),
        (["--pools", "some"], "--pools some: unknown; choose from 'all', 'seals', 'walk' or 'random_pool'"),
        (["--pools", "random_pool"], "add seals, or give --random-pool-fraction"),
        (["--recommended", "--pools", "seals"], "--pools seals: cannot be combined with recommended"),
        (["--recommended", "--dimensions", "0"], "--dimensions 0: cannot be combined with recommended"),
        (["--index", "annoy"], "--index annoy"),
        (["--k", "0"], "--k 0: must be at least 1"),
        (["--k", "241"], "--k 241: the pool has only 239 rows"),
        (["--budget", "240"], "--budget 240: the pool has only 239 rows"),
        (["--budget", "10"], "--budget 10: includes the 20 seeds"),
        (["--seed-positives", "100", "--budget", "200"], "--seed-positives = 100 leaves none to find"),
        (["--concept", "77"], "--concept 77: x has no such concept"),
        (["--concept", "1", "--min-positives", "299"], "--concept 1: "),
        (["--dimensions", "11"], "--dimensions 11"),
        (["--test-fraction", "1.5"], "--test-fraction 1.5"),
        (["--sample", "301"], "--sample 301: x has only 300 rows"),
        (["--jobs", "0"], "--jobs 0"),
        (["--texts", "a.csv"], ": cannot be combined with texts"),
        (["--vectors", "nowhere.npy"], "nowhere.npy: no such file"),
        (["--regularization", "nan"], "--regularization nan"),
        (["--beta", "inf"], "--beta inf"),
    ],
)
def test_bad_options(vectors_and_labels, tmp_path, capsys, arguments, message):
    out = tmp_path / "o"
    with pytest.raises(SystemExit) as stop:
        replay([*vectors_and_labels, *FAST, "--out", str(out), *arguments])
    assert stop.value.code == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith("error: ")
    assert message in said[0]
    assert not out.exists()


def test_folders_that_are_refused(vectors_and_labels, tmp_path, capsys):
    def refused(out, *more):
        with pytest.raises(SystemExit) as stop:
            replay([*vectors_and_labels, *FAST, "--out", str(out), *more])
        assert stop.value.code == 2
        return capsys.readouterr().err

    replay([*vectors_and_labels, *FAST, "--out", str(tmp_path / "o")])
    before = (tmp_path / "o" / "picks.csv").read_bytes()
    assert "holds a run with a different k (6, now 7)" in refused(tmp_path / "o", "--k", "7")
    np.save(tmp_path / "y.npy", np.load(tmp_path / "y.npy")[::-1])
    assert "holds a run with a different data" in refused(tmp_path / "o")
    assert (tmp_path / "o" / "picks.csv").read_bytes() == before

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    assert "holds other files, not a run" in refused(tmp_path / "mine")
    assert "is a file; name a folder" in refused(tmp_path / "mine" / "letter.txt")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]


def test_report_of_no_run(tmp_path):
    with pytest.raises(UserError, match=r"no config\.json"):
        report.write_report(tmp_path)


@pytest.mark.parametrize("module", ["experiments.goodreads", "experiments.paper", "experiments.theory_bounds"])
def test_help_is_complete(module):
    result = subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True, check=True)
    assert f"Usage: python -m {module} --out PATH [OPTIONS]" in result.stdout
    assert "--quiet" in result.stdout
