"""The pool-based case, which the paper leaves to future work: Algorithm 3 on the delta-neighbour graph of n points.

7.2 believes that its bounds hold with c delta in place of delta where every delta-neighbourhood has, in every
direction, a point with a component of c delta. Here the neighbourhoods are those of random points, found by the same
index that SEALS uses, and c is measured at each step of the slow phase.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seals_sim.errors import UserError
from seals_sim.indexes import ExactIndex, NeighborIndex
from seals_sim.types import Rows
from theory.problems import Problem, random_direction
from theory.runs import Trace, follow
from theory.searches import BallPool, Closest, HomogeneousMaxMargin, HomogeneousSeparator
from theory.separators import Matrix, Solver, Vector, fast


@dataclass(frozen=True, eq=False)
class Cloud:
    """points: (n, d) uniform in the unit ball; delta: the radius within which two of them are neighbours."""

    points: Matrix
    delta: float
    mean_neighbors: float
    index: NeighborIndex

    def neighbors(self, row: int) -> Rows:
        """Rows within delta of a row, itself included."""
        k = int(2 * self.mean_neighbors) + 64
        while True:
            found = self.index.neighbors(Rows(np.array([row])), k)[0]
            near = np.linalg.norm(self.points[found] - self.points[row], axis=1) <= self.delta
            if not near.all() or len(found) == len(self.points):
                return Rows(found[near])
            k *= 2


def random_cloud(n: int, dim: int, rng: np.random.Generator, mean_neighbors: float = 64.0) -> Cloud:
    """delta is set so that a ball of that radius inside the unit ball holds mean_neighbors of the n points on average.

    >>> cloud = random_cloud(1000, 2, np.random.default_rng(0))
    >>> round(cloud.delta, 3), cloud.neighbors(0)[0]
    (0.253, np.int64(0))
    """
    if n < 2 * mean_neighbors:
        raise UserError(f"must be at least {2 * mean_neighbors:.0f}", parameter="pool_size", value=n)
    points = rng.normal(size=(n, dim))
    points *= rng.random((n, 1)) ** (1 / dim) / np.linalg.norm(points, axis=1, keepdims=True)
    delta = (mean_neighbors / n) ** (1 / dim)
    return Cloud(points, float(delta), mean_neighbors, ExactIndex(points.astype(np.float32)))


def cloud_problem(cloud: Cloud, rng: np.random.Generator) -> tuple[Problem, Rows]:
    """A boundary through the center and 2 (d - 1) random seeds of both classes, the first d - 1 of which search."""
    n, dim = cloud.points.shape
    w_star = random_direction(dim, rng)
    while True:
        rows = rng.choice(n, size=2 * (dim - 1), replace=False)
        labels = np.where(cloud.points[rows] @ w_star >= 0, 1, -1).astype(np.int8)
        if len(set(labels.tolist())) == 2:
            break
    problem = Problem(f"cloud-{n}", w_star, cloud.points[rows], labels, tuple(range(dim - 1)), cloud.delta)
    return problem, rows


@dataclass(frozen=True, eq=False)
class Neighborhood:
    """The unlabelled neighbours of x_bar, (m, d); x_bar None where the search has ended."""

    closest: Closest | None
    points: Matrix


class NearestToHyperplane:
    """Line 7 on a finite neighbourhood: arg min dist(x', H)."""

    def select(self, candidates: Neighborhood, model: HomogeneousSeparator) -> Vector | None:
        closest = candidates.closest
        if closest is None:
            return None
        heights = (candidates.points - closest.point) @ closest.separation.normal
        return np.asarray(candidates.points[np.argmin(np.abs(heights - closest.rho / 2))])


@dataclass(frozen=True)
class SlowStep:
    """A step taken at rho >= 2 delta. component: of the query along the separator's normal, in units of delta, the c
    of the conjecture; in an empty or one-sided neighbourhood it can be negative.
    """

    search: int
    rho: float
    component: float


class CloudPool(BallPool):
    """The clusters of Algorithm 3 whose searches may query only unlabelled points of the cloud."""

    def __init__(self, problem: Problem, rows: Rows, cloud: Cloud, solver: Solver = fast) -> None:
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
        near = self._cloud.neighbors(self._cluster_rows[slot][ball.closest.place])
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
        closest = self.asked[-1].closest
        assert closest is not None
        if closest.rho >= 2 * self._delta:
            component = float((query - closest.point) @ closest.separation.normal) / self._delta
            self.slow_steps.append(SlowStep(slot, closest.rho, component))


def algorithm_3_on_cloud(
    cloud: Cloud, problem: Problem, rows: Rows, *, max_rounds: int = 100, solver: Solver = fast
) -> tuple[Trace, list[SlowStep]]:
    """Algorithm 3 with a finite neighbour graph, and the c of each of its slow steps."""
    pool = CloudPool(problem, rows, cloud, solver)
    learner = HomogeneousMaxMargin(solver)
    trace = follow(problem, "pool", cloud.delta, pool, NearestToHyperplane(), learner, max_rounds=max_rounds)
    return trace, pool.slow_steps
