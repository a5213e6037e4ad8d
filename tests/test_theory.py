"""Algorithms 3 and 4 against numbers worked out by hand, Lemma 1, and separators against one another."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seals_sim.errors import UserError
from seals_sim.loop import run
from theory.errors import NotSeparable
from theory.problems import Problem, example1, random_problem
from theory.searches import BallPool, ClosestToHyperplane, HalfSpace, HomogeneousMaxMargin, LabeledPoints
from theory.separators import certify, fast, reference


def _run(problem, delta, n_rounds=60, **options):
    """rho of every search, the error of w_hat, and the labelled points, after each round."""
    pool = BallPool(problem, delta, **options)
    seeds = LabeledPoints(problem.points, problem.labels)
    parts = (HomogeneousMaxMargin(), ClosestToHyperplane(), HalfSpace(problem.w_star))
    rhos, errors = [], []
    for state in run(seeds, pool, *parts, batch_size=len(problem.searches)):
        pool.begin_round()
        rhos.append(pool.rho.copy())
        errors.append(float(np.linalg.norm(state.model.w_hat - problem.w_star)))
        if state.number == n_rounds:
            break
    return np.array(rhos), np.array(errors), state.labeled, pool


def _rounds_to(errors, epsilon):
    """The round from which the error stays at or below epsilon for good."""
    above = np.flatnonzero(errors > epsilon)
    return above[-1] + 1 if len(above) else 0


@pytest.mark.parametrize(
    ("delta", "first_rhos", "rounds"),
    [(0.5, [2, 1.5, 1, 0.5, 0.25, 0.125], [6, 9, 19, 29, 39]), (np.inf, [2, 1, 0.5, 0.25, 0.125], [5, 8, 18, 28, 38])],
)
def test_example_1_by_hand(delta, first_rhos, rounds):
    """d = 4, M = 6 sqrt 3: Algorithm 3 (delta = 1/2) and Algorithm 4 (delta = infinity).

    Not rotated: a query then lies on the boundary exactly, and its label is not left to rounding.
    """
    problem = example1(4)
    rhos, errors, _, pool = _run(problem, delta)
    np.testing.assert_allclose(rhos[: len(first_rhos)], np.outer(first_rhos, np.ones(3)), rtol=1e-12)
    assert [_rounds_to(errors, epsilon) for epsilon in (1e-2, 1e-3, 1e-6, 1e-9, 1e-12)] == rounds
    known = 2 * np.sin(np.arctan(rhos[2:30, 0] / 12) / 2)
    np.testing.assert_allclose(errors[2:30], known, rtol=1e-6)
    assert pool.status == ["floor"] * 3


@pytest.mark.parametrize("dim", [2, 10, 30])
def test_errors_of_1e_12_on_rotated_problems(dim):
    problem = example1(dim, gamma_over_delta=20, rotation=np.random.default_rng(dim))
    _, errors, _, _ = _run(problem, problem.delta, n_rounds=80)
    assert errors[-1] <= 1e-12


def _problems(n):
    for seed in range(n):
        rng = np.random.default_rng(seed)
        dim = int(rng.integers(2, 9))
        domain = ("ball", "box", "space")[seed % 3]
        yield random_problem(dim, rng, gamma_over_delta=float(rng.choice([1, 3, 20])), domain=domain)


def _check_lemma_1_and_step_2(problem, delta):
    rhos, _, _, pool = _run(problem, delta)
    gamma = problem.gamma()
    for before, after in pairwise(rhos):
        resolved = before > 1e-8 * np.abs(problem.points).max()
        slow = resolved & (before >= 2 * delta)
        fast_phase = resolved & (before < 2 * delta)
        assert (after[slow] <= (before[slow] - delta) * (1 + 1e-6)).all()
        assert (after[fast_phase] <= before[fast_phase] / 2 * (1 + 1e-6)).all()
    for i, cluster in enumerate(pool.clusters):  # sharpened step 2: no point of a search is farther than gamma_i
        path = [np.linalg.norm(member.point - cluster.members[0].point) for member in cluster.members]
        assert max(path) <= gamma[i] * (1 + 1e-9)


@pytest.mark.parametrize("algorithm", [3, 4])
def test_lemma_1_and_step_2_on_random_problems(algorithm):
    for problem in _problems(30):
        _check_lemma_1_and_step_2(problem, problem.delta if algorithm == 3 else np.inf)


@pytest.mark.parametrize("dim", [3, 6])
def test_pruning_changes_no_query(dim):
    problem = random_problem(dim, np.random.default_rng(dim), gamma_over_delta=10)
    *_, pruned, few = _run(problem, problem.delta, n_rounds=30)
    *_, plain, many = _run(problem, problem.delta, n_rounds=30, pruning=False)
    assert len(pruned) == len(plain)
    np.testing.assert_allclose(pruned.points, plain.points, atol=1e-8)
    assert few.n_solves < many.n_solves / 4


def test_cvxpy_makes_the_same_queries():
    problem = random_problem(4, np.random.default_rng(5), gamma_over_delta=6)
    *_, by_fast, _ = _run(problem, problem.delta, n_rounds=12)
    *_, by_cvxpy, _ = _run(problem, problem.delta, n_rounds=12, solver=reference)
    np.testing.assert_allclose(by_fast.points, by_cvxpy.points, atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 8), st.integers(1, 40))
def test_fast_and_cvxpy_separators_agree(seed, dim, n):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, dim))
    points[:, 0] = np.abs(points[:, 0]) + rng.choice([0.01, 1.0])
    one, other = fast(points), reference(points)
    np.testing.assert_allclose(one.nearest, other.nearest, atol=1e-6)
    for found in (one, other):
        assert found.distance == pytest.approx(float(np.linalg.norm(found.weights @ points)))
        assert found.kkt_residual <= 1e-5 * found.distance
    assert one.kkt_residual <= 1e-9 * one.distance


def test_a_separator_by_hand():
    """From the origin to the segment from (1, 0) to (0, 1): the midpoint, at distance 1 / sqrt 2."""
    for solver in (fast, reference):
        found = solver(np.eye(2))
        np.testing.assert_allclose(found.nearest, [0.5, 0.5], atol=1e-7)
        np.testing.assert_allclose(found.weights, [0.5, 0.5], atol=1e-6)


def test_a_certificate_shows_what_is_wrong():
    wrong = certify(np.eye(2), np.array([1.0, 0.0]), np.array([1.0, 0.0]))
    assert wrong.duality_gap == 1
    assert wrong.kkt_residual == 1


@pytest.mark.parametrize("solver", [fast, reference])
def test_hulls_that_meet(solver):
    with pytest.raises(NotSeparable):
        solver(np.array([[1.0, 1.0], [-1.0, 1.0], [0.0, -1.0]]))
    with pytest.raises(NotSeparable):
        solver(np.array([[1.0, 1.0], [0.0, 0.0]]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"w_star": np.array([2.0, 0])}, "unit length"),
        ({"delta": 0.0}, "--delta 0"),
        ({"searches": ()}, "0 seeds to search from"),
        ({"points": np.array([[1.0, 1], [0, 1]])}, "seed 1 .* on the decision boundary"),
        ({"points": np.array([[1.0, 1], [2, 1]]), "labels": np.array([1, 1])}, "all of one class"),
        ({"labels": np.array([-1, 1])}, "not those of w_star"),
        ({"points": np.array([[1.0], [-1]]), "w_star": np.array([1.0])}, "--dim 1"),
    ],
)
def test_bad_problems(change, message):
    good = {
        "name": "x", "w_star": np.array([1.0, 0]), "points": np.array([[1.0, 1], [-1, 1]]),
        "labels": np.array([1, -1], dtype=np.int8), "searches": (0,), "delta": 0.5,
    }  # fmt: skip
    assert Problem(**good).gamma().tolist() == [2.0]
    with pytest.raises(UserError, match=message):
        Problem(**{**good, **change})
