"""Recompute numbers that appear in theory/README.md and the report."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import beta

from theory.bounds import (
    bound_slow_fall,
    choose_eta,
    compute_scale_free_bound_2,
    compute_sharpened_bound_2,
    compute_stated_bound_2,
)
from theory.checks import check_lemma_2
from theory.clouds import (
    compute_component_of_chance,
    draw_cloud,
    draw_cloud_problem,
    list_slow_steps,
    run_algorithm_3_on_cloud,
)
from theory.honeycomb import make_honeycomb
from theory.noise import MajorityOracle, NoisyHalfSpace, SoftHomogeneousMaxMargin, compute_majority_flip
from theory.problems import draw_random_problem, draw_spread_problem, make_example_1
from theory.runs import follow, run_algorithm_3, run_algorithm_4
from theory.searches import BallPool, ClosestToHyperplane, HomogeneousMaxMargin
from theory.sigma import enclose_sigma_2, enclose_sigma_eta


@pytest.mark.parametrize("seed", range(6))
def test_w_hat_is_on_the_side_of_w_star_by_its_definition(seed):
    """(7): w_hat is proportional to sum lambda_j y_j x_j with lambda >= 0, and w_star . y_j x_j >= 0 for each j."""
    problem = draw_random_problem(2 + seed, np.random.default_rng(seed), gamma_over_delta=4)
    trace = run_algorithm_3(problem, max_rounds=30)
    assert all(state.w_hat @ problem.w_star >= 0 for state in trace.states)
    assert all(query.label * (query.point @ problem.w_star) >= 0 for queries in trace.queries for query in queries)


def test_lemma_2_is_checked_against_a_separator_of_its_own():
    """A run that uses wrong distances, and steps accordingly, violates the check."""
    trace = run_algorithm_3(draw_spread_problem(4, np.random.default_rng(0), gamma_over_delta=6))
    ratios = list(check_lemma_2(trace))
    assert len(ratios) > 60
    assert max(ratios) < 1 + 1e-6
    wrong = []
    for queries in trace.queries:
        wrong.append([])
        for query in queries:
            separation = replace(query.closest.separation, distance=query.closest.rho * 0.9)
            closest = replace(query.closest, separation=separation)
            step = min(trace.delta, closest.rho / 2) * separation.normal
            wrong[-1].append(replace(query, closest=closest, point=closest.point + step))
    assert max(check_lemma_2(replace(trace, queries=wrong))) > 1.1


def test_c_of_the_pool_is_that_of_64_neighbors_by_chance():
    """Median of the largest component of 64 uniform points in a d-dimensional ball: .934 .873 .832 .782 .746."""
    by_chance = [compute_component_of_chance(dim, 64) for dim in (2, 3, 4, 5, 6)]
    rng = np.random.default_rng(0)
    for dim, value in zip((2, 3, 4, 5, 6), by_chance, strict=True):
        points = rng.normal(size=(2000, 64, dim))
        points *= rng.random((2000, 64, 1)) ** (1 / dim) / np.linalg.norm(points, axis=2, keepdims=True)
        assert np.median(points[:, :, 0].max(axis=1)) == pytest.approx(value, abs=0.01)
    assert by_chance == pytest.approx([0.934, 0.873, 0.832, 0.782, 0.746], abs=0.01)
    assert 2 * beta.ppf(0.5 ** (1 / 64), 1.5, 1.5) - 1 == by_chance[0]


class _LongEdge(ClosestToHyperplane):
    """Line 7 when one point has a neighbor beyond its delta-ball as well."""

    def __init__(self, point, far):
        self._point, self._far = point, far

    def select(self, candidates, model):
        query, closest = super().select(candidates, model), candidates.closest
        if closest is None or not np.array_equal(closest.point, self._point):
            return query
        offsets = np.array([query, self._far]) - closest.point
        heights = np.abs(offsets @ closest.separation.normal - closest.rho / 2)
        return self._far if heights[1] < heights[0] else query


def test_slip_an_edge_longer_than_delta_makes_theorem_2_false():
    """d = 2, delta = .5: the far point lies on the separator, is positive, and brings the hulls no closer.

    So x_bar stays and asks for the same point in each round. Without the edge, or with delta as long, all is well.
    """
    problem = make_example_1(2)
    far = np.array([0.0, 7.77])
    assert np.linalg.norm(far - problem.points[0]) == pytest.approx(2.033, abs=1e-3)
    pool = BallPool(problem, problem.delta)
    selector = _LongEdge(problem.points[0], far)
    trace = follow(problem, "3", problem.delta, pool, selector, HomogeneousMaxMargin(), max_rounds=300)
    assert len(trace.queries) == 300
    assert all(np.array_equal(query.point, far) for queries in trace.queries for query in queries)
    assert trace.states[-1].error == pytest.approx(0.0725, abs=1e-4)
    sigma = enclose_sigma_2(problem, 0.05)
    assert sigma.lower > 3
    assert compute_stated_bound_2(2, 2.0, 0.5, sigma.lower, 0.05) < 30
    assert run_algorithm_3(problem).count_queries_to_error(0.05) <= 30


@pytest.mark.parametrize("seed", range(4))
def test_the_scale_free_bound_holds_and_does_not_change_with_the_units(seed):
    dim = 2 + seed
    problem = draw_spread_problem(dim, np.random.default_rng(seed), gamma_over_delta=8)
    values, stated = [], []
    for unit in (1.0, 1000.0):
        scaled = replace(problem, points=problem.points * unit, delta=problem.delta * unit)
        gamma, eta = float(scaled.compute_gamma().max()), 0.01 * scaled.delta
        sigma = enclose_sigma_eta(scaled, eta)
        assert sigma.lower > 0
        trace = run_algorithm_3(scaled)
        of_unit = []
        for epsilon in (1.0, 1e-2, 1e-6, 1e-9):
            bound = compute_scale_free_bound_2(dim - 1, gamma, scaled.delta, sigma.upper, epsilon, eta)
            assert trace.count_queries_to_error(epsilon) <= bound
            of_unit.append(bound)
        values.append(of_unit)
        stated.append(compute_stated_bound_2(dim, gamma, scaled.delta, enclose_sigma_2(scaled, 1e-6).upper, 1e-6))
    assert values[0] == pytest.approx(values[1], rel=1e-3)
    assert stated[1] > stated[0] + 10


def test_example_1_measured_in_units_of_a_thousandth():
    """d = 10, gamma / delta = 20, epsilon = 1e-6: 225 queries both times; the sharpened bound goes from 359 to 449."""
    problem = make_example_1(10, gamma_over_delta=20)
    scaled = replace(problem, points=problem.points * 1000, delta=problem.delta * 1000)
    bounds, needed = [], []
    for one in (problem, scaled):
        sigma = enclose_sigma_2(one, 1e-6).lower
        bounds.append(compute_sharpened_bound_2(10, float(one.compute_gamma().max()), one.delta, sigma, 1e-6))
        needed.append(run_algorithm_3(one, certified=1e-7).count_queries_to_error(1e-6))
    assert needed == [225, 225]
    assert bounds == pytest.approx([359.4, 449.1], abs=0.1)


@pytest.mark.parametrize("dim", [2, 5, 30])
def test_rounds_a_bit_that_the_bounds_allow(dim):
    """As stated, with log2, 2 d / (d - 1) rounds of d - 1 queries; sharpened, 1."""
    one, half = ((dim, 10.0, 0.5, 0.7, epsilon) for epsilon in (1e-3, 5e-4))
    for bound, rounds in ((compute_stated_bound_2, 2 * dim / (dim - 1)), (compute_sharpened_bound_2, 1.0)):
        assert (bound(*half) - bound(*one)) / (dim - 1) == pytest.approx(rounds)


def test_all_runs_of_algorithm_4_on_example_1_are_one_sequence():
    """rho halves exactly, whatever d and gamma / delta are. An interval over these runs would be over one problem."""
    traces = [
        run_algorithm_4(make_example_1(dim, gamma_over_delta=ratio), max_rounds=20)
        for dim, ratio in ((2, 20.0), (5, 20.0), (10, 2.0), (10, 100.0))
    ]
    for trace in traces:
        halves = trace.states[0].max_rho / 2.0 ** np.arange(21)
        np.testing.assert_allclose([state.max_rho for state in trace.states], halves, rtol=1e-9)


def test_searches_often_meet_where_the_seeds_are_far():
    """Algorithm 3 on random seeds, d = 3: of 20 runs, 4 to 12 collapse at gamma / delta = 20, and at most 2 at 3."""
    n_collapsed = []
    for ratio in (20.0, 3.0):
        problems = [draw_random_problem(3, np.random.default_rng(seed), gamma_over_delta=ratio) for seed in range(20)]
        statuses = [run_algorithm_3(problem, target=1e-9 * np.abs(problem.points).max()).status for problem in problems]
        n_collapsed.append(statuses.count("collapsed"))
    assert 4 <= n_collapsed[0] <= 12, n_collapsed
    assert n_collapsed[1] <= 2, n_collapsed


@pytest.mark.parametrize(
    ("ratio", "opposite", "expected"), [(4.0, 1.0, (0.87, 0.91, 0.93)), (20.0, 1.0, (0.70, 0.75, 0.79)),
                                        (20.0, 0.05, (0.91, 0.93, 0.94))]
)  # fmt: skip
@pytest.mark.parametrize("dim", [2, 10])
def test_how_tight_the_scale_free_bound_is(ratio, opposite, expected, dim):
    """Needed / bound on Example 1 at epsilon = 1e-6, 1e-9, 1e-12: the slow phase ends where the boundary is."""
    problem, n = make_example_1(dim, gamma_over_delta=ratio, opposite=opposite), dim - 1
    trace, gamma = run_algorithm_3(problem, certified=1e-12), float(problem.compute_gamma().max())
    thin = enclose_sigma_eta(problem, 0.0).upper
    for epsilon, tightness in zip((1e-6, 1e-9, 1e-12), expected, strict=True):
        eta = choose_eta(n, thin, epsilon)
        sigma = enclose_sigma_eta(problem, eta).upper
        bound = compute_scale_free_bound_2(n, gamma, problem.delta, sigma, epsilon, eta)
        assert trace.count_queries_to_error(epsilon) / bound == pytest.approx(tightness, abs=0.01)


def test_the_conjecture_fails_on_a_honeycomb():
    """c = .174: three queries, none nearer, no more neighbors; rho stays 2.5 delta. Conjectured: .035 by 46."""
    cloud, problem, rows = make_honeycomb()
    offsets = cloud.points[cloud.find_neighbors(int(rows[0]))] - problem.points[0]
    angles = np.linspace(0, 2 * np.pi, 100_001)
    components = np.column_stack([np.cos(angles), np.sin(angles)]) @ offsets.T
    assert components.max(axis=1).min() == pytest.approx(0.174, abs=1e-6)
    trace = run_algorithm_3_on_cloud(cloud, problem, rows)
    assert (trace.status, trace.states[-1].n_queries) == ("dry", 3)
    assert [state.max_rho for state in trace.states] == pytest.approx([2.5] * 4)
    assert trace.states[-1].error == pytest.approx(0.04695, abs=1e-4)
    assert enclose_sigma_2(problem, 0.035).lower > 1
    assert compute_stated_bound_2(2, 2.5, 0.174, 1.0, 0.035) == pytest.approx(46, abs=0.1)
    assert bound_slow_fall(0.174, 1.0) < 0


@pytest.mark.parametrize(("dim", "share"), [(2, 0.83), (3, 0.30), (4, 0.47)])
def test_slow_steps_obey_the_lemma_and_not_the_conjecture(dim, share):
    """A step with component c delta lowers rho by (2 - sqrt(5 - 4c)) delta or more, but often by less than c delta."""
    steps = []
    for seed in range(10):
        rng = np.random.default_rng([dim, seed])
        cloud = draw_cloud(4000, dim, rng)
        problem, rows = draw_cloud_problem(cloud, rng)
        steps += list_slow_steps(run_algorithm_3_on_cloud(cloud, problem, rows, max_rounds=20))
    assert len(steps) > 8
    assert all(step.fall >= bound_slow_fall(step.component, 1.0) - 1e-6 for step in steps)
    n_below = sum(step.fall < step.component * (1 - 1e-6) for step in steps)
    assert n_below / len(steps) == pytest.approx(share, abs=0.1), (n_below, len(steps))


@pytest.mark.parametrize(
    ("recall", "k", "least", "most"),
    [(1.0, 0, 0, 0), (1.0, 64, 0, 1), (0.5, 0, 0, 0), (0.1, 0, 1, 4), (0.05, 0, 5, 8)],
)
def test_approximate_neighbors_and_the_slow_phase(recall, k, least, most):
    """Of 8 runs in 3 dimensions, how many never leave the slow phase (rho < 2 delta for all searches)."""
    n_stuck = 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        cloud = draw_cloud(4000, 3, rng)
        problem, rows = draw_cloud_problem(cloud, rng)
        trace = run_algorithm_3_on_cloud(replace(cloud, recall=recall, k=k), problem, rows, max_rounds=40)
        n_stuck += trace.states[-1].max_rho >= 2 * cloud.delta
    assert least <= n_stuck <= most, n_stuck


@pytest.mark.parametrize(("flip", "n_times", "share"), [(0.1, 1, 0.0), (0.1, 3, 0.15), (0.1, 9, 1.0), (0.03, 1, 0.25)])
def test_majorities_repair_wrong_labels(flip, n_times, share):
    """The share of 20 runs that reach 1e-6, at least about (1 - P_maj)^queries; .03 for p = .03 and m = 1."""
    n_reached, n_queries = 0, 0
    for seed in range(20):
        problem = draw_spread_problem(5, np.random.default_rng(seed))
        noisy = NoisyHalfSpace(problem.w_star, np.random.default_rng([seed, n_times]), flip=flip)
        oracle, learner = MajorityOracle(noisy, n_times), SoftHomogeneousMaxMargin()
        target = 1e-9 * float(np.abs(problem.points).max())
        end = run_algorithm_3(problem, oracle=oracle, learner=learner, target=target, max_rounds=80).states[-1]
        n_reached, n_queries = n_reached + (end.error <= 1e-6), max(n_queries, end.n_queries)
    expected = (1 - compute_majority_flip(flip, n_times)) ** n_queries
    assert n_reached / 20 == pytest.approx(share, abs=0.2)
    assert n_reached / 20 >= expected - 0.25
