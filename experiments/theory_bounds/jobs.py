"""One run of the theory bench and the rows that it adds to each file."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from experiments.theory_bounds.grid import Job
from experiments.theory_bounds.options import ALGORITHMS, PROBLEMS, TheoryOptions
from experiments.theory_bounds.plugins import load_plugins
from seals_sim.randomness import make_generator
from seals_sim.types import Oracle
from theory import bounds, registry
from theory.baselines import run_bisection, run_passive
from theory.checks import check_all
from theory.clouds import draw_cloud, draw_cloud_problem, list_slow_steps, run_algorithm_3_on_cloud
from theory.noise import MajorityOracle, NoisyHalfSpace, SoftHomogeneousMaxMargin
from theory.packing import bound_queries_below, compute_seed_sine
from theory.problems import Problem, draw_random_problem, draw_spread_problem, make_example_1
from theory.runs import Trace, run_algorithm_3, run_algorithm_4
from theory.separators import SOLVERS, Vector
from theory.sigma import MAX_REGIONS, SigmaBounds, enclose_sigma_2, enclose_sigma_3, enclose_sigma_eta

KEY = (
    "problem", "algorithm", "dim", "delta", "gamma_over_delta", "seed",
    "study", "searches", "flip", "band", "repeats", "pool_size", "oracle", "k", "recall",
)  # fmt: skip
ROUND_COLUMNS = (
    *KEY, "round", "n_queries", "max_rho", "error", "certificate", "kkt_residual", "n_solves", "status"
)  # fmt: skip
BOUND_NAMES = ("stated_ln", "stated_log2", "proved_log2", "sharpened_log2", "scale_free")
HOLDS_NAMES = ("holds_stated_ln", "holds_stated_log2", "holds_proved", "holds_sharpened", "holds_scale_free")
BOUND_COLUMNS = (*KEY, "epsilon", "queries_to_error", "queries_to_rho", "lower", *BOUND_NAMES, *HOLDS_NAMES)
CHECK_COLUMNS = (*KEY, "check", "n", "violations", "worst")
STUDY_TARGET = 1e-9  # of the coordinates: by then a search in a study, or with noisy labels, has settled
CVXPY_TARGET = 2e-7  # of the coordinates: below this, interior points have too few digits left
STEP_COLUMNS = (*KEY, "search", "rho", "component", "fall")
DIVERSITY_COLUMNS = (*KEY, "radius", "sigma_lower", "sigma_upper", "proof")


@dataclass(frozen=True)
class JobRows:
    """The rows that one job adds to each file.

    Attributes:
        problem: Its line of problems.jsonl, without the counts of its rows.
        queries: Its lines of queries.jsonl, as JSON.
        rounds: Its rows of rounds.csv.
        bounds: Its rows of bounds.csv.
        checks: Its rows of checks.csv.
        steps: Its rows of steps.csv.
        diversity: Its rows of diversity.csv.
    """

    problem: dict[str, Any]
    queries: list[str]
    rounds: list[tuple[Any, ...]]
    bounds: list[tuple[Any, ...]] = field(default_factory=list)
    checks: list[tuple[Any, ...]] = field(default_factory=list)
    steps: list[tuple[Any, ...]] = field(default_factory=list)
    diversity: list[tuple[Any, ...]] = field(default_factory=list)


def run_job(job: Job, options: TheoryOptions) -> JobRows:
    """Run a job on one thread; it gives the same rows in any process."""
    load_plugins(options)
    with threadpool_limits(1):
        if job.study == "sigma":
            return _measure_diversity(job, options)
        trace = _run_algorithm(job, options)
        if job.may_be_wrong:
            trace = _withdraw_certificate(trace)
        sigmas = _enclose_sigmas(job, trace.problem, options)
        ratio = job.gamma_over_delta
        if math.isnan(ratio):
            ratio = float(trace.problem.compute_gamma().max() / trace.problem.delta)
        key = _make_key(job, trace.problem.delta, ratio)
        steps = list_slow_steps(trace) if job.algorithm == "pool" and not job.is_study else []
        is_checked = job.algorithm in ("3", "4") and not job.may_be_wrong
        checks = check_all(trace) if is_checked else []
        return _add_counts(
            JobRows(
                _make_problem_row(key, trace, sigmas),
                _make_query_rows(key, trace),
                _make_round_rows(key, trace),
                _make_bound_rows(key, trace, sigmas, options),
                [(*key, check.name, check.n, check.n_violations, check.worst) for check in checks],
                [(*key, step.search, step.rho, step.component, step.fall) for step in steps],
            )
        )


def _make_key(job: Job, delta: float, ratio: float) -> tuple[Any, ...]:
    """The values of KEY."""
    run = (job.problem, job.algorithm, job.dim, delta, ratio, job.seed)
    return *run, job.study, job.searches, job.flip, job.band, job.repeats, job.pool_size, job.oracle, job.k, job.recall


def _measure_diversity(job: Job, options: TheoryOptions) -> JobRows:
    """The sigma of seeds for epsilon -> 0, with the paper's radius and with that of step 2.

    For random seeds this only decides whether it is above 0.
    """
    problem, key = _make_problem(job, options), _make_key(job, options.delta, job.gamma_over_delta)
    limit = 1 if job.problem == "random" else MAX_REGIONS
    sigmas = {
        "gamma + 2 delta": enclose_sigma_2(problem, 0.0, limit),
        "gamma": enclose_sigma_eta(problem, 0.0, limit),
    }
    rows = [(*key, radius, sigma.lower, sigma.upper, sigma.proof or "none") for radius, sigma in sigmas.items()]
    about = {**dict(zip(KEY, key, strict=True)), "w_star": problem.w_star.tolist(), "status": "measured"}
    return _add_counts(JobRows(about, [], [], diversity=rows))


def make_stopped_job(job: Job, options: TheoryOptions, status: str) -> JobRows:
    """The rows of a job that was stopped from outside, with `timeout` or `crashed` as its status."""
    key = _make_key(job, options.delta, job.gamma_over_delta)
    nothing = (math.nan,) * 4
    problem = {**dict(zip(KEY, key, strict=True)), "status": status}
    return _add_counts(JobRows(problem, [], [(*key, 0, 0, *nothing, 0, status)]))


def _add_counts(rows: JobRows) -> JobRows:
    """Add the number of rows in each table to the problem, so that a reader can tell whether a file is complete."""
    n_rows = {name: len(getattr(rows, name)) for name in ("rounds", "bounds", "checks", "steps", "diversity")}
    return replace(rows, problem={**rows.problem, "rows": n_rows})


def _withdraw_certificate(trace: Trace) -> Trace:
    """Remove the certificate, which wrong labels void: a search that has ended has only settled somewhere."""
    states = [replace(state, certificate=math.nan) for state in trace.states]
    return replace(trace, states=states, status="settled" if trace.status == "target" else trace.status)


def _make_problem(job: Job, options: TheoryOptions) -> Problem:
    rng = make_generator(
        options.seed, "problem", job.problem, job.dim, str(job.gamma_over_delta), job.searches, job.seed
    )
    if job.problem == "example1":
        rotation = rng if options.rotate else None
        return make_example_1(
            job.dim, options.delta, job.gamma_over_delta, options.opposite, options.margin_scale, rotation
        )
    if job.problem == "spread":
        return draw_spread_problem(job.dim, rng, options.delta, job.gamma_over_delta)
    if job.problem not in PROBLEMS:
        return registry.PROBLEMS.get(job.problem)(job.dim, rng)
    n = job.searches * (job.dim - 1)
    return draw_random_problem(job.dim, rng, options.delta, job.gamma_over_delta, n_seeds=2 * n, n_searches=n)


def _run_algorithm(job: Job, options: TheoryOptions) -> Trace:
    solver = SOLVERS[options.solver]
    rng = make_generator(options.seed, "run", job.key)
    if job.pool_size:
        cloud_rng = make_generator(options.seed, "cloud", job.pool_size, job.dim, job.seed)
        cloud = draw_cloud(job.pool_size, job.dim, cloud_rng)
        problem, seed_rows = draw_cloud_problem(cloud, cloud_rng)
        cloud = replace(cloud, k=job.k, recall=job.recall)
        max_rounds = int(2 * problem.compute_gamma().max() / cloud.delta) + 40  # enough for a slow phase at c = 1 / 2
        if job.algorithm == "pool":
            return run_algorithm_3_on_cloud(cloud, problem, seed_rows, max_rounds=max_rounds, solver=solver)
        return run_passive(problem, rng, n_queries=max_rounds * (job.dim - 1), solver=solver)
    problem = _make_problem(job, options)
    if job.algorithm == "passive":
        return run_passive(problem, rng, n_queries=options.passive_queries, solver=solver)
    if job.algorithm == "bisection":
        return run_bisection(problem, solver=solver)
    certified, oracle = min(options.epsilon), _make_oracle(job, problem, rng)
    if job.algorithm not in ALGORITHMS:
        return registry.ALGORITHMS.get(job.algorithm)(problem, oracle, 0.0 if oracle else certified)
    run = run_algorithm_3 if job.algorithm == "3" else run_algorithm_4
    max_rounds = round(problem.compute_gamma().max() / problem.delta) + 100
    scale = float(np.abs(problem.points).max())
    if oracle:
        learner, target = SoftHomogeneousMaxMargin(), STUDY_TARGET * scale
        trace = run(problem, solver=solver, max_rounds=max_rounds, oracle=oracle, learner=learner, target=target)
        return replace(trace, status="soft") if learner.was_soft else trace
    if job.is_study:
        return run(problem, solver=solver, max_rounds=max_rounds, target=STUDY_TARGET * scale)
    target = CVXPY_TARGET * scale if options.solver == "cvxpy" else 0.0
    return run(problem, solver=solver, max_rounds=max_rounds, target=target, certified=certified)


def _make_oracle(job: Job, problem: Problem, rng: np.random.Generator) -> Oracle[Vector] | None:
    """Make the oracle; None if labels are right."""
    if job.oracle != "exact":
        return registry.ORACLES.get(job.oracle)(problem.w_star, rng)
    noisy = NoisyHalfSpace(problem.w_star, rng, job.flip, job.band)
    return MajorityOracle(noisy, job.repeats) if job.may_be_wrong else None


def _enclose_sigmas(job: Job, problem: Problem, options: TheoryOptions) -> dict[float, SigmaBounds]:
    """The sigma of each epsilon, which falls as epsilon grows; Theorem 3 for Algorithm 4, otherwise Theorem 2."""
    if job.algorithm in ("bisection", "passive", "pool") or job.may_be_wrong or job.is_study:
        return {}
    enclose = enclose_sigma_3 if job.algorithm == "4" else enclose_sigma_2
    return {epsilon: enclose(problem, epsilon, max_regions=1) for epsilon in options.epsilon}


def _make_problem_row(key: tuple[Any, ...], trace: Trace, sigmas: dict[float, SigmaBounds]) -> dict[str, Any]:
    problem = trace.problem
    return {
        **dict(zip(KEY, key, strict=True)),
        "n_searches": len(problem.searches),
        "w_star": problem.w_star.tolist(),
        "gamma": problem.compute_gamma().tolist(),
        "sigma_lower": min(sigma.lower for sigma in sigmas.values()) if sigmas else None,
        "sigma_upper": max(sigma.upper for sigma in sigmas.values()) if sigmas else None,
        "status": trace.status,
    }


def _make_query_rows(key: tuple[Any, ...], trace: Trace) -> list[str]:
    problem, common = trace.problem, dict(zip(KEY, key, strict=True))
    search_of = {place: search for search, place in enumerate(problem.searches)}
    rows = [
        {"round": 0, "search": search_of.get(place), "parent": None, "label": int(label), "rho": None, "x": x.tolist()}
        for place, (x, label) in enumerate(zip(problem.points, problem.labels, strict=True))
    ]
    rows += [
        {"round": number, "search": query.search, "parent": query.parent, "label": int(query.label), "rho": query.rho,
         "x": query.point.tolist()}
        for number, queries in enumerate(trace.queries, start=1)
        for query in queries
    ]  # fmt: skip
    return [json.dumps({**common, **row}) for row in rows]


def _make_round_rows(key: tuple[Any, ...], trace: Trace) -> list[tuple[Any, ...]]:
    last = len(trace.states) - 1
    return [
        (*key, state.number, state.n_queries, state.max_rho, state.error, state.certificate, state.kkt_residual,
         state.n_solves, trace.status if place == last else "running")
        for place, state in enumerate(trace.states)
    ]  # fmt: skip


def _make_bound_rows(
    key: tuple[Any, ...], trace: Trace, sigmas: dict[float, SigmaBounds], options: TheoryOptions
) -> list[tuple[Any, ...]]:
    if key[KEY.index("study")] != "main" or key[KEY.index("pool_size")]:
        return []
    rows, algorithm = [], key[KEY.index("algorithm")]
    sine = compute_seed_sine(trace.problem) if sigmas else 0.0
    thin = enclose_sigma_eta(trace.problem, 0.0, max_regions=1).upper if sigmas else 0.0
    for epsilon in options.epsilon:
        to_error, to_rho = trace.count_queries_to_error(epsilon), trace.count_queries_to_rho(epsilon)
        if not sigmas:
            rows.append((*key, epsilon, to_error, to_rho, *[None] * (1 + 2 * len(BOUND_NAMES))))
            continue
        lower = bound_queries_below(trace.problem.dim, sine, epsilon)
        stated = _compute_bounds(algorithm, trace.problem, sigmas[epsilon], epsilon)
        values = (*stated, _compute_scale_free(algorithm, trace.problem, thin, epsilon))
        holds = [_check_bound(to_error, trace.states[-1].n_queries, value) for value in values]
        rows.append((*key, epsilon, to_error, to_rho, lower, *values, *holds))
    return rows


def _compute_scale_free(algorithm: str, problem: Problem, thin: float, epsilon: float) -> float:
    """The scale-free bound, with the eta for the sigma of a thin slab."""
    n = len(problem.searches)
    gamma, eta = float(problem.compute_gamma().max()), bounds.choose_eta(n, thin, epsilon)
    sigma = enclose_sigma_eta(problem, eta, max_regions=1)
    value = sigma.upper if sigma.lower > 0 else 0.0
    if algorithm == "4":
        return bounds.compute_scale_free_bound_3(n, gamma, value, epsilon, eta)
    return bounds.compute_scale_free_bound_2(n, gamma, problem.delta, value, epsilon, eta)


def _compute_bounds(algorithm: str, problem: Problem, sigma: SigmaBounds, epsilon: float) -> tuple[float, ...]:
    """The values of BOUND_NAMES except the last.

    The upper bound of sigma makes the theorems claim the most; a sigma that may be 0 makes them claim nothing.
    """
    gamma, value = float(problem.compute_gamma().max()), sigma.upper if sigma.lower > 0 else 0.0
    if algorithm == "4":
        terms_3 = (problem.dim, gamma, value, epsilon)
        stated = [bounds.compute_stated_bound_3(*terms_3, log) for log in (math.log, math.log2)]
        return *stated, bounds.compute_proved_bound_3(*terms_3), bounds.compute_sharpened_bound_3(*terms_3)
    terms_2 = (problem.dim, gamma, problem.delta, value, epsilon)
    stated = [bounds.compute_stated_bound_2(*terms_2, log) for log in (math.log, math.log2)]
    return *stated, bounds.compute_proved_bound_2(*terms_2), bounds.compute_sharpened_bound_2(*terms_2)


def _check_bound(queries: int | None, n_made: int, bound: float) -> bool | None:
    """Whether the bound held; None if it is void or if the run ended too early to decide."""
    if math.isinf(bound):
        return None
    if queries is not None:
        return queries <= bound
    return None if n_made < bound else False
