"""`experiments.goodreads` as a whole, on made-up reviews, on real texts and on the simulated stand-in."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.goodreads import __main__ as goodreads
from experiments.goodreads.report import write_report
from experiments.goodreads.sources import Simulation
from experiments.goodreads.stages import parse_memory
from seals_sim.errors import UserError
from seals_sim.evaluate.structure import compute_average_cosine

SMALL = ["--seed-negatives", "15", "--k", "5", "--budget", "60", "--batch", "20", "--repeats", "2", "--quiet"]
SIMULATED = ["--simulate", "3000", "--dimensions", "24", *SMALL]
NOT_REPEATED = ["select_seconds", "neighbor_seconds", "train_seconds", "whole_seconds", "peak_bytes"]


def rows_of(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "rounds.csv").drop(columns=NOT_REPEATED)


def test_made_up_reviews_from_file_to_report(reviews, tmp_path):
    out = tmp_path / "o"
    goodreads.main(["--reviews", str(reviews), "--model", "wordllama", "--dimensions", "16",
                    "--splits", "sentence,book", "--pools", "all,seals,random_pool", "--int8", *SMALL,
                    "--out", str(out)])  # fmt: skip
    rounds = rows_of(out)
    assert set(rounds["split"]) == {"sentence", "book"}
    methods = rounds[["pool", "strategy"]].drop_duplicates()
    assert len(methods) == 3 * 3 + 1
    assert (rounds.groupby(["split", "pool", "strategy", "repeat"])["n_labeled"].max() == 60).all()
    last = rounds[(rounds["n_labeled"] == 60) & (rounds["split"] == "sentence")]
    recall = last.groupby(["strategy", "pool"])["recall"].mean()
    assert recall["most_likely_positive", "seals"] > 1.5 * recall["random", "all"]
    assert recall["most_likely_positive", "all_int8"] == recall["most_likely_positive", "all"]
    page = (out / "index.html").read_text()
    assert "SIMULATED" not in page
    assert page.count("not run") == 2 * 14, "2,000 labels are more than there are"
    assert "academic use only" in page


def test_simulation_is_marked_everywhere(tmp_path):
    out = tmp_path / "o"
    goodreads.main([*SIMULATED, "--memory", "2GB", "--out", str(out)])
    assert [path.name for path in (tmp_path / "o-work").iterdir()] == ["SIMULATED"]
    for name in ("index.html", "rounds.csv", "stages.csv", "summary.csv", "beside.csv", "facts.json", "config.json",
                 "curves_sentence.svg"):  # fmt: skip
        assert "SIMULATED" in (out / name).read_text(), name
    before = {name: (out / name).read_bytes() for name in ("index.html", "summary.csv", "curves_sentence.svg")}
    assert write_report(out) == out / "index.html"
    assert before == {name: (out / name).read_bytes() for name in before}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """A finished run on the stand-in."""
    out = tmp_path_factory.mktemp("simulated") / "o"
    goodreads.main([*SIMULATED, "--memory", "2GB", "--out", str(out)])
    return out


def test_what_whitening_costs_is_compared_repeat_by_repeat(reviews, tmp_path, refused):
    command = ["--reviews", str(reviews), "--model", "wordllama", "--recommended", *SMALL]
    goodreads.main([*command, "--dimensions", "16", "--out", str(tmp_path / "o")])
    last = rows_of(tmp_path / "o").groupby(["pool", "strategy", "repeat"])["recall"].last()
    table = pd.read_csv(tmp_path / "o" / "recommended.csv").set_index("method")
    likely = {pool: last[pool, "most_likely_positive"] for pool in ("all", "all_raw", "seals", "seals_raw", "walk_raw")}
    assert table["recall"].tolist() == pytest.approx([100 * values.mean() for values in likely.values()])
    difference = 100 * (likely["all_raw"] - likely["all"])
    row = table.loc["MLP-All (not whitened)"]
    assert [row["recall_difference"], row["recall_std"]] == pytest.approx([difference.mean(), difference.std()])
    assert table["k"].dropna().tolist() == [5, 5, 100]
    page = (tmp_path / "o" / "index.html").read_text()
    assert "MLP-Walk (not whitened)" in page
    assert not (tmp_path / "o" / "curves_sentence.svg").read_text().count("not whitened")
    said = refused(goodreads.main, [*command, "--dimensions", "0", "--out", str(tmp_path / "p")])
    assert "--dimensions 0: turns whitening off" in said


def lines_cut(n):
    return lambda text: "".join(text.splitlines(keepends=True)[:n])


@pytest.mark.parametrize(
    ("name", "cut", "message"),
    [
        ("rounds.csv", lines_cut(1), r"rounds.csv: is cut off or damaged \(0 of 12 runs are whole\)"),
        ("rounds.csv", lines_cut(-1), r"rounds.csv: is cut off or damaged \(11 of 12 runs are whole\)"),
        ("rounds.csv", lines_cut(20), r"rounds.csv: is cut off or damaged \(6 of 12 runs are whole\)"),
        ("rounds.csv", lambda text: text[:-20], r"rounds.csv: is cut off within its last line"),
        ("rounds.csv", lambda text: "", r"rounds.csv: cannot be read"),
        ("rounds.csv", lambda text: text.replace("auc", "roc", 1), r"rounds.csv: needs the columns round, n_labeled"),
        ("stages.csv", lines_cut(-1), r"stages.csv: is cut off \(no stage split-sentence/neighbors-of-positives\)"),
        ("stages.csv", lines_cut(1), r"stages.csv: is cut off"),
        ("facts.json", lambda text: text[:-9], r"facts.json: cannot be read"),
        (
            "facts.json",
            lambda text: text.replace("n_queries", "queries"),
            r"facts.json: cannot be read \(.*n_queries: Field required\)",
        ),
        ("rounds.csv", None, r"rounds.csv: no such file; the run is not finished"),
        ("facts.json", None, r"facts.json: no such file; the run is not finished"),
    ],
)
def test_incomplete_runs_are_not_drawn(simulated, tmp_path, name, cut, message):
    for file in ("config.json", "facts.json", "rounds.csv", "stages.csv"):
        (tmp_path / file).write_text((simulated / file).read_text())
    if cut is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text(cut((tmp_path / name).read_text()))
    with pytest.raises(UserError, match=message):
        write_report(tmp_path)
    assert not (tmp_path / "index.html").exists()


@pytest.mark.parametrize("name", ["goodreads_simulated", "tv_spoilers"])
def test_the_committed_reports_can_be_drawn_again(tmp_path, name):
    committed = Path(__file__).parents[2] / "reports" / name
    for file in ("config.json", "facts.json", "rounds.csv", "stages.csv"):
        (tmp_path / file).write_bytes((committed / file).read_bytes())
    write_report(tmp_path)
    for file in ("index.html", "beside.csv"):
        assert (tmp_path / file).read_text() == (committed / file).read_text()


def test_simulation_has_the_stated_properties():
    simulation = Simulation(20_000, 256, book_cosine=0.2, spoiler_cosine=0.15)
    labels, books = simulation.labels(), simulation.groups()["book"]
    vectors = simulation.rows_of(labels, books)(0, simulation.n)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert labels.mean() == pytest.approx(0.03224, abs=0.003)
    n_books = len(set(books))
    expected = 0.004 + (0.2 + 0.15) / n_books
    assert compute_average_cosine(unit[labels]) == pytest.approx(expected, abs=0.003)
    of_book = [compute_average_cosine(unit[(books == book) & ~labels]) for book in range(n_books)]
    assert np.mean(of_book) == pytest.approx(0.2, abs=0.01)
    spoilers = [compute_average_cosine(unit[(books == book) & labels]) for book in range(n_books)]
    assert np.mean(spoilers) == pytest.approx(0.2 + 0.15 + 0.004, abs=0.03)


def _kill_when(command: list[str], is_time) -> None:
    process = subprocess.Popen([sys.executable, "-m", "experiments.goodreads", *command], stderr=subprocess.PIPE)
    while not is_time():
        assert process.poll() is None, process.stderr.read().decode()
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    reviews = folder / "reviews.json"
    rng = np.random.default_rng(0)
    words = ["dragon", "killer", "sister", "ending", "chapter", "cover", "slow", "king", "secret", "letter"]
    with reviews.open("w") as file:
        for number in range(400):
            sentences = [[int(rng.random() < 0.2), " ".join(rng.choice(words, 6)) + f" {number} {i}"] for i in range(5)]
            review = {"user_id": "u", "timestamp": "2017", "review_sentences": sentences, "rating": 3,
                      "has_spoiler": True, "book_id": str(number % 40), "review_id": str(number)}  # fmt: skip
            file.write(json.dumps(review) + "\n")
    command = ["--reviews", str(reviews), "--model", "wordllama", "--dimensions", "16", "--block", "64",
               *SMALL, "--out"]  # fmt: skip
    goodreads.main([*command, str(folder / "o")])
    return command, rows_of(folder / "o")


STAGES = ("read", "embed", "whiten", "split-sentence/pool", "split-sentence/test", "split-sentence/pool-float32",
          "split-sentence/index-training", "split-sentence/index-cells", "split-sentence/index-lists-sq",
          "split-sentence/measure-index", "split-sentence/neighbors-of-positives")  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_run_killed_at_any_stage_resumes_to_the_same_rows(unbroken, tmp_path, stage):
    command, rows = unbroken
    journal = tmp_path / "o-work" / stage / "journal.jsonl"
    _kill_when([*command, str(tmp_path / "o")], journal.exists)
    goodreads.main([*command, str(tmp_path / "o")])
    pd.testing.assert_frame_equal(rows_of(tmp_path / "o"), rows)


def test_run_killed_between_two_runs_resumes_to_the_same_rows(unbroken, tmp_path):
    command, rows = unbroken
    store = tmp_path / "o" / "runs.sqlite"
    _kill_when([*command, str(tmp_path / "o")], lambda: store.exists() and store.stat().st_size > 40_000)
    goodreads.main([*command, str(tmp_path / "o")])
    pd.testing.assert_frame_equal(rows_of(tmp_path / "o"), rows)


def test_threads_change_no_pick(unbroken, tmp_path):
    command, rows = unbroken
    goodreads.main([*command[:-1], "--threads", "1", "--out", str(tmp_path / "o")])
    pd.testing.assert_frame_equal(rows_of(tmp_path / "o"), rows)


def test_without_memory_for_a_float32_copy_the_scan_reads_float16(tmp_path):
    for memory in ("2GB", "0.0001GB"):
        command = [*SIMULATED, "--memory", memory, "--work", str(tmp_path / f"w{memory}")]
        goodreads.main([*command, "--out", str(tmp_path / memory)])
    copies = [path.parent.parent.parent.name for path in tmp_path.glob("w*/SIMULATED/split-sentence/pool-float32")]
    assert copies == ["w2GB"], copies
    assert json.loads((tmp_path / "0.0001GB" / "facts.json").read_text())["splits"]["sentence"]["float16_error"] is None
    error = json.loads((tmp_path / "2GB" / "facts.json").read_text())["splits"]["sentence"]["float16_error"]
    assert 0 < error < 1e-3


def test_bad_input_is_one_line(reviews, tmp_path, refused):
    def said(*words):
        line = refused(goodreads.main, [*words, "--out", tmp_path / "o"])
        assert not (tmp_path / "o").exists()
        return line

    assert "no data; give reviews, texts or simulate" in said()
    assert "--simulate 100: cannot be combined with reviews" in said("--reviews", reviews, "--simulate", "100")
    assert "--splits author: unknown; choose from" in said("--simulate", "3000", "--splits", "author")
    assert "--memory plenty: must be" in said("--simulate", "3000", "--memory", "plenty")
    assert "as 8-bit codes" in said("--simulate", "3000", "--quiet", "--memory", "0.00005GB")
    assert "--simulate 0: must be at least" in said("--simulate", "0")
    assert "--book-cosine 1.5: must be below 1" in said("--simulate", "300", "--book-cosine", "1.5")
    assert "--n-probe 0: must be at least 1" in said("--simulate", "3000", "--n-probe", "0")
    assert "--prevalence 2: must be below 1" in said("--texts", reviews, "--prevalence", "2")
    work = tmp_path / "w"
    goodreads.main([*SIMULATED, "--memory", "2GB", "--out", str(tmp_path / "a"), "--work", str(work)])
    changed = [*SIMULATED, "--spoiler-cosine", "0.3", "--work", work, "--out", tmp_path / "b"]
    assert "simulated-embed: was made with a different SIMULATED" in refused(goodreads.main, changed)


@pytest.mark.parametrize(
    ("n_reviews", "changed", "message"),
    [
        (3, {}, "--budget 60: the pool has only 11 rows"),
        (20, {"--splits": "sentence,review", "--test-fraction": "0.4"}, "--budget 60: the pool has only 59 rows"),
        (
            3,
            {"--budget": "10", "--seed-positives": "8", "--seed-negatives": "1"},
            "--seed-positives 8: the pool has only",
        ),
        (3, {"--budget": "11", "--seed-positives": "1", "--seed-negatives": "10"}, "--seed-negatives 10: the pool has"),
        (20, {"--dimensions": "256"}, "--dimensions 256: 98 distinct rows"),
    ],
)
def test_reviews_that_do_not_fit_are_refused_before_the_folder_is_begun(
    reviews, tmp_path, refused, n_reviews, changed, message
):
    cut = tmp_path / "cut.json"
    cut.write_text("".join(reviews.read_text().splitlines(keepends=True)[:n_reviews]))
    options = {"--reviews": cut, "--model": "wordllama", "--dimensions": "4", "--out": tmp_path / "o"}
    options |= dict(zip(SMALL[:-1:2], SMALL[1::2], strict=True)) | changed
    assert message in refused(goodreads.main, ["--quiet", *(word for pair in options.items() for word in pair)])
    assert not (tmp_path / "o").exists()


def test_the_current_folder_can_be_the_folder_of_a_run(tmp_path, monkeypatch, refused):
    (tmp_path / "run").mkdir()
    (tmp_path / "run-work").touch()  # blocks the folder next to it
    monkeypatch.chdir(tmp_path / "run")
    said = refused(goodreads.main, ["--simulate", "300", "--quiet", "--out", "."])
    assert f"--work {tmp_path / 'run-work'}: cannot be written" in said


@pytest.mark.slow
def test_full_disk_is_one_line_and_the_run_resumes(unbroken, tmp_path):
    command, rows = unbroken
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)); "
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "from experiments.goodreads.__main__ import main; main(sys.argv[1:])"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, *command, str(tmp_path / "o")], capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert result.stderr.startswith("error: ")
    assert "cannot be written: File too large" in result.stderr
    goodreads.main([*command, str(tmp_path / "o")])
    pd.testing.assert_frame_equal(rows_of(tmp_path / "o"), rows)


def test_memory_is_a_share_or_a_size():
    assert parse_memory("16GB") == 16_000_000_000
    assert 0 < parse_memory("0.5") < parse_memory("1")
    with pytest.raises(UserError):
        parse_memory("2")


def test_real_spoilers_at_the_prevalence_of_goodreads(shared_data, tmp_path):
    """TV Tropes, the most similar real texts. Their file has no header."""
    path = tmp_path / "tv.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "sentence", "spoiler"])
        with (shared_data / "tv_spoilers" / "TV_train.csv").open(newline="") as source:
            writer.writerows(csv.reader(source))
    goodreads.main(["--texts", str(path), "--text-column", "sentence", "--label-column", "spoiler",
                    "--prevalence", "0.03224", "--model", "wordllama", "--k", "10", "--budget", "300", "--batch", "50",
                    "--repeats", "2", "--strategies", "most_likely_positive,random", "--quiet",
                    "--out", str(tmp_path / "o")])  # fmt: skip
    config = json.loads((tmp_path / "o" / "config.json").read_text())
    assert config["positives"] / config["sentences"] == pytest.approx(0.03224, abs=1e-4)
    last = rows_of(tmp_path / "o").query("n_labeled == 300").groupby(["strategy", "pool"])[["recall", "auc"]].mean()
    assert last["recall"]["most_likely_positive", "all"] > 1.2 * last["recall"]["random", "all"]
    assert 0.45 < last["auc"]["most_likely_positive", "seals"] < 0.9
