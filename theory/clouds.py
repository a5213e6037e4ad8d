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
from seals_sim.types import Oracle, Rows
from theory.problems import Labels, Problem, draw_direction
from theory.runs import Trace, follow
from theory.searches import BallPool, Closest, HalfSpace, HomogeneousMaxMargin, HomogeneousSeparator, LabeledPoints
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
        k: If above 0, the neighbors are the k nearest rows at any distance.
        recall: The share of the neighbors that the index returns, drawn at random, but always the same for a row.
    """

    points: Matrix
    delta: float
    mean_neighbors: float
    index: NeighborIndex
    k: int = 0
    recall: float = 1.0

    def find_neighbors(self, row: int) -> Rows:
        """Find the rows within delta of a row, or the k nearest, including the row itself."""
        rows = self._find_k(row) if self.k else self._find_ball(row)
        if self.recall >= 1:
            return rows
        return Rows(rows[np.random.default_rng(row).random(len(rows)) < self.recall])

    def _find_k(self, row: int) -> Rows:
        return Rows(self.index.neighbors(Rows(np.array([row])), self.k)[0])

    def _find_ball(self, row: int) -> Rows:
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
    """The unlabeled neighbors of x_bar, their rows and points (m, d); x_bar is None if there is nothing to query."""

    closest: Closest | None
    rows: Rows
    points: Matrix


class NearestToHyperplane:
    """Line 7 in a finite neighborhood: the row of arg min dist(x', H)."""

    def select(self, candidates: Neighborhood, model: HomogeneousSeparator) -> int | None:
        closest = candidates.closest
        if closest is None:
            return None
        heights = (candidates.points - closest.point) @ closest.separation.normal
        return int(candidates.rows[np.argmin(np.abs(heights - closest.rho / 2))])


class LabeledRows(LabeledPoints):
    """S_r when queries are rows of the cloud."""

    def __init__(self, points: Matrix, labels: Labels, cloud: Matrix) -> None:
        super().__init__(points, labels)
        object.__setattr__(self, "_cloud", cloud)
        self._cloud: Matrix

    def add(self, query: int, label: int) -> LabeledRows:  # type: ignore[override]
        grown = super().add(self._cloud[query], label)
        return LabeledRows(grown.points, grown.labels, self._cloud)


class RowOracle:
    """Labels a row of the cloud with the label of its point."""

    def __init__(self, cloud: Matrix, oracle: Oracle[Vector]) -> None:
        self._cloud, self._oracle = cloud, oracle

    def label(self, query: int) -> int:
        return self._oracle.label(self._cloud[query])


@dataclass(frozen=True)
class SlowStep:
    """A step at rho >= 2 delta.

    Attributes:
        search: The number of the search.
        rho: The distance from x_bar to the hull of the other class.
        component: The component of the step along the separator's normal, in units of delta: the c of the conjecture.
            It can be negative in an empty or one-sided neighborhood.
        fall: How far rho fell in the round, in units of delta.
    """

    search: int
    rho: float
    component: float
    fall: float


def compute_component_of_chance(dim: int, n_neighbors: int = MEAN_NEIGHBORS) -> float:
    """Compute the median of the largest component, in units of delta, of neighbors drawn uniformly from a ball.

    One component of a point of the unit ball is distributed as 2 B - 1 with B ~ Beta((d + 1) / 2, (d + 1) / 2). Slow
    steps measure this median in a random pool whose delta is chosen by the number of neighbors. It says nothing about
    the c of the conjecture, which is a minimum over all directions.

    Examples:
        >>> round(compute_component_of_chance(2, 64), 2)
        0.93
    """
    shape = (dim + 1) / 2
    return float(2 * beta.ppf(0.5 ** (1 / n_neighbors), shape, shape) - 1)


class CloudPool(BallPool):
    """The clusters of Algorithm 3 whose searches may query only unlabeled rows of the cloud."""

    def __init__(self, problem: Problem, rows: Rows, cloud: Cloud, solver: Solver = solve_fast) -> None:
        super().__init__(problem, cloud.delta, solver)
        self._cloud = cloud
        self._labeled_rows = {int(row) for row in rows}
        self._cluster_rows = [[int(rows[search])] for search in problem.searches]

    def begin_round(self, model: object) -> None:
        """As in `BallPool`; a search without unlabeled neighbors has run dry."""
        super().begin_round(model)
        for slot, status in enumerate(self.status):
            if status == "running" and not len(self._find_unlabeled(slot)):
                self.status[slot] = "dry"

    def candidates(self, slot: int) -> Neighborhood:  # type: ignore[override]
        rows = self._find_unlabeled(slot) if self.status[slot] == "running" else Rows(np.empty(0, dtype=np.int64))
        return Neighborhood(self._closest[slot] if len(rows) else None, rows, self._cloud.points[rows])

    def expand(self, slot: int, query: int, label: int) -> None:  # type: ignore[override]
        super().expand(slot, self._cloud.points[query], label)
        self._labeled_rows.add(query)
        self._cluster_rows[slot].append(query)

    def _find_unlabeled(self, slot: int) -> Rows:
        closest = self._closest[slot]
        assert closest is not None
        near = self._cloud.find_neighbors(self._cluster_rows[slot][closest.place])
        return Rows(np.array([row for row in near.tolist() if row not in self._labeled_rows], dtype=np.int64))


def list_slow_steps(trace: Trace) -> list[SlowStep]:
    """List the steps of a run at rho >= 2 delta, in the order of the queries."""
    steps = []
    for before, after, queries in zip(trace.states, trace.states[1:], trace.queries, strict=False):
        for query in queries:
            closest = query.closest
            if closest is not None and closest.rho >= 2 * trace.delta:
                component = float((query.point - closest.point) @ closest.separation.normal) / trace.delta
                fall = float(before.rho[query.search] - after.rho[query.search]) / trace.delta
                steps.append(SlowStep(query.search, closest.rho, component, fall))
    return steps


def run_algorithm_3_on_cloud(
    cloud: Cloud, problem: Problem, rows: Rows, *, max_rounds: int = 100, solver: Solver = solve_fast
) -> Trace:
    """Run Algorithm 3 on a finite neighbor graph; rows are the rows of the problem's seeds."""
    pool = CloudPool(problem, rows, cloud, solver)
    oracle = RowOracle(cloud.points, HalfSpace(problem.w_star))
    parts = pool, NearestToHyperplane(), HomogeneousMaxMargin(solver), oracle
    seeds = LabeledRows(problem.points, problem.labels, cloud.points)
    return follow(problem, "pool", cloud.delta, *parts, max_rounds=max_rounds, seeds=seeds)
