"""`experiments.paper` as a whole: its runs, resuming after a kill, its report, and the paper's own tables."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from experiments.openimages import read_openimages
from experiments.paper import __main__ as paper
from experiments.paper.latent import summarize_openimages
from experiments.paper.report import write_report
from experiments.paper.rows import read_paper
from experiments.paper.statistics import fit
from experiments.paper.studies import STUDIES, Plan, build_studies
from experiments.paper.tables import compare_batches
from experiments.paper.tasks import list_tasks
from seals_sim.errors import UserError
from seals_sim.replay.options import ReplayProtocol
from seals_sim.replay.runs import METHOD_FIELDS, LoopRun
from tests.replay.commands import override

FAST = ["--seed-positives", "3", "--seed-negatives", "12", "--budget", "45", "--batch", "10", "--concepts", "3",
        "--side-concepts", "2", "--repeats", "2", "--quiet"]  # fmt: skip
SECONDS = ["select_seconds", "neighbor_seconds", "train_seconds", "whole_seconds", "peak_bytes"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run on real texts: a sample of the built-in ones, with the fast model."""
    out = tmp_path_factory.mktemp("paper") / "run"
    cache = tmp_path_factory.mktemp("cache")
    paper.main(["--dataset", "icd10", "--sample", "6000", "--models", "wordllama", "--dimensions", "24,12",
                "--jobs", "2", *FAST, "--cache", str(cache), "--out", str(out)])  # fmt: skip
    return out


def rows_of(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "rounds.parquet").drop(columns=SECONDS)


def test_every_study_is_in_the_report(finished):
    page = (finished / "index.html").read_text()
    for name in STUDIES:
        assert f'<h2 id="{name}">' in page
    assert page.count("Not run") == 1, "only Goodreads is another data set"
    names = {path.name for path in finished.iterdir()}
    assert names >= {"summary.csv", "curves.csv", "claims.csv", "concepts.csv"}
    assert names >= {f"{name}.png" for name in build_studies(read_paper(finished).plan)}


def test_rows_agree_with_one_another(finished):
    rounds = rows_of(finished)
    runs = rounds.groupby([*METHOD_FIELDS, "concept", "repeat"], dropna=False)
    assert not rounds.duplicated([*METHOD_FIELDS, "concept", "repeat", "round"]).any(), "each run is made once"
    last = runs.last().reset_index()
    of_loop = last[last["strategy"] != "full_supervision"]
    assert (of_loop["n_labeled"] <= of_loop["budget"]).all()
    assert (of_loop.loc[of_loop["pool"] != "random_pool", "n_labeled"] == 45).all()
    assert (last["recall"] * last["concept"].map(positives(finished))).round(6).equals(last["n_positive"].astype(float))


def test_differences_without_whitening_are_paired(finished):
    rounds, differences = rows_of(finished), pd.read_csv(finished / "differences.csv")
    last = rounds[(rounds["n_labeled"] == 45) & (rounds["strategy"] == "most_likely_positive")]
    main = last[(last["regularization"] == 1) & last["index_embedding"].isna() & (last["seed_positives"] == 3)]
    recall = main[main["pool"] == "all"].groupby(["embedding", "concept"])["recall"].mean()
    expected = 100 * (recall["wordllama/0"] - recall["wordllama/24"]).mean()
    (row,) = differences[
        (differences["line"] == "MLP-All, not whitened")
        & (differences["n_labeled"] == 45)
        & (differences["measure"] == "recall")
    ].to_dict("records")
    assert row["difference"] == pytest.approx(expected)
    assert row["low"] <= row["difference"] <= row["high"]
    assert row["baseline"] == "MLP-All"
    assert row["concepts"] == 3
    (walk,) = main[main["pool"] == "walk"]["embedding"].unique()
    assert walk == "wordllama/0"
    assert set(main.loc[main["pool"] == "walk", "k"]) == {100}


def positives(folder):
    concepts = json.loads((folder / "config.json").read_text())["concepts"]
    return {name: about["pool_positives"] for name, about in concepts.items()}


def test_random_pools_are_measured_in_seals_pools(finished):
    run = read_paper(finished)
    for strategy in ("maxent", "most_likely_positive", "information_density"):
        seals = run.runs[run.plan.method("seals", strategy)].groupby(["concept", "repeat"])["n_candidates"].last()
        n_unlabeled = run.config["rows"]["pool"] - run.plan.protocol.n_seeds
        for factor in (1.0, 5.0, 10.0):
            method = run.plan.method("random_pool", strategy, random_pool_factor=factor)
            sizes = run.runs[method].groupby(["concept", "repeat"])["n_candidates"].last()
            assert sizes.to_dict() == {key: min(factor * seals[key], n_unlabeled) for key in sizes.index}


