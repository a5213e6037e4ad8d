"""The pool-based case, which the paper leaves to future work: Algorithm 3 on the delta-neighbor graph of n points.

Section 7.2 conjectures that its bounds hold with c delta in place of delta if every delta-neighborhood has, in every
direction, a point with a component of c delta. Here the points are random, their neighborhoods come from the same index
that SEALS uses, and c is measured at each step of the slow phase.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

from seals_sim.errors import UserError
from seals_sim.indexes import ExactIndex, NeighborIndex
from seals_sim.types import Rows
from theory.problems import Problem, draw_direction
from theory.runs import Trace, follow
from theory.searches import BallPool, Closest, HomogeneousMaxMargin, HomogeneousSeparator
from theory.separators import Matrix, Solver, Vector, solve_fast

MEAN_NEIGHBORS = 64


@dataclass(frozen=True, eq=False)
class Cloud:
    """A finite pool.

    Attributes:
        points: (n, d), uniform in the unit ball.
        delta: The radius within which two points are neighbors.
        mean_neighbors: The number of neighbors that delta was chosen for.
        index: Exact neighbors of the points in float32.
    """

    points: Matrix
    delta: float
    mean_neighbors: float
    index: NeighborIndex

    def find_neighbors(self, row: int) -> Rows:
        """Find the rows within delta of a row, including the row itself."""
        k = int(2 * self.mean_neighbors) + 64
        while True:
            rows = self.index.neighbors(Rows(np.array([row])), k)[0]
            is_near = np.linalg.norm(self.points[rows] - self.points[row], axis=1) <= self.delta
            if not is_near.all() or len(rows) == len(self.points):
                return Rows(rows[is_near])
            k *= 2


def draw_cloud(n: int, dim: int, rng: np.random.Generator, mean_neighbors: float = MEAN_NEIGHBORS) -> Cloud:
    """Draw points uniformly from the unit ball.

    Args:
        n: The number of points.
        dim: d, the dimension.
        rng: Draws the points.
        mean_neighbors: delta is the radius of a ball that holds this many points on average, inside the unit ball.

    Returns:
        The points with their index.

    Raises:
        UserError: If n is below twice mean_neighbors.

    Examples:
        >>> cloud = draw_cloud(1000, 2, np.random.default_rng(0))
        >>> round(cloud.delta, 3), cloud.find_neighbors(0)[0]
        (0.253, np.int64(0))
    """
    if n < 2 * mean_neighbors:
        raise UserError(f"must be at least {2 * mean_neighbors:.0f}", parameter="n", value=n)
    points = rng.normal(size=(n, dim))
    points *= rng.random((n, 1)) ** (1 / dim) / np.linalg.norm(points, axis=1, keepdims=True)
    delta = (mean_neighbors / n) ** (1 / dim)
    return Cloud(points, float(delta), mean_neighbors, ExactIndex(points.astype(np.float32)))


def draw_cloud_problem(cloud: Cloud, rng: np.random.Generator) -> tuple[Problem, Rows]:
    """Draw a boundary through the center, and 2 (d - 1) seeds of both classes, the first d - 1 of which search.

    Returns:
        The problem, and the rows of its seeds in the cloud.
    """
    n, dim = cloud.points.shape
    w_star = draw_direction(dim, rng)
    while True:
        rows = rng.choice(n, size=2 * (dim - 1), replace=False)
        labels = np.where(cloud.points[rows] @ w_star >= 0, 1, -1).astype(np.int8)
        if len(set(labels.tolist())) == 2:
            break
    problem = Problem(f"cloud-{n}", w_star, cloud.points[rows], labels, tuple(range(dim - 1)), cloud.delta)
    return problem, rows


@dataclass(frozen=True, eq=False)
class Neighborhood:
    """The unlabeled neighbors (m, d) of x_bar; x_bar is None if the search has ended."""

    closest: Closest | None
    points: Matrix


class NearestToHyperplane:
    """Line 7 in a finite neighborhood: arg min dist(x', H)."""

    def select(self, candidates: Neighborhood, model: HomogeneousSeparator) -> Vector | None:
        closest = candidates.closest
        if closest is None:
            return None
        heights = (candidates.points - closest.point) @ closest.separation.normal
        return np.asarray(candidates.points[np.argmin(np.abs(heights - closest.rho / 2))])


@dataclass(frozen=True)
class SlowStep:
    """A step at rho >= 2 delta.

    Attributes:
        search: The number of the search.
        rho: The distance from x_bar to the hull of the other class.
        component: Of the step along the separator's normal, in units of delta: the c of the conjecture. It can be
            negative in an empty or one-sided neighborhood.
    """

    search: int
    rho: float
    component: float


def compute_component_of_chance(dim: int, n_neighbors: int = MEAN_NEIGHBORS) -> float:
    """Compute the median of the largest component, in units of delta, of neighbors drawn uniformly from a ball.

    One component of a point of the unit ball is distributed as 2 B - 1 with B ~ Beta((d + 1) / 2, (d + 1) / 2). This is
    what slow steps measure in a random pool whose delta is chosen by the number of neighbors: it says nothing of the c
    of the conjecture, which is a minimum over all directions.

    Examples:
        >>> round(compute_component_of_chance(2, 64), 2)
        0.93
    """
    shape = (dim + 1) / 2
    return float(2 * beta.ppf(0.5 ** (1 / n_neighbors), shape, shape) - 1)


class CloudPool(BallPool):
    """The clusters of Algorithm 3 whose searches may query only unlabeled points of the cloud."""

    def __init__(self, problem: Problem, rows: Rows, cloud: Cloud, solver: Solver = solve_fast) -> None:
        super().__init__(problem, cloud.delta, solver)
        self._cloud = cloud
        self._labeled_rows = {int(row) for row in rows}
        self._cluster_rows = [[int(rows[search])] for search in problem.searches]
        self._offered: Rows = rows
        self.slow_steps: list[SlowStep] = []

    def candidates(self, slot: int) -> Neighborhood:  # type: ignore[override]
        ball = super().candidates(slot)
        nothing = Neighborhood(None, np.empty((0, 0)))
        if ball.closest is None:
            return nothing
        near = self._cloud.find_neighbors(self._cluster_rows[slot][ball.closest.place])
        self._offered = Rows(np.array([row for row in near.tolist() if row not in self._labeled_rows], dtype=np.int64))
        if not len(self._offered):
            self.status[slot] = "dry"
            return nothing
        return Neighborhood(ball.closest, self._cloud.points[self._offered])

    def expand(self, slot: int, query: Vector, label: int) -> None:
        super().expand(slot, query, label)
        row = int(self._offered[(self._cloud.points[self._offered] == query).all(axis=1)][0])
        self._labeled_rows.add(row)
        self._cluster_rows[slot].append(row)
        closest = self.queries[-1].closest
        assert closest is not None
        if closest.rho >= 2 * self._delta:
            component = float((query - closest.point) @ closest.separation.normal) / self._delta
            self.slow_steps.append(SlowStep(slot, closest.rho, component))


def run_algorithm_3_on_cloud(
    cloud: Cloud, problem: Problem, rows: Rows, *, max_rounds: int = 100, solver: Solver = solve_fast
) -> tuple[Trace, list[SlowStep]]:
    """Run Algorithm 3 on a finite neighbor graph.

    Returns:
        The run, and its slow steps in the order of the queries.
    """
    pool = CloudPool(problem, rows, cloud, solver)
    learner = HomogeneousMaxMargin(solver)
    trace = follow(problem, "pool", cloud.delta, pool, NearestToHyperplane(), learner, max_rounds=max_rounds)
    return trace, pool.slow_steps
