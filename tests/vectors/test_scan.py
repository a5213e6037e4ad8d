"""The full scan: each row has its own value, whatever the dtype, the threads and the rows next to it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seals_sim import (
    AllPool,
    ArgMax,
    ExactIndex,
    LabelTable,
    LinearModel,
    LogisticLearner,
    draw_seeds,
    max_entropy,
    most_likely_positive,
    run,
)
from seals_sim.search.candidates import FixedTable
from seals_sim.search.coded_table import CodedTable
from seals_sim.search.ranking import Ranking
from seals_sim.search.retrieval import ModelSearch, aim_along_weights, aim_at_hyperplane
from seals_sim.search.scores import _SAME_ORDER
from seals_sim.vectors.scan import compute_dots, widen
from tests.conftest import clustered


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_dots_do_not_depend_on_threads_or_neighbors(dtype):
    rng = np.random.default_rng(0)
    vectors, weights = rng.normal(size=(40_000, 24)).astype(dtype), rng.normal(size=24).astype(np.float32)
    whole = compute_dots(vectors, weights, n_threads=1)
    assert np.allclose(whole, vectors.astype(np.float64) @ weights.astype(np.float64), atol=1e-4)
    assert np.array_equal(whole, compute_dots(vectors, weights, n_threads=3))
    some = rng.permutation(len(vectors))[:777]
    assert np.array_equal(whole[some], compute_dots(vectors[some], weights))


def test_float16_is_widened_exactly(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(3000, 7)).astype(np.float16)
    np.save(tmp_path / "x.npy", vectors)
    assert np.array_equal(widen(np.load(tmp_path / "x.npy", mmap_mode="r")), vectors.astype(np.float32))
    narrow = vectors.astype(np.float32)
    assert widen(narrow) is narrow


@given(st.lists(st.floats(-30, 30), min_size=1, max_size=30))
@example([0.0, 4.885263061096136e-11])
@example([0.0, 1e-09])
def test_what_is_ranked_by_has_the_order_of_the_score(values):
    """Whenever two scores differ by more than the rounding that may swap entropies near log 2."""
    t = np.array(values)
    for score, rank_by in _SAME_ORDER.items():
        one, other = score(t)[:, None], score(t)
        is_above = one - other > 4 * np.spacing(np.maximum(np.abs(one), np.abs(other)))
        assert (rank_by(t)[:, None] > rank_by(t))[is_above].all(), score.__name__


def test_a_ranking_with_its_floor_from_a_sample_ranks_exactly(monkeypatch):
    monkeypatch.setattr(Ranking, "_SAMPLE", 50)
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 300, size=2000).astype(float)  # many ties
    table = FixedTable(np.arange(2000), np.zeros((2000, 1), dtype=np.float32), np.arange(0, 2000, 7))
    ranking = Ranking(table, shortlist=16)
    ranking.append(scores)
    order = []
    while (best := ranking.best()) is not None:
        order.append(best)
        table.remove(best)
    live = np.setdiff1d(np.arange(2000), np.arange(0, 2000, 7))
    assert order == live[np.lexsort((live, -scores[live]))].tolist()


def test_the_scan_by_codes_makes_the_picks_of_the_full_scan():
    """Over 15 rounds, and also when fewer rows are left than the shortlist holds."""
    vectors, cluster = clustered(1200, 32, 20, seed=1)
    vectors = vectors.astype(np.float16)
    is_positive = cluster < 2
    seeds = draw_seeds(is_positive, 5, 15, np.random.default_rng(0))

    def picks(selector):
        pool, learner = AllPool(seeds, vectors), LogisticLearner(vectors)
        return list(run(seeds, pool, learner, selector, LabelTable(is_positive), 80))[-1].labeled.rows.tolist()

    scanned = picks(ArgMax(most_likely_positive))
    assert len(scanned) == 1200
    centers, codes = widen(vectors[seeds.rows]), CodedTable(vectors, n_threads=2)
    assert picks(ModelSearch(codes, aim_along_weights, most_likely_positive, centers, 200)) == scanned


@pytest.mark.parametrize("score", [most_likely_positive, max_entropy])
def test_retrieval_by_the_model_makes_the_picks_of_the_full_scan(score):
    """This holds if the searches return the best rows: with exact neighbors, and enough of them."""
    vectors, cluster = clustered(1500, 16, 20, seed=1)
    is_positive = cluster < 2
    seeds = draw_seeds(is_positive, 5, 15, np.random.default_rng(0))

    def picks(selector):
        pool, learner = AllPool(seeds, vectors), LogisticLearner(vectors)
        return list(run(seeds, pool, learner, selector, LabelTable(is_positive), 80, 500))[-1].labeled.rows.tolist()

    aim = aim_along_weights if score is most_likely_positive else aim_at_hyperplane
    searched = picks(ModelSearch(ExactIndex(vectors), aim, score, vectors[seeds.rows], 300))
    assert searched == picks(ArgMax(score))


@given(st.integers(0, 1000))
def test_projections_lie_on_the_hyperplane(seed):
    rng = np.random.default_rng(seed)
    labeled = rng.normal(size=(20, 6)).astype(np.float32)
    labeled /= np.linalg.norm(labeled, axis=1, keepdims=True)
    model = LinearModel(rng.normal(size=6).astype(np.float32), 0.0)  # so lengths do not matter
    projected = aim_at_hyperplane(model, labeled)
    np.testing.assert_allclose(projected @ model.weights, 0, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(projected, axis=1), 1, atol=1e-5)
    moved = labeled - projected * np.vecdot(labeled, projected)[:, None]  # the projection removed only the part along w
    w = model.weights / np.linalg.norm(model.weights)
    np.testing.assert_allclose(moved, np.vecdot(moved, w)[:, None] * w, atol=1e-5)


def test_a_search_that_finds_no_more_is_not_repeated_under_the_same_model():
    vectors, _ = clustered(300, 8, 3)

    class FewFound:
        n_searches = 0

        def __init__(self):
            self.vectors = vectors

        def nearest(self, queries, k):
            self.n_searches += 1
            return [np.arange(min(k, 40))]

    table, index = FixedTable(np.arange(300), vectors, np.arange(3)), FewFound()
    selector = ModelSearch(index, aim_along_weights, most_likely_positive, vectors[:3], n_sought=10)
    model, rows = LinearModel(np.ones(8, dtype=np.float32), 0.0), []
    while (row := selector.select(table, model)) is not None:
        rows.append(row)
        table.remove(row)
    assert sorted(rows) == list(range(3, 40))
    n_searches = index.n_searches
    assert selector.select(table, model) is None
    assert index.n_searches == n_searches
    assert selector.select(table, LinearModel(np.ones(8, dtype=np.float32), 1.0)) is None
    assert index.n_searches > n_searches
