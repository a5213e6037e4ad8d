"""sigma, the bounds and the certificate: limits, numbers by hand, and an example for each error in the paper.

Section and line references are to the paper's sections 7.2 and 7.3. theory/README.md explains each error and its
correction.
"""

from __future__ import annotations

import math

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seals_sim.errors import UserError
from theory.bounds import (
    bound_rounds_2,
    bound_rounds_3,
    compute_epsilon_bar,
    compute_proved_bound_2,
    compute_proved_bound_3,
    compute_sharpened_bound_2,
    compute_sharpened_bound_3,
    compute_stated_bound_2,
    compute_stated_bound_3,
)
from theory.problems import draw_random_problem, draw_spread_problem, make_example_1
from theory.runs import run_algorithm_3, run_algorithm_4
from theory.separators import solve_fast
from theory.sigma import enclose_sigma_2, enclose_sigma_3

positive = st.floats(0.01, 100)
small = st.floats(1e-9, 0.99)


@pytest.mark.parametrize("dim", [3, 5, 10])
def test_sigma_of_example_1_by_hand(dim):
    """In the boundary the z_i lie in balls of radius sqrt(8 + 8 eps) around M e_{i+1}: at least M - sqrt(d-1) of it."""
    by_hand = math.sqrt(dim - 1) * (6 - math.sqrt(8 + 8 * 0.1))
    assert by_hand == pytest.approx({3: 4.290, 5: 6.067, 10: 9.101}[dim], abs=5e-4)
    sigma = enclose_sigma_2(make_example_1(dim), 0.1)
    assert sigma.lower == pytest.approx(by_hand, rel=1e-6)
    assert by_hand * (1 - 1e-9) <= sigma.upper <= by_hand * 1.001


@given(st.integers(2, 50), positive, positive, positive, small)
def test_sharpened_lies_below_what_is_stated_with_the_natural_log(dim, ratio, delta, sigma, epsilon):
    """So Theorem 2 is true with ln, for epsilon < 1, wherever its logarithm is of a number >= 1."""
    gamma = ratio * delta
    if 2 * dim * delta >= epsilon * min(sigma, 1):
        stated = compute_stated_bound_2(dim, gamma, delta, sigma, epsilon, math.log)
        assert compute_sharpened_bound_2(dim, gamma, delta, sigma, epsilon) <= stated * (1 + 1e-12)
    if 2 * dim * gamma >= epsilon * min(sigma, 1):
        assert (
            compute_sharpened_bound_3(dim, gamma, sigma, epsilon)
            <= compute_stated_bound_3(dim, gamma, sigma, epsilon, math.log) + 1e-9
        )


@given(positive, positive, st.floats(1e-9, 1e3))
def test_real_bounds_cover_whole_rounds(ratio, delta, rho):
    """The slowest run that Lemma 1 allows reaches rho within gamma / delta + log2(2 delta / rho) whole rounds."""
    gamma = ratio * delta
    value, n_rounds = gamma, 0
    while value > rho * (1 + 1e-12):
        value = value - delta if value >= 2 * delta else value / 2
        n_rounds += 1
    assert n_rounds <= bound_rounds_2(gamma, delta, rho) * (1 + 1e-12) + 1e-9
    assert (0 if gamma <= rho else math.ceil(math.log2(gamma / rho))) <= bound_rounds_3(gamma, rho) + 1e-9


def test_bounds_are_infinite_if_sigma_is_0():
    assert compute_stated_bound_2(3, 1, 1, 0.0, 0.1) == math.inf
    assert compute_proved_bound_3(3, 1, 0.0, 0.1) == compute_sharpened_bound_3(3, 1, 0.0, 0.1) == math.inf


