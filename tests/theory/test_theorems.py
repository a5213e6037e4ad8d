"""The measured value of each theorem against its bound, and the registries."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import numpy as np
import pytest

import theory.theorems
from seals_sim.errors import UserError
from theory.problems import draw_spread_problem, make_example_1
from theory.registry import ALGORITHMS, run_all
from theory.theorems import Comparison, exact_sigma, lower_bound, pool_lemma

NAMES = sorted(path.stem for path in Path(theory.theorems.__file__).parent.glob("[a-z]*.py"))
OF_RUNS = ["theorem_1", "theorem_2", "theorem_3", "sharpened", "scale_free"]
FOUND = [make_example_1(3), make_example_1(5, gamma_over_delta=10), draw_spread_problem(4, np.random.default_rng(1))]


@pytest.mark.parametrize("name", NAMES)
def test_each_file_says_what_it_states(name):
    module = importlib.import_module(f"theory.theorems.{name}")
    assert all(word in module.__doc__ for word in ("Statement: ", "Algorithm: ", "Guarantee: ", "Place: ", "Proof: "))
    title = module.__doc__.partition('Proof: theory/README.md, "')[2].partition('"')[0].rstrip(".")
    assert title in (Path(theory.theorems.__file__).parents[1] / "README.md").read_text(), title
    assert inspect.signature(module.compare).return_annotation == "Comparison"


@pytest.mark.parametrize("name", OF_RUNS)
@pytest.mark.parametrize("problem", FOUND, ids=["example 1", "example 1, far", "spread"])
def test_a_run_needs_no_more_than_the_theorem_says(name, problem):
    for epsilon in (1e-2, 1e-7):
        comparison = importlib.import_module(f"theory.theorems.{name}").compare(problem, epsilon)
        assert 0 < comparison.measured <= comparison.bound < np.inf
        assert comparison.holds


@pytest.mark.parametrize("problem", FOUND, ids=["example 1", "example 1, far", "spread"])
def test_what_bounds_from_below_does(problem):
    comparison = lower_bound.compare(problem, 1e-6)
    assert comparison.holds
    assert comparison.bound > 0
    sigma = exact_sigma.compare(problem)
    assert sigma.holds
    assert sigma.measured == pytest.approx(sigma.bound, rel=1e-6)


@pytest.mark.parametrize("dim", [2, 3])
def test_the_pool_lemma(dim):
    assert pool_lemma.compare(3000, dim).holds


def test_a_comparison_can_fail():
    assert not Comparison(2.0, 1.0).holds
    assert not Comparison(1.0, 2.0, is_upper=False).holds


def test_names_are_known_once():
    with pytest.raises(UserError, match="is already registered"):
        ALGORITHMS.add("3")
    lines = run_all(3, 1e-4, "spread", "majority of 3", n_seeds=1)
    assert {"3", "4", "bisection"} <= {line.algorithm for line in lines}
