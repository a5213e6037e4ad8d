"""The lower bound: caps against their integral and random points, and methods that cannot beat it."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from theory.packing import (
    bound_labels_below,
    bound_queries_below,
    bound_queries_below_for_points,
    compute_cap_share,
    compute_seed_sine,
    count_seed_labelings,
)
from theory.problems import draw_spread_problem, make_example_1
from theory.runs import run_algorithm_3, run_algorithm_4


@pytest.mark.parametrize("dim", [2, 3, 6, 15])
def test_the_share_of_a_cap_is_its_integral_and_at_most_half_a_power(dim):
    for epsilon in (0.1, 0.7, 1.3, math.sqrt(2)):
        angle = 2 * math.asin(epsilon / 2)
        whole, part = (quad(lambda t: math.sin(t) ** (dim - 2), 0, end)[0] for end in (math.pi, angle))
        assert compute_cap_share(dim, epsilon) == pytest.approx(part / whole, rel=1e-6)
        assert compute_cap_share(dim, epsilon) <= 0.5 * math.sin(angle) ** (dim - 1) * (1 + 1e-12)


@given(st.integers(2, 40), st.floats(1e-6, 1.41), st.floats(1e-6, 1.41))
def test_of_two_caps_the_larger_has_at_least_the_ratio_of_the_powers(dim, one, other):
    small, large = min(one, other), max(one, other)
    sines = [epsilon * math.sqrt(1 - epsilon**2 / 4) for epsilon in (small, large)]
    shares = [compute_cap_share(dim, epsilon) for epsilon in (small, large)]
    if shares[0] > 1e-290:
        assert math.log(shares[1] / shares[0]) >= (dim - 1) * math.log(sines[1] / sines[0]) - 1e-9


def test_labelings_are_counted():
    """By drawing half-spaces: 5 points in 3 dimensions have 2 (1 + 4 + 6) = 22 labelings."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(5, 3))
    seen = {tuple(np.sign(points @ w)) for w in rng.normal(size=(20_000, 3))}
    assert len(seen) == count_seed_labelings(5, 3) == 22


@pytest.mark.parametrize("dim", [2, 5, 20])
def test_the_constant_of_the_lower_bound(dim):
    """(d - 1) log2(1 / epsilon) - O(d): with 2 (d - 1) seeds the O(d) is at most 2 (d - 1)."""
    for epsilon in (1e-2, 1e-9):
        labels = bound_labels_below(dim, epsilon)
        assert labels == (dim - 1) * math.log2(1 / epsilon) + 1
        queries = bound_queries_below_for_points(dim, 2 * (dim - 1), epsilon)
        assert labels - 1 - 2 * (dim - 1) <= queries <= labels


def test_labels_along_a_great_circle_come_within_two_of_the_bound():
    """d = 2: bisection of the circle asks for the half and then halves it; N labels leave an arc of pi 2^(1 - N)."""
    for n_labels in range(2, 30):
        half_arc = math.pi * 2.0 ** (1 - n_labels) / 2
        epsilon = 2 * math.sin(half_arc / 2)
        assert n_labels - 2 <= bound_labels_below(2, epsilon) <= n_labels


def test_the_angle_of_the_seeds_is_that_of_example_1():
    """y x / |x| = (1, +-M e_i) / sqrt(1 + M^2): e_1 fits them all with the sine 1 / sqrt(1 + M^2)."""
    problem = make_example_1(4)
    assert compute_seed_sine(problem) == pytest.approx(1 / math.sqrt(1 + 36 * 3))


def test_any_direction_within_the_angle_fits_the_seeds():
    rng = np.random.default_rng(1)
    problem = draw_spread_problem(4, rng)
    sine = compute_seed_sine(problem)
    signed = problem.labels[:, None] * problem.points
    signed /= np.linalg.norm(signed, axis=1, keepdims=True)
    from theory.separators import solve_fast

    center = solve_fast(signed).normal
    for _ in range(200):
        across = rng.normal(size=4)
        across -= (across @ center) * center
        w = math.sqrt(1 - sine**2) * center + sine * across / np.linalg.norm(across)
        assert (signed @ w >= -1e-9).all()


def test_on_average_no_run_beats_the_bound_by_much():
    """A run on one w_star may be lucky (by k queries on 2^-k of them). The mean of needed / lower is above 1."""
    ratios = []
    for dim, seed in product((2, 3, 5), range(6)):
        problem = draw_spread_problem(dim, np.random.default_rng(seed), gamma_over_delta=4)
        sine = compute_seed_sine(problem)
        for algorithm, epsilon in product((run_algorithm_3, run_algorithm_4), (1e-4, 1e-8)):
            lower = bound_queries_below(dim, sine, epsilon)
            needed = algorithm(problem, certified=epsilon).count_queries_to_error(epsilon)
            assert needed > lower - 12
            ratios.append(needed / lower)
    assert np.mean(ratios) > 1
    assert 0.9 < np.median(ratios) < 1.6