def test_all_methods_start_from_the_same_seeds(finished):
    rounds = rows_of(finished)
    first = rounds[(rounds["round"] == 0) & (rounds["seed_positives"] == 3)]
    assert (first.groupby(["concept", "repeat"])["batch_digest"].nunique() == 1).all()


def test_k_is_set_by_the_pilot(finished):
    config = json.loads((finished / "config.json").read_text())
    pilot = config["pilot"]
    assert config["protocol"]["k"] == max(1, round(pilot["k"] * 0.066 / pilot["pool_fraction"]))
    assert not set(config["validation_concepts"]) & set(config["concepts"])


def test_full_supervision_is_the_learner_on_all_labels(finished, tmp_path):
    from seals_sim.datasets import read_icd10cm
    from seals_sim.embed.space import embed_texts
    from seals_sim.evaluate.splits import split_at_random
    from seals_sim.randomness import make_generator

    dataset = read_icd10cm().sample(6000, make_generator(0, "sample"))
    split = split_at_random(6000, make_generator(0, "split"))
    vectors = embed_texts(dataset.texts, "wordllama", 24)
    rounds = rows_of(finished)
    full = rounds[(rounds["strategy"] == "full_supervision") & (rounds["embedding"] == "wordllama/24")]
    assert set(full["regularization"]) == {1.0, 10.0, 100.0}
    for _, row in full.iterrows():
        is_positive = dataset.is_positive(row["concept"])
        learner = LogisticRegression(C=row["regularization"], max_iter=1000)
        model = learner.fit(vectors[split.pool], is_positive[split.pool])
        expected = average_precision_score(is_positive[split.test], model.decision_function(vectors[split.test]))
        assert row["average_precision"] == pytest.approx(expected, abs=1e-3)


SOURCES = ("config.json", "rounds.parquet", "structure.parquet", "indexes.parquet")


@pytest.mark.slow
def test_the_report_is_drawn_again_from_the_rows(finished, tmp_path):
    for name in SOURCES:
        (tmp_path / name).write_bytes((finished / name).read_bytes())
    assert write_report(tmp_path) == tmp_path / "index.html"
    for name in ("index.html", "claims.csv", "summary.csv", "main.png", "structure.svg"):
        assert (tmp_path / name).read_bytes() == (finished / name).read_bytes()


def test_figures_are_files_beside_the_page(finished):
    page = (finished / "index.html").read_text()
    sources = re.findall(r'<img src="([^"]*)"', page)
    assert sources == [f"{name}.svg" for name in (
        "main", "alike", "structure", "against_structure", "correlation", "embeddings", "other_index", "k", "positives",
        "random_pool", "k_centers", "recommended", "regularization",
    )]  # fmt: skip
    assert all((finished / source).read_bytes().rstrip().endswith(b"</svg>") for source in sources)
    assert "base64" not in page


@pytest.mark.parametrize("name", SOURCES[1:])
@pytest.mark.parametrize("is_there", [True, False])
def test_incomplete_runs_are_not_drawn(finished, tmp_path, name, is_there):
    for source in SOURCES:
        (tmp_path / source).write_bytes((finished / source).read_bytes())
    if is_there:
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-100])
    else:
        (tmp_path / name).unlink()
    message = "cannot be read" if is_there else "no such file; the run is not finished"
    with pytest.raises(UserError, match=f"{name}: {message}"):
        write_report(tmp_path)
    assert not (tmp_path / "index.html").exists()


def test_a_report_without_its_rows_names_the_file_that_is_missing():
    with pytest.raises(UserError, match=r"wordnet/rounds.parquet: no such file"):
        write_report(Path(__file__).parents[2] / "reports" / "wordnet")


def test_claims_say_what_the_rows_say(finished):
    """Two claims are recomputed from the rows alone."""
    rounds, claims = rows_of(finished), pd.read_csv(finished / "claims.csv")
    k = json.loads((finished / "config.json").read_text())["protocol"]["k"]
    main = rounds[(rounds["seed_positives"] == 3) & (rounds["embedding"] == "wordllama/24")]
    main = main[main["regularization"] == 1]
    main = main[
        main["index_embedding"].isna() & (main["k"].isna() | (main["k"] == k)) & (main["pool"] != "random_pool")
    ]
    last = main.groupby(["strategy", "pool", "repeat", "concept"]).last()
    gap = last["recall"].xs("all", level="pool") - last["recall"].xs("seals", level="pool")
    by_repeat = gap.loc["most_likely_positive"].groupby("repeat").mean() * 100
    gaps = claims.loc[claims["paper"].str.startswith("Gaps in recall"), "here"].item()
    assert f"MLP {by_repeat.mean():.1f} ± {by_repeat.std():.1f} points" in gaps
    share = last["pool_fraction"].loc["maxent", "seals"].groupby("repeat").mean() * 100
    shares = claims.loc[claims["paper"].str.startswith("SEALS considers less"), "here"].item()
    assert f"MaxEnt {share.mean():.1f} ± {share.std():.1f} %" in shares


