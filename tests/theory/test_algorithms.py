"""Algorithms 3 and 4 against numbers worked out by hand, Lemma 1, and separators against each other."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seals_sim.errors import UserError
from theory.checks import CHECKS, check_all
from theory.errors import NotSeparable
from theory.problems import Problem, draw_random_problem, make_example_1
from theory.runs import run_algorithm_3, run_algorithm_4
from theory.separators import certify, solve_fast, solve_reference
from theory.sigma import enclose_sigma_2


def _rhos(trace):
    return np.array([state.rho for state in trace.states])


def _errors(trace):
    return np.array([state.error for state in trace.states])


def _queries(trace):
    return np.array([query.point for queries in trace.queries for query in queries])


@pytest.mark.parametrize(
    ("delta", "first_rhos", "rounds"),
    [(0.5, [2, 1.5, 1, 0.5, 0.25, 0.125], [6, 9, 19, 29, 39]), (np.inf, [2, 1, 0.5, 0.25, 0.125], [5, 8, 18, 28, 38])],
)
def test_example_1_by_hand(delta, first_rhos, rounds):
    """d = 4, M = 6 sqrt 3: Algorithm 3 (delta = 1/2) and Algorithm 4 (delta = infinity).

    The example is not rotated: a query then lies exactly on the boundary, and its label does not depend on rounding.
    """
    trace = run_algorithm_3(make_example_1(4), delta=delta)
    rhos, errors = _rhos(trace), _errors(trace)
    np.testing.assert_allclose(rhos[: len(first_rhos)], np.outer(first_rhos, np.ones(3)), rtol=1e-12)
    assert [trace.count_queries_to_error(epsilon) / 3 for epsilon in (1e-2, 1e-3, 1e-6, 1e-9, 1e-12)] == rounds
    expected = 2 * np.sin(np.arctan(rhos[2:30, 0] / 12) / 2)
    np.testing.assert_allclose(errors[2:30], expected, rtol=1e-6)
    assert trace.status == "floor"
    assert errors[0] < 1e-15  # by symmetry, which is not 'reached for good'


@pytest.mark.parametrize(
    ("delta", "brackets"),
    [(0.5, [(1, 2), (0.5, 2), (0, 2), (0, 0.5), (0, 0.25), (0, 0.125)]),
     (np.inf, [(1, 2), (1, 0.5), (0.25, 0.5), (0.25, 0.125), (0.0625, 0.125)])],
)  # fmt: skip
def test_an_uneven_example_by_hand(delta, brackets):
    """Example 1 with opposite points at -2 e_1 + M e_{i+1}: gamma = 3, M = 6 sqrt(d-1).

    All searches keep the same bracket from height a down to -c over their foot. Algorithm 3 steps 1, .5, 0 (positive,
    as 0 is), -.5; Algorithm 4 halves [-2, 1] to [-.5, 1], [-.5, .25], ... rho = a + c. By symmetry w_hat leans by an
    angle of tangent (c - a) / 12, from the support vectors at heights a and -c.
    """
    problem = make_example_1(4, delta=0.5, gamma_over_delta=6, opposite=2, margin_scale=6 * np.sqrt(3))
    trace = run_algorithm_3(problem, delta=delta)
    heights, depths = np.array(brackets, dtype=float).T
    np.testing.assert_allclose(_rhos(trace)[: len(brackets), 0], heights + depths, rtol=1e-12)
    leaning = 2 * np.sin(np.arctan(np.abs(depths - heights) / 12) / 2)
    np.testing.assert_allclose(_errors(trace)[: len(brackets)], leaning, rtol=1e-9)


@pytest.mark.parametrize("algorithm", [run_algorithm_3, run_algorithm_4])
def test_searches_that_meet_by_hand(algorithm):
    """d = 3, seeds (+-1, M, 0), w_star = (1, 0, 1) / sqrt 2: each is the other's nearest; both query the same points.

    Everything stays in the plane of e_1 and e_2, so w_hat cannot learn the third coordinate: its error tends to
    |e_1 - w_star| = sqrt(2 - sqrt 2), although rho goes to 0. After r >= 1 rounds the bracket is [-rho, 0].
    """
    foot = 6.0
    points, labels = np.array([[1.0, foot, 0], [-1, foot, 0]]), np.array([1, -1], dtype=np.int8)
    problem = Problem("meet", np.array([1.0, 0, 1]) / np.sqrt(2), points, labels, (0, 1), delta=1.0)
    trace = algorithm(problem)
    assert trace.status == "collapsed"
    rhos, errors = _rhos(trace), _errors(trace)
    np.testing.assert_allclose(rhos[:6], np.outer([2, 1, 0.5, 0.25, 0.125, 0.0625], [1, 1]), rtol=1e-12)
    leaning = np.arctan(rhos[1:20, 0] / (2 * foot))
    np.testing.assert_allclose(errors[1:20], np.sqrt(2 - np.sqrt(2) * np.cos(leaning)), rtol=1e-9)
    assert not trace.states[20].certificate < 1
    sigma = enclose_sigma_2(problem, 0.1)
    assert sigma.lower == 0
    assert sigma.upper < 1e-6


@pytest.mark.parametrize("dim", [2, 10, 30])
def test_errors_of_1e_12_on_rotated_problems(dim):
    trace = run_algorithm_3(make_example_1(dim, gamma_over_delta=20, rotation=np.random.default_rng(dim)))
    assert _errors(trace)[-1] <= 1e-12
    assert all(check.n_violations == 0 for check in check_all(trace))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("delta", [0.5, np.inf])
def test_same_queries_as_the_algorithms_written_out(delta, seed):
    """Lines 6 to 9 of Algorithms 3 and 4 (delta = infinity), solving every separator again."""
    problem = draw_random_problem(4, np.random.default_rng(seed))
    points, labels = list(problem.points), problem.labels.tolist()
    clusters = [[(points[row], labels[row])] for row in problem.searches]
    queries = []
    for _ in range(10):
        opposite = {y: np.array([x for x, label in zip(points, labels, strict=True) if label == -y]) for y in (1, -1)}
        for cluster in clusters:
            separators = [solve_fast(opposite[label] - point) for point, label in cluster]
            rho = min(separator.distance for separator in separators)
            place = next(i for i, separator in enumerate(separators) if separator.distance <= rho * (1 + 1e-7))
            query = cluster[place][0] + min(delta, rho / 2) * separators[place].nearest / rho
            label = 1 if query @ problem.w_star >= 0 else -1
            cluster.append((query, label))
            queries.append(query)
            points.append(query)
            labels.append(label)
    trace = run_algorithm_4(problem, max_rounds=10) if delta == np.inf else run_algorithm_3(problem, max_rounds=10)
    np.testing.assert_allclose(_queries(trace), queries, atol=1e-8)


def _problems(seeds):
    for seed in seeds:
        rng = np.random.default_rng(seed)
        dim = int(rng.integers(2, 9))
        domain = ("ball", "box", "space")[seed % 3]
        yield draw_random_problem(dim, rng, gamma_over_delta=float(rng.choice([1, 3, 20])), domain=domain)


def _hold_all_lemmas(problems):
    """Check every lemma and step in every round. Return the worst ratio of each, and how the runs ended."""
    worst, ends = {}, Counter()
    for problem in problems:
        for algorithm in (run_algorithm_3, run_algorithm_4):
            trace = algorithm(problem)
            ratio = round(float(problem.compute_gamma().max() / problem.delta))
            ends[trace.algorithm, ratio, trace.status] += 1
            for check in check_all(trace):
                assert check.n_violations == 0, (problem, check)
                worst[check.name] = max(worst.get(check.name, 0), check.worst)
    assert set(worst) == set(CHECKS)
    return worst, ends


def test_lemmas_on_random_problems():
    worst, _ = _hold_all_lemmas(_problems(range(30)))
    assert 1 <= worst["Lemma 1"] < 1 + 1e-6
    assert worst["step 2, sharpened"] <= 1 + 1e-9


@pytest.mark.slow
def test_lemmas_on_a_thousand_random_problems(capsys):
    worst, ends = _hold_all_lemmas(_problems(range(1000)))
    with capsys.disabled():
        print(f"\nworst ratios: {worst}\nends: {dict(ends)}")
    assert {status for *_, status in ends} <= {"floor", "collapsed"}


def test_checks_detect_wrong_runs():
    """The checks notice a run whose rho falls too slowly, misplaced queries, and a certificate that is too good."""
    trace = run_algorithm_3(draw_random_problem(4, np.random.default_rng(1)))
    states = [replace(state, rho=trace.states[0].rho * 0.98**state.number) for state in trace.states]
    assert {c.name for c in check_all(replace(trace, states=states)) if c.n_violations} >= {"Lemma 1", "step 1"}
    moved = [[replace(query, point=query.point * 1.01) for query in queries] for queries in trace.queries]
    assert {c.name for c in check_all(replace(trace, queries=moved)) if c.n_violations} >= {"Lemma 2", "separators"}
    too_good = [replace(state, certificate=state.certificate / 1e3) for state in trace.states]
    assert {c.name for c in check_all(replace(trace, states=too_good)) if c.n_violations} == {"step 4, certificate"}


@pytest.mark.parametrize("dim", [3, 6])
def test_pruning_changes_no_query(dim):
    problem = draw_random_problem(dim, np.random.default_rng(dim), gamma_over_delta=10)
    pruned = run_algorithm_3(problem, max_rounds=30)
    plain = run_algorithm_3(problem, max_rounds=30, pruning=False)
    np.testing.assert_allclose(_queries(pruned), _queries(plain), atol=1e-8)
    assert pruned.states[-1].n_solves < plain.states[-1].n_solves / 4


def test_naive_solves_are_counted():
    """(d - 1) R (R + 1) / 2 separators in R rounds: cluster i has r points in round r."""
    trace = run_algorithm_3(make_example_1(4), max_rounds=9, pruning=False)
    assert trace.states[9].n_solves == 3 * 10 * 11 / 2


def test_cvxpy_makes_the_same_queries():
    for problem in (draw_random_problem(4, np.random.default_rng(5), gamma_over_delta=6), make_example_1(10)):
        scale = np.abs(problem.points).max()
        by_fast = run_algorithm_3(problem, max_rounds=12)
        by_cvxpy = run_algorithm_3(problem, max_rounds=12, solver=solve_reference)
        np.testing.assert_allclose(_queries(by_fast), _queries(by_cvxpy), atol=1e-6 * scale)


def test_more_searches_and_more_seeds():
    problem = draw_random_problem(3, np.random.default_rng(2), n_seeds=9, n_searches=4)
    trace = run_algorithm_3(problem)
    assert trace.states[0].z.shape == (4, 3)
    assert trace.states[-1].error < 1e-9
    assert all(check.n_violations == 0 for check in check_all(trace))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 8), st.integers(1, 40))
def test_fast_and_cvxpy_separators_agree(seed, dim, n):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, dim))
    points[:, 0] = np.abs(points[:, 0]) + rng.choice([0.01, 1.0])
    one, other = solve_fast(points), solve_reference(points)
    np.testing.assert_allclose(one.nearest, other.nearest, atol=1e-6)
    for separation in (one, other):
        assert separation.distance == pytest.approx(float(np.linalg.norm(separation.weights @ points)))
        assert separation.kkt_residual <= 1e-5 * separation.distance
    assert one.kkt_residual <= 1e-9 * one.distance


def test_a_separator_by_hand():
    """From the origin to the segment from (1, 0) to (0, 1): the midpoint, at distance 1 / sqrt 2."""
    for solver in (solve_fast, solve_reference):
        separation = solver(np.eye(2))
        np.testing.assert_allclose(separation.nearest, [0.5, 0.5], atol=1e-7)
        np.testing.assert_allclose(separation.weights, [0.5, 0.5], atol=1e-6)


def test_certificate_detects_a_wrong_normal():
    wrong = certify(np.eye(2), np.array([1.0, 0.0]), np.array([1.0, 0.0]))
    assert wrong.duality_gap == 1
    assert wrong.kkt_residual == 1


@pytest.mark.parametrize("solver", [solve_fast, solve_reference])
def test_hulls_that_meet_are_refused(solver):
    with pytest.raises(NotSeparable):
        solver(np.array([[1.0, 1.0], [-1.0, 1.0], [0.0, -1.0]]))
    with pytest.raises(NotSeparable):
        solver(np.array([[1.0, 1.0], [0.0, 0.0]]))


def test_outdated_hints_do_not_hide_inseparability():
    """A hint from before a wrong label must not hide that a separator no longer exists."""
    points = np.array([[1.0, 1.0], [-1.0, 1.0]])
    hint = (np.array([0.0, 1.0]), 1.0)
    assert solve_fast(points, (hint,)).distance == pytest.approx(1)
    for solver in (solve_fast, solve_reference):
        with pytest.raises(NotSeparable):
            solver(np.vstack([points, [[0.0, -1.0]]]), (hint,))


def test_nearly_equal_points_do_not_stall_the_solver():
    rng = np.random.default_rng(0)
    points = np.abs(rng.normal(size=(20, 4)))
    twins = np.vstack([points, points * (1 + 1e-16 * rng.normal(size=points.shape)), points])
    np.testing.assert_allclose(solve_fast(twins).nearest, solve_fast(points).nearest, atol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"w_star": np.array([2.0, 0])}, "w_star: must have length 1, not 2.0"),
        ({"delta": 0.0}, "delta = 0.0: must be above 0"),
        ({"searches": ()}, "searches: 2 dimensions need at least 1, not 0"),
        ({"points": np.array([[1.0, 1], [0, 1]])}, "seed 1 .* is on the decision boundary"),
        ({"points": np.array([[1.0, 1], [2, 1]]), "labels": np.array([1, 1])}, "all seeds have one class"),
        ({"labels": np.array([-1, 1])}, "labels: do not match w_star"),
        ({"points": np.array([[1.0], [-1]]), "w_star": np.array([1.0])}, "dim = 1: must be at least 2"),
    ],
)
def test_bad_problems_are_refused(change, message):
    good = {
        "name": "x", "w_star": np.array([1.0, 0]), "points": np.array([[1.0, 1], [-1, 1]]),
        "labels": np.array([1, -1], dtype=np.int8), "searches": (0,), "delta": 0.5,
    }  # fmt: skip
    assert Problem(**good).compute_gamma().tolist() == [2.0]
    with pytest.raises(UserError, match=message):
        Problem(**{**good, **change})