@pytest.mark.parametrize("seed", range(3))
def test_the_bounds_hold_and_the_rate_is_one_round_per_bit(seed):
    problem = draw_spread_problem(5, np.random.default_rng(seed), gamma_over_delta=8)
    gamma, epsilons = float(problem.compute_gamma().max()), 10.0 ** -np.arange(2, 12)
    for algorithm, enclose in ((run_algorithm_3, enclose_sigma_2), (run_algorithm_4, enclose_sigma_3)):
        trace, sigma = algorithm(problem), enclose(problem, 1e-11)
        assert sigma.lower > 0
        queries = np.array([trace.count_queries_to_error(epsilon) for epsilon in epsilons])
        for epsilon, n in zip(epsilons, queries, strict=True):
            if algorithm is run_algorithm_3:
                known = (5, gamma, problem.delta, sigma.upper, epsilon)
                assert (
                    n
                    <= compute_sharpened_bound_2(*known)
                    <= compute_stated_bound_2(*known, math.log)
                    <= compute_stated_bound_2(*known)
                )
            else:
                assert n <= compute_sharpened_bound_3(5, gamma, sigma.upper, epsilon)
        slope = np.polyfit(np.log2(1 / epsilons[2:]), queries[2:] / 4, 1)[0]
        assert slope == pytest.approx(1, abs=0.15)  # one run; the report fits all of them together


def test_certificate_covers_the_error_without_w_star():
    trace = run_algorithm_3(draw_spread_problem(6, np.random.default_rng(3)))
    certified = [state for state in trace.states if state.certificate < 1]
    assert len(certified) > 30
    for state in certified:
        assert state.error <= math.sqrt(2) * state.certificate * (1 + 1e-6)
    assert trace.states[30].certificate < 1e-4


# ---- errors in the paper, each with a numerical witness


def test_slip_step_1_with_the_natural_log():
    """'for all r >= gamma_i / delta + log(2 delta / eps_bar), rho_{i,r} <= eps_bar': false with ln, true with log2."""
    problem, target = make_example_1(4), 0.01
    rho = [state.max_rho for state in run_algorithm_3(problem, max_rounds=30).states]  # rho[r - 1] is the paper's rho_r
    natural = math.ceil(2 / 0.5 + math.log(2 * 0.5 / target))
    assert natural == 9
    assert rho[natural - 1] == 2**-6 > target
    assert rho[math.ceil(bound_rounds_2(2, 0.5, target)) - 1] <= target
    natural = math.ceil(2 / 0.5 + math.log(2 * 0.5 / 1e-6))
    assert natural == 18
    assert rho[natural - 1] == 2**-15 > 30e-6


def test_slip_the_stated_bound_does_not_follow_from_the_proof():
    """d = 2, delta = .01, epsilon = .1, sigma = 1: delta d^1.5 < min(sigma, 1), and the proof's last step is invalid.

    gamma = .02 shows it: 4.5 queries proved, -1.3 (log2) or .33 (ln) stated. gamma = 2 does not: 202.5 and 394.7.
    """
    known = {"dim": 2, "gamma": 0.02, "delta": 0.01, "sigma": 1, "epsilon": 0.1}
    assert compute_proved_bound_2(**known) == pytest.approx(4.5, abs=0.005)
    assert compute_stated_bound_2(**known) == pytest.approx(-1.288, abs=0.001)
    assert compute_stated_bound_2(**known, log=math.log) == pytest.approx(0.335, abs=0.001)
    long = {**known, "gamma": 2}
    assert compute_proved_bound_2(**long) == pytest.approx(202.5, abs=0.005)
    assert compute_stated_bound_2(**long) == pytest.approx(394.7, abs=0.05)
    few = {"dim": 2, "gamma": 0.01, "sigma": 1, "epsilon": 0.1}  # Theorem 3: gamma d^1.5 < min(sigma, 1)
    assert compute_stated_bound_3(**few) < 0 < compute_proved_bound_3(**few)


def test_slip_a_negative_count():
    """'sum 1{E_r^c and rho < 2 delta} <= log(2 delta / eps_bar)' is negative where eps_bar > 2 delta."""
    delta, target = 1e-4, compute_epsilon_bar(2, 1, 0.5)
    assert target > 2 * delta
    assert bound_rounds_2(1, delta, target) >= (1 - target) / delta  # their sum still covers the slow rounds


def test_slip_example_1():
    """'M / sqrt d - 5 >= 1' for M >= 6 sqrt(d - 1): false; sigma >= 1 is true."""
    for dim in (2, 3, 5):
        problem = make_example_1(dim)
        m = float(np.abs(problem.points).max())
        assert m == 6 * math.sqrt(dim - 1)
        assert m / math.sqrt(dim) - 5 < 1
        assert enclose_sigma_2(problem, 0.99).lower >= 1


