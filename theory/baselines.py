"""Baselines for Theorem 1: passive learning, O(d / eps) labels, and bisection, O(d log(1 / eps)) (7.2, [6])."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from theory.problems import Problem
from theory.runs import Trace, follow
from theory.searches import FLOOR, Closest, HomogeneousMaxMargin, HomogeneousSeparator, Query
from theory.separators import Matrix, Solver, Vector, solve_fast


def _draw_in_ball(n: int, dim: int, radius: float, rng: np.random.Generator) -> Matrix:
    """Draw points (n, d) uniformly from the ball around 0."""
    points = rng.normal(size=(n, dim))
    lengths = radius * rng.random((n, 1)) ** (1 / dim)
    return np.asarray(points * lengths / np.linalg.norm(points, axis=1, keepdims=True))


class RandomPoints:
    """The pool of passive learning: each candidate is drawn uniformly from the ball around 0 that holds the seeds."""

    n_solves = 0
    n_candidates = 0

    def __init__(self, n_slots: int, dim: int, radius: float, rng: np.random.Generator) -> None:
        self.status: list[str] = ["running"]
        self.queries: list[Query] = []
        self._shape, self._radius, self._rng = (n_slots, dim), radius, rng
        self._points = np.empty((0, dim))

    def find_brackets(self) -> Sequence[Closest]:
        return []

    def begin_round(self, model: object) -> None:
        self._points = _draw_in_ball(*self._shape, self._radius, self._rng)

    def candidates(self, slot: int) -> Vector:
        return np.asarray(self._points[slot])

    def expand(self, slot: int, query: Vector, label: int) -> None:
        self.queries.append(Query(slot, None, query, label))


class OnlyCandidate:
    """A selector for pools that offer one candidate or none."""

    def select(self, candidates: Vector | None, model: HomogeneousSeparator) -> Vector | None:
        return candidates


def run_passive(
    problem: Problem, rng: np.random.Generator, *, n_queries: int = 1000, solver: Solver = solve_fast
) -> Trace:
    """Run passive learning: label random points, and refit the max-margin separator after every d - 1 of them.

    The run draws its own seeds of both classes, the same number as the problem has: the problem's seeds may lie so
    close to the boundary that a thousand random points add nothing to them.

    Args:
        problem: Supplies w_star, the number of seeds, and the radius that holds them.
        rng: Draws the seeds and the points.
        n_queries: The number of labels, rounded up to whole rounds.
        solver: Fits the separators.

    Returns:
        The run. It has no certificates, because there are no searches.
    """
    radius = float(np.linalg.norm(problem.points, axis=1).max())
    while True:
        points = _draw_in_ball(len(problem.points), problem.dim, radius, rng)
        labels = np.where(points @ problem.w_star >= 0, 1, -1).astype(np.int8)
        if len(set(labels.tolist())) == 2:
            break
    start = replace(problem, points=points, labels=labels)
    parts = RandomPoints(len(problem.searches), problem.dim, radius, rng), OnlyCandidate(), HomogeneousMaxMargin(solver)
    return follow(start, "passive", np.nan, *parts, max_rounds=-(-n_queries // len(problem.searches)))


class Segments:
    """The pool of bisection: each search halves the segment from its seed to the nearest seed of the other class."""

    n_solves = 0

    def __init__(self, problem: Problem) -> None:
        self.queries: list[Query] = []
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

    def find_brackets(self) -> Sequence[Closest]:
        return [self._make_bracket(slot) for slot in range(len(self._ends))]

    def _make_bracket(self, slot: int) -> Closest:
        point, other, label = self._ends[slot]
        return Closest.from_segment(self._places[slot], point, label, other)

    def begin_round(self, model: object) -> None:
        for slot, (point, other, _) in enumerate(self._ends):
            if float(np.linalg.norm(point - other)) <= self._floor:
                self.status[slot] = "floor"

    def candidates(self, slot: int) -> Vector | None:
        point, other, _ = self._ends[slot]
        return None if self.status[slot] == "floor" else np.asarray((point + other) / 2)

    def expand(self, slot: int, query: Vector, label: int) -> None:
        self.queries.append(Query(slot, self._make_bracket(slot), query, label))
        point, other, own = self._ends[slot]
        if label == own:
            self._ends[slot] = (query, other, own)
            self._places[slot] = sum(query.search == slot for query in self.queries)
        else:
            self._ends[slot] = (point, query, own)


def run_bisection(problem: Problem, *, max_rounds: int = 200, solver: Solver = solve_fast) -> Trace:
    """Run a binary search along each of d - 1 fixed segments, and fit the max-margin separator to all labels."""
    parts = Segments(problem), OnlyCandidate(), HomogeneousMaxMargin(solver)
    return follow(problem, "bisection", np.inf, *parts, max_rounds=max_rounds)
