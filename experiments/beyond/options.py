"""The options of the comparison with rules that the paper does not have."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field
from pydantic.dataclasses import dataclass

from seals_sim.options import CHECKED, COMMA_SEPARATED, PositiveInt
from seals_sim.replay.options import (
    MAX_SHARED,
    ClusterOptions,
    ConceptOptions,
    EmbeddingOptions,
    Execution,
    LabelOptions,
)

RuleName = Literal[
    "all", "recommended", "walk", "walk_30", "walk_entered", "walk_distinct", "walk_copies", "positives",
    "all_whitened", "seals_100", "seals_10", "autotar", "anchors", "covering", "random_tenth", "ens", "lazy",
    "lazy_growing", "joined", "session", "presuming",
]  # fmt: skip
RULE_NAMES: tuple[RuleName, ...] = get_args(RuleName)
COLD_RULES: tuple[RuleName, ...] = ("session", "presuming")
USUAL_RULES = tuple(name for name in RULE_NAMES if name not in (*COLD_RULES, "ens", "lazy_growing", "joined"))
CHECKPOINTS = (300, 1000, 2000)
COLD_SEEDS = 2
COLD_ANSWERS = (10, 50)


@dataclass(frozen=True)
class Plan:
    """How every search goes.

    Attributes:
        seed_positives: To start from.
        seed_negatives: To start from.
        batch: Labels between two trainings.
        sizes: Of the labeled set, at which a search is measured; the last is the budget.
        rules: Those that are run where none is named.
        baseline: The one that the others are compared with.
    """

    seed_positives: int
    seed_negatives: int
    batch: int
    sizes: tuple[int, ...]
    rules: tuple[RuleName, ...]
    baseline: RuleName


def list_checkpoints(budget: int) -> tuple[int, ...]:
    """The sizes of the labeled set to report.

    Examples:
        >>> list_checkpoints(1000), list_checkpoints(400)
        ((300, 1000), (300, 400))
    """
    return (*(size for size in CHECKPOINTS if size < budget), budget)


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class BeyondConceptOptions(ConceptOptions):
    """Which concepts to search for."""

    concepts: PositiveInt = 50
    """How many concepts, in random order, of those with enough to measure."""
    tuning: bool = False
    """Search for the concepts set aside for validation instead, to choose settings on."""
    max_shared: Annotated[float, Field(ge=0, le=1)] = MAX_SHARED
    """The most that two concepts may share, of the rows of the smaller one; of those that share more the larger is
    taken."""
    copied: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Part of the pool's rows that get four near-duplicates each, SIMULATED: their vectors with noise."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class BeyondLabelOptions(LabelOptions):
    """How many labels, and how they are given (5.1)."""

    budget: PositiveInt = 1000
    """T: labels in all, seeds included; recall is also reported at 300, 1,000 and 2,000 where that is less."""
    batch: PositiveInt = 10
    """b: labels between two trainings."""
    cold_start: bool = False
    """Compare sessions instead, with and without presumed negatives: 2 positives to start from, no negative, a new
    model for every answer; what is found in the first 10 and 50 answers. Budget, batch and seeds are not used."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class BeyondProtocol(BeyondConceptOptions, EmbeddingOptions, BeyondLabelOptions):
    """All that decides what the comparison finds."""

    @property
    def plan(self) -> Plan:
        """How every search goes."""
        if self.cold_start:
            sizes = tuple(COLD_SEEDS + n for n in COLD_ANSWERS)
            return Plan(COLD_SEEDS, 0, 1, sizes, COLD_RULES, "session")
        sizes = list_checkpoints(self.budget)
        return Plan(self.seed_positives, self.seed_negatives, self.batch, sizes, USUAL_RULES, "all")


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class BeyondExecution(Execution, ClusterOptions):
    """Where and how the comparison runs, and which rules this time."""

    only: Annotated[tuple[RuleName, ...], COMMA_SEPARATED] = ()
    """Run these rules alone, comma-separated; another call with the same options can add more. [default: all but ens,
    which takes many times as long]"""
