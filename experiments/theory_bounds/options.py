"""The options of the theory bench."""

from __future__ import annotations

import os
from typing import Annotated, Literal, get_args

from pydantic import Field
from pydantic.dataclasses import dataclass

from seals_sim.options import (
    CHECKED,
    COMMA_SEPARATED,
    Fraction,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
)
from seals_sim.replay.options import RunOptions

StudyName = Literal["collapse", "noise", "repair", "sigma", "neighbors"]
PROBLEMS = ("example1", "spread", "random")
ALGORITHMS = ("3", "4", "bisection", "passive", "pool")
STUDIES: tuple[StudyName, ...] = get_args(StudyName)


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class TheoryOptions:
    """Which problems and algorithms to run, and their settings.

    Raises:
        pydantic.ValidationError: If a value is out of bounds.
    """

    problem: Annotated[tuple[str, ...], COMMA_SEPARATED, Field(min_length=1)] = PROBLEMS
    """Problems, comma-separated; those registered by a plugin too."""
    algorithm: Annotated[tuple[str, ...], COMMA_SEPARATED, Field(min_length=1)] = ALGORITHMS
    """Algorithms, comma-separated; those registered by a plugin too."""
    oracle: str = "exact"
    """A registered oracle that labels the queries instead of the half-space."""
    plugin: Annotated[tuple[str, ...], COMMA_SEPARATED] = ()
    """Modules, or files ending in .py, that register your own parts, comma-separated."""
    study: Annotated[tuple[StudyName, ...], COMMA_SEPARATED] | None = None
    """Studies, comma-separated: how often searches meet, the effect of wrong labels and their repair, sigma, and
    approximate neighbors. [default: all in the whole bench, else none]"""
    dim: Annotated[tuple[Annotated[int, Field(ge=2, le=10**6)], ...], COMMA_SEPARATED] = ()
    """Dimensions, comma-separated. [default: 2,3,5,10,20,30]"""
    gamma_over_delta: Annotated[tuple[Annotated[float, Field(gt=0, le=10**6)], ...], COMMA_SEPARATED] = ()
    """Distances to the other class, in units of delta, comma-separated. [default: 2,5,10,20,50,100]"""
    delta: PositiveFloat = 0.5
    """Radius of a neighborhood."""
    opposite: PositiveFloat = 1.0
    """Example 1: put the opposite points at -C e_1; the seeds are at e_1."""
    margin_scale: PositiveFloat | None = None
    """Example 1: M. [default: 3 gamma sqrt(d - 1), which is 6 sqrt(d - 1) at the paper's gamma = 2]"""
    epsilon: Annotated[tuple[Fraction, ...], COMMA_SEPARATED, Field(min_length=1)] = tuple(
        10.0**-digits for digits in range(2, 13)
    )
    """Errors to reach, comma-separated."""
    rotate: bool = False
    """Example 1: apply a random rotation."""
    noise: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Flip each label with this probability."""
    noise_band: Annotated[float, Field(ge=0)] = 0.0
    """Labels are coin tosses within this distance of the boundary."""
    seeds: PositiveInt = 1
    """Random problems per cell."""
    pool_size: Annotated[tuple[Annotated[int, Field(ge=200, le=10**9)], ...], COMMA_SEPARATED] = (1000, 10_000, 100_000)
    """Number of points in the pool-based case, comma-separated."""
    passive_queries: PositiveInt = 1000
    """Number of labels for passive learning."""
    solver: Literal["fast", "cvxpy"] = "fast"
    """Solver for the max-margin separators; cvxpy is the reference."""
    seed: NonNegativeInt = 0
    """Seed for all random choices."""

    @property
    def studies(self) -> tuple[StudyName, ...]:
        """The studies to run: all, unless some are named or the bench is not run as a whole."""
        if self.study is not None:
            return self.study
        is_whole = self.problem == PROBLEMS and self.algorithm == ALGORITHMS
        return STUDIES if is_whole and not self.dim and not self.gamma_over_delta else ()


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class TheoryExecution(RunOptions):
    """Where and how the bench runs."""

    jobs: PositiveInt = os.cpu_count() or 1
    """Number of processes."""
    time_limit: PositiveFloat = 600.0
    """Seconds after which a run is stopped and marked as timed out."""
