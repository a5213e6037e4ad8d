"""Options of the paper's experiments."""

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
    """How many concepts to search for, drawn at random from those with enough rows to measure."""
    side_concepts: PositiveInt = 15
    """How many of these concepts to use in the studies of the appendix."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class SpaceOptions:
    """Which embeddings to use, and how many neighbors."""

    models: Annotated[tuple[str, ...], COMMA_SEPARATED, Field(min_length=1)] = (DEFAULT_MODEL, STATIC_MODEL)
    """Embedding models, comma-separated; the main study uses the first."""
    dimensions: Annotated[tuple[NonNegativeInt, ...], COMMA_SEPARATED] = ()
    """Dimensions to whiten to, comma-separated; the main study uses the first. [default: those of 256,128,64 that
    fit]"""
    k: PositiveInt | None = None
    """Neighbors of each labeled row. [default: chosen by a pilot to reach the 6.6 % of the pool of Table 2]"""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class PaperIndexOptions(IndexOptions):
    """Which index finds the neighbors; all runs use the same one."""

    index: AutoIndexName = "graph"
    """lsh is the paper's index. graph computes all neighbors once. auto chooses by rows, memory and number of runs."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class PaperProtocol(PaperConceptOptions, SpaceOptions, PaperIndexOptions, LearningOptions, LabelOptions):
    """All options that affect the results of the experiments.

    Attributes:
        embeddings: Names as model/dimension, once the dimensions are chosen.
        neighbors: The values of k from Figures 6 and 7 that fit the pool.
    """

    embeddings: tuple[str, ...] = ()
    neighbors: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class PaperExecution(Execution, ClusterOptions):
    """Options that affect where and how the experiments run, and which of them to run this time."""

    only: Annotated[tuple[StudyName, ...], COMMA_SEPARATED] = ()
    """Run only these studies, comma-separated. Rerun with the same other options to add more. [default: all]"""
    paper_tables: GivenPath | None = None
    """Tables 3 to 8 of the paper in one CSV, plotted next to the same plots of these runs."""
