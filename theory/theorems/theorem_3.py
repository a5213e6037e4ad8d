"""Theorem 3 (section 7.3), as printed, with log2.

Statement: 2 d log(2 d gamma / (epsilon min(sigma, 1))) queries are enough for an error of epsilon.
Algorithm: 4. Guarantee: true with either logarithm if sigma > 0.
Place: section 7.3. Proof: theory/README.md, "The stated bounds with the natural log are true".
"""

from __future__ import annotations

from theory.bounds import compute_stated_bound_3
from theory.problems import Problem
from theory.registry import run_to
from theory.sigma import enclose_sigma_3
from theory.theorems import Comparison


def compare(problem: Problem, epsilon: float, algorithm: str = "4") -> Comparison:
    """Compare the queries that a run needs with the bound."""
    gamma = float(problem.compute_gamma().max())
    sigma = enclose_sigma_3(problem, epsilon).lower
    bound = compute_stated_bound_3(problem.dim, gamma, sigma, epsilon)
    return Comparison(run_to(problem, epsilon, algorithm), bound)
