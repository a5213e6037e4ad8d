"""Theorem 2 (section 7.2), as printed, with log2.

Statement: d (gamma / delta + 2 log(2 d delta / (epsilon min(sigma, 1)))) queries are enough for an error of epsilon.
Algorithm: 3. Guarantee: true with either logarithm if sigma > 0 and no edge is longer than delta; otherwise none.
Place: section 7.2. Proof: theory/README.md, "The stated bounds with the natural log are true".
"""

from __future__ import annotations

from theory.bounds import compute_stated_bound_2
from theory.problems import Problem
from theory.registry import run_to
from theory.sigma import enclose_sigma_2
from theory.theorems import Comparison


def compare(problem: Problem, epsilon: float, algorithm: str = "3") -> Comparison:
    """Compare the queries that a run needs with the bound."""
    gamma = float(problem.compute_gamma().max())
    sigma = enclose_sigma_2(problem, epsilon).lower
    bound = compute_stated_bound_2(problem.dim, gamma, problem.delta, sigma, epsilon)
    return Comparison(run_to(problem, epsilon, algorithm), bound)
