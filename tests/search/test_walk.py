"""Parts that are not in the paper: the walking pool, skipped near-duplicates, presumed negatives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seals_sim import AllPool, ArgMax, ExactIndex, LabelTable, LogisticLearner, SealsPool, draw_seeds, run
from seals_sim.randomness import make_generator
from seals_sim.search.candidates import CandidateTable, FixedTable, GrowingTable
from seals_sim.search.duplicates import PassOver, find_copy_threshold
from seals_sim.search.learners import LinearModel, PresumingLearner
from seals_sim.search.scores import most_likely_positive
from seals_sim.search.walk import WalkPool, draw_entries
from seals_sim.types import LabeledRows, Rows

N = 300


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(12, 16))
    vectors = (centers[rng.integers(12, size=N)] + 0.5 * rng.normal(size=(N, 16))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    is_positive = vectors @ vectors[0] > 0.55
    assert 15 < is_positive.sum() < 100
    return vectors, is_positive


def _search(rows, pool, seeds, selector=None, budget=120, batch=10):
    vectors, is_positive = rows
    selector = selector or ArgMax(most_likely_positive)
    return list(run(seeds, pool, LogisticLearner(vectors), selector, LabelTable(is_positive), batch, budget))


@pytest.fixture
def seeds(rows):
    return draw_seeds(rows[1], 3, 7, make_generator(0, "seeds"))


def _picks(rounds):
    return rounds[-1].labeled.rows.tolist()


def test_all_neighbors_of_positives_are_algorithm_1(rows, seeds):
    vectors, _ = rows
    pool = SealsPool(seeds, vectors, ExactIndex(vectors), N, only_positives=True)
    assert _picks(_search(rows, pool, seeds)) == _picks(_search(rows, AllPool(seeds, vectors), seeds))


def test_a_negative_brings_no_neighbors(rows, seeds):
    vectors, is_positive = rows
    index = ExactIndex(vectors)
    pool = SealsPool(seeds, vectors, index, 9, only_positives=True)
    rounds = _search(rows, pool, seeds, budget=60)
    positives = [row for row in _picks(rounds) if is_positive[row]]
    reachable = set(np.concatenate(index.neighbors(np.array(positives), 9)).tolist())
    assert set(_picks(rounds)[len(seeds) :]) <= reachable


@pytest.mark.parametrize(("k", "n_best", "n_step"), [(4, N, N), (2, N, 60), (3, 40, N)])
def test_a_walk_without_limits_is_algorithm_1(rows, seeds, k, n_best, n_step):
    """In a connected graph every row is reached; with all neighbors of the best rows, at the first step."""
    vectors, _ = rows
    pool = WalkPool(seeds, vectors, ExactIndex(vectors), k, n_best=n_best, n_step=n_step)
    assert _picks(_search(rows, pool, seeds)) == _picks(_search(rows, AllPool(seeds, vectors), seeds))


def test_the_best_candidates_have_brought_their_neighbors(rows, seeds):
    vectors, _ = rows
    index = ExactIndex(vectors)
    pool = WalkPool(seeds, vectors, index, 5, n_best=20, n_step=6)
    model = LogisticLearner(vectors).fit(seeds)
    pool.begin_round(model)
    table = pool.candidates(0)
    live = table.rows[table.is_live]
    best = live[np.argsort(-model.decision(vectors[live]), kind="stable")[:20]]
    assert len(live) < N / 2
    assert set(np.concatenate(index.neighbors(best, 6)).tolist()) <= {*table.rows.tolist(), *seeds.rows.tolist()}


def test_a_walk_crosses_to_a_part_that_no_label_is_near(rows):
    """Two clusters of positives on one side of w, with a chain of other rows between them."""
    angles = np.linspace(0, np.pi / 2, 60)
    chain = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    is_positive = np.zeros(60, dtype=bool)
    is_positive[[0, 1, 2, 57, 58, 59]] = True
    seeds = LabeledRows([0, 30], [1, 0])
    index, model = ExactIndex(chain), LinearModel(np.array([0, 1], dtype=np.float32), 0.0)
    pool = WalkPool(seeds, chain, index, 4, n_best=3, n_step=4)
    pool.begin_round(model)
    assert 59 in pool.candidates(0).rows
    assert 59 not in SealsPool(seeds, chain, index, 4).candidates(0).rows


def test_a_walk_goes_on_from_an_entry_to_what_no_candidate_is_near():
    """Two chains that no neighbor connects. The model scores the end of the other chain highest."""
    angles = np.concatenate([np.linspace(0, 0.4, 30), np.linspace(1.1, np.pi / 2, 30)])
    chains = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    seeds, index = LabeledRows([0, 30], [1, 0]), ExactIndex(chains)
    model = LinearModel(np.array([0, 1], dtype=np.float32), 0.0)
    reached = {}
    for entry in (None, 35):
        entries = None if entry is None else Rows(np.array([entry]))
        pool = WalkPool(seeds, chains, index, 4, n_best=3, n_step=4, entries=entries)
        assert pool.candidates(0).rows.tolist() == [1, 2, 3]
        pool.begin_round(model)
        reached[entry] = pool.candidates(0).rows.max()
    assert reached == {None: 29, 35: 59}


def test_entries_wait_for_a_positive(rows):
    vectors, _ = rows
    seeds, index = LabeledRows([0], [0]), ExactIndex(vectors)
    pool = WalkPool(seeds, vectors, index, 5, entries=Rows(np.arange(20)))
    model = LinearModel(vectors[0], 0.0)
    pool.begin_round(model)
    assert pool.n_candidates == 0
    pool.expand(0, 1, 1)
    pool.begin_round(model)
    assert {*range(2, 20)} <= {*pool.candidates(0).rows.tolist()}


@given(n=st.integers(1, 3000), excluded=st.sets(st.integers(0, 2999), max_size=40), times=st.integers(0, 9))
def test_entries_are_rows_that_may_be_drawn(n, excluded, times):
    excluded = np.array(sorted(row for row in excluded if row < n), dtype=np.int64)
    entries = draw_entries(n, make_generator(0, "entries"), Rows(excluded), times)
    assert len(entries) == min(round(times * n**0.5), n - len(excluded))
    assert (np.diff(entries) > 0).all()
    assert not len(entries) or 0 <= entries[0] <= entries[-1] < n
    assert not np.isin(entries, excluded).any()


def _with_copies(rows, n_copies=4):
    vectors, is_positive = rows
    copied = np.repeat(np.arange(60), n_copies)
    return np.concatenate([vectors, vectors[copied]]), np.concatenate([is_positive, is_positive[copied]])


def test_a_threshold_of_1_passes_over_copies_alone(rows, seeds):
    vectors, _ = table = _with_copies(rows)
    selector = PassOver(lambda: ArgMax(most_likely_positive), vectors, seeds.rows, 1.0)
    picks = _picks(_search(table, AllPool(seeds, vectors), seeds, selector, budget=200))
    assert len({vectors[row].tobytes() for row in picks}) == len(picks) == 200
    plain = _picks(_search(table, AllPool(seeds, vectors), seeds, budget=200))
    assert len({vectors[row].tobytes() for row in plain}) < 200


def test_a_threshold_above_1_passes_over_nothing(rows, seeds):
    vectors, _ = table = _with_copies(rows)
    selector = PassOver(lambda: ArgMax(most_likely_positive), vectors, seeds.rows, 1.1)
    pool = AllPool(seeds, vectors)
    assert _picks(_search(table, pool, seeds, selector)) == _picks(_search(table, AllPool(seeds, vectors), seeds))


def test_near_rows_come_last(rows, seeds):
    vectors, _ = rows
    selector = PassOver(lambda: ArgMax(most_likely_positive), vectors, seeds.rows, 0.8)
    picks = _picks(_search(rows, AllPool(seeds, vectors), seeds, selector, budget=N))
    assert sorted(picks) == list(range(N))
    near = [bool((vectors[picks[:place]] @ vectors[picks[place]]).max() >= 0.8) for place in range(len(seeds), N)]
    assert True in near
    assert near == sorted(near)


def _clusters(n, spread, d=64):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(n // 40, d))[np.arange(n) % (n // 40)] + spread * rng.normal(size=(n, d))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("spread", [0.1, 0.25, 0.8])
def test_a_table_of_near_rows_has_no_copies(spread):
    """However near the rows are: at .1 all neighbors have cosines of about .99."""
    vectors = _clusters(2_000, spread)
    assert find_copy_threshold(vectors, ExactIndex(vectors), np.random.default_rng(0)) == np.inf
    twice = np.concatenate([vectors, vectors[::2]])
    assert find_copy_threshold(twice, ExactIndex(twice), np.random.default_rng(0)) == 1


@pytest.mark.parametrize("part", [0.03, 0.3, 1.0])
def test_copies_are_told_from_neighbors(part):
    vectors = _clusters(2_000, 0.8)
    rng = np.random.default_rng(1)
    chosen = np.repeat(rng.choice(2_000, round(2_000 * part), replace=False), 4)
    copies = vectors[chosen] + 0.2 / 8 * rng.normal(size=(len(chosen), 64)).astype(np.float32)
    copies /= np.linalg.norm(copies, axis=1, keepdims=True)
    table = np.concatenate([vectors, copies])
    threshold = find_copy_threshold(table, ExactIndex(table), rng)
    assert np.vecdot(copies, vectors[chosen]).min() > threshold
    others = vectors @ vectors.T - 2 * np.eye(2_000)
    assert (others.max(axis=1) < threshold).mean() > 0.99


def _enter_all(table, vectors):
    table.hold(np.arange(len(vectors)), vectors)
    table.join(np.arange(len(vectors)))
    return table


@pytest.mark.parametrize("kind", [FixedTable, GrowingTable])
def test_a_postponed_row_can_still_be_labeled(kind):
    vectors = np.eye(4, dtype=np.float32)
    nothing = np.empty(0, dtype=np.int64)
    table: CandidateTable = FixedTable(np.arange(4), vectors, nothing)
    if kind is GrowingTable:
        table = _enter_all(GrowingTable(4, 4, nothing), vectors)
    table.postpone(1)
    table.postpone(2)
    table.remove(2)
    assert table.n_live == 2
    assert table.removed == [2]
    assert table.restore() == 1
    assert table.is_live.tolist() == [True, True, False, True]
    assert table.n_live == 3


def test_presumed_negatives_stand_in_for_a_missing_class(rows):
    vectors, is_positive = rows
    positives = LabeledRows(np.flatnonzero(is_positive)[:3], [1, 1, 1])
    learner = PresumingLearner(vectors, 100, seed=3)
    model = learner.fit(positives)
    assert (model.weights == learner.fit(positives).weights).all()
    best = np.argsort(-model.decision(vectors))[:20]
    assert is_positive[best].mean() > 0.9
    with pytest.raises(ValueError, match="class"):
        learner.fit(LabeledRows([], []))
