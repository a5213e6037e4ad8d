"""Looking ahead saves searches and changes no pick, whatever the neighbors are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seals_sim import ExactIndex, LabeledRows, LabelTable, LogisticLearner, build_seals_pool, build_selector, run
from seals_sim.indexes import StoredGraph
from seals_sim.search.lookahead import LookaheadPool
from seals_sim.search.names import STRATEGIES
from tests.conftest import clustered

N, BATCH, BUDGET = 90, 7, 60


def label_with(strategy, vectors, is_positive, index, k, looks_ahead):
    """The labeled rows after each round, and the number of candidates considered by then."""
    negatives = np.flatnonzero(~is_positive)[:3]
    seeds = LabeledRows([*np.flatnonzero(is_positive)[:2], *negatives], [1, 1, 0, 0, 0])
    selector = build_selector(
        strategy, beta=1.0, rng=np.random.default_rng(0), n_rows=len(vectors), centers=vectors[seeds.rows]
    )
    pool = build_seals_pool(seeds, vectors, index, k, selector if looks_ahead else None)
    assert isinstance(pool, LookaheadPool) == looks_ahead
    rounds = run(seeds, pool, LogisticLearner(vectors), selector, LabelTable(is_positive), BATCH, BUDGET)
    return [(state.labeled.rows.tolist(), state.n_candidates) for state in rounds]


@pytest.mark.parametrize("strategy", STRATEGIES)
@settings(max_examples=12)  # of each of eight strategies
@given(seed=st.integers(0, 2**32 - 1), k=st.integers(1, 12))
def test_both_pools_make_the_same_picks_on_random_graphs(strategy, seed, k):
    """The neighbors are random, not near: pools run dry, grow at once or in jumps, and rows join in any order."""
    rng = np.random.default_rng(seed)
    vectors, cluster = clustered(N, 6, 4, seed=seed % 1000)
    graph = StoredGraph(None, np.array([rng.permutation(N)[:12] for _ in range(N)], dtype=np.int32))
    is_positive = cluster == cluster[0]
    if is_positive.sum() < 2 or (~is_positive).sum() < 3:
        is_positive = np.arange(N) % 2 == 0
    plain, ahead = (label_with(strategy, vectors, is_positive, graph, k, looks_ahead) for looks_ahead in (False, True))
    assert ahead == plain


@pytest.mark.parametrize("strategy", ["maxent", "most_likely_positive"])
def test_lookahead_batches_neighbor_searches(strategy):
    class CountingIndex(ExactIndex):
        n_searches = n_queries = 0

        def neighbors(self, rows, k):
            self.n_searches += 1
            self.n_queries += len(rows)
            return super().neighbors(rows, k)

    vectors, cluster = clustered(400, 12, 10)
    one_by_one, together = CountingIndex(vectors), CountingIndex(vectors)
    plain = label_with(strategy, vectors, cluster == 0, one_by_one, 12, looks_ahead=False)
    assert label_with(strategy, vectors, cluster == 0, together, 12, looks_ahead=True) == plain
    n_picks = BUDGET - 5
    assert one_by_one.n_searches == 1 + n_picks
    assert together.n_searches < n_picks / 2
    assert together.n_queries < 3 * one_by_one.n_queries
