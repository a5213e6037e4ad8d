"""The computed SIMULATED table: rows do not depend on what else is asked for, and neighbors are exact."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks import procedural
from benchmarks.options import ProceduralOptions
from benchmarks.procedural_table import ProceduralIndex, ProceduralTable
from seals_sim import ExactIndex
from seals_sim.types import Rows

N = 20_000
TABLE = ProceduralTable(N)
ALL = Rows(np.arange(N))


@pytest.fixture(scope="module")
def vectors():
    return TABLE[ALL]


@pytest.mark.parametrize("n", [N, 10**10])
def test_rows_do_not_depend_on_what_is_asked_with_them(n):
    rows = Rows(np.random.default_rng(0).integers(n, size=200))
    once, again = ProceduralTable(n)[rows], ProceduralTable(n)
    np.testing.assert_array_equal(once, np.vstack([again[Rows(rows[[i]])] for i in range(200)]))
    np.testing.assert_allclose(np.linalg.norm(once, axis=1), 1, atol=1e-6)
    assert not np.array_equal(once, ProceduralTable(n, seed=1)[rows])
    assert len(np.unique(once, axis=0)) == len(np.unique(rows))


@pytest.mark.parametrize("seed", [0, 1])
def test_neighbors_by_construction_are_those_of_brute_force(seed):
    table = ProceduralTable(N, seed)
    vectors, rows = table[ALL], np.arange(0, N, 23)
    for k in (1, 10, 100, 400):
        exact = ExactIndex(vectors).neighbors(rows, k)
        for row, one, other in zip(rows, ProceduralIndex(table).neighbors(rows, k), exact, strict=True):
            assert one[0] == row
            assert len(set(one.tolist())) == k
            # The two round differently: equally distant rows may swap places or replace each other.
            ours, true = (np.sort(vectors[near] @ vectors[row]) for near in (one, other))
            np.testing.assert_allclose(ours, true, atol=5e-6)


def test_topics_are_apart_as_the_weights_say(vectors):
    topics = TABLE.find_topics(ALL)
    for row in range(0, N, 997):
        similarity, is_same = vectors @ vectors[row], topics == topics[row]
        assert similarity[is_same].min() >= 0.66
        assert similarity[~is_same].max() <= 0.63


def test_near_duplicates_are_near(vectors):
    originals = TABLE.find_originals(ALL)
    copies = np.flatnonzero(originals != ALL)
    assert 0.04 < len(copies) / N < 0.06
    assert np.vecdot(vectors[copies], vectors[originals[copies]]).min() > 0.999
    nearest = ProceduralIndex(TABLE).neighbors(copies[:200], 2)
    assert [row[1] for row in nearest] == originals[copies[:200]].tolist()


def test_bridges_lead_from_cluster_to_cluster():
    """From the first cluster of a topic, neighbors of neighbors reach the whole topic, but one step of 10 neighbors
    does not.
    """
    rows = TABLE.find_topic_rows(0)
    cluster = np.floor(TABLE.locate(rows)[2]).astype(int)
    assert np.bincount(cluster).min() >= 20
    assert len(np.unique(np.bincount(cluster))) > 1
    index, reached, front = ProceduralIndex(TABLE), {int(rows[0])}, [int(rows[0])]
    n_steps = 0
    while front:
        lists = index.neighbors(np.array(front), 30)
        front = sorted({row for near in lists for row in near.tolist()} - reached)
        reached.update(front)
        n_steps += 1
    assert {int(cluster[row - rows[0]]) for row in reached} == set(cluster.tolist())
    assert n_steps > cluster.max()


def test_the_loop_runs_at_ten_billion_rows_and_repeats_itself():
    options = ProceduralOptions(n=(10**10,), budget=200, batch=50, k=30)
    one, other = (procedural.run_search(10**10, "maxent", 0, options) for _ in range(2))
    assert (one.picks, one.recall, one.n_candidates) == (other.picks, other.recall, other.n_candidates)
    assert one.n_labeled == 200
    assert one.recall > 5 / one.n_positives
    assert one.parts_found > 1


def test_the_report_says_that_rows_are_simulated(tmp_path, capsys):
    words = ["--n", "1e6", "--budget", "120", "--batch", "20", "--k", "10", "--concepts", "1"]
    procedural.main([*words, "--out", str(tmp_path)])
    runs = pd.read_csv(tmp_path / "procedural_runs.csv")
    assert runs["strategy"].tolist() == ["most_likely_positive", "maxent"]
    assert (runs["n"] == 10**6).all()
    assert (runs["peak_bytes"] < 10**9).all()
    assert "SIMULATED" in capsys.readouterr().out
    assert "SIMULATED" in (tmp_path / "procedural.csv").read_text()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--n", "1e6", "12345"], "must be a multiple of 10,000"),
        (["--n", "1e30"], "must be a multiple of 10,000"),
        (["--n", "1e6x"], "--n"),
        (["--k", "500"], "at most 400"),
    ],
)
def test_bad_sizes_end_in_one_line(words, problem, capsys, tmp_path):
    with pytest.raises(SystemExit) as stop:
        procedural.main([*words, "--out", str(tmp_path / "o")])
    assert stop.value.code == 2
    said = capsys.readouterr().err.strip()
    assert problem in said
    assert "\n" not in said
    assert not (tmp_path / "o").exists()
