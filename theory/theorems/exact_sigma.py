"""Exact sigma (the paper only defines it).

Statement: sigma(0) = min over unit u orthogonal to w_star of sqrt(sum_i (|p_i . u| - r_i)_+^2), for any n >= d - 1.
Algorithm: none. Guarantee: certified to 1e-7 for d <= 3, and beyond that if the minimizer has the least eigenvalue.
Place: section 7.2, the definition of sigma. Proof: theory/README.md, "Exact sigma".
"""

from __future__ import annotations

from theory.excess import search_least_excess
from theory.problems import Problem
from theory.sigma import build_sets, enclose_sigma_2
from theory.theorems import Comparison


def compare(problem: Problem) -> Comparison:
    """Compare the minimum that the search finds with the certified lower bound."""
    sets = build_sets(problem, problem.compute_gamma() + 2 * problem.delta, 0.0)
    value = search_least_excess(sets.centers, sets.shadows)[1]
    return Comparison(value, enclose_sigma_2(problem, 0.0).lower, is_upper=False)
