"""The options of section 7.12."""

from __future__ import annotations

import os
from typing import Annotated, Literal, get_args

from pydantic import Field
from pydantic.dataclasses import dataclass

from seals_sim.embed.names import BACKENDS, DEFAULT_DIMENSIONS, DEFAULT_MODEL, Backend
from seals_sim.errors import UserError
from seals_sim.options import (
    CHECKED,
    COMMA_SEPARATED,
    MAX_THREADS,
    Fraction,
    GivenPath,
    NonNegativeInt,
    PositiveInt,
)
from seals_sim.replay.options import ClusterOptions, LabelOptions, LearningOptions, PoolName, ProbeOptions, RunOptions
from seals_sim.search.names import Strategy

SplitName = Literal["sentence", "review", "book"]
SPLITS: tuple[SplitName, ...] = get_args(SplitName)


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class SourceOptions:
    """One of reviews, texts and simulate."""

    reviews: GivenPath | None = None
    """The UCSD Book Graph's goodreads_reviews_spoiler, .json or .json.gz."""
    skip_bad_lines: bool = False
    """Leave out lines that cannot be read, and report them."""
    texts: GivenPath | None = None
    """Other texts: a table with a label of 0 and 1."""
    text_column: str = "text"
    """Its text column."""
    label_column: str = "label"
    """Its label column."""
    prevalence: Fraction | None = None
    """Thin the positives of texts to this part."""
    simulate: PositiveInt | None = None
    """SIMULATED embeddings with the facts that 7.12 reports: so many in the pool, and more for test."""
    book_cosine: Fraction = 0.4
    """Of simulate: mean cosine similarity of two sentences of one book."""
    spoiler_cosine: Fraction = 0.1
    """Of simulate: by how much more two spoilers of one book are alike."""

    def __post_init__(self) -> None:
        if self.book_cosine + self.spoiler_cosine > 0.99:
            problem = "leaves no room for what else sentences say, beside spoiler_cosine"
            raise UserError(problem, parameter="book_cosine", value=self.book_cosine)

    def require_one(self) -> None:
        """Raise UserError unless exactly one source is named."""
        given = [name for name in ("reviews", "texts", "simulate") if getattr(self, name) is not None]
        if not given:
            raise UserError("no data; give reviews, texts or simulate")
        if len(given) > 1:
            problem = f"cannot be combined with {given[0]}"
            raise UserError(problem, parameter=given[1], value=str(getattr(self, given[1])))


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class StageOptions(ProbeOptions):
    """How sentences become a pool that can be searched."""

    model: Annotated[str, Field(min_length=1)] = DEFAULT_MODEL
    """A sentence-transformers model, by folder or name; wordllama is a static one, hundreds of times faster."""
    backend: Backend = BACKENDS[0]
    """What computes the model; vectors are the same up to rounding."""
    dimensions: NonNegativeInt = DEFAULT_DIMENSIONS
    """Whiten to so many by PCA; 0: do not."""
    splits: Annotated[tuple[SplitName, ...], COMMA_SEPARATED, Field(min_length=1)] = SPLITS[:1]
    """What is never in two parts of the data, comma-separated; the paper's is sentence."""
    test_rows: PositiveInt | None = None
    """Test on so many of the test rows, drawn at random."""
    no_structure: bool = False
    """Leave out Figure 19, which needs the neighbors of all positives."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class GoodreadsMethodOptions:
    """Which pools and strategies to compare."""

    pools: Annotated[tuple[PoolName, ...], COMMA_SEPARATED, Field(min_length=1)] = ("all", "seals")
    """Candidate pools, comma-separated."""
    strategies: Annotated[tuple[Strategy, ...], COMMA_SEPARATED, Field(min_length=1)] = (
        "maxent",
        "most_likely_positive",
        "random",
    )
    """Selection strategies, comma-separated."""
    int8: bool = False
    """Also most_likely_positive over everything, by 8-bit codes in memory."""
    k: PositiveInt = 100
    """Neighbors of each labeled row that join the candidates."""
    recommended: bool = False
    """Also most_likely_positive on vectors that are not whitened: over everything, over the SEALS pool, and as `seals
    label` searches large tables, by the walk."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class GoodreadsProtocol(StageOptions, GoodreadsMethodOptions, LearningOptions, LabelOptions):
    """All that decides what the experiment finds."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.recommended and self.dimensions == 0:
            problem = "whitens nothing, and recommended compares whitened vectors with those that are not"
            raise UserError(problem, parameter="dimensions", value=0)


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class GoodreadsExecution(RunOptions, ClusterOptions):
    """Where and how it runs; it finds the same."""

    work: GivenPath | None = None
    """Where the stages leave their results, some 40 GB at full size. [default: the results' folder with -work]"""
    memory: str = "0.75"
    """What the index and the float32 copy may each take: a part of the memory, or a size such as 16GB."""
    threads: Annotated[int, Field(ge=1, le=MAX_THREADS)] = os.cpu_count() or 1
    """Threads of each run."""
    block: PositiveInt = 16_384
    """Texts embedded between two saves."""
