"""Exact sigma: closed forms, certificates against brute force, and the sigma of random seeds."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from theory.branching import enclose_by_branching
from theory.excess import (
    bound_at_direction,
    bound_by_program,
    bound_by_shares,
    compute_excess,
    enclose_on_circle,
    search_least_excess,
)
from theory.problems import Problem, draw_random_problem, draw_spread_problem, make_example_1
from theory.sigma import build_sets, enclose, enclose_sigma_2, enclose_sigma_3, enclose_sigma_eta, move
from theory.slabs import bound_by_farthest, find_farthest


def _draw_directions(rng, n, dim):
    directions = rng.normal(size=(n, dim))
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


def _draw_sets(seed, dim, n):
    rng = np.random.default_rng(seed)
    return 5 * rng.normal(size=(dim - 1, n)), rng.uniform(0, 1.5, size=n)


@pytest.mark.parametrize("dim", [2, 3, 4, 5, 10, 30])
def test_sigma_of_example_1_in_closed_form(dim):
    """sigma(0) = sqrt(d-1) (6 - sqrt 8), where all z_i have moved toward their mean; certified to 1e-6 at every d."""
    by_hand = math.sqrt(dim - 1) * (6 - math.sqrt(8))
    sigma = enclose_sigma_2(make_example_1(dim), 0.0)
    assert sigma.upper == pytest.approx(by_hand, rel=1e-6)
    assert sigma.gap <= 1e-6
    assert sigma.lower <= by_hand * (1 + 1e-12)
    assert sigma.proof == {2: "exact", 3: "enclosure"}.get(dim, "eigenvalue")


@pytest.mark.parametrize("seed", range(4))
def test_no_z_in_the_sets_has_a_smaller_singular_value(seed):
    """Random Z, and Z near the minimizer, for an epsilon that is not small."""
    rng = np.random.default_rng(seed)
    problem = draw_spread_problem(3 + seed, rng)
    sigma = enclose_sigma_2(problem, 0.5)
    sets = build_sets(problem, problem.compute_gamma() + 2 * problem.delta + 0.5, 0.5)
    seeds, n = np.vstack([sets.centers, sets.heights]), len(problem.searches)
    best = move(sets, search_least_excess(sets.centers, sets.shadows)[0])
    for number in range(300):
        start, size = (seeds, sets.radii) if number % 2 else (best, 0.1)
        z = start + size * rng.normal(size=(n + 1, n))
        z[-1] = np.clip(z[-1], -0.5, 0.5)
        if (np.linalg.norm(z - seeds, axis=0) <= sets.radii).all():
            assert np.linalg.svd(z, compute_uv=False)[-1] >= sigma.lower
    assert (np.linalg.norm(best - seeds, axis=0) <= sets.radii * (1 + 1e-12)).all()
    assert np.abs(best[-1]).max() <= 0.5
    assert sigma.upper**2 <= sigma.lower**2 * (1 + 1e-5) + n * 0.25


@pytest.mark.parametrize("seed", range(12))
def test_in_three_dimensions_the_enclosure_holds_the_minimum(seed):
    """Compare with a million directions. The search, the arcs and the eigenvalue agree within 1e-6."""
    centers, radii = _draw_sets(seed, 3, 2 + seed % 5)
    direction, value = search_least_excess(centers, radii)
    angles = np.linspace(0, np.pi, 10**6)
    grid = compute_excess(centers, radii, np.column_stack([np.cos(angles), np.sin(angles)])).min()
    assert value <= grid * (1 + 1e-9)
    if value > 0:
        lower = enclose_on_circle(centers, radii, value)
        assert value * (1 - 1e-6) <= lower <= value * (1 + 1e-12)
    assert bound_at_direction(centers, radii, direction) <= value * (1 + 1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_lower_bounds_hold_for_every_direction(seed):
    dim = 4 + seed
    centers, radii = _draw_sets(seed, dim, dim - 1 + 3 * (seed % 3))
    direction, value = search_least_excess(centers, radii)
    rng = np.random.default_rng(seed)
    values = compute_excess(centers, radii, _draw_directions(rng, 20_000, dim - 1))
    assert value <= values.min()
    bounds = [bound_at_direction(centers, radii, direction), bound_by_program(centers, radii)]
    bounds += [bound_by_shares(centers, radii, rng.random(len(radii))) for _ in range(20)]
    assert max(bounds) <= value * (1 + 1e-12)
    assert bounds[1] >= bounds[0] * (1 - 1e-5)


@pytest.mark.parametrize(("dim", "n_tight"), [(4, 20), (5, 20), (10, 15)])
def test_beyond_three_dimensions_most_minima_are_certified(dim, n_tight):
    """No certificate is sure to be tight here. On 20 spread problems: within 1e-6 in all or most, otherwise within
    1e-2.
    """
    gaps = [enclose_sigma_2(draw_spread_problem(dim, np.random.default_rng(seed)), 0.0).gap for seed in range(20)]
    assert sum(gap <= 1e-6 for gap in gaps) >= n_tight - 1
    assert max(gaps) < 0.01


def test_sigma_falls_as_epsilon_grows_and_lies_in_its_bracket():
    """m(epsilon) <= sigma(epsilon) <= sqrt(m^2 + n epsilon^2), and sigma(0) is the limit."""
    problem = draw_spread_problem(4, np.random.default_rng(0))
    for bracket in (enclose_sigma_2, enclose_sigma_3, enclose_sigma_eta):
        values = [bracket(problem, epsilon) for epsilon in (0.0, 1e-9, 1e-3, 0.1, 0.5)]
        lower, upper = [value.lower for value in values], [value.upper for value in values]
        assert lower == sorted(lower, reverse=True)
        assert upper[1] == pytest.approx(upper[0], rel=1e-9)
        for epsilon, low, high in zip((0.0, 1e-9, 1e-3, 0.1, 0.5), lower, upper, strict=True):
            assert low <= high <= math.hypot(low, math.sqrt(3) * epsilon) * (1 + 1e-6)


def test_random_seeds_that_meet_have_sigma_0():
    for bracket in (enclose_sigma_2, enclose_sigma_3):
        sigma = bracket(draw_random_problem(4, np.random.default_rng(0)), 0.1)
        assert (sigma.lower, sigma.upper, sigma.proof) == (0, 0, "zero")


def test_a_golden_instance_in_the_plane():
    """d = 2, w_star = (0, 1), seeds (7, 3) and (7, -4), delta = 1/2: gamma = 7, R = 8, r = sqrt 55.

    sigma(0) = max(7 - sqrt 55, 0) = 0. With the radius gamma_i of step 2, r = sqrt 40 and sigma = 7 - sqrt 40 = .675:
    the radius of the paper makes the theorem say nothing where a smaller one says something.
    """
    points, labels = np.array([[7.0, 3.0], [7.0, -4.0]]), np.array([1, -1], dtype=np.int8)
    problem = Problem("golden", np.array([0.0, 1.0]), points, labels, (0,), 0.5)
    assert enclose_sigma_2(problem, 0.0).upper == 0
    sharp = enclose_sigma_eta(problem, 0.0)
    assert sharp.lower == sharp.upper == pytest.approx(7 - math.sqrt(40), rel=1e-12)
    assert sharp.upper == pytest.approx(0.675, abs=5e-4)


def test_a_golden_instance_in_space():
    """d = 3, w_star = e_3, seeds (a, 0, 1), (0, b, 1) and their mirror images, a = 10, b = 20, delta = 1.

    gamma_i = 2, R = 4, r = sqrt 15 for both. g^2 = (10 cos t - r)_+^2 + (20 sin t - r)_+^2; where both terms count, its
    derivative is 0 where 300 sin t cos t + r (10 sin t - 20 cos t) = 0; the root t = .2299942 gives sigma = 5.903738.
    """
    r, t = math.sqrt(15), 0.2299942
    points = np.array([[10.0, 0, 1], [0, 20, 1], [10, 0, -1], [0, 20, -1]])
    problem = Problem("golden", np.array([0.0, 0, 1]), points, np.array([1, 1, -1, -1], dtype=np.int8), (0, 1), 1.0)
    assert problem.compute_gamma().tolist() == pytest.approx([2, 2])
    assert 300 * math.sin(t) * math.cos(t) + r * (10 * math.sin(t) - 20 * math.cos(t)) == pytest.approx(0, abs=1e-4)
    by_hand = math.hypot(10 * math.cos(t) - r, 20 * math.sin(t) - r)
    assert by_hand == pytest.approx(5.903738, abs=1e-6)
    sigma = enclose_sigma_2(problem, 0.0)
    assert sigma.upper == pytest.approx(by_hand, rel=1e-9)
    assert sigma.gap <= 1e-6


@pytest.mark.parametrize(("dim", "share"), [(2, 0.05), (3, 0.0), (5, 0.0)])
def test_with_d_1_searches_random_seeds_have_sigma_0_but_in_the_plane(dim, share):
    """The radius of the paper, gamma / delta = 20."""
    n_positive = sum(
        enclose_sigma_2(draw_random_problem(dim, np.random.default_rng(seed)), 0.0).lower > 0 for seed in range(100)
    )
    assert n_positive / 100 == pytest.approx(share, abs=0.05)


@pytest.mark.parametrize(("dim", "least", "most"), [(3, 0.9, 1.0), (5, 0.9, 1.0), (10, 0.0, 0.1)])
def test_with_more_searches_and_the_radius_gamma_sigma_is_above_0_up_to_5_dimensions(dim, least, most):
    """8 (d - 1) searches, with the same number of other seeds."""
    n = 8 * (dim - 1)
    n_positive = 0
    for seed in range(10):
        problem = draw_random_problem(dim, np.random.default_rng(seed), n_seeds=2 * n, n_searches=n)
        sigma = enclose_sigma_eta(problem, 0.0, max_regions=1)
        assert (sigma.lower > 0) == (sigma.upper > 0)
        n_positive += sigma.lower > 0
    assert least <= n_positive / 10 <= most


@pytest.mark.parametrize(("dim", "seed"), [(20, 1), (20, 2), (21, 0)])
def test_splitting_by_signs_certifies_the_minimum(dim, seed):
    """If one semidefinite program leaves a gap, a few regions close it: within 1e-6 at d = 20."""
    problem = draw_spread_problem(dim, np.random.default_rng(seed))
    loose, tight = (enclose_sigma_2(problem, 0.0, max_regions=limit) for limit in (1, 60))
    assert tight.gap <= 1e-6
    assert loose.lower <= tight.lower <= tight.upper <= loose.upper
    if loose.gap > 1e-6:
        assert (loose.proof, tight.proof) == ("program", "branching")


@pytest.mark.parametrize("seed", range(8))
def test_bounds_by_signs_hold_for_every_direction(seed):
    """Also if the search was not given the minimum. A bound for any k is valid, and the best one is tight here."""
    dim = 4 + seed % 3
    centers, radii = _draw_sets(seed, dim, dim - 1 + seed % 2)
    radii = radii / 2
    value = search_least_excess(centers, radii)[1]
    start = _draw_directions(np.random.default_rng(seed), 1, dim - 1)
    found = enclose_by_branching(centers, radii, start[0], compute_excess(centers, radii, start)[0])
    directions = _draw_directions(np.random.default_rng(seed), 20_000, dim - 1)
    assert found.lower <= value * (1 + 1e-9)
    assert found.lower <= compute_excess(centers, radii, directions).min()
    assert compute_excess(centers, radii, found.direction[None])[0] == pytest.approx(found.value, rel=1e-9)


def test_a_region_is_bounded_where_its_signs_hold():
    """(|a| - r)_+^2 >= (1 - k^2) a^2 - 2 r (1 - k) s a for s a >= 0, with equality at |a| = r / k."""
    heights, r = np.linspace(0, 9, 1001), 1.7
    for k in (0.0, 0.1, 0.5, 1.0):
        least = (1 - k**2) * heights**2 - 2 * r * (1 - k) * heights
        assert (least <= np.maximum(heights - r, 0) ** 2 + 1e-12).all()
        at = r / k if k else 1e9
        assert (1 - k**2) * at**2 - 2 * r * (1 - k) * at == pytest.approx((at - r) ** 2)


def test_whether_sigma_is_0_is_decided():
    """By the farthest point of all slabs, if the search alone finds a positive g or the program shows nothing."""
    n_zero = 0
    for dim, seed in product((3, 4, 5), range(10)):
        n = 4 * (dim - 1)
        problem = draw_random_problem(dim, np.random.default_rng(seed), n_seeds=2 * n, n_searches=n)
        sets = build_sets(problem, problem.compute_gamma(), 0.0)
        sigma = enclose(sets)
        assert (sigma.lower > 0) == (sigma.upper > 0)
        farthest, is_farthest = find_farthest(sets.centers, sets.shadows)
        assert is_farthest
        size = float(np.linalg.norm(farthest))
        assert (np.abs(farthest @ sets.centers) <= sets.shadows * (1 + 1e-9)).all()
        assert (sigma.upper > 0) == (size < 1)
        n_zero += sigma.upper == 0
        if size < 1:
            directions = _draw_directions(np.random.default_rng(seed), 5000, dim - 1)
            least = compute_excess(sets.centers, sets.shadows, directions).min()
            assert 0 < bound_by_farthest(sets.shadows, size) <= least
    assert 5 < n_zero < 25
