"""The loop with every part: contracts over several rounds, limits, and the algorithms as printed."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest

from seals_sim import (
    AllPool,
    ArgMax,
    ExactIndex,
    IndexOptions,
    LabeledRows,
    LabelTable,
    LogisticLearner,
    RandomPool,
    SealsPool,
    WalkPool,
    build_index,
    build_selector,
    draw_seeds,
    most_likely_positive,
    run,
)
from seals_sim.indexes import build_graph
from seals_sim.randomness import make_generator
from seals_sim.search.names import STRATEGIES
from tests import naive

K = 12


def _seeds(table, n_positive=4, n_negative=16, seed=0):
    return draw_seeds(table[1], n_positive, n_negative, make_generator(seed, "seeds"))


def _selector(name, vectors, seeds):
    rng = make_generator(0, "selector")
    return build_selector(name, beta=1.0, rng=rng, n_rows=len(vectors), centers=vectors[seeds.rows])


def _pool(name, vectors, seeds, k=K):
    match name:
        case "all":
            return AllPool(seeds, vectors)
        case "random_pool":
            return RandomPool(seeds, vectors, 150, make_generator(0, "pool"))
        case "seals-exact":
            return SealsPool(seeds, vectors, ExactIndex(vectors), k)
        case "seals-graph":
            with tempfile.TemporaryDirectory() as folder:
                graph, _ = build_graph(ExactIndex(vectors), "vectors", len(vectors), k, Path(folder))
            return SealsPool(seeds, vectors, graph, k)
        case "walk":
            return WalkPool(seeds, vectors, ExactIndex(vectors), k, n_best=10, n_step=4)
        case "seals-lsh":
            with tempfile.TemporaryDirectory() as folder:
                options, rng = IndexOptions(k, n_bits=128), make_generator(0, "index")
                index = build_index("lsh", vectors, Path(folder), options, rng)
            return SealsPool(seeds, vectors, index, k)
    raise AssertionError(name)


def _rounds(table, pool, strategy, budget=90, batch=15, seeds=None):
    vectors, is_positive = table
    seeds = seeds or _seeds(table)
    pool = _pool(pool, vectors, seeds) if isinstance(pool, str) else pool
    selector = _selector(strategy, vectors, seeds)
    return list(run(seeds, pool, LogisticLearner(vectors), selector, LabelTable(is_positive), batch, budget))


POOLS = ("all", "random_pool", "seals-exact", "seals-lsh", "seals-graph", "walk")


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("pool", POOLS)
def test_every_pool_and_strategy_keeps_the_contract(table, pool, strategy):
    vectors, is_positive = table
    seeds = _seeds(table)
    rounds = _rounds(table, pool, strategy, seeds=seeds)
    assert [len(r.labeled) for r in rounds] == [20, 35, 50, 65, 80, 90]
    assert [r.number for r in rounds] == [0, 1, 2, 3, 4, 5]
    final = rounds[-1].labeled
    assert len(set(final.rows.tolist())) == len(final), "a row was labeled twice"
    assert (final.labels == is_positive[final.rows]).all()
    for earlier in rounds:
        assert (final.rows[: len(earlier.labeled)] == earlier.labeled.rows).all(), "a yielded round has changed"
    considered = [r.n_candidates for r in rounds]
    assert considered == sorted(considered)
    if pool == "all":
        assert considered[-1] == len(vectors) - len(seeds)
    if pool == "random_pool":
        assert considered[-1] == 150
    if pool in ("seals-exact", "seals-graph"):
        distance = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
        radius = np.sort(distance, axis=1)[:, K - 1]
        for place in range(len(seeds), len(final)):
            pick, before = final.rows[place], final.rows[:place]
            assert (distance[before, pick] <= radius[before] + 1e-5).any(), "no neighbor of an earlier labeled row"


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("seed", range(3))
def test_seals_with_k_equal_n_is_algorithm_1(table, strategy, seed, tmp_path):
    vectors, _ = table
    seeds = _seeds(table, seed=seed)
    everything = _rounds(table, "all", strategy, seeds=seeds)
    graph, _ = build_graph(ExactIndex(vectors), "digest", len(vectors), len(vectors), tmp_path)
    for index in (ExactIndex(vectors), graph):
        pool = SealsPool(seeds, vectors, index, k=len(vectors))
        restricted = _rounds(table, pool, strategy, seeds=seeds)
        assert restricted[-1].labeled.rows.tolist() == everything[-1].labeled.rows.tolist()
        assert restricted[-1].n_candidates == everything[-1].n_candidates


@pytest.mark.parametrize("strategy", ["max_entropy", "most_likely_positive", "information_density"])
@pytest.mark.parametrize("k", [None, K])
def test_same_picks_as_the_algorithm_written_out(table, strategy, k):
    vectors, is_positive = table
    seeds = _seeds(table)
    learner = LogisticLearner(vectors)
    expected = naive.algorithm(
        vectors,
        is_positive,
        seeds,
        lambda rows, labels: learner.fit(LabeledRows(rows, labels)),
        getattr(naive, strategy),
        batch=15,
        budget=65,
        k=k,
    )
    name = "maxent" if strategy == "max_entropy" else strategy
    rounds = _rounds(table, "all" if k is None else "seals-exact", name, budget=65, seeds=seeds)
    assert rounds[-1].labeled.rows.tolist() == expected


@pytest.mark.parametrize("other", ["least_confidence", "margin"])
@pytest.mark.parametrize("pool", ["all", "seals-exact"])
def test_uncertainty_strategies_agree_on_binary_problems(table, pool, other):
    rows = [_rounds(table, pool, name)[-1].labeled.rows.tolist() for name in ("maxent", other)]
    assert rows[0] == rows[1]


def test_neighbors_of_a_pick_can_be_the_next_pick_of_the_same_batch(table):
    vectors, _ = table
    seeds = _seeds(table, 1, 5)
    pool = SealsPool(seeds, vectors, ExactIndex(vectors), k=4)
    at_start = set(pool.candidates(0).rows.tolist())
    _, after_one_batch = _rounds(table, pool, "most_likely_positive", budget=40, batch=34, seeds=seeds)
    picks = after_one_batch.labeled.rows[len(seeds) :]
    assert len(picks) == 34
    assert any(row not in at_start for row in picks.tolist())


def test_the_run_ends_where_the_pool_runs_dry(table):
    vectors, _ = table
    seeds = _seeds(table)
    rounds = _rounds(table, RandomPool(seeds, vectors, 20, make_generator(0)), "maxent", budget=90, seeds=seeds)
    assert [len(r.labeled) for r in rounds] == [20, 35, 40]


def test_a_budget_of_the_seeds_trains_once(table):
    assert len(_rounds(table, "all", "maxent", budget=20)) == 1


def test_the_last_batch_is_cut_to_the_budget(table):
    assert [len(r.labeled) for r in _rounds(table, "seals-exact", "maxent", budget=42)] == [20, 35, 42]


def test_seconds_count_one_round_each(table):
    first, *others = _rounds(table, "seals-exact", "maxent")
    assert first.seconds.select == 0 <= first.seconds.neighbor < first.seconds.train
    assert all(min(r.seconds.select, r.seconds.neighbor, r.seconds.train) > 0 for r in others)


def test_an_index_on_other_embeddings_gives_the_candidates(table):
    """Fig. 5: neighbors in one embedding, classifier vectors from another."""
    vectors, _ = table
    other = np.random.default_rng(1).permutation(vectors)
    seeds = _seeds(table)
    pool = SealsPool(seeds, vectors, ExactIndex(other), K)
    candidates = pool.candidates(0)
    expected = set(np.concatenate(ExactIndex(other).neighbors(seeds.rows, K)).tolist()) - set(seeds.rows.tolist())
    assert set(candidates.rows.tolist()) == expected
    assert (candidates.vectors == vectors[candidates.rows]).all()


def test_the_loop_stops_when_the_caller_does(table):
    """The caller may take any number of rounds: until epsilon is reached, or until a person leaves."""
    vectors, is_positive = table
    seeds = _seeds(table)
    rounds = run(
        seeds,
        AllPool(seeds, vectors),
        LogisticLearner(vectors),
        ArgMax(most_likely_positive),
        LabelTable(is_positive),
        5,
    )
    assert [len(next(rounds).labeled) for _ in range(3)] == [20, 25, 30]


def test_labeled_rows_need_one_label_each():
    with pytest.raises(ValueError, match="one label per row"):
        LabeledRows([1, 2], [1])


@pytest.mark.parametrize(
    ("rows", "labels"),
    [
        ([0, 1], [1, 2]),
        ([0, 1], [1, -1]),
        ([0, 1], [1, 0.5]),
        ([-1, 1], [1, 0]),
        ([1.7, 1], [1, 0]),
        (["0", "1"], [1, 0]),
    ],
)
def test_other_rows_and_labels_are_refused(rows, labels):
    with pytest.raises(ValueError, match=r"rows must be integers from 0|labels must be 1 or 0"):
        LabeledRows(rows, labels)
    with pytest.raises(ValueError, match="labels must be 1 or 0, not -1"):
        LabeledRows([0], [True]).add(1, -1)
