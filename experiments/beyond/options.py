"""The options of the comparison with rules that the paper does not have."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field
from pydantic.dataclasses import dataclass

from seals_sim.options import CHECKED, COMMA_SEPARATED, PositiveInt
from seals_sim.replay.options import ConceptOptions, EmbeddingOptions, Execution, LabelOptions

RuleName = Literal[
    "all", "walk", "walk_distinct", "positives", "all_whitened", "seals_100", "seals_10", "lazy"
]  # fmt: skip
RULE_NAMES: tuple[RuleName, ...] = get_args(RuleName)


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class BeyondConceptOptions(ConceptOptions):
    """Which concepts to search for."""

    concepts: PositiveInt = 50
    """How many concepts, in random order, of those with enough to measure."""
    tuning: bool = False
    """Search for the concepts set aside for validation instead, to choose settings on."""
    copied: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Part of the pool's rows that get four near-duplicates each, SIMULATED: their vectors with noise."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class BeyondLabelOptions(LabelOptions):
    """How many labels, and how they are given (5.1)."""

    budget: PositiveInt = 1000
    """T: labels in all, seeds included; recall is also reported at 300, 1,000 and 2,000 where that is less."""
    batch: PositiveInt = 10
    """b: labels between two trainings."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class BeyondProtocol(BeyondConceptOptions, EmbeddingOptions, BeyondLabelOptions):
    """All that decides what the comparison finds."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class BeyondExecution(Execution):
    """Where and how the comparison runs, and which rules this time."""

    only: Annotated[tuple[RuleName, ...], COMMA_SEPARATED] = ()
    """Run these rules alone, comma-separated; another call with the same options can add more. [default: all]"""
