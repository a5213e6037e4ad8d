"""The list of jobs for given options of the theory bench."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from itertools import product
from typing import Any

from experiments.theory_bounds.options import PROBLEMS, TheoryOptions
from theory.clouds import MEAN_NEIGHBORS
from theory.noise import choose_n_times

DIMS = (2, 3, 5, 10, 20, 30)
RATIOS = (2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
CENTER = (10, 20.0)  # if neither is given: all DIMS at this ratio, all RATIOS in this dimension
POOL_DIMS = (2, 3, 4, 5, 6)
PASSIVE_SEEDS = 3  # passive learning is random even if its problem is not
POOL_SEEDS = 5
STUDY_SEEDS = 20
FLIPS = (0.0, 0.001, 0.003, 0.01, 0.03)
BANDS = (1e-6, 1e-4, 1e-2)
REPAIRED_FLIPS = (0.03, 0.1, 0.2)
REPAIRED_QUERIES = 125  # about what a run of the study needs; m is chosen for it
SPREAD_SEEDS = 3
NEIGHBOR_POOL = (3, 4000)  # d and the number of points
NEIGHBORS = ((0, 1.0), (0, 0.5), (0, 0.2), (0, 0.1), (0, 0.05), (MEAN_NEIGHBORS, 1.0), (MEAN_NEIGHBORS, 0.1))


@dataclass(frozen=True)
class Job:
    """One run.

    Attributes:
        problem: The kind of problem.
        algorithm: The name of the algorithm.
        dim: d, the dimension.
        gamma_over_delta: The distance to the other class, in units of delta.
        seed: The number of the run among those with the same options.
        flip: The probability that a label is flipped.
        band: Labels are coin tosses within this distance of the boundary.
        searches: The number of searches, in units of d - 1.
        pool_size: The number of points of a finite pool; 0 without one.
        repeats: How often the oracle is asked for each label; the majority counts.
        study: The study that the run belongs to, in which only the end of a run matters; `main` for all others.
        oracle: The name of a registered oracle.
        k: If above 0, the neighbors in a finite pool are the k nearest instead of those within delta.
        recall: The share of the neighbors that the index of a finite pool returns.
    """

    problem: str
    algorithm: str
    dim: int
    gamma_over_delta: float
    seed: int
    flip: float = 0.0
    band: float = 0.0
    searches: int = 1
    pool_size: int = 0
    repeats: int = 1
    study: str = "main"
    oracle: str = "exact"
    k: int = 0
    recall: float = 1.0

    @property
    def key(self) -> str:
        """A name unique to the job within a run."""
        return " ".join(map(str, astuple(self)))

    @property
    def is_study(self) -> bool:
        """Whether only the end of the run matters."""
        return self.study != "main"

    @property
    def may_be_wrong(self) -> bool:
        """Whether labels may be wrong; labels of a registered oracle are not known to be right."""
        return self.flip > 0 or self.band > 0 or self.oracle != "exact"


def list_jobs(options: TheoryOptions) -> list[Job]:
    """List every run of these options, in the order of their rows."""
    todo: list[Job] = []
    for problem in options.problem:
        for (dim, ratio), algorithm in product(_list_cells(problem, options), options.algorithm):
            if algorithm == "pool":
                continue
            asks = algorithm not in ("bisection", "passive")
            noise: dict[str, Any] = (
                {"flip": options.noise, "band": options.noise_band, "oracle": options.oracle} if asks else {}
            )
            is_fixed = problem == "example1" and not options.rotate and set(noise.values()) <= {0.0, "exact"}
            n_seeds = max(options.seeds, PASSIVE_SEEDS) if algorithm == "passive" else 1 if is_fixed else options.seeds
            todo += [Job(problem, algorithm, dim, ratio, seed, **noise) for seed in range(n_seeds)]
    if "pool" in options.algorithm:
        cells = product(options.dim or POOL_DIMS, options.pool_size, ("pool", "passive"), range(POOL_SEEDS))
        todo += [Job("cloud", name, dim, math.nan, seed, pool_size=size) for dim, size, name, seed in cells]
    for study in options.studies:
        todo += list(_STUDIES[study]())
    return todo


def _list_cells(problem: str, options: TheoryOptions) -> list[tuple[int, float]]:
    """List d and gamma / delta; a registered problem has its own gamma, which is measured."""
    if problem not in PROBLEMS:
        return [(dim, math.nan) for dim in options.dim or DIMS]
    if options.dim or options.gamma_over_delta:
        return list(product(options.dim or DIMS, options.gamma_over_delta or RATIOS))
    dim, ratio = CENTER
    return [(other, ratio) for other in DIMS] + [(dim, other) for other in RATIOS if other != ratio]


def _list_collapse_jobs() -> Iterator[Job]:
    """List the runs that show how often random searches meet, with d - 1 searches and with more."""
    for dim, searches, algorithm in product((3, 5), (1, 2, 4), ("3", "4")):
        for seed in range(STUDY_SEEDS):
            yield Job("random", algorithm, dim, 20.0, seed, searches=searches, study="collapse")


def _list_noise_jobs() -> Iterator[Job]:
    """List the runs that show the effect of wrong labels, both if searches stay far apart and if they come close."""
    noises: list[dict[str, Any]] = [{"flip": flip} for flip in FLIPS] + [{"band": band} for band in BANDS]
    for noise, algorithm, seed in product(noises, ("3", "4"), range(STUDY_SEEDS)):
        yield Job("spread", algorithm, 5, 20.0, seed, **noise, study="noise")
        if noise.get("flip"):
            yield Job("random", algorithm, 5, 20.0, seed, **noise, study="noise")


def _list_repair_jobs() -> Iterator[Job]:
    """List the runs that ask for each label several times and take the majority."""
    for flip in REPAIRED_FLIPS:
        for repeats, seed in product(sorted({1, 3, 5, 9, choose_n_times(flip, REPAIRED_QUERIES)}), range(STUDY_SEEDS)):
            yield Job("spread", "3", 5, 20.0, seed, flip=flip, repeats=repeats, study="repair")


def _list_sigma_jobs() -> Iterator[Job]:
    """List the seeds whose sigma is computed: random ones, with d - 1 searches and with more, and spread ones."""
    for dim, searches, seed in product((2, 3, 4, 5, 10), (1, 2, 4, 8), range(STUDY_SEEDS)):
        yield Job("random", "none", dim, 20.0, seed, searches=searches, study="sigma")
    for dim, seed in product(DIMS, range(SPREAD_SEEDS)):
        yield Job("spread", "none", dim, 20.0, seed, study="sigma")


def _list_neighbor_jobs() -> Iterator[Job]:
    """List the runs in a finite pool whose index misses neighbors, within delta and among the 64 nearest."""
    for (k, recall), seed in product(NEIGHBORS, range(STUDY_SEEDS)):
        dim, size = NEIGHBOR_POOL
        yield Job("cloud", "pool", dim, math.nan, seed, pool_size=size, study="neighbors", k=k, recall=recall)


_STUDIES = {
    "collapse": _list_collapse_jobs,
    "noise": _list_noise_jobs,
    "repair": _list_repair_jobs,
    "sigma": _list_sigma_jobs,
    "neighbors": _list_neighbor_jobs,
}
