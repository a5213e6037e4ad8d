"""Passive learning and bisection, finite pools, and wrong labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from seals_sim.errors import UserError
from seals_sim.indexes import ExactIndex
from theory.baselines import RandomPoints, Segments, run_bisection, run_passive
from theory.checks import check_all
from theory.clouds import (
    CloudPool,
    NearestToHyperplane,
    draw_cloud,
    draw_cloud_problem,
    list_slow_steps,
    run_algorithm_3_on_cloud,
)
from theory.errors import NotSeparable
from theory.noise import NoisyHalfSpace, SoftHomogeneousMaxMargin, solve_soft_margin
from theory.problems import draw_spread_problem, make_example_1
from theory.runs import run_algorithm_3, run_algorithm_4
from theory.searches import HalfSpace, HomogeneousMaxMargin, LabeledPoints
from theory.separators import solve_fast


def test_passive_error_falls_as_one_over_labels():
    errors, labels = [], []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        trace = run_passive(make_example_1(3, rotation=rng), rng, n_queries=1500)
        late = [state for state in trace.states if state.n_queries >= 60]
        errors += [np.log(state.error) for state in late]
        labels += [np.log(state.n_queries) for state in late]
    assert np.polyfit(labels, errors, 1)[0] == pytest.approx(-1, abs=0.25)


def test_passive_learning_starts_from_random_seeds_too():
    problem = make_example_1(4)
    trace = run_passive(problem, np.random.default_rng(0), n_queries=9)
    assert len(trace.problem.points) == len(problem.points)
    assert not np.isin(trace.problem.points, problem.points).any()
    assert set(trace.problem.labels) == {1, -1}


def test_passive_learning_draws_within_the_ball_of_the_seeds():
    problem = make_example_1(4)
    trace = run_passive(problem, np.random.default_rng(0), n_queries=300)
    points = np.array([query.point for queries in trace.queries for query in queries])
    radii = np.linalg.norm(points, axis=1) / np.linalg.norm(problem.points, axis=1).max()
    assert radii.max() <= 1
    assert np.median(radii) == pytest.approx(0.5 ** (1 / 4), abs=0.05)
    assert trace.states[-1].n_queries == 300
    assert np.isnan(trace.states[-1].certificate)


def test_bisection_halves_exactly():
    trace = run_bisection(make_example_1(3), max_rounds=20)
    rho = np.array([state.max_rho for state in trace.states])
    np.testing.assert_allclose(rho, 2.0 ** (1 - np.arange(21)), rtol=1e-9)
    assert trace.states[20].error <= np.sqrt(2) * trace.states[20].certificate


def test_algorithm_4_needs_no_more_than_bisection():
    problem = draw_spread_problem(6, np.random.default_rng(0))
    assert run_algorithm_4(problem).count_queries_to_error(1e-6) <= 1.2 * run_bisection(problem).count_queries_to_error(
        1e-6
    )


def test_neighbors_of_a_cloud_are_those_within_delta():
    cloud = draw_cloud(2000, 3, np.random.default_rng(0))
    for row in (0, 7, 1999):
        distances = np.linalg.norm(cloud.points - cloud.points[row], axis=1)
        assert sorted(cloud.find_neighbors(row)) == np.flatnonzero(distances <= cloud.delta).tolist()
    inner = [len(cloud.find_neighbors(row)) for row in range(300) if np.linalg.norm(cloud.points[row]) < 0.5]
    assert np.mean(inner) == pytest.approx(64, rel=0.1)


def test_algorithm_3_on_a_cloud_queries_unlabeled_points_of_it():
    rng = np.random.default_rng(1)
    cloud = draw_cloud(5000, 3, rng)
    problem, rows = draw_cloud_problem(cloud, rng)
    trace = run_algorithm_3_on_cloud(cloud, problem, rows, max_rounds=40)
    steps = list_slow_steps(trace)
    row_of = {tuple(point): row for row, point in enumerate(cloud.points)}
    queried = [row_of[tuple(query.point)] for queries in trace.queries for query in queries]
    assert len(set(queried) | set(rows.tolist())) == len(queried) + len(rows)
    for queries in trace.queries:
        for query in queries:
            assert np.linalg.norm(query.point - query.closest.point) <= cloud.delta
            assert query.label == (1 if query.point @ problem.w_star >= 0 else -1)
    rhos = np.array([state.rho for state in trace.states])
    assert (np.diff(rhos, axis=0) <= 1e-9).all()
    assert (rhos[-1] < rhos[0] / 10).all()
    assert steps
    assert all(-1 <= step.component <= 1 + 1e-9 for step in steps)


def test_denser_pools_get_closer():
    ends = []
    for n in (1000, 100_000):
        rng = np.random.default_rng(5)
        cloud = draw_cloud(n, 2, rng)
        problem, rows = draw_cloud_problem(cloud, rng)
        ends.append(run_algorithm_3_on_cloud(cloud, problem, rows, max_rounds=200).states[-1].max_rho)
    assert ends[1] < ends[0] / 2


def test_clouds_too_small_are_refused():
    with pytest.raises(UserError, match="n = 100: must be at least 128"):
        draw_cloud(100, 3, np.random.default_rng(0))


def test_flips_and_bands():
    rng = np.random.default_rng(0)
    oracle = NoisyHalfSpace(np.array([1.0, 0]), rng, flip=0.2)
    wrong = np.mean([oracle.label(np.array([3.0, 0])) == -1 for _ in range(4000)])
    assert wrong == pytest.approx(0.2, abs=0.03)
    oracle = NoisyHalfSpace(np.array([1.0, 0]), rng, band=0.5)
    assert np.mean([oracle.label(np.array([0.3, 0])) for _ in range(4000)]) == pytest.approx(0, abs=0.06)
    assert {oracle.label(np.array([-0.6, 0])) for _ in range(100)} == {-1}
    with pytest.raises(UserError, match=r"flip = 1\.5: must lie in"):
        NoisyHalfSpace(np.array([1.0, 0]), rng, flip=1.5)


def test_the_soft_margin_has_the_hard_one_as_its_limit():
    points = np.abs(np.random.default_rng(0).normal(size=(20, 3))) + 0.1
    np.testing.assert_allclose(solve_soft_margin(points, 1).nearest, solve_fast(points).nearest, atol=1e-5)
    np.testing.assert_allclose(solve_soft_margin(points, 20).nearest, points.mean(axis=0), atol=1e-5)
    for n_shared in (2, 5):
        separation = solve_soft_margin(points, n_shared)
        assert separation.duality_gap <= 1e-5 * separation.distance
        assert separation.weights.max() <= 1 / n_shared + 1e-6


def test_a_soft_margin_where_there_is_no_hard_one():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(60, 3)) + 4 * rng.choice([-1, 1], size=(60, 1)) * np.array([1.0, 0, 0])
    labels = np.where(points[:, 0] > 0, 1, -1).astype(np.int8)
    labels[0] *= -1
    learner = SoftHomogeneousMaxMargin()
    w_hat = learner.fit(LabeledPoints(points, labels)).w_hat
    assert learner.was_soft
    assert (np.sign(points @ w_hat) != labels).sum() == 1
    with pytest.raises(NotSeparable):
        learner.fit(LabeledPoints(np.vstack([points, -points]), np.append(labels, labels)))


def test_noise_within_a_band_leaves_an_error_of_its_width():
    problem = draw_spread_problem(4, np.random.default_rng(1))
    errors = []
    for band in (1e-5, 1e-3):
        oracle = NoisyHalfSpace(problem.w_star, np.random.default_rng(0), band=band)
        errors.append(run_algorithm_3(problem, oracle=oracle, target=1e-9).states[-1].error / band)
    assert 1e-3 < errors[0] < 1
    assert errors[0] / 3 < errors[1] < 3 * errors[0]


def test_wrong_labels_violate_checks():
    """The certificate trusts the labels: with flips it can be far below the error, which a check must not hide."""
    problem = draw_spread_problem(4, np.random.default_rng(1))
    oracle = NoisyHalfSpace(problem.w_star, np.random.default_rng(0), flip=0.2)
    trace = run_algorithm_3(problem, oracle=oracle, target=1e-6, learner=SoftHomogeneousMaxMargin())
    assert any(check.n_violations for check in check_all(trace) if check.name.startswith("step"))


def test_a_query_is_a_row_even_where_two_points_are_the_same():
    """With every point twice in the cloud, the rows of the queries differ, so no search asks for a row again."""
    rng = np.random.default_rng(3)
    cloud = draw_cloud(1000, 2, rng)
    points = np.vstack([cloud.points, cloud.points])
    twice = replace(cloud, points=points, index=ExactIndex(points.astype(np.float32)))
    problem, rows = draw_cloud_problem(cloud, rng)
    pool = CloudPool(problem, rows, twice)
    model = HomogeneousMaxMargin().fit(LabeledPoints(problem.points, problem.labels))
    asked = []
    for _ in range(4):
        pool.begin_round(model)
        row = NearestToHyperplane().select(pool.candidates(0), model)
        asked.append(row)
        pool.expand(0, row, HalfSpace(problem.w_star).label(points[row]))
    assert len(set(asked) | set(rows.tolist())) == len(asked) + len(rows)


def test_a_getter_does_not_advance_a_search():
    """A pool offers the same rows however often it is asked."""
    rng = np.random.default_rng(0)
    cloud = draw_cloud(1000, 2, rng)
    problem, rows = draw_cloud_problem(cloud, rng)
    for pool in (RandomPoints(1, 2, 1.0, rng), Segments(problem), CloudPool(problem, rows, cloud)):
        pool.begin_round(None)
        status = list(pool.status)
        first, second = (pool.candidates(0) for _ in range(2))
        for one, other in [(getattr(first, "points", first), getattr(second, "points", second))]:
            np.testing.assert_array_equal(one, other)
        assert pool.status == status
