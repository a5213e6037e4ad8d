"""Memory depends on what entered: an array of all rows and a dict give the same picks, on up to 10^10 rows."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from benchmarks.procedural_table import ProceduralIndex, ProceduralTable
from seals_sim import ArgMax, ExactIndex, LabelTable, LogisticLearner, RandomPool, build_seals_pool, max_entropy, run
from seals_sim.search.candidates import GrowingTable
from seals_sim.search.entries import DENSE_ROWS, DenseEntries, SparseEntries, make_entries
from seals_sim.search.walk import WalkPool
from seals_sim.types import LabeledRows
from tests.conftest import clustered

HUGE = 10**10


def test_both_kinds_say_the_same():
    rng = np.random.default_rng(0)
    dense, sparse = DenseEntries(500), SparseEntries()
    for _ in range(50):
        rows = rng.choice(500, rng.integers(20), replace=False)
        numbers = rng.integers(-1, 1000, size=len(rows))
        dense.set(rows, numbers)
        sparse.set(rows, numbers)
        asked = rng.integers(500, size=30)
        assert dense.get(asked).tolist() == sparse.get(asked).tolist() == [sparse.get_one(row) for row in asked]


def test_the_kind_follows_the_sizes():
    assert isinstance(make_entries(DENSE_ROWS, 0), DenseEntries)
    assert isinstance(make_entries(DENSE_ROWS + 1, 0), SparseEntries)
    assert isinstance(make_entries(DENSE_ROWS + 1, DENSE_ROWS // 2), DenseEntries)  # a dict would take more


@pytest.mark.parametrize("kind", ["seals", "walk"])
def test_picks_are_identical(monkeypatch, kind):
    vectors, cluster = clustered(600, 8, 6)
    is_positive = cluster == 2
    seeds = LabeledRows([*np.flatnonzero(is_positive)[:2], *np.flatnonzero(~is_positive)[:4]], [1, 1, 0, 0, 0, 0])

    def pick():
        selector = ArgMax(max_entropy)
        pool = (
            build_seals_pool(seeds, vectors, ExactIndex(vectors), 9, selector)
            if kind == "seals"
            else WalkPool(seeds, vectors, ExactIndex(vectors), 9, n_best=20)
        )
        rounds = list(run(seeds, pool, LogisticLearner(vectors), selector, LabelTable(is_positive), 10, 200))
        return rounds[-1].labeled.rows.tolist(), [state.n_candidates for state in rounds], type(pool._table._entries)

    rows, sizes, dense = pick()
    monkeypatch.setattr("seals_sim.search.entries.DENSE_ROWS", 0)
    monkeypatch.setattr("seals_sim.search.entries._DENSE_BYTES", 10**9)
    again, sizes_again, sparse = pick()
    assert (dense, sparse) == (DenseEntries, SparseEntries)
    assert (rows, sizes) == (again, sizes_again)


def test_a_candidate_table_of_ten_billion_rows():
    tracemalloc.start()
    table = GrowingTable(HUGE, 2, np.array([HUGE - 1]), capacity=64)
    rows = np.array([7, HUGE - 2])
    assert table.unseen(np.array([HUGE - 1, HUGE - 2, 7])).tolist() == rows.tolist()
    table.hold(rows, np.eye(2, dtype=np.float32))
    table.remove(9)  # never enters
    table.join(rows)
    assert table.unseen(np.array([9, HUGE - 2])).tolist() == []
    assert (table.find(HUGE - 2), table.find(9), table.n_live) == (1, None, 2)
    assert tracemalloc.get_traced_memory()[1] < 10**6
    tracemalloc.stop()


def test_pools_of_ten_billion_rows_hold_what_they_reached():
    table = ProceduralTable(HUGE)
    seeds = LabeledRows([5, HUGE // 2], [1, 0])
    table[seeds.rows]  # the same for every size
    tracemalloc.start()
    pool = build_seals_pool(seeds, table, ProceduralIndex(table), 50)
    drawn = RandomPool(seeds, table, 300, np.random.default_rng(0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert pool.n_candidates == 98
    assert drawn.n_candidates == 300
    assert peak < 200 * 10**6


def test_a_random_pool_is_drawn_from_the_unlabeled_as_ever():
    vectors, _ = clustered(400, 4, 3)
    for seed in range(30):
        rng = np.random.default_rng(seed)
        labeled = rng.choice(400, rng.integers(1, 200), replace=False)
        seeds = LabeledRows(labeled, np.zeros(len(labeled)))
        unlabeled = np.setdiff1d(np.arange(400), labeled)
        expected = np.sort(np.random.default_rng(seed).choice(unlabeled, 100, replace=False))
        pool = RandomPool(seeds, vectors, 100, np.random.default_rng(seed))
        assert pool.candidates(0).rows.tolist() == expected.tolist()


def test_labels_are_the_same_however_they_are_kept(monkeypatch):
    is_positive = np.random.default_rng(0).random(500) < 0.1
    dense, by_rows = LabelTable(is_positive), LabelTable.from_rows(np.flatnonzero(is_positive)[::-1])
    monkeypatch.setattr("seals_sim.search.oracles.DENSE_ROWS", 100)
    sparse = LabelTable(is_positive)
    for table in (dense, by_rows, sparse):
        assert [table.label(row) for row in range(500)] == is_positive.tolist()
    assert sparse._is_positive is None
    assert sparse._positives.nbytes == 8 * is_positive.sum()
