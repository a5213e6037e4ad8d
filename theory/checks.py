"""The paper's lemmas and steps held against a run: each is recomputed from the run's queries and states alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from theory.bounds import rounds_2, rounds_3
from theory.runs import Trace
from theory.searches import Closest
from theory.separators import Matrix, Vector

RTOL = 1e-6
RESOLVED = 1e-8  # of the coordinates: below, rounding decides more than the sixth digit


@dataclass(frozen=True)
class Check:
    """worst: the largest ratio of what should be smaller to what should be larger; a violation is above 1 + RTOL."""

    name: str
    n: int
    n_violations: int
    worst: float


def check_all(trace: Trace) -> list[Check]:
    """Every check of a run of Algorithm 3 or 4, over all its rounds and searches.

    >>> from theory.problems import example1
    >>> from theory.runs import algorithm_3
    >>> sum(check.n_violations for check in check_all(algorithm_3(example1(4))))
    0
    """
    return [_check(name, list(ratios(trace))) for name, ratios in CHECKS.items()]


def _check(name: str, ratios: list[float]) -> Check:
    n_violations = sum(not ratio <= 1 + RTOL for ratio in ratios)
    return Check(name, len(ratios), n_violations, max(ratios, default=0.0))


def lemma_1(trace: Trace) -> Iterator[float]:
    """rho_{r+1} against rho_r - delta where rho_r >= 2 delta, and else against rho_r / 2."""
    for before, after in _resolved_rounds(trace):
        allowed = np.where(before >= 2 * trace.delta, before - trace.delta, before / 2)
        yield from (after / allowed).tolist()


def lemma_2(trace: Trace) -> Iterator[float]:
    """The step |x_tilde - x_bar| against min(delta, rho / 2), and the reverse."""
    for _, query, x_bar in _steps(trace):
        step, allowed = float(np.linalg.norm(query - x_bar.point)), min(trace.delta, x_bar.rho / 2)
        yield max(step / allowed, allowed / step)


def separators(trace: Trace) -> Iterator[float]:
    """rho against min_j n . (x_j - x_bar) over all opposite points of S_r, n the separator's normal.

    No point of the hull is nearer than that minimum, whatever the solver, its pruning or its tolerance did.
    """
    for opposite, _, x_bar in _steps(trace):
        yield x_bar.rho / float(((opposite - x_bar.point) @ x_bar.separation.normal).min())


def step_1(trace: Trace) -> Iterator[float]:
    """Rounds until rho_i <= t for good against gamma_i / delta + log2(2 delta / t) (Theorem 3: log2(2 gamma_i / t)),
    for each t = 2^-j gamma_i."""
    rho = np.array([state.rho for state in trace.states])
    scale = _scale(trace)
    for gamma, column in zip(rho[0], rho.T, strict=True):
        target = gamma / 2
        while target >= max(column[-1], RESOLVED * scale):
            n_rounds = int(np.flatnonzero(column > target)[-1]) + 1
            bound = rounds_2(gamma, trace.delta, target) if np.isfinite(trace.delta) else rounds_3(gamma, target)
            yield n_rounds / bound
            target /= 2


def step_2(trace: Trace) -> Iterator[float]:
    """The sharpened step 2: how far a search has got from its seed, against gamma_i."""
    for search, gamma in enumerate(trace.states[0].rho):
        points = _cluster(trace, search)
        for query in points[1:]:
            yield float(np.linalg.norm(query - points[0])) / gamma


def step_3(trace: Trace) -> Iterator[float]:
    """|w_star . z_i| against rho_i, and |z_i - x_{i,0}| against gamma_i."""
    problem, scale = trace.problem, _scale(trace)
    seeds = problem.points[list(problem.searches)]
    for state in trace.states:
        is_resolved = state.rho > RESOLVED * scale
        heights = np.abs(state.z @ problem.w_star) / state.rho
        ways = np.linalg.norm(state.z - seeds, axis=1) / trace.states[0].rho
        yield from heights[is_resolved].tolist()
        yield from ways[is_resolved].tolist()


def step_4(trace: Trace) -> Iterator[float]:
    """sin theta against the certificate |rho|_2 / sigma_{d-1}(Z); where it is below 1, also |w_hat - w_star| against
    sqrt 2 of it (w_hat . w_star >= 0, which the paper takes for granted)."""
    w_star, scale = trace.problem.w_star, _scale(trace)
    for state in trace.states:
        if state.max_rho > RESOLVED * scale and np.isfinite(state.certificate):
            across = state.w_hat - (state.w_hat @ w_star) * w_star
            yield float(np.linalg.norm(across)) / state.certificate
            if state.certificate < 1:
                yield state.error / (np.sqrt(2) * state.certificate)


CHECKS: dict[str, Callable[[Trace], Iterator[float]]] = {
    "Lemma 1": lemma_1,
    "Lemma 2": lemma_2,
    "separators": separators,
    "step 1": step_1,
    "step 2, sharpened": step_2,
    "step 3": step_3,
    "step 4, certificate": step_4,
}


def _scale(trace: Trace) -> float:
    return float(np.abs(trace.problem.points).max())


def _resolved_rounds(trace: Trace) -> Iterator[tuple[Vector, Vector]]:
    """(rho_r, rho_{r+1}) of the searches that made a query in round r and whose rho_r is well above rounding."""
    for (before, after), queries in zip(pairwise(trace.states), trace.queries, strict=False):
        asking = [asked.search for asked in queries if before.rho[asked.search] > RESOLVED * _scale(trace)]
        yield before.rho[asking], after.rho[asking]


def _cluster(trace: Trace, search: int) -> list[Vector]:
    """Seed and queries of a search, in order: places as in `Asked.parent`."""
    seed = trace.problem.points[trace.problem.searches[search]]
    return [seed, *(asked.point for queries in trace.queries for asked in queries if asked.search == search)]


def _steps(trace: Trace) -> Iterator[tuple[Matrix, Vector, Closest]]:
    """(opposite points of S_r, query, x_bar) of all well resolved queries."""
    problem = trace.problem
    points, labels = problem.points, problem.labels
    for queries in trace.queries:
        for asked in queries:
            x_bar = asked.closest
            if x_bar is not None and x_bar.rho > RESOLVED * _scale(trace):
                yield points[labels != x_bar.label], asked.point, x_bar
        points = np.vstack([points, *(asked.point for asked in queries)])
        labels = np.append(labels, [np.int8(asked.label) for asked in queries])
