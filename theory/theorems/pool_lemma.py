"""The pool lemma (in place of the conjecture of section 7.2).

Statement: a step of length <= delta with component c delta at rho >= 2 delta lowers rho by (2 - sqrt(5 - 4c)) delta.
Algorithm: 3 on a finite pool. Guarantee: above 0 only for c > 1/4; a fall of c delta, as conjectured, is not certain.
Place: section 7.2, last paragraph. Proof: theory/README.md, "A finite pool".
"""

from __future__ import annotations

import numpy as np

from theory.bounds import bound_slow_fall
from theory.clouds import draw_cloud, draw_cloud_problem, list_slow_steps, run_algorithm_3_on_cloud
from theory.theorems import Comparison


def compare(n: int, dim: int, seed: int = 0) -> Comparison:
    """Compare the fall of rho, in delta, with the lemma, for the slow step of a run with the smallest margin."""
    rng = np.random.default_rng([dim, seed])
    cloud = draw_cloud(n, dim, rng)
    problem, rows = draw_cloud_problem(cloud, rng)
    steps = list_slow_steps(run_algorithm_3_on_cloud(cloud, problem, rows, max_rounds=30))
    pairs = [(step.fall, bound_slow_fall(step.component, 1.0)) for step in steps]
    return Comparison(*min(pairs, key=lambda pair: pair[0] - pair[1], default=(0.0, 0.0)), is_upper=False)
