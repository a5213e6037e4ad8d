"""What Theorem 1 is held against: passive learning, O(d / eps) labels, and bisection, O(d log(1 / eps)) (7.2, [6])."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from theory.problems import Problem
from theory.runs import Trace, follow
from theory.searches import FLOOR, Asked, Closest, HomogeneousMaxMargin, HomogeneousSeparator
from theory.separators import Matrix, Solver, Vector, fast


def _in_ball(n: int, dim: int, radius: float, rng: np.random.Generator) -> Matrix:
    """(n, d) points, uniform in the ball round 0."""
    points = rng.normal(size=(n, dim))
    lengths = radius * rng.random((n, 1)) ** (1 / dim)
    return np.asarray(points * lengths / np.linalg.norm(points, axis=1, keepdims=True))


class RandomPoints:
    """Passive learning: every candidate is a point drawn uniformly from the ball round 0 that holds the seeds."""

    n_solves = 0
    n_candidates = 0

    def __init__(self, dim: int, radius: float, rng: np.random.Generator) -> None:
        self.status: list[str] = ["running"]
        self.asked: list[Asked] = []
        self._dim, self._radius, self._rng = dim, radius, rng

    def brackets(self) -> Sequence[Closest]:
        return []

    def candidates(self, slot: int) -> Vector:
        return np.asarray(_in_ball(1, self._dim, self._radius, self._rng)[0])

    def expand(self, slot: int, query: Vector, label: int) -> None:
        self.asked.append(Asked(slot, None, query, label))


class TheOnlyOne:
    """The selector where there is one candidate, or none."""

    def select(self, candidates: Vector | None, model: HomogeneousSeparator) -> Vector | None:
        return candidates


def passive(problem: Problem, rng: np.random.Generator, *, n_queries: int = 1000, solver: Solver = fast) -> Trace:
    """Random labelled points and the max-margin separator, fitted anew after every d - 1 of them, as in Algorithm 3.

    It starts from as many seeds as the problem has, but random ones of both classes, too: the problem's own may stand
    so near to the boundary that a thousand random points add nothing to them.
    """
    radius = float(np.linalg.norm(problem.points, axis=1).max())
    while True:
        points = _in_ball(len(problem.points), problem.dim, radius, rng)
        labels = np.where(points @ problem.w_star >= 0, 1, -1).astype(np.int8)
        if len(set(labels.tolist())) == 2:
            break
    start = replace(problem, points=points, labels=labels)
    parts = RandomPoints(problem.dim, radius, rng), TheOnlyOne(), HomogeneousMaxMargin(solver)
    return follow(start, "passive", np.nan, *parts, max_rounds=-(-n_queries // len(problem.searches)))


class Segments:
    """Bisection: each search halves the segment from its seed to the nearest seed of the other class, by itself."""

    n_solves = 0

    def __init__(self, problem: Problem) -> None:
        self.asked: list[Asked] = []
        self._floor = FLOOR * float(np.abs(problem.points).max())
        self._ends: list[tuple[Vector, Vector, int]] = []
        self._places = [0] * len(problem.searches)
        for search in problem.searches:
            point, label = problem.points[search], int(problem.labels[search])
            others = problem.points[problem.labels != label]
            nearest = others[np.argmin(np.linalg.norm(others - point, axis=1))]
            self._ends.append((point, nearest, label))
        self.status = ["running"] * len(self._ends)

    @property
    def n_candidates(self) -> int:
        return len(self._ends)

    def brackets(self) -> Sequence[Closest]:
        return [self._bracket(slot) for slot in range(len(self._ends))]

    def _bracket(self, slot: int) -> Closest:
        point, other, label = self._ends[slot]
        return Closest.of_segment(self._places[slot], point, label, other)

    def candidates(self, slot: int) -> Vector | None:
        point, other, _ = self._ends[slot]
        if float(np.linalg.norm(point - other)) <= self._floor:
            self.status[slot] = "floor"
            return None
        return np.asarray((point + other) / 2)

    def expand(self, slot: int, query: Vector, label: int) -> None:
        self.asked.append(Asked(slot, self._bracket(slot), query, label))
        point, other, own = self._ends[slot]
        if label == own:
            self._ends[slot] = (query, other, own)
            self._places[slot] = sum(asked.search == slot for asked in self.asked)
        else:
            self._ends[slot] = (point, query, own)


def bisection(problem: Problem, *, max_rounds: int = 200, solver: Solver = fast) -> Trace:
    """Query-anywhere binary search along d - 1 fixed segments, and the max-margin separator of all that was seen."""
    parts = Segments(problem), TheOnlyOne(), HomogeneousMaxMargin(solver)
    return follow(problem, "bisection", np.inf, *parts, max_rounds=max_rounds)
