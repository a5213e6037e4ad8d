"""Algorithms 3 and 4 as parts of the loop in `seals_sim.loop`: d - 1 searches, each with its own cluster C_i.

In round r every search i takes x_bar, the point of C_{i,r} nearest to the hull of the opposite labels, and queries the
point of its delta-ball nearest to the separator (Lemma 2: a step of min(delta, rho / 2) along the normal). S_r does not
change within a round: we read line 9 as gathering all queries of the round into S_{r+1}. Algorithm 4 has
delta = infinity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from theory.errors import NotSeparable
from theory.problems import Labels, Problem
from theory.separators import Hint, Matrix, Separation, Solver, Vector, solve_fast

_TIE = 1e-7  # distances this close, relatively, count as equal: both ends of a segment tie after a change of label
FLOOR = 1e-13  # relative to the coordinates; below this, labels and midpoints are noise, and a search stops


@dataclass(frozen=True, eq=False)
class LabeledPoints:
    """S_r: points (m, d) with labels (m,) of 1 and -1."""

    points: Matrix
    labels: Labels

    def __len__(self) -> int:
        return len(self.points)

    def add(self, query: Vector, label: int) -> LabeledPoints:
        return LabeledPoints(np.vstack([self.points, query]), np.append(self.labels, np.int8(label)))


@dataclass(frozen=True, eq=False)
class HomogeneousSeparator:
    """A separator through the origin: w_hat (d,), of unit length, and its fit."""

    w_hat: Vector
    separation: Separation


class HomogeneousMaxMargin:
    """Line 11: fits the homogeneous max-margin separator of S_r, and raises NotSeparable if there is none."""

    def __init__(self, solver: Solver = solve_fast) -> None:
        self._solver = solver
        self._last: tuple[Hint, ...] = ()

    def fit(self, labeled: LabeledPoints) -> HomogeneousSeparator:
        separation = self._solver(labeled.labels[:, None] * labeled.points, self._last)
        self._last = ((separation.normal, separation.distance),)
        return HomogeneousSeparator(separation.normal, separation)


class HalfSpace:
    """The oracle of section 7.2: 1 if w_star . x >= 0, else -1."""

    def __init__(self, w_star: Vector) -> None:
        self._w_star = w_star

    def label(self, query: Vector) -> int:
        return 1 if float(query @ self._w_star) >= 0 else -1


@dataclass(eq=False)
class _Member:
    """A point of a cluster, with what is known about its separator from S_r^{-y}.

    Attributes:
        point: (d,).
        label: 1 or -1.
        parent: The position in the cluster of the point from which it was queried; None for the seed.
        separation: The latest separator.
        distance: The distance to the hull of the other class if is_exact, otherwise a lower bound.
        is_exact: Whether the distance is certified.
        n_counted: How many opposite points the distance takes into account.
    """

    point: Vector
    label: int
    parent: int | None
    separation: Separation | None = None
    distance: float = 0.0
    is_exact: bool = False
    n_counted: int = 0


@dataclass(frozen=True, eq=False)
class Closest:
    """x_bar_{i,r}, its position in the cluster, and its separator."""

    place: int
    point: Vector
    label: int
    separation: Separation

    @classmethod
    def from_segment(cls, place: int, point: Vector, label: int, other: Vector) -> Closest:
        """Separate a point from a single point of the other class, which needs no solver."""
        offset = other - point
        length = float(np.linalg.norm(offset))
        return cls(place, point, label, Separation(offset / (length or 1.0), length, np.ones(1), 0.0, 0.0))

    @property
    def rho(self) -> float:
        """The distance from x_bar to the hull of the other class."""
        return self.separation.distance

    @property
    def across(self) -> Vector:
        """The point of the other hull that is nearest to x_bar."""
        return np.asarray(self.point + self.separation.nearest)


@dataclass(frozen=True, eq=False)
class Query:
    """A query and its label.

    Attributes:
        search: The number of the search that made it.
        closest: x_bar_{i,r}, from which it was made; None in passive learning, which has no searches.
        point: (d,).
        label: 1 or -1.
    """

    search: int
    closest: Closest | None
    point: Vector
    label: int

    @property
    def parent(self) -> int | None:
        """The position of x_bar in the cluster of the search; 0 is the seed."""
        return self.closest.place if self.closest else None

    @property
    def rho(self) -> float | None:
        """The distance from x_bar to the hull of the other class, before the query."""
        return self.closest.rho if self.closest else None


class Cluster:
    """C_{i,r}, with exact pruning of its separators.

    A separator stays optimal until a new opposite point p violates it: n . (p - x) < rho (KKT). Then
    min(rho, min n . (p - x)) is a lower bound on the new distance, and the separator is solved again only while this
    bound is below the smallest exact distance. Without pruning, all are solved in every round, with the same choice.
    """

    def __init__(self, seed: Vector, label: int, solver: Solver = solve_fast, pruning: bool = True) -> None:
        self.members = [_Member(seed, label, None)]
        self.n_solves = 0
        self._solver, self._pruning = solver, pruning

    def add(self, point: Vector, label: int, parent: int) -> None:
        self.members.append(_Member(point, label, parent))

    def find_closest(self, opposite: dict[int, Matrix]) -> Closest:
        """Find the point of C_i with the smallest margin, the earliest among equals (line 7).

        Args:
            opposite: S_r^{-label} by label.
        """
        for member in self.members:
            self._count_new(member, opposite[member.label])
        while True:
            smallest = min((m.distance for m in self.members if m.is_exact), default=np.inf)
            pending = [m for m in self.members if not m.is_exact and m.distance <= smallest * (1 + _TIE)]
            if not pending:
                break
            next_member = min(pending, key=lambda m: m.distance)
            self._solve(next_member, opposite[next_member.label])
        place = next(i for i, m in enumerate(self.members) if m.is_exact and m.distance <= smallest * (1 + _TIE))
        member = self.members[place]
        assert member.separation is not None
        return Closest(place, member.point, member.label, member.separation)

    def _count_new(self, member: _Member, opposite: Matrix) -> None:
        new = opposite[member.n_counted :]
        member.n_counted = len(opposite)
        if member.separation is None or not self._pruning:
            member.is_exact, member.distance = False, 0.0
            return
        if not len(new):
            return
        height = float(((new - member.point) @ member.separation.normal).min())
        if height < member.distance * (1 - 1e-12):
            member.is_exact, member.distance = False, max(height, 0.0)

    def _solve(self, member: _Member, opposite: Matrix) -> None:
        hints = []
        if member.separation is not None:
            hints.append((member.separation.normal, member.separation.distance))
        if member.parent is not None and (known := self.members[member.parent]).separation is not None:
            sign = 1 if known.label == member.label else -1
            hints.append((sign * known.separation.normal, known.separation.distance / 2))
        member.separation = self._solver(opposite - member.point, tuple(hints))
        member.distance, member.is_exact = member.separation.distance, True
        self.n_solves += 1


@dataclass(frozen=True, eq=False)
class Ball:
    """The points that a search may query in this round: the ball around x_bar, None if the search has ended."""

    closest: Closest | None
    radius: float


class ClosestToHyperplane:
    """Line 7: selects the point of the ball nearest to the separator; among equals, the projection onto it (7.2)."""

    def select(self, candidates: Ball, model: HomogeneousSeparator) -> Vector | None:
        closest = candidates.closest
        if closest is None:
            return None
        return np.asarray(closest.point + min(candidates.radius, closest.rho / 2) * closest.separation.normal)


class BallPool:
    """The clusters of all searches.

    Args:
        problem: Its seeds start the searches.
        delta: The radius of the ball; infinite in Algorithm 4.
        solver: Solves the separators.
        pruning: As in `Cluster`.
        target: A search ends when its rho is at most this.

    Attributes:
        clusters: One per search.
        status: The status of each search: `running`, `target`, `floor` (rho has reached the limit of rounding), or
            `nonseparable` (x_bar is inside the other class, which is possible with noisy labels).
        rho: (n,), the latest rho of each search.
        queries: All queries so far.
    """

    def __init__(
        self, problem: Problem, delta: float, solver: Solver = solve_fast, pruning: bool = True, target: float = 0.0
    ) -> None:
        self._delta, self._target = delta, target
        self._labeled = LabeledPoints(problem.points, problem.labels)
        self._scale = float(np.abs(problem.points).max())
        seeds = [(problem.points[place], int(problem.labels[place])) for place in problem.searches]
        self.clusters = [Cluster(point, label, solver, pruning) for point, label in seeds]
        self.status = ["running"] * len(self.clusters)
        self.rho = np.full(len(self.clusters), np.inf)
        self.queries: list[Query] = []
        self._n_gathered = 0
        self._closest: list[Closest | None] = [None] * len(self.clusters)
        self._begin()

    @property
    def n_candidates(self) -> int:
        return sum(len(cluster.members) for cluster in self.clusters)

    @property
    def n_solves(self) -> int:
        return sum(cluster.n_solves for cluster in self.clusters)

    def find_brackets(self) -> list[Closest]:
        """The x_bar_{i,r} of every search; for a search that has ended, it is the last one."""
        return [closest for closest in self._closest if closest is not None]

    def begin_round(self, model: object) -> None:
        """Gather the queries of the last round into S_r (line 9), then find each running x_bar (lines 6-7)."""
        if self._n_gathered < len(self.queries):
            self._begin()

    def candidates(self, slot: int) -> Ball:
        return Ball(self._closest[slot] if self.status[slot] == "running" else None, self._delta)

    def expand(self, slot: int, query: Vector, label: int) -> None:
        closest = self._closest[slot]
        assert closest is not None
        self.queries.append(Query(slot, closest, query, label))

    def _begin(self) -> None:
        for query in self.queries[self._n_gathered :]:
            self._labeled = self._labeled.add(query.point, query.label)
            assert query.parent is not None
            self.clusters[query.search].add(query.point, query.label, query.parent)
        self._n_gathered = len(self.queries)
        by_label = {label: self._labeled.points[self._labeled.labels == -label] for label in (1, -1)}
        for slot, cluster in enumerate(self.clusters):
            if self.status[slot] != "running":
                continue
            try:
                closest = cluster.find_closest(by_label)
            except NotSeparable:
                near_floor = self.rho[slot] <= 1e3 * FLOOR * self._scale
                self.status[slot] = "floor" if near_floor else "nonseparable"
                continue
            self._closest[slot], self.rho[slot] = closest, closest.rho
            if closest.rho <= FLOOR * self._scale:
                self.status[slot] = "floor"
            elif closest.rho <= self._target:
                self.status[slot] = "target"
