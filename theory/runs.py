"""A run and its state after each round, for the checks, the tables, and the figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from seals_sim.loop import run
from seals_sim.types import Learner, Oracle, Selector
from theory.certificates import certify_fit
from theory.errors import NotSeparable, SolverError
from theory.problems import Problem
from theory.searches import (
    FLOOR,
    BallPool,
    Closest,
    ClosestToHyperplane,
    HalfSpace,
    HomogeneousMaxMargin,
    HomogeneousSeparator,
    LabeledPoints,
    Query,
)
from theory.separators import Matrix, Solver, Vector, solve_fast

COLLAPSED = 0.1  # if all searches have ended and the certificate is above this, sigma is 0


class SearchPool(Protocol):
    """A pool of the loop that also reports on its searches; a pool without searches has no brackets."""

    status: list[str]
    queries: list[Query]

    @property
    def n_solves(self) -> int: ...

    @property
    def n_candidates(self) -> int: ...

    def find_brackets(self) -> Sequence[Closest]: ...

    def begin_round(self, model: Any) -> None: ...

    def candidates(self, slot: int) -> Any: ...

    def expand(self, slot: int, query: Any, label: int) -> None: ...


@dataclass(frozen=True, eq=False)
class State:
    """The state of a run after some rounds.

    Attributes:
        number: The number of finished rounds; S_{number + 1} is labeled.
        n_queries: Queries so far.
        w_hat: (d,), the normal of the fitted separator.
        error: |w_hat - w_star|_2.
        rho: (n,), rho_{i, number + 1}.
        z: (n, d), the z_i of the certificate; empty without searches.
        certificate: The bound on sin theta.
        kkt_residual: The largest residual of all separators in use, relative to their distances.
        n_solves: Separators solved so far.
    """

    number: int
    n_queries: int
    w_hat: Vector
    error: float
    rho: Vector
    z: Matrix
    certificate: float
    kkt_residual: float
    n_solves: int

    @property
    def max_rho(self) -> float:
        """The largest rho; NaN without searches."""
        return float(self.rho.max()) if len(self.rho) else np.nan


@dataclass(frozen=True, eq=False)
class Trace:
    """A whole run.

    Attributes:
        problem: The problem to learn.
        algorithm: `3`, `4`, `bisection`, `passive`, or `pool`.
        delta: The radius of a neighborhood in this run.
        status: How the run ended: `target` (every search has rho <= target, or the error is certified to be small
            enough), `floor` (every search has reached its target or the limit of rounding), `collapsed` (the searches
            have ended at boundary points that do not span the boundary, so sigma is 0), `nonseparable` (the labeled
            points have no separator), `failed` (a solver returned no certified result), `dry` (no candidates are left),
            or `rounds` (the limit of rounds was reached).
        states: One per round, and the one before the first.
        queries: One list per round.
    """

    problem: Problem
    algorithm: str
    delta: float
    status: str
    states: list[State] = field(repr=False)
    queries: list[list[Query]] = field(repr=False)

    def count_queries_to(self, values: Sequence[float], epsilon: float) -> int | None:
        """Count the queries until `values`, one per state, stay at or below epsilon; None if they never do."""
        above = [place for place, value in enumerate(values) if not value <= epsilon]
        first = above[-1] + 1 if above else 0
        return self.states[first].n_queries if first < len(self.states) else None

    def count_queries_to_error(self, epsilon: float) -> int | None:
        """Count the queries until the error stays at or below epsilon; None if the run ended earlier.

        On Example 1 the error is 0 before the first query, but it does not stay there.
        """
        return self.count_queries_to([state.error for state in self.states], epsilon)

    def count_queries_to_rho(self, bound: float) -> int | None:
        """Count the queries until every search has rho <= bound (step 1 of the proof)."""
        return self.count_queries_to([state.max_rho for state in self.states], bound)


def run_algorithm_3(problem: Problem, *, delta: float | None = None, max_rounds: int = 1000, **options: Any) -> Trace:
    """Run Algorithm 3 until every search has ended.

    Args:
        problem: The problem to learn.
        delta: The radius of a neighborhood; by default that of the problem.
        max_rounds: The maximum number of rounds.
        options: solver, pruning, and target as in `BallPool`; certified, oracle, and learner as in `follow`.

    Returns:
        The run.

    Examples:
        >>> from theory.problems import make_example_1
        >>> trace = run_algorithm_3(make_example_1(4))
        >>> trace.status, [state.max_rho for state in trace.states[:5]], trace.count_queries_to_error(1e-6)
        ('floor', [2.0, 1.5, 1.0, 0.5, 0.25], 57)
    """
    return _search(problem, "3", problem.delta if delta is None else delta, max_rounds, **options)


def run_algorithm_4(problem: Problem, *, max_rounds: int = 1000, **options: Any) -> Trace:
    """Run Algorithm 4, which is Algorithm 3 with delta = infinity."""
    return _search(problem, "4", np.inf, max_rounds, **options)


def _search(
    problem: Problem,
    name: str,
    delta: float,
    max_rounds: int,
    *,
    solver: Solver = solve_fast,
    pruning: bool = True,
    target: float = 0.0,
    certified: float = 0.0,
    oracle: Oracle[Vector] | None = None,
    learner: Learner[LabeledPoints, HomogeneousSeparator] | None = None,
) -> Trace:
    pool = BallPool(problem, delta, solver, pruning, target)
    learner = learner or HomogeneousMaxMargin(solver)
    return follow(problem, name, delta, pool, ClosestToHyperplane(), learner, oracle, max_rounds, certified)


def follow(
    problem: Problem,
    name: str,
    delta: float,
    pool: SearchPool,
    selector: Selector[Any, HomogeneousSeparator, Any],
    learner: Learner[LabeledPoints, HomogeneousSeparator],
    oracle: Oracle[Any] | None = None,
    max_rounds: int = 1000,
    certified: float = 0.0,
    seeds: LabeledPoints | None = None,
) -> Trace:
    """Run the loop with these parts, one query per search and round, and record its states.

    Args:
        problem: The problem to learn.
        name: The name of the algorithm.
        delta: The radius of a neighborhood.
        pool: Holds the searches.
        selector: Chooses the queries.
        learner: Fits the separator after each round.
        oracle: Labels the queries; by default the half-space of w_star.
        max_rounds: The maximum number of rounds.
        certified: Stop with the status `target` once the certificate proves that the error is at most this. It then
            stays there, because the rho_i never grow.
        seeds: The seeds of the problem, if queries are not points; by default its points and labels.

    Returns:
        The run.
    """
    states: list[State] = []
    n_asked = [0]
    seeds = seeds or LabeledPoints(problem.points, problem.labels)
    rounds = run(seeds, pool, learner, selector, oracle or HalfSpace(problem.w_star), len(problem.searches))
    status = ""
    try:
        for number, state in enumerate(rounds):
            n_asked.append(len(pool.queries))
            states.append(_record_state(problem, number, pool, state.model))
            if np.sqrt(2) * states[-1].certificate <= certified:
                status = "target"
                break
            if number == max_rounds:
                status = "rounds"
                break
    except NotSeparable:
        status = "nonseparable"
    except SolverError:
        status = "failed"
    queries = [pool.queries[begin:end] for begin, end in pairwise(n_asked[1:])]
    return Trace(problem, name, delta, _decide_status(problem, pool, states, status), states, queries)


def _record_state(problem: Problem, number: int, pool: SearchPool, model: HomogeneousSeparator) -> State:
    brackets = pool.find_brackets()
    fits = [model.separation, *(bracket.separation for bracket in brackets)]
    certificate = certify_fit(model.w_hat, brackets) if brackets else None
    return State(
        number,
        len(pool.queries),
        model.w_hat,
        float(np.linalg.norm(model.w_hat - problem.w_star)),
        np.array([bracket.rho for bracket in brackets]),
        certificate.z if certificate else np.empty((0, problem.dim)),
        certificate.sin_theta if certificate else np.nan,
        max(fit.kkt_residual / fit.distance for fit in fits),
        pool.n_solves,
    )


def _decide_status(problem: Problem, pool: SearchPool, states: list[State], status: str) -> str:
    """Decide how a run ended. If two searches met, rounding ended them, and only the certificate shows it."""
    have_ended = not {"running", "dry"} & set(pool.status)
    at_floor = bool(states) and states[-1].max_rho <= 1e3 * FLOOR * float(np.abs(problem.points).max())
    if (have_ended or at_floor) and states and states[-1].certificate > COLLAPSED:
        return "nonseparable" if "nonseparable" in pool.status else "collapsed"
    if status and not at_floor:
        return status
    for name in ("nonseparable", "dry", "floor", "target"):
        if name in pool.status:
            return name
    return status
