"""Algorithms, problems and oracles by name, so that you can run your own beside those of the paper."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from seals_sim.errors import UserError
from seals_sim.types import Oracle
from theory.baselines import run_bisection
from theory.noise import MajorityOracle, NoisyHalfSpace
from theory.problems import Problem, draw_random_problem, draw_spread_problem, make_example_1
from theory.runs import Trace, run_algorithm_3, run_algorithm_4
from theory.searches import HalfSpace
from theory.separators import Vector

Entry = TypeVar("Entry", bound=Callable[..., object])


class Registry(Generic[Entry]):
    """Functions by name.

    Args:
        kind: What the functions are, for error messages.

    Examples:
        >>> halves: Registry[Callable[[float], float]] = Registry("half")
        >>> @halves.add("lower")
        ... def take_lower(x: float) -> float:
        ...     return x / 2
        >>> halves.names, halves.get("lower")(3.0)
        (['lower'], 1.5)
        >>> halves.get("upper")
        Traceback (most recent call last):
        seals_sim.errors.UserError: half = 'upper': unknown; choose from 'lower'
    """

    def __init__(self, kind: str) -> None:
        self._kind, self._entries = kind, dict[str, Entry]()

    @property
    def names(self) -> list[str]:
        """All names, in the order of their registration."""
        return list(self._entries)

    def add(self, name: str) -> Callable[[Entry], Entry]:
        """Register the decorated function. Raises UserError if the name is taken."""
        if name in self._entries:
            raise UserError("is already registered", parameter=self._kind, value=name)

        def keep(entry: Entry) -> Entry:
            self._entries[name] = entry
            return entry

        return keep

    def get(self, name: str) -> Entry:
        """The function with this name. Raises UserError if there is none."""
        if name not in self._entries:
            known = ", ".join(map(repr, self.names))
            raise UserError(f"unknown; choose from {known}", parameter=self._kind, value=name)
        return self._entries[name]


Algorithm = Callable[[Problem, "Oracle[Vector] | None", float], Trace]
ProblemMaker = Callable[[int, np.random.Generator], Problem]
OracleMaker = Callable[[Vector, np.random.Generator], "Oracle[Vector]"]

ALGORITHMS: Registry[Algorithm] = Registry("algorithm")
"""Functions of a problem, an oracle (None for the half-space) and an error to certify, which return a run."""
PROBLEMS: Registry[ProblemMaker] = Registry("problem")
"""Functions of d and a generator, which return a problem."""
ORACLES: Registry[OracleMaker] = Registry("oracle")
"""Functions of w_star and a generator, which return an oracle."""

ALGORITHMS.add("3")(lambda problem, oracle, certified: run_algorithm_3(problem, oracle=oracle, certified=certified))
ALGORITHMS.add("4")(lambda problem, oracle, certified: run_algorithm_4(problem, oracle=oracle, certified=certified))
ALGORITHMS.add("bisection")(lambda problem, oracle, certified: run_bisection(problem))
PROBLEMS.add("example1")(lambda dim, rng: make_example_1(dim))
PROBLEMS.add("spread")(lambda dim, rng: draw_spread_problem(dim, rng))
PROBLEMS.add("random")(lambda dim, rng: draw_random_problem(dim, rng))
ORACLES.add("exact")(lambda w_star, rng: HalfSpace(w_star))
ORACLES.add("one in 100 wrong")(lambda w_star, rng: NoisyHalfSpace(w_star, rng, flip=0.01))
ORACLES.add("majority of 3")(lambda w_star, rng: MajorityOracle(NoisyHalfSpace(w_star, rng, flip=0.01), 3))


def run_to(problem: Problem, epsilon: float, algorithm: str = "3") -> float:
    """Count the queries until the error stays at or below epsilon; infinite if it never does."""
    needed = ALGORITHMS.get(algorithm)(problem, None, epsilon).count_queries_to_error(epsilon)
    return math.inf if needed is None else needed


@dataclass(frozen=True)
class Line:
    """A run of `run_all`: its parts, the queries to the error (infinite if not reached), and how it ended."""

    problem: str
    algorithm: str
    oracle: str
    seed: int
    queries: float
    status: str


def run_all(dim: int, epsilon: float, problem: str, oracle: str = "exact", n_seeds: int = 3) -> list[Line]:
    """Run every registered algorithm on the same problems."""
    lines = []
    for seed in range(n_seeds):
        made = PROBLEMS.get(problem)(dim, np.random.default_rng(seed))
        for name in ALGORITHMS.names:
            answers = ORACLES.get(oracle)(made.w_star, np.random.default_rng([seed, 1]))
            trace = ALGORITHMS.get(name)(made, answers, epsilon)
            needed = trace.count_queries_to_error(epsilon)
            lines.append(Line(problem, name, oracle, seed, math.inf if needed is None else needed, trace.status))
    return lines
