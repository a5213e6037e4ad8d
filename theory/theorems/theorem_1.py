"""Theorem 1 (section 4), with a constant.

Statement: O(d (gamma / delta + log(d delta / (epsilon min(sigma, 1))))) queries are enough for an error of epsilon.
Algorithm: 3. Guarantee: a factor of 4 with log2, if the logarithm is of 2 or more: 2 log2(2 A) <= 4 log2 A.
Place: section 4; it is Theorem 2 without its constants. Proof: theory/README.md, "The sharpened bounds".
"""

from __future__ import annotations

import math

from theory.problems import Problem
from theory.registry import run_to
from theory.sigma import enclose_sigma_2
from theory.theorems import Comparison


def compare(problem: Problem, epsilon: float, algorithm: str = "3") -> Comparison:
    """Compare the queries that a run needs with the bound."""
    gamma = float(problem.compute_gamma().max())
    sigma = enclose_sigma_2(problem, epsilon).lower
    argument = problem.dim * problem.delta / (epsilon * min(sigma, 1)) if sigma > 0 else math.inf
    bound = 4 * problem.dim * (gamma / problem.delta + math.log2(max(argument, 2)))
    return Comparison(run_to(problem, epsilon, algorithm), bound)
