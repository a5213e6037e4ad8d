"""Options of the experiment of section 7.12."""

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
    """Where the sentences come from: reviews, texts or simulate, exactly one of them."""

    reviews: GivenPath | None = None
    """The UCSD Book Graph's goodreads_reviews_spoiler, .json or .json.gz."""
    skip_bad_lines: bool = False
    """Skip lines that cannot be read, and report them."""
    texts: GivenPath | None = None
    """Other texts: a table with a label column of 0 and 1."""
    text_column: str = "text"
    """Text column of the texts table."""
    label_column: str = "label"
    """Label column of the texts table."""
    prevalence: Fraction | None = None
    """Thin out the positives of texts to this fraction."""
    simulate: PositiveInt | None = None
    """Pool size of a simulation: SIMULATED embeddings that match the facts reported in 7.12, with more rows for the
    test."""
    book_cosine: Fraction = 0.4
    """With simulate: mean cosine similarity of two sentences from one book."""
    spoiler_cosine: Fraction = 0.1
    """With simulate: how much more similar two spoilers from one book are."""

    def __post_init__(self) -> None:
        if self.book_cosine + self.spoiler_cosine > 0.99:
            problem = "must be at most 0.99 together with spoiler_cosine"
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
    """How to turn sentences into a searchable pool."""

    model: Annotated[str, Field(min_length=1)] = DEFAULT_MODEL
    """A sentence-transformers model, by folder or name. wordllama is a static model, hundreds of times faster."""
    backend: Backend = BACKENDS[0]
    """Which library runs the model. The vectors are the same up to rounding."""
    dimensions: NonNegativeInt = DEFAULT_DIMENSIONS
    """Whiten to this many dimensions by PCA. 0 turns whitening off."""
    splits: Annotated[tuple[SplitName, ...], COMMA_SEPARATED, Field(min_length=1)] = SPLITS[:1]
    """What must not be split between two parts of the data, comma-separated. The paper uses sentence."""
    test_rows: PositiveInt | None = None
    """Test on this many of the test rows, drawn at random."""
    no_structure: bool = False
    """Skip Figure 19, which needs the neighbors of all positives."""


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
    """Also run most_likely_positive over the whole pool with 8-bit codes in memory."""
    k: PositiveInt = 100
    """Neighbors of each labeled row to add to the candidates."""
    recommended: bool = False
    """Also run most_likely_positive on vectors that are not whitened: over the whole pool, over the SEALS pool, and
    by the walk, as `seals label` searches large tables."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class GoodreadsProtocol(StageOptions, GoodreadsMethodOptions, LearningOptions, LabelOptions):
    """All options that affect the result of the experiment."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.recommended and self.dimensions == 0:
            problem = "turns whitening off, but recommended compares whitened vectors with unwhitened ones"
            raise UserError(problem, parameter="dimensions", value=0)


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class GoodreadsExecution(RunOptions, ClusterOptions):
    """Options that affect where and how the experiment runs, but not its result."""

    work: GivenPath | None = None
    """Folder for the results of the stages, some 40 GB at full size. [default: the results folder's name plus -work]"""
    memory: str = "0.75"
    """Memory limit for the index, and for the float32 copy: a fraction of the memory, or a size such as 16GB."""
    threads: Annotated[int, Field(ge=1, le=MAX_THREADS)] = os.cpu_count() or 1
    """Threads per run."""
    block: PositiveInt = 16_384
    """Texts to embed between saves."""
