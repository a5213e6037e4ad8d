"""The examples run as printed in the docs, and find what they set out to find."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.filterwarnings("ignore:Importing from 'sentence_transformers:DeprecationWarning")
FOLDER = Path(__file__).parents[1] / "examples"


@pytest.fixture
def run_example(tmp_path, monkeypatch):
    """Runs an example in an empty folder, and returns its variables."""
    monkeypatch.chdir(tmp_path)

    def run(name: str) -> dict[str, Any]:
        return runpy.run_path(str(FOLDER / f"{name}.py"))

    return run


def test_the_loop_finds_all_positives_among_own_vectors(run_example, capsys):
    variables = run_example("search_vectors")
    assert variables["n_positive"] == int((variables["vectors"][:, 0] > 0.6).sum())
    assert variables["n_asked"] == 100
    assert capsys.readouterr().out.startswith("23 labels, 3 positives")


def test_the_recommended_pool_of_a_small_table_is_all_of_it(run_example, tmp_path):
    variables = run_example("search_as_recommended")
    assert variables["n_positive"] == int(variables["is_positive"].sum())
    assert variables["state"].n_candidates == 5000 - 23
    assert not (tmp_path / "index").exists(), "no index is needed"


def test_a_session_is_labeled_and_resumed_without_the_page(run_example):
    variables = run_example("label_in_a_notebook")
    assert variables["status"].n_answered == 20
    assert variables["status"].n_positive > 10
    assert variables["path"].exists()


def test_seals_finds_what_the_full_scan_finds_on_clusters(run_example, capsys):
    recalls = run_example("compare_all_and_seals")["recalls"]
    assert recalls["All"] == 1
    assert recalls["SEALS"] > 0.95
    assert "100.0% of the pool considered" in capsys.readouterr().out


def test_indexes_are_measured(run_example):
    facts = run_example("measure_an_index")["facts"]
    assert facts["exact"].recall == facts["graph"].recall == 1
    assert facts["lsh"].recall < facts["ivf-sq"].recall


def test_labels_and_scores_come_as_tables(run_example):
    variables = run_example("labels_to_pandas")
    labels, scores = variables["labels"], variables["scores"]
    assert len(labels) == 12
    assert list(labels["text"]) == [variables["texts"][row] for row in labels["row"]]
    assert scores.loc[scores["answer"] == 1, "score"].min() > scores["score"].median()


def test_algorithm_3_stays_within_theorem_2(run_example):
    variables = run_example("algorithm_3")
    assert all(needed <= bound for _, needed, bound in variables["comparisons"])
    assert variables["trace"].count_queries_to_error(1e-12) > variables["trace"].count_queries_to_error(1e-8)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_an_example_is_short_and_has_a_test(path):
    assert len(path.read_text().splitlines()) < 40
    assert f'run_example("{path.stem}")' in Path(__file__).read_text()
