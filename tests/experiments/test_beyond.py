"""`experiments.beyond`: its searches, its paired differences, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from experiments.beyond import __main__ as beyond
from experiments.beyond.options import COLD_RULES, RULE_NAMES
from experiments.beyond.planted import copy_with_noise, plant
from experiments.beyond.report import ROWS, compare, write_report
from experiments.beyond.rules import RULES
from seals_sim import ExactIndex
from seals_sim.datasets import read_icd10cm
from seals_sim.embed.space import embed_texts
from seals_sim.errors import UserError
from seals_sim.search.duplicates import find_copy_threshold

FAST = ["--dataset", "icd10", "--sample", "3000", "--model", "wordllama", "--dimensions", "24", "--concepts", "2",
        "--repeats", "2", "--seed-positives", "3", "--seed-negatives", "12", "--budget", "60", "--quiet"]  # fmt: skip
SECONDS = ["select_seconds", "neighbor_seconds", "train_seconds"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def finished(tmp_path_factory, cache):
    out = tmp_path_factory.mktemp("beyond") / "run"
    beyond.main([*FAST, "--cache", str(cache), "--out", str(out)])
    assert "ens" not in set(_read(out)["rule"])
    beyond.main([*FAST, "--cache", str(cache), "--out", str(out), "--only", "ens,lazy,joined"])
    return out


def _read(folder):
    return pd.read_csv(folder / ROWS).drop(columns=SECONDS)


def test_every_rule_is_run_and_reported(finished):
    rows = _read(finished)
    assert set(RULES) == set(RULE_NAMES) == {*rows["rule"], *COLD_RULES}
    assert len(rows) == 2 * 2 * (len(RULES) - 2)
    assert (rows["n_labeled"] == 60).all()
    assert (rows["recall"] == rows["distinct_recall"]).all(), "nothing was planted"
    n_positives = rows["n_positive"] / rows["recall"]
    assert n_positives.groupby(rows["concept"]).agg(np.ptp).max() < 1e-9
    page = (finished / "index.html").read_text()
    assert all(RULES[name].title in page for name in set(rows["rule"]))
    assert (finished / "differences.png").exists()


@pytest.mark.slow
def test_rules_can_be_added_one_by_one(finished, tmp_path, cache):
    out = tmp_path / "run"
    for rules in ("all", "walk,positives", "all_whitened,anchors,lazy"):
        beyond.main([*FAST, "--cache", str(cache), "--out", str(out), "--only", rules, "--jobs", "2"])
    rows, of_all = _read(out), _read(finished)
    expected = of_all[of_all["rule"].isin(rows["rule"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(rows, expected)
    assert rows["rule"].nunique() == 6


def test_near_duplicates_count_once(tmp_path, cache):
    out = tmp_path / "run"
    beyond.main([*FAST, "--copied", "1", "--only", "all,walk_distinct", "--cache", str(cache), "--out", str(out)])
    by_rule = _read(out).groupby("rule")["distinct_recall"].mean()
    assert by_rule["walk_distinct"] > by_rule["all"]
    assert "SIMULATED" in (out / "index.html").read_text()


def test_a_table_of_tags_is_searched_without_the_rows_that_have_none(tmp_path, cache):
    rng = np.random.default_rng(0)
    kinds = ("library", "game", "font", "editor")
    lines = ["name\tabout\ttags"]  # every row also has the tag "any", which must not exclude the others
    for number in range(400):
        kind = kinds[number % 4]
        tags = ["any", f"role::{kind}", *(["use::old"] if rng.random() < 0.1 else [])] if number % 3 else []
        lines.append(f"p{number}\ta {kind} for number {number}\t{', '.join(tags)}")
    (tmp_path / "packages.tsv").write_text("\n".join(lines) + "\n")
    words = ["--texts", str(tmp_path / "packages.tsv"), "--text-column", "about", "--label-column", "tags",
             "--label-separator", ",", "--labeled-only", "--max-positives", "200", *FAST[4:], "--only", "all",
             "--cache", str(cache)]  # fmt: skip
    beyond.main([*words, "--out", str(tmp_path / "run")])
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["rows"]["all"] == 266
    assert len(config["concepts"]) == 2
    assert {name.split("::")[0] for name in config["concepts"]} == {"role"}, (
        "use::old shares its rows with each of them"
    )


def test_sessions_begin_with_two_positives_and_are_measured_by_what_they_find(tmp_path, cache, capsys):
    out = tmp_path / "run"
    words = [*FAST[: FAST.index("--seed-positives")], "--quiet"]
    beyond.main([*words, "--cold-start", "--min-positives", "20", "--cache", str(cache), "--out", str(out)])
    rows = _read(out)
    assert set(rows["rule"]) == {"session", "presuming"}
    assert set(rows["n_labeled"]) == {12, 52}
    assert (rows["n_positive"] >= 2).all()
    found = rows.groupby(["rule", "n_labeled"])["n_positive"].mean()
    differences = pd.read_csv(out / "differences.csv").query("measure == 'n_positive'").set_index("n_labeled")
    for size in (12, 52):
        gain = found["presuming", size] - found["session", size]
        assert differences.loc[size, "difference"] == pytest.approx(gain)
    assert "no negative" in (out / "index.html").read_text()
    with pytest.raises(SystemExit):
        beyond.main([*words, "--cold-start", "--only", "walk", "--out", str(tmp_path / "other")])
    assert "compares only session and presuming" in capsys.readouterr().err


def test_planted_rows_lie_near_their_own():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(50, 64)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    origins = plant(50, 0.2, rng)
    copied = copy_with_noise(vectors, origins, rng)
    assert len(origins) == len(copied) == 50 + 4 * 10
    assert (copied[:50] == vectors).all()
    cosines = np.vecdot(copied[50:], vectors[origins[50:]])
    assert abs(cosines.mean() - 0.97) < 0.01
    assert plant(50, 0.0, rng).tolist() == list(range(50))


def test_where_siblings_are_as_near_as_copies_neither_is_passed_over():
    """The codes of ICD-10-CM. For copies among clusters of random rows, which are recognized, see
    `tests/search/test_walk.py`.
    """
    texts = read_icd10cm().texts[::12]
    vectors = embed_texts(texts, "wordllama", 0)
    rng = np.random.default_rng(0)
    copied = copy_with_noise(vectors, plant(len(vectors), 0.3, rng), rng)
    for table in (vectors, copied):
        assert find_copy_threshold(table, ExactIndex(table), rng) == np.inf


def test_differences_are_paired_by_concept():
    rows = pd.DataFrame(
        [
            (rule, f"c{concept}", repeat, 100, value)
            for concept in range(8)
            for repeat in range(2)
            for rule, value in (("all", concept / 10), ("walk", concept / 10 + 0.02 - 0.1 * (concept < 2)))
        ],
        columns=["rule", "concept", "repeat", "n_labeled", "recall"],
    )
    rows["distinct_recall"] = rows["average_precision"] = rows["n_positive"] = rows["recall"]
    (row,) = compare(rows).query("measure == 'recall'").to_dict("records")
    assert row["difference"] == pytest.approx((6 * 2 - 2 * 8) / 8)
    assert row["low"] < row["difference"] < row["high"]
    assert row["concepts"] == 8
    assert row["difference_hard"] == pytest.approx(-8)


def test_a_run_without_the_full_scan_or_cut_is_refused(finished, tmp_path, cache):
    for name in ("config.json", ROWS):
        (tmp_path / name).write_bytes((finished / name).read_bytes())
    whole = (tmp_path / ROWS).read_text()
    (tmp_path / ROWS).write_text(whole[:-7])
    with pytest.raises(UserError, match="cut off"):
        write_report(tmp_path)
    header, *lines = whole.splitlines(keepends=True)
    (tmp_path / ROWS).write_text("".join([header, *(line for line in lines if not line.startswith("all,"))]))
    with pytest.raises(UserError, match="full scan"):
        write_report(tmp_path)
    assert not (tmp_path / "index.html").exists()
