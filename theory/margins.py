"""Equation (10), the max-margin separator of a point, solved separately: it shares no code with the solvers.

It exists to check them: `checks.check_lemma_2` would be circular if it took the separator from the run.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

from theory.separators import Matrix, Vector


def solve_equation_10(points: Matrix) -> tuple[Vector, float, float]:
    """Solve min |w| with w . b_j >= 1, for b_j = a_j - x, by the least-distance programming of Lawson and Hanson.

    The residual r of the non-negative least squares [b_j; 1] u = (0, ..., 0, 1) is the solution w up to its length.

    Args:
        points: (m, d), the points b_j.

    Returns:
        The normal w / |w| (d,), the distance at which it separates the points (twice the margin), and the relative
        gap to the length of the hull's point that the multipliers define. Only a small gap certifies the result.

    Examples:
        >>> normal, distance, gap = solve_equation_10(np.array([[2.0, 1.0], [2.0, -1.0], [5.0, 0.0]]))
        >>> np.allclose(normal, [1, 0]), round(distance, 9), gap < 1e-9
        (True, 2.0, True)
    """
    sizes = np.linalg.norm(points, axis=1)
    scale = float(sizes.min())
    system = np.vstack([(points / sizes[:, None]).T, scale / sizes])
    target = np.zeros(len(system))
    target[-1] = 1
    weights, _ = nnls(system, target, maxiter=100 * sum(system.shape))
    residual = system @ weights - target
    if not residual[-1] < 0:
        return np.zeros(points.shape[1]), 0.0, np.inf
    normal = -residual[:-1] / residual[-1]
    normal /= float(np.linalg.norm(normal)) or 1.0
    multipliers = weights / sizes
    upper = float(np.linalg.norm(multipliers @ points / multipliers.sum())) if multipliers.any() else np.inf
    lower = float((points @ normal).min())
    return normal, lower, abs(1 - lower / upper)
