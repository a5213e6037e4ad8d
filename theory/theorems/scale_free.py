"""The scale-free bound (not in the paper).

Statement: n (gamma / delta + log2(2 delta / t)) queries are enough,
t = min(eta, sigma_eta epsilon sqrt(1 - epsilon^2 / 4) / sqrt n).
Algorithm: 3, with n >= d - 1 searches, epsilon <= sqrt 2. Guarantee: the same in any unit of length.
Place: after section 7.2. Proof: theory/README.md, "Claim, scale-free".
"""

from __future__ import annotations

from theory.bounds import choose_eta, compute_scale_free_bound_2
from theory.problems import Problem
from theory.registry import run_to
from theory.sigma import enclose_sigma_eta
from theory.theorems import Comparison


def compare(problem: Problem, epsilon: float, algorithm: str = "3") -> Comparison:
    """Compare the queries that a run needs with the bound."""
    gamma = float(problem.compute_gamma().max())
    n = len(problem.searches)
    eta = choose_eta(n, enclose_sigma_eta(problem, 0.0).upper, epsilon)
    sigma = enclose_sigma_eta(problem, eta).lower if eta > 0 else 0.0
    bound = compute_scale_free_bound_2(n, gamma, problem.delta, sigma, epsilon, eta)
    return Comparison(run_to(problem, epsilon, algorithm), bound)
