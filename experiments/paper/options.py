"""The options of the experiments of the paper."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from experiments.paper.studies import StudyName
from seals_sim.embed.names import DEFAULT_MODEL, STATIC_MODEL
from seals_sim.indexes.names import AutoIndexName
from seals_sim.options import CHECKED, COMMA_SEPARATED, GivenPath, NonNegativeInt, PositiveInt
from seals_sim.replay.options import (
    ClusterOptions,
    ConceptOptions,
    Execution,
    IndexOptions,
    LabelOptions,
    LearningOptions,
)


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class PaperConceptOptions(ConceptOptions):
    """Which concepts to search for."""

    concepts: PositiveInt = 50
    """How many concepts, in random order, of those with enough to measure."""
    side_concepts: PositiveInt = 15
    """On how many of them the studies of the appendix are run."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class SpaceOptions:
    """Which embeddings and how many neighbors."""

    models: Annotated[tuple[str, ...], COMMA_SEPARATED, Field(min_length=1)] = (DEFAULT_MODEL, STATIC_MODEL)
    """Embedding models, comma-separated, that of the main study first."""
    dimensions: Annotated[tuple[NonNegativeInt, ...], COMMA_SEPARATED] = ()
    """Dimensions to whiten to, comma-separated, main study first. [default: 256,128,64 as far as they go]"""
    k: PositiveInt | None = None
    """Neighbors of each labeled row. [default: by a pilot, for the 6.6 % of the pool of Table 2]"""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class PaperIndexOptions(IndexOptions):
    """Which index finds the neighbors; one for all runs."""

    index: AutoIndexName = "graph"
    """lsh is the paper's; graph computes all neighbors once; auto goes by rows, memory and the number of runs."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class PaperProtocol(PaperConceptOptions, SpaceOptions, PaperIndexOptions, LearningOptions, LabelOptions):
    """All that decides what the experiments find.

    Attributes:
        embeddings: Names as model/dimension, once the dimensions are chosen.
        neighbors: The values of k of Figures 6 and 7 that fit the pool.
    """

    embeddings: tuple[str, ...] = ()
    neighbors: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class PaperExecution(Execution, ClusterOptions):
    """Where and how the experiments run, and which of them this time."""

    only: Annotated[tuple[StudyName, ...], COMMA_SEPARATED] = ()
    """Run these studies alone, comma-separated; another call with the same options can add more. [default: all]"""
    paper_tables: GivenPath | None = None
    """Tables 3 to 8 of the paper in one CSV, drawn beside the same plots of these runs."""
