"""Scores against their definitions, and argmax structures against plain ones, with hypothesis."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seals_sim.errors import UserError
from seals_sim.search.candidates import FixedTable, GrowingTable
from seals_sim.search.density import FrozenDensity, InformationDensity, RunningSum
from seals_sim.search.learners import LinearModel
from seals_sim.search.ranking import Ranking
from seals_sim.search.scores import least_confidence, margin, max_entropy, most_likely_positive
from seals_sim.search.strategies import ArgMax, KCenters, Random, build_selector
from tests.conftest import clustered

NONE = np.empty(0, dtype=np.int64)  # rows
LOG_ODDS = st.floats(-700, 700, allow_nan=False)


def _enter(table, rows, vectors):
    table.hold(rows, vectors)
    table.join(rows)


@given(st.lists(st.floats(-30, 30), min_size=1, max_size=20))
def test_scores_match_their_definitions(values):
    t = np.array(values)
    p = 1 / (1 + np.exp(-t))
    q = 1 / (1 + np.exp(t))
    np.testing.assert_allclose(max_entropy(t), -(p * np.log(p) + q * np.log(q)), atol=1e-12)
    np.testing.assert_allclose(least_confidence(t), 1 - np.maximum(p, q), atol=1e-12)
    np.testing.assert_allclose(margin(t), -np.abs(p - q), atol=1e-12)
    np.testing.assert_allclose(np.exp(most_likely_positive(t)), p, rtol=1e-12)


@given(LOG_ODDS, LOG_ODDS)
def test_order_survives_where_probabilities_round_to_0_and_1(one, other):
    t = np.array([one, other])
    if abs(abs(one) - abs(other)) > 1e-3 * max(abs(one), abs(other), 1):
        assert np.argmax(max_entropy(t)) == np.argmin(np.abs(t))
        assert np.argmax(most_likely_positive(t)) == np.argmax(t)


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 8))
def test_ranking_matches_plain_arg_max(seed, shortlist):
    """With few distinct scores, ties are everywhere. Rows are held, join and leave between any two picks."""
    rng = np.random.default_rng(seed)
    table = GrowingTable(200, 1, NONE, capacity=2)
    ranking = Ranking(table, shortlist)
    rows = rng.permutation(200)
    values = rng.integers(5, size=200).astype(float)  # by row
    scores: dict[int, float] = {}  # the live ones only
    never: set[int] = set()  # removed before they joined
    for _ in range(30):
        new = rows[len(table) : len(table) + rng.integers(6)]
        table.hold(new, np.zeros((len(new), 1), dtype=np.float32))
        ranking.append(values[new])
        if len(table) and rng.integers(4) == 0:
            row = int(rng.choice(table.rows))
            never |= {row} - set(table.rows[table.joined].tolist())
            table.remove(row)
            scores.pop(row, None)
        known = set(table.rows[table.joined].tolist()) | never
        some = rng.permutation(table.rows)[: rng.integers(9)]
        table.join(some)
        scores.update({row: values[row] for row in some.tolist() if row not in known})
        best = ranking.best()
        assert set(ranking.forecast(200)) >= {row for row, value in scores.items() if value >= ranking._floor}
        if not scores:
            assert best is None
            continue
        expected = min(scores, key=lambda row: (-scores[row], row))
        assert best is not None
        assert table.rows[best] == expected
        for gone in {expected, *rng.choice(list(scores), size=min(2, len(scores)))}:
            table.remove(int(gone))
            scores.pop(int(gone))


def _naive_density(vectors, live, beta):
    similarity = vectors[live].astype(np.float64) @ vectors[live].astype(np.float64).T
    mean = similarity.mean(axis=1)
    return np.sign(mean) * np.abs(mean) ** beta


@pytest.mark.parametrize("beta", [1.0, 2.0, 0.5])
@pytest.mark.parametrize("growing", [False, True])
def test_information_density_matches_the_quadratic_definition(beta, growing):
    vectors, _ = clustered(300, 8, 5)
    rng = np.random.default_rng(0)
    models = [LinearModel(rng.normal(size=8).astype(np.float32), 0.1) for _ in range(3)]
    selector = InformationDensity(beta)
    table = GrowingTable(300, 8, NONE) if growing else FixedTable(np.arange(300), vectors, np.arange(20))
    for pick in range(60):
        if growing:
            new = np.arange(len(table), len(table) + (40 if pick == 0 else 4))
            _enter(table, new, vectors[new])
        model = models[pick // 20]
        row = selector.select(table, model)
        live = table.rows[table.is_live]
        scores = max_entropy(model.decision(vectors[live])) * _naive_density(vectors, live, beta)
        assert row is not None
        assert scores[live.tolist().index(row)] >= scores.max() - 1e-6
        table.remove(row)


@pytest.mark.parametrize("beta", [1.0, 0.0, -1.0])
def test_information_density_of_a_large_pool_scans_once_per_model(beta, monkeypatch):
    """Beyond the shortlist, and over all live rows at a negative exponent, when nothing bounds a score."""
    vectors, _ = clustered(4000, 6, 30)
    model = LinearModel(np.random.default_rng(0).normal(size=6).astype(np.float32), 0.1)
    selector, table = InformationDensity(beta), FixedTable(np.arange(4000), vectors, NONE)
    n_scans = 0
    scan = selector._scan

    def count_scans(*arguments):
        nonlocal n_scans
        n_scans += 1
        return scan(*arguments)

    monkeypatch.setattr(selector, "_scan", count_scans)
    for _ in range(40):
        live = np.flatnonzero(table.is_live)
        mean = vectors[live].astype(np.float64).mean(axis=0)
        density = np.sign(vectors @ mean) * np.abs(vectors @ mean) ** beta
        scores = (max_entropy(model.decision(vectors)) * density)[live]
        row = selector.select(table, model)
        assert scores[live.tolist().index(row)] >= scores.max() - 1e-5 * abs(scores.max())
        table.remove(row)
    assert n_scans <= (2 if beta >= 0 else 40)


def test_information_density_of_two_rounds_by_hand():
    """Unit vectors at 0, 60 and 180 degrees, scored alike by the model: mean similarities .167, .333, -.167."""
    vectors = np.array([[1, 0], [0.5, np.sqrt(0.75)], [-1, 0]], dtype=np.float32)
    table = FixedTable(np.arange(3), vectors, np.array([], dtype=np.int64))
    model = LinearModel(np.zeros(2, dtype=np.float32), 0.0)
    selector = InformationDensity()
    assert selector.select(table, model) == 1
    table.remove(1)
    assert selector.select(table, model) == 0  # both 0 now: the lower row
    table.remove(0)
    assert selector.select(table, model) == 2
    table.remove(2)
    assert selector.select(table, model) is None


def test_frozen_density_is_that_of_the_pool_on_entry():
    vectors, _ = clustered(100, 6, 4)
    table = GrowingTable(200, 6, NONE)
    density = FrozenDensity(1.0)
    _enter(table, np.arange(30), vectors[:30])
    first = density.weigh(table, 0)
    np.testing.assert_allclose(first, _naive_density(vectors, np.arange(30), 1.0), atol=1e-6)
    table.remove(3)
    _enter(table, np.arange(30, 50), vectors[30:50])
    live = np.setdiff1d(np.arange(50), [3])
    np.testing.assert_allclose(density.weigh(table, 30), _naive_density(vectors, live, 1.0)[-20:], atol=1e-6)
    np.testing.assert_array_equal(density.weigh(table, 0)[:30], first)


def test_density_is_refused_while_rows_wait_to_join():
    table = GrowingTable(9, 1, NONE)
    table.hold(np.array([3]), np.ones((1, 1), dtype=np.float32))
    for selector in (ArgMax(max_entropy, FrozenDensity(1.0)), InformationDensity()):
        with pytest.raises(ValueError, match="as soon as they are held"):
            selector.select(table, LinearModel(np.ones(1, dtype=np.float32), 0.0))


@given(st.integers(0, 2**32 - 1))
def test_running_sum_does_not_depend_on_the_order(seed):
    rng = np.random.default_rng(seed)
    vectors, _ = clustered(60, 5, 3)
    table, total = GrowingTable(60, 5, NONE), RunningSum()
    order = rng.permutation(60)
    for part in np.array_split(order, 7):
        _enter(table, part, vectors[part])
        for row in rng.choice(order[: len(table)], 3):
            table.remove(int(row))
        summed = total.catch_up(table)
    again = GrowingTable(60, 5, NONE)
    rest = np.sort(table.rows[table.is_live])
    _enter(again, rest, vectors[rest])
    np.testing.assert_array_equal(summed, RunningSum().catch_up(again))
    np.testing.assert_allclose(summed, vectors[rest].astype(np.float64).sum(axis=0), atol=1e-7)


def test_k_centers_is_the_farthest_first_traversal():
    vectors, _ = clustered(200, 6, 5)
    centers = [0, 1, 2]
    table = GrowingTable(200, 6, NONE)
    selector = KCenters(vectors[centers])
    model = LinearModel(np.zeros(6, dtype=np.float32), 0.0)
    for pick in range(30):
        new = np.arange(3 + 5 * pick, 3 + 5 * (pick + 1))
        _enter(table, new, vectors[new])
        live = table.rows[table.is_live]
        distance = np.linalg.norm(vectors[live][:, None].astype(np.float64) - vectors[centers][None], axis=2).min(
            axis=1
        )
        row = selector.select(table, model)
        assert row is not None
        assert distance[live.tolist().index(row)] >= distance.max() - 1e-5
        centers.append(row)
        table.remove(row)


@pytest.mark.parametrize("n_rows", [50, 10**10])
def test_random_is_uniform_over_the_live_candidates(n_rows):
    table = FixedTable(np.arange(0, 50, 5), np.zeros((10, 1), dtype=np.float32), np.array([10]))
    selector = Random(np.random.default_rng(0), n_rows)
    model = LinearModel(np.zeros(1, dtype=np.float32), 0.0)
    counts = np.bincount([selector.select(table, model) for _ in range(9000)], minlength=50)[::5]
    assert counts[2] == 0
    expected = 1000
    chi_square = ((np.delete(counts, 2) - expected) ** 2 / expected).sum()
    assert chi_square < 26.1  # 8 degrees of freedom, p = .001
    for row in table.rows:
        table.remove(int(row))
    assert selector.select(table, model) is None


def test_equal_rows_tie_at_any_position():
    """A row's score does not depend on the rows next to it, to the last bit."""
    vectors, _ = clustered(500, 37, 5)
    model = LinearModel(np.random.default_rng(0).normal(size=37).astype(np.float32), 0.3)
    everything = model.decision(vectors)
    rows = np.random.default_rng(1).permutation(500)[:123]
    np.testing.assert_array_equal(model.decision(vectors[rows]), everything[rows])
    np.testing.assert_array_equal(everything[-50:], everything[:50])


class _CountingModel:
    def __init__(self):
        self.n_scored = 0

    def decision(self, vectors):
        self.n_scored += len(vectors)
        return vectors[:, 0].astype(np.float64)


def test_a_pick_scores_only_new_rows():
    vectors, _ = clustered(300, 4, 5)
    table = GrowingTable(300, 4, NONE)
    model = _CountingModel()
    for selector in (ArgMax(max_entropy), InformationDensity()):
        table, model = GrowingTable(300, 4, NONE), _CountingModel()
        for start in range(0, 300, 10):
            _enter(table, np.arange(start, start + 10), vectors[start : start + 10])
            row = selector.select(table, model)
            table.remove(row)
        assert model.n_scored == 300


def test_unknown_strategy_is_named():
    with pytest.raises(UserError, match="strategies = 'bald': unknown strategy; choose from maxent"):
        build_selector("bald", beta=1, rng=np.random.default_rng(0), n_rows=1, centers=np.zeros((0, 1)))
