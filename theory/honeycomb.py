"""A pool in the plane that meets the condition of section 7.2 for a finite pool, and in which the search stalls."""

from __future__ import annotations

import math

import numpy as np

from seals_sim.indexes import ExactIndex
from seals_sim.types import Rows
from theory.clouds import Cloud
from theory.problems import Problem

GAMMA = 2.5  # in units of delta
HEIGHT = 2.3  # of the positive seed


def make_honeycomb(c: float = 0.174, foot: float = 20.0) -> tuple[Cloud, Problem, Rows]:
    """Make a honeycomb whose points have three neighbors each, with delta = 1 and a component of c in every direction.

    The neighbors of a point are at (+-sqrt(1 - c^2), -c) and (0, .8), or all mirrored. In the direction (0, -1), the
    best has the component c; in all others it has more. The positive seed is at (foot, HEIGHT), and the negative one
    GAMMA below it. A step of length 1 with the component c leads away from the negative seed if c < 1 / (2 GAMMA) = .2:
    its distance is sqrt(GAMMA^2 - 2 c GAMMA + 1).

    Args:
        c: At most .2, so that no step helps.
        foot: The position of the seeds along the boundary.

    Returns:
        The pool, the problem, and the rows of its seeds.

    Examples:
        >>> cloud, problem, rows = make_honeycomb()
        >>> len(cloud.find_neighbors(int(rows[0]))) - 1, problem.compute_gamma().tolist()
        (3, [2.5])
    """
    wide = math.sqrt(1 - c**2)
    steps = np.array([[wide, -c], [-wide, -c], [0.0, 0.8]])
    cells = np.array([(i, j) for i in range(-8, 9) for j in range(-8, 9)], dtype=float)
    lattice = cells @ np.array([steps[0] - steps[1], steps[0] - steps[2]])
    seed = np.array([foot, HEIGHT])
    points = np.vstack([seed + lattice, seed + lattice + steps[2], [seed - [0, GAMMA]]])
    rows = Rows(np.array([int(np.flatnonzero((cells == 0).all(axis=1))[0]), len(points) - 1]))
    cloud = Cloud(points, 1 + 1e-9, 3, ExactIndex(points.astype(np.float32)))
    labels = np.array([1, -1], dtype=np.int8)
    return cloud, Problem("honeycomb", np.array([0.0, 1.0]), points[rows], labels, (0,), 1.0), rows
