"""Whether sigma is 0: whether a unit vector lies in all slabs {u : |p_i . u| <= r_i}.

sigma(0) = 0 if and only if one does. The slabs meet in a convex body around 0, so it is enough to know its point
farthest from 0, which is a vertex.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog
from scipy.spatial import HalfspaceIntersection, QhullError

from theory.separators import Matrix, Vector

_MOST_DIMENSIONS = 4  # in which all vertices are listed
_N_WALKS = 8


def find_farthest(centers: Matrix, radii: Vector) -> tuple[Vector, bool]:
    """Find the point in all slabs that is farthest from 0.

    Up to four dimensions all vertices are listed. Beyond that, walks go from vertex to vertex, each the farthest in the
    direction of the last, until one is outside the unit ball.

    Args:
        centers: (m, n), the p_i, of rank m.
        radii: (n,).

    Returns:
        The point (m,), and whether no other is farther.

    Examples:
        >>> point, is_farthest = find_farthest(np.eye(2), np.array([0.5, 0.25]))
        >>> np.abs(point), is_farthest
        (array([0.5 , 0.25]), True)
    """
    if len(centers) <= _MOST_DIMENSIONS and radii.min() > 0:
        slabs = np.vstack([np.column_stack([side * centers.T, -radii]) for side in (1, -1)])
        try:
            vertices = HalfspaceIntersection(slabs, np.zeros(len(centers))).intersections
            return np.asarray(vertices[np.argmax(np.linalg.norm(vertices, axis=1))]), True
        except QhullError:  # the slabs are too thin for it
            pass
    return _walk(centers, radii), False


def _walk(centers: Matrix, radii: Vector) -> Vector:
    rng, farthest = np.random.default_rng(0), np.zeros(len(centers))  # the same walks every time
    walls, limits = np.vstack([centers.T, -centers.T]), np.concatenate([radii, radii])
    for _ in range(_N_WALKS):
        point, size = rng.normal(size=len(centers)), 0.0
        while True:
            step = linprog(-point / np.linalg.norm(point), walls, limits, bounds=(None, None))
            if step.x is None or np.linalg.norm(step.x) <= size * (1 + 1e-9):
                break
            point, size = step.x, float(np.linalg.norm(step.x))
        if size > np.linalg.norm(farthest):
            farthest = point
        if size > 1:
            break
    return farthest


def bound_by_farthest(radii: Vector, farthest: float) -> float:
    """Bound the least g from below if no point in all slabs has a norm above `farthest`, which is below 1.

    A unit vector u leaves the slabs at a norm of at most `farthest`, so |p_i . u| >= r_i / farthest for some i.
    """
    return float(radii.min() * (1 / farthest - 1))
