"""Options of the comparison with search rules that are not in the paper."""

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
    "joined", "session", "presuming",
]  # fmt: skip
RULE_NAMES: tuple[RuleName, ...] = get_args(RuleName)
COLD_RULES: tuple[RuleName, ...] = ("session", "presuming")
USUAL_RULES = tuple(name for name in RULE_NAMES if name not in (*COLD_RULES, "ens", "joined"))
CHECKPOINTS = (300, 1000, 2000)
COLD_SEEDS = 2
COLD_ANSWERS = (10, 50)


@dataclass(frozen=True)
class Plan:
    """How each search proceeds.

    Attributes:
        seed_positives: Positives to start from.
        seed_negatives: Negatives to start from.
        batch: Labels per training round.
        sizes: Sizes of the labeled set at which to measure a search; the last is the budget.
        rules: Rules to run if none are named.
        baseline: The rule that the others are compared with.
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
    """How many concepts to search for, drawn at random from those with enough rows to measure."""
    tuning: bool = False
    """Search for the concepts set aside for validation instead, to choose settings on."""
    max_shared: Annotated[float, Field(ge=0, le=1)] = MAX_SHARED
    """Largest overlap allowed between two concepts, as a fraction of the smaller one's rows. If two overlap more,
    the larger is used."""
    copied: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Fraction of the pool's rows that get four SIMULATED near-duplicates each: their vectors with added noise."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class BeyondLabelOptions(LabelOptions):
    """How many labels to give, and how (5.1)."""

    budget: PositiveInt = 1000
    """T: total number of labels, including the seeds. Recall is also reported at 300, 1,000 and 2,000 labels, as far
    as the budget allows."""
    batch: PositiveInt = 10
    """b: labels per training round."""
    cold_start: bool = False
    """Compare sessions with and without presumed negatives instead. They start from 2 positives and no negatives,
    train a new model after every answer, and are measured by what they find in the first 10 and 50 answers. Budget,
    batch and seeds are ignored."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class BeyondProtocol(BeyondConceptOptions, EmbeddingOptions, BeyondLabelOptions):
    """All options that affect the result of the comparison."""

    @property
    def plan(self) -> Plan:
        """How each search proceeds."""
        if self.cold_start:
            sizes = tuple(COLD_SEEDS + n for n in COLD_ANSWERS)
            return Plan(COLD_SEEDS, 0, 1, sizes, COLD_RULES, "session")
        sizes = list_checkpoints(self.budget)
        return Plan(self.seed_positives, self.seed_negatives, self.batch, sizes, USUAL_RULES, "all")


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class BeyondExecution(Execution, ClusterOptions):
    """Options that affect where and how the comparison runs, and which rules to run this time."""

    only: Annotated[tuple[RuleName, ...], COMMA_SEPARATED] = ()
    """Run only these rules, comma-separated; ens takes many times as long as the others. Rerun with the same other
    options to add more. [default: all except ens and joined; with cold-start, session and presuming]"""
