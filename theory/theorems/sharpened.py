"""The sharpened Theorem 2 (not in the paper).

Statement: n (gamma / delta + log2(2 sqrt(2n) delta / (min(sigma, sqrt(2n)) epsilon))) queries are enough.
Algorithm: 3, with n >= d - 1 searches. Guarantee: n queries a bit, which is the best constant for n = d - 1.
Place: after section 7.2. Proof: theory/README.md, "The sharpened bounds".
"""

from __future__ import annotations

from theory.bounds import compute_sharpened_bound_2
from theory.problems import Problem
from theory.registry import run_to
from theory.sigma import enclose_sigma_2
from theory.theorems import Comparison


def compare(problem: Problem, epsilon: float, algorithm: str = "3") -> Comparison:
    """Compare the queries that a run needs with the bound."""
    gamma = float(problem.compute_gamma().max())
    sigma = enclose_sigma_2(problem, epsilon).lower
    bound = compute_sharpened_bound_2(problem.dim, gamma, problem.delta, sigma, epsilon, len(problem.searches))
    return Comparison(run_to(problem, epsilon, algorithm), bound)