def test_slip_seeds_of_one_class():
    """Theorem 1 does not require both classes. Without them gamma is infinite and Algorithm 3 cannot begin."""
    problem = make_example_1(3)
    with pytest.raises(UserError, match="without both classes"):
        type(problem)("one class", problem.w_star, problem.points[:2], problem.labels[:2], (0, 1), 0.5)


def test_slip_line_9_updated_inside_the_round():
    """Line 9 adds each query to S_r at once. With the same points for all searches, Example 1 halves exactly."""
    rho = np.array([state.rho for state in run_algorithm_4(make_example_1(4), max_rounds=12).states])
    np.testing.assert_allclose(rho, rho[:, :1] * np.ones(3), rtol=1e-12)
    np.testing.assert_allclose(rho[:, 0], 2.0 ** (1 - np.arange(13)), rtol=1e-12)


def test_slip_lemma_2_delta_and_two_delta():
    """'dist(x_bar, H) > 2 delta' follows from rho >= 2 delta only as >= delta: the distance to H is rho / 2.

    Algorithm 4 queries the projection onto H, at that distance.
    """
    problem = make_example_1(2, delta=0.5, gamma_over_delta=3)
    (query,) = run_algorithm_4(problem, max_rounds=1).queries[0]
    assert query.rho == 1.5 >= 2 * problem.delta
    distance = np.linalg.norm(query.point - query.closest.point)
    assert problem.delta <= distance < 2 * problem.delta


def test_slip_equations_10_and_11_have_different_values():
    """(10), the margin, is half the distance rho, and (11) is half of its square: here 1 and 2."""
    problem = make_example_1(2, delta=0.5)
    opposite = problem.points[problem.labels == -1]
    offsets = opposite - problem.points[0]
    margin, normal = cp.Variable(), cp.Variable(2)  # (10): the largest t that a hyperplane keeps on both sides
    cp.Problem(cp.Maximize(margin), [offsets @ normal >= 2 * margin, cp.norm(normal) <= 1]).solve()
    separation = solve_fast(offsets)
    assert margin.value == pytest.approx(separation.distance / 2, rel=1e-6)
    assert margin.value == pytest.approx(1, rel=1e-6)
    assert separation.nearest @ separation.nearest / 2 == pytest.approx(2)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_slip_the_width_of_z_i(seed):
    """Z_i has slab epsilon and radius gamma + 2 delta + epsilon; a run needs rho_i and gamma_i only."""
    problem = draw_random_problem(3, np.random.default_rng(seed), gamma_over_delta=4)
    seeds = problem.points[:2]
    for state in run_algorithm_3(problem, max_rounds=15).states[1:]:
        assert (np.abs(state.z @ problem.w_star) <= state.rho * (1 + 1e-6)).all()
        assert (np.linalg.norm(state.z - seeds, axis=1) <= problem.compute_gamma() * (1 + 1e-6)).all()


def test_slip_8_needs_u_at_most_1():
    """sqrt(1 - u) >= 1 - u with u = sqrt d eps_bar / sigma = epsilon^2 / 2 at sigma <= 1: 1.125 at epsilon = 1.5."""
    u = math.sqrt(3) * compute_epsilon_bar(3, 0.5, 1.5) / 0.5
    assert u == pytest.approx(1.125)
    assert math.sqrt(3) * compute_epsilon_bar(3, 0.5, math.sqrt(2)) / 0.5 == pytest.approx(1)


def test_slip_lemma_3_disjoint_sets_without_a_margin():
    """y >= 1 / x and y <= 0 are closed, convex and disjoint, and no hyperplane has a margin: 1 / x is as near."""
    x = np.array([1e3, 1e6, 1e9])
    distances = np.linalg.norm(np.column_stack([x, 1 / x]) - np.column_stack([x, 0 * x]), axis=1)
    np.testing.assert_allclose(distances, 1 / x, rtol=1e-12)


def test_slip_the_arg_min_of_algorithm_4_is_a_hyperplane():
    """Line 6 over R^d: all points of the separator have the distance 0; the projection is one of them."""
    problem = make_example_1(3)
    (query, *_) = run_algorithm_4(problem, max_rounds=1).queries[0]
    normal = query.closest.separation.normal
    across = np.linalg.svd(normal[None, :])[2][1:]
    for shift in (0.0, 1.0, -5.0):
        offset = query.point + shift * across[0] - query.closest.point
        assert offset @ normal == pytest.approx(query.rho / 2)
