"""One run, followed round by round: all that the checks, the tables and the figures need of it."""

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

COLLAPSED = 0.1  # a certificate no better than this, where all searches have ended, says nothing: sigma is 0


class SearchPool(Protocol):
    """What a pool must tell of its searches to be followed; one without searches has no brackets."""

    status: list[str]
    queries: list[Query]

    @property
    def n_solves(self) -> int: ...

    @property
    def n_candidates(self) -> int: ...

    def find_brackets(self) -> Sequence[Closest]: ...

    def candidates(self, slot: int) -> Any: ...

    def expand(self, slot: int, query: Vector, label: int) -> None: ...


@dataclass(frozen=True, eq=False)
class State:
    """After `number` rounds, that is with S_{number + 1} labelled.

    rho: (n,) rho_{i, number + 1}; z: (n, d) of the certificate, empty without searches; certificate: its bound on
    sin theta; error: |w_hat - w_star|_2; kkt_residual: the largest of the separators in use, relative to their
    distance; n_solves: separators solved so far.
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
        return float(self.rho.max()) if len(self.rho) else np.nan


@dataclass(frozen=True, eq=False)
class Trace:
    """A whole run. queries: one list a round.

    status: `target` (every search at rho <= target, or the error certified to be as small as wanted), `floor` (every
    search there or down to rounding), `collapsed` (the searches have ended, but on boundary points that do not span the
    boundary: sigma is 0), `nonseparable` (no separator of the labelled points), `failed` (a solver gave no certified
    result), `dry` (no candidate left), `rounds` (stopped by its limit of rounds).
    """

    problem: Problem
    algorithm: str
    delta: float
    status: str
    states: list[State] = field(repr=False)
    queries: list[list[Query]] = field(repr=False)

    def count_queries_to(self, values: Sequence[float], epsilon: float) -> int | None:
        """Queries made until the state from which `values`, one a state, stay at or below epsilon for good."""
        above = [place for place, value in enumerate(values) if not value <= epsilon]
        first = above[-1] + 1 if above else 0
        return self.states[first].n_queries if first < len(self.states) else None

    def count_queries_to_error(self, epsilon: float) -> int | None:
        """None where the run ended before. On Example 1 the error is 0 before any query, but not for good."""
        return self.count_queries_to([state.error for state in self.states], epsilon)

    def count_queries_to_rho(self, bound: float) -> int | None:
        """Queries until every search has rho <= bound (step 1 of the proof)."""
        return self.count_queries_to([state.max_rho for state in self.states], bound)


def run_algorithm_3(problem: Problem, *, delta: float | None = None, max_rounds: int = 1000, **options: Any) -> Trace:
    """Algorithm 3 with the problem's delta, until every search has come to its end.

    options: solver, pruning and target of `BallPool`; certified, oracle and learner as in `follow`.

    >>> from theory.problems import make_example_1
    >>> trace = run_algorithm_3(make_example_1(4))
    >>> trace.status, [state.max_rho for state in trace.states[:5]], trace.count_queries_to_error(1e-6)
    ('floor', [2.0, 1.5, 1.0, 0.5, 0.25], 57)
    """
    return _search(problem, "3", problem.delta if delta is None else delta, max_rounds, **options)


def run_algorithm_4(problem: Problem, *, max_rounds: int = 1000, **options: Any) -> Trace:
    """Algorithm 4: Algorithm 3 with delta = infinity."""
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
    selector: Selector[Any, HomogeneousSeparator, Vector],
    learner: Learner[LabeledPoints, HomogeneousSeparator],
    oracle: Oracle[Vector] | None = None,
    max_rounds: int = 1000,
    certified: float = 0.0,
) -> Trace:
    """Run the loop with these parts, one query a search and round, and keep its states.

    certified: stop, with status `target`, once the certificate shows the error to be at most this, which it then
    stays, for the rho_i only fall. oracle: the half-space of w_star by default.
    """
    states: list[State] = []
    n_asked = [0]
    seeds = LabeledPoints(problem.points, problem.labels)
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
    """Where two searches have met, rounding decides how the run ends; the certificate tells that they have."""
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
