"""The paper's lemmas and steps, checked on a run: each is recomputed from the queries and states of the run alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from theory.bounds import bound_rounds_2, bound_rounds_3
from theory.margins import solve_equation_10
from theory.runs import Trace
from theory.searches import Closest
from theory.separators import Matrix, Vector

RTOL = 1e-6
RESOLVED = 1e-8  # relative to the coordinates; below this, rounding changes more than the sixth digit


@dataclass(frozen=True)
class Check:
    """How often one inequality was checked in a run.

    Attributes:
        name: The lemma or step.
        n: The number of checks.
        n_violations: How many ratios are above 1 + RTOL.
        worst: The largest ratio of the side that must be smaller to the side that must be larger.
    """

    name: str
    n: int
    n_violations: int
    worst: float


def check_all(trace: Trace) -> list[Check]:
    """Check every lemma and step in all rounds and searches of a run of Algorithm 3 or 4.

    Examples:
        >>> from theory.problems import make_example_1
        >>> from theory.runs import run_algorithm_3
        >>> sum(check.n_violations for check in check_all(run_algorithm_3(make_example_1(4))))
        0
    """
    return [_summarize(name, list(ratios(trace))) for name, ratios in CHECKS.items()]


def _summarize(name: str, ratios: list[float]) -> Check:
    n_violations = sum(not ratio <= 1 + RTOL for ratio in ratios)
    return Check(name, len(ratios), n_violations, max(ratios, default=0.0))


def check_lemma_1(trace: Trace) -> Iterator[float]:
    """Compare rho_{r+1} with rho_r - delta if rho_r >= 2 delta, and with rho_r / 2 otherwise."""
    for before, after in _yield_resolved_rounds(trace):
        allowed = np.where(before >= 2 * trace.delta, before - trace.delta, before / 2)
        yield from (after / allowed).tolist()


def check_lemma_2(trace: Trace) -> Iterator[float]:
    """Compare the step x_tilde - x_bar with min(delta, rho / 2) along the normal of equation (10).

    Equation (10) is solved independently here; if its gap is above a tenth of RTOL, there is nothing to compare with.
    The length of the step must not exceed min(delta, rho / 2), and its component along the normal must not fall below.
    """
    for opposite, query, x_bar in _yield_steps(trace):
        normal, rho, gap = solve_equation_10(opposite - x_bar.point)
        if gap <= RTOL / 10:
            step, allowed = query - x_bar.point, min(trace.delta, rho / 2)
            along = float(step @ normal)
            yield max(float(np.linalg.norm(step)) / allowed, allowed / along if along > 0 else np.inf)


def check_separators(trace: Trace) -> Iterator[float]:
    """Compare rho with min_j n . (x_j - x_bar) over all opposite points of S_r, where n is the separator's normal.

    No point of the hull is nearer than that minimum, whatever the solver, the pruning, or the tolerance did.
    """
    for opposite, _, x_bar in _yield_steps(trace):
        yield x_bar.rho / float(((opposite - x_bar.point) @ x_bar.separation.normal).min())


def check_step_1(trace: Trace) -> Iterator[float]:
    """Compare the rounds until rho_i stays at or below t with the bound, for each t = 2^-j gamma_i.

    The bound is gamma_i / delta + log2(2 delta / t) in Theorem 2, and log2(2 gamma_i / t) in Theorem 3.
    """
    rho = np.array([state.rho for state in trace.states])
    scale = _compute_scale(trace)
    for gamma, column in zip(rho[0], rho.T, strict=True):
        target = gamma / 2
        while target >= max(column[-1], RESOLVED * scale):
            n_rounds = int(np.flatnonzero(column > target)[-1]) + 1
            bound = (
                bound_rounds_2(gamma, trace.delta, target)
                if np.isfinite(trace.delta)
                else bound_rounds_3(gamma, target)
            )
            yield n_rounds / bound
            target /= 2


def check_step_2(trace: Trace) -> Iterator[float]:
    """Compare the distance of a search from its seed with gamma_i (the sharpened step 2)."""
    for search, gamma in enumerate(trace.states[0].rho):
        points = _collect_cluster(trace, search)
        for query in points[1:]:
            yield float(np.linalg.norm(query - points[0])) / gamma


def check_step_3(trace: Trace) -> Iterator[float]:
    """Compare |w_star . z_i| with rho_i, and |z_i - x_{i,0}| with gamma_i."""
    problem, scale = trace.problem, _compute_scale(trace)
    seeds = problem.points[list(problem.searches)]
    for state in trace.states:
        is_resolved = state.rho > RESOLVED * scale
        heights = np.abs(state.z @ problem.w_star) / state.rho
        distances = np.linalg.norm(state.z - seeds, axis=1) / trace.states[0].rho
        yield from heights[is_resolved].tolist()
        yield from distances[is_resolved].tolist()


def check_step_4(trace: Trace) -> Iterator[float]:
    """Compare sin theta with the certificate |rho|_2 / sigma_{d-1}(Z), and |w_hat - w_star| with sqrt 2 times it."""
    w_star, scale = trace.problem.w_star, _compute_scale(trace)
    for state in trace.states:
        if state.max_rho > RESOLVED * scale and np.isfinite(state.certificate):
            across = state.w_hat - (state.w_hat @ w_star) * w_star
            yield float(np.linalg.norm(across)) / state.certificate
            yield state.error / (np.sqrt(2) * state.certificate)


CHECKS: dict[str, Callable[[Trace], Iterator[float]]] = {
    "Lemma 1": check_lemma_1,
    "Lemma 2": check_lemma_2,
    "separators": check_separators,
    "step 1": check_step_1,
    "step 2, sharpened": check_step_2,
    "step 3": check_step_3,
    "step 4, certificate": check_step_4,
}


def _compute_scale(trace: Trace) -> float:
    return float(np.abs(trace.problem.points).max())


def _yield_resolved_rounds(trace: Trace) -> Iterator[tuple[Vector, Vector]]:
    """Yield (rho_r, rho_{r+1}) of the searches that made a query in round r with rho_r well above rounding."""
    for (before, after), queries in zip(pairwise(trace.states), trace.queries, strict=False):
        searches = [query.search for query in queries if before.rho[query.search] > RESOLVED * _compute_scale(trace)]
        yield before.rho[searches], after.rho[searches]


def _collect_cluster(trace: Trace, search: int) -> list[Vector]:
    """Collect the seed and the queries of a search, in the order that `Query.parent` counts them."""
    seed = trace.problem.points[trace.problem.searches[search]]
    return [seed, *(query.point for queries in trace.queries for query in queries if query.search == search)]


def _yield_steps(trace: Trace) -> Iterator[tuple[Matrix, Vector, Closest]]:
    """Yield (opposite points of S_r, query, x_bar) for every query with rho well above rounding."""
    problem = trace.problem
    points, labels = problem.points, problem.labels
    for queries in trace.queries:
        for query in queries:
            x_bar = query.closest
            if x_bar is not None and x_bar.rho > RESOLVED * _compute_scale(trace):
                yield points[labels != x_bar.label], query.point, x_bar
        points = np.vstack([points, *(query.point for query in queries)])
        labels = np.append(labels, [np.int8(query.label) for query in queries])
