"""No method needs fewer (not in the paper).

Statement: some w_star with the labels of the seeds needs (d - 1) (log2(1 / epsilon) - log2(1 / sin alpha)) queries.
Algorithm: any that asks for labels. Guarantee: with k queries fewer, a method succeeds on at most 2^-k of a cap.
Place: against section 7.2. Proof: theory/README.md, "No method needs fewer". One run may be lucky, so `compare`
takes the mean of runs over w_star drawn from the cap.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from theory.packing import bound_queries_below, compute_seed_sine
from theory.problems import Problem
from theory.registry import run_to
from theory.separators import solve_fast
from theory.theorems import Comparison


def compare(problem: Problem, epsilon: float, algorithm: str = "3", n_runs: int = 8) -> Comparison:
    """Compare the mean queries over w_star of the cap with the bound, less the 2 by which a mean may fall short.

    With k queries fewer than the bound, at most 2^-k of w_star are learned, so the mean shortfall is at most
    sum_k 2^-k = 2.
    """
    signed = problem.labels[:, None] * problem.points
    center = solve_fast(signed / np.linalg.norm(signed, axis=1, keepdims=True)).normal
    sine, rng, needed = compute_seed_sine(problem), np.random.default_rng(0), []
    for _ in range(n_runs):
        across = rng.normal(size=problem.dim)
        across -= (across @ center) * center
        angle = 0.99 * math.asin(sine) * rng.random() ** (1 / (problem.dim - 1))
        w_star = math.cos(angle) * center + math.sin(angle) * across / np.linalg.norm(across)
        needed.append(run_to(replace(problem, w_star=w_star / np.linalg.norm(w_star)), epsilon, algorithm))
    bound = max(bound_queries_below(problem.dim, sine, epsilon) - 2, 0.0)
    return Comparison(float(np.mean(needed)), bound, is_upper=False)
