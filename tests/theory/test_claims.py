"""Numbers that theory/README.md and the report mention, recomputed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import beta

from theory.checks import check_lemma_2
from theory.clouds import compute_component_of_chance
from theory.problems import draw_random_problem, draw_spread_problem
from theory.runs import run_algorithm_3
from theory.sigma import enclose_sigma_2


@pytest.mark.parametrize("seed", range(6))
def test_w_hat_is_on_the_side_of_w_star_by_its_definition(seed):
    """(7): w_hat is proportional to sum lambda_j y_j x_j with lambda >= 0, and w_star . y_j x_j >= 0 for each j."""
    problem = draw_random_problem(2 + seed, np.random.default_rng(seed), gamma_over_delta=4)
    trace = run_algorithm_3(problem, max_rounds=30)
    assert all(state.w_hat @ problem.w_star >= 0 for state in trace.states)
    assert all(query.label * (query.point @ problem.w_star) >= 0 for queries in trace.queries for query in queries)


def test_lemma_2_is_checked_against_a_separator_of_its_own():
    """A run that believes in wrong distances, and steps accordingly, violates the check."""
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
    """Median of the largest component of 64 points, uniform in a ball of d dimensions: .934 .873 .832 .782 .746."""
    by_chance = [compute_component_of_chance(dim, 64) for dim in (2, 3, 4, 5, 6)]
    rng = np.random.default_rng(0)
    for dim, value in zip((2, 3, 4, 5, 6), by_chance, strict=True):
        points = rng.normal(size=(2000, 64, dim))
        points *= rng.random((2000, 64, 1)) ** (1 / dim) / np.linalg.norm(points, axis=2, keepdims=True)
        assert np.median(points[:, :, 0].max(axis=1)) == pytest.approx(value, abs=0.01)
    assert by_chance == pytest.approx([0.934, 0.873, 0.832, 0.782, 0.746], abs=0.01)
    assert 2 * beta.ppf(0.5 ** (1 / 64), 1.5, 1.5) - 1 == by_chance[0]


def test_a_few_random_problems_in_the_plane_have_sigma_above_0():
    positive = [
        enclose_sigma_2(draw_random_problem(2, np.random.default_rng(seed)), 1e-6).lower > 0 for seed in range(40)
    ]
    assert 1 <= sum(positive) <= 5