def test_strategies_agree_when_the_model_predicts_no_positives(finished):
    """By arithmetic, over everything: entropy rises with P as long as no P is above 1/2. The test rows stand in for the
    pool, so a few exceptions may occur.
    """
    table = compare_batches(read_paper(finished))
    table = table[(table["pool"] == "all") & (table["together"] == 1) & (table["calls_none"] == 1)]
    assert len(table) > 5
    assert table["alike"].mean() > 0.8


def test_shared_lines_are_run_once():
    plan = Plan(ReplayProtocol(budget=60, seed_negatives=15, repeats=1), ("m/8", "m/4"))
    todo = list_tasks(plan, build_studies(plan).values(), {}, {"a": 30, "b": 10}, 1)
    runs = [task for task in todo if isinstance(task, LoopRun)]
    n_full = 2 + 2 + 1  # full supervision: a in both embeddings and with two more C, b once
    assert len({run.name for run in runs}) == len(runs) == len(set(todo)) - n_full
    scans = [run for run in runs if run.concept == "a" and run.method == plan.method("all", "maxent")]
    assert len(scans) == 1
    on_all = {method for name in ("main", "recommended") for method in build_studies(plan)[name].methods}
    assert {run.method for run in runs if run.concept == "b"} == on_all
    twenty = [run for run in runs if run.method.seed_positives == 20]
    assert {run.concept for run in twenty} == set(), "20 and 60 negatives are more than 60 labels"
    assert build_studies(plan)["positives"].left_out


@pytest.mark.slow
def test_killed_run_resumes_to_the_same_rows(vectors_and_labels, tmp_path):
    arguments = [*vectors_and_labels, *FAST, "--only", "main,random_pool,structure", "--out"]
    paper.main([*arguments, str(tmp_path / "whole")])
    broken = tmp_path / "broken"
    process = subprocess.Popen([sys.executable, "-m", "experiments.paper", *arguments, str(broken)])
    try:
        while process.poll() is None and n_runs(broken) < 10:
            time.sleep(0.01)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert 10 <= n_runs(broken) < n_runs(tmp_path / "whole")
    assert not (broken / "rounds.parquet").exists()
    paper.main([*arguments, str(broken)])
    pd.testing.assert_frame_equal(rows_of(broken), rows_of(tmp_path / "whole"), check_exact=True)
    whole = pd.read_parquet(tmp_path / "whole" / "structure.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(broken / "structure.parquet"), whole, check_exact=True)


def n_runs(folder: Path) -> int:
    if not (folder / "runs.sqlite").exists():
        return 0
    try:
        with sqlite3.connect(folder / "runs.sqlite") as database:
            return int(database.execute("SELECT count(*) FROM runs").fetchone()[0])
    except sqlite3.OperationalError:  # no table yet, or locked for a moment
        return 0


@pytest.mark.slow
def test_studies_can_be_added_and_processes_do_not_matter(vectors_and_labels, tmp_path):
    arguments = [*vectors_and_labels, *FAST, "--out"]
    paper.main([*arguments, str(tmp_path / "once"), "--only", "main,k", "--jobs", "2"])
    paper.main([*arguments, str(tmp_path / "twice"), "--only", "k"])
    assert 'id="main">' in (tmp_path / "twice" / "index.html").read_text()
    assert "Not run" in (tmp_path / "twice" / "index.html").read_text()
    paper.main([*arguments, str(tmp_path / "twice"), "--only", "main"])
    pd.testing.assert_frame_equal(rows_of(tmp_path / "once"), rows_of(tmp_path / "twice"), check_exact=True)


@pytest.mark.slow
def test_goodreads_leads_with_auc(reviews, tmp_path):
    out = tmp_path / "o"
    paper.main(["--dataset", "goodreads", "--reviews", str(reviews), "--models", "wordllama", "--dimensions", "16",
                "--k", "5", *FAST, "--only", "main,structure", "--cache", str(tmp_path),
                "--out", str(out)])  # fmt: skip
    assert read_paper(out).first_metric == "auc"
    assert "curves above stand for Figures 17 and 18" in (out / "index.html").read_text()
    assert pd.read_csv(out / "claims.csv")["here"].str.contains("AUC of All minus SEALS").any()


@pytest.mark.slow
def test_joblib_backend_can_be_replaced(vectors_and_labels, tmp_path):
    arguments = [*vectors_and_labels, *FAST, "--only", "main", "--jobs", "2", "--out"]
    with joblib.parallel_config(backend="threading"):
        paper.main([*arguments, str(tmp_path / "threads")])
    paper.main([*arguments, str(tmp_path / "processes")])
    pd.testing.assert_frame_equal(rows_of(tmp_path / "threads"), rows_of(tmp_path / "processes"), check_exact=True)


def test_bad_input_is_refused(vectors_and_labels, tmp_path, refused):
    out = tmp_path / "o"
    arguments = [*vectors_and_labels, *FAST, "--out", str(out)]
    assert "--only fig1: unknown; choose from" in refused(paper.main, override([*arguments, "--only", "fig1"]))
    assert "--side-concepts 0" in refused(paper.main, override([*arguments, "--side-concepts", "0"]))
    assert "--k 0" in refused(paper.main, override([*arguments, "--k", "0"]))
    assert "--k 240: the pool has only 239 rows" in refused(paper.main, override([*arguments, "--k", "240"]))
    assert "--dimensions x" in refused(paper.main, override([*arguments, "--dimensions", "x"]))
    assert ": cannot be combined with dataset" in refused(paper.main, override([*arguments, "--dataset", "icd10"]))
    assert "nowhere.csv: no such file" in refused(paper.main, override([*arguments, "--paper-tables", "nowhere.csv"]))
    (tmp_path / "bad.csv").write_text("class,ap\nCitrus,0.5\n")
    bad = refused(paper.main, override([*arguments, "--paper-tables", str(tmp_path / "bad.csv")]))
    assert "needs the columns class, total_positives" in bad
    assert not out.exists()
    paper.main([*arguments, "--only", "main"])
    assert "holds a run with a different budget (45, now 35)" in refused(
        paper.main, override([*arguments, "--budget", "35"])
    )
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    mine = refused(paper.main, [*vectors_and_labels, *FAST, "--out", str(tmp_path / "mine")])
    assert "holds other files, not a run" in mine
    assert "holds a run with a different concepts (3, now 2)" in refused(
        paper.main, override([*arguments, "--concepts", "2"])
    )


def test_concepts_with_too_few_test_positives_are_listed(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [270, 20, 10])
    np.save(tmp_path / "x.npy", rng.normal(size=(300, 6)))
    np.save(tmp_path / "y.npy", rng.permutation(labels))
    paper.main(["--vectors", str(tmp_path / "x.npy"), "--labels", str(tmp_path / "y.npy"), *FAST, "--only", "main",
                "--max-positives", "100", "--out", str(tmp_path / "o")])  # fmt: skip
    config = json.loads((tmp_path / "o" / "config.json").read_text())
    assert set(config["skipped_concepts"]) >= {"0", "2"}
    assert config["skipped_concepts"]["0"] == "270 positives, more than max_positives = 100"
    assert config["skipped_concepts"]["2"].endswith("positives among the test rows, fewer than 5")
    assert "fewer than 5" in (tmp_path / "o" / "index.html").read_text()


def test_statements_of_the_paper_about_its_tables(shared_data):
    """Tables 3-8 hold 153 classes; Table 2, Figure 11 and Figure 3 are recomputed from them."""
    table = read_openimages(shared_data.parent / "paper" / "openimages-per-class.csv")
    assert len(table) == 153
    assert table["ap_maxent_seals"].mean() == pytest.approx(0.386, abs=5e-4)
    assert table["ap_maxent_all"].mean() == pytest.approx(0.399, abs=5e-4)
    assert table["recall_percent_mlp_seals"].mean() == pytest.approx(35.1, abs=0.05)
    assert table["recall_percent_mlp_all"].mean() == pytest.approx(35.1, abs=0.05)
    figure_11 = fit(table["ap_maxent_all"], table["ap_maxent_seals"])
    assert figure_11.pearson == pytest.approx(0.986, abs=5e-4)
    assert figure_11.slope == pytest.approx(0.99, abs=5e-3)
    assert figure_11.intercept == pytest.approx(-0.01, abs=5e-3)
    latent = summarize_openimages(table)
    for y in ("AP of MaxEnt-SEALS", "recall of MLP-SEALS"):
        assert fit(latent["largest component"], latent[y]).pearson > 0.5
        assert fit(latent["average path"], latent[y]).pearson < -0.4
