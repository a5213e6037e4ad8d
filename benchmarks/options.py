"""Options of the benchmarks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal, get_args

from cyclopts import Parameter
from pydantic import BeforeValidator, Field
from pydantic.dataclasses import dataclass

from seals_sim.options import (
    CHECKED,
    COMMA_SEPARATED,
    MAX_THREADS,
    GivenPath,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
)
from seals_sim.replay.options import ProbeOptions, QuietOptions

Sizes = Annotated[tuple[PositiveInt, ...], COMMA_SEPARATED, Field(min_length=1)]


def _read_power(value: object) -> object:
    """Read 1e10 as a whole number; return anything else unchanged."""
    try:
        number = float(value) if isinstance(value, str) and "e" in value.lower() else None
    except ValueError:
        return value
    return int(number) if number is not None and number.is_integer() else value


AnySizes = Annotated[
    tuple[Annotated[int, BeforeValidator(_read_power), Field(ge=1)], ...],
    COMMA_SEPARATED, Parameter(consume_multiple=True), Field(min_length=1),
]  # fmt: skip
Names = Annotated[tuple[str, ...], COMMA_SEPARATED, Field(min_length=1)]
PeerName = Literal["small-text-seals", "small-text-anchoral", "modal", "scikit-activeml", "scikit-activeml-utilities"]


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class TableOptions:
    """A table of SIMULATED vectors and its index."""

    work: GivenPath
    """Folder for vectors and indexes, shared by the benchmarks."""
    dimensions: PositiveInt = 256
    """Vector dimensions."""
    k: PositiveInt = 100
    """Neighbors of each labeled row."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class SearchOptions(TableOptions):
    """One search of the table."""

    budget: PositiveInt = 2_000
    """T: total number of labels."""
    batch: PositiveInt = 100
    """b: labels per training round."""
    threads: Annotated[int, Field(ge=1, le=MAX_THREADS)] = os.cpu_count() or 1
    """Threads per run."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class WhereOptions(SearchOptions):
    """A search at one pool size."""

    n: PositiveInt = 1_000_000
    """Pool size."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class ReportedOptions(SearchOptions, QuietOptions):
    """Searches at several pool sizes, with tables and a figure."""

    out: GivenPath
    """Folder for tables and figures."""
    n: Sizes = (100_000, 1_000_000)
    """Pool sizes, comma-separated."""
    seed: NonNegativeInt = 0
    """Seed for all random choices."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class RoundsOptions(ReportedOptions, ProbeOptions):
    """Which methods to measure, and how often."""

    concepts: PositiveInt = 3
    """Number of concepts to search for."""
    repeats: PositiveInt = 1
    """Runs per concept, each with different seeds."""
    methods: Names = ("all", "all-int8", "retrieval", "seals-ivf-sq", "seals-graph")
    """Methods, comma-separated."""
    strategies: Names = ("maxent", "most_likely_positive")
    """Strategies, comma-separated."""
    slow_rows: PositiveInt = 10**6
    """Largest pool on which to run the slow methods."""
    graph_rows: PositiveInt = 10**6
    """Largest pool for which to build the graph of all rows; above it, the graph covers only the rows that a run
    asks for."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class LargeOptions(ReportedOptions):
    """Searches of SIMULATED tables."""

    n: AnySizes = (10**6, 10**7)
    """Pool sizes, comma-separated."""
    dimensions: PositiveInt = 128
    """Vector dimensions."""
    budget: PositiveInt = 1_000
    """T: total number of labels."""
    batch: PositiveInt = 10
    """b: labels per training round."""
    concepts: PositiveInt = 3
    """Number of concepts to search for."""
    repeats: PositiveInt = 2
    """How many times to measure each search."""
    scans: NonNegativeInt = 1
    """How many of the concepts to search for by the full scan as well, once each."""
    scan_budget: PositiveInt = 200
    """T for the full scan, whose rounds are slow."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class ProceduralOptions:
    """Tables that are computed, not stored."""

    out: GivenPath = Path("reports/scale")
    """Folder for the result tables."""
    n: AnySizes = (10**6, 10**8, 10**10)
    """Pool sizes, comma-separated multiples of 10,000."""
    budget: PositiveInt = 2_000
    """T: total number of labels."""
    batch: PositiveInt = 100
    """b: labels per training round."""
    k: PositiveInt = 100
    """Neighbors of each labeled row, at most 400."""
    concepts: PositiveInt = 3
    """Number of concepts to search for."""
    threads: Annotated[int, Field(ge=1, le=MAX_THREADS)] = os.cpu_count() or 1
    """Threads per run."""
    seed: NonNegativeInt = 0
    """Seed for all random choices."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class GraphJoinOptions:
    """The vectors, and the graph settings to try on them."""

    vectors: GivenPath
    """.npy file of unit vectors of real texts. If they are SIMULATED, the name of the CSV file should say so."""
    out: GivenPath
    """CSV file for the results."""
    k: PositiveInt = 100
    """Neighbors of each row."""
    probes: Annotated[tuple[PositiveInt, ...], COMMA_SEPARATED, Field(min_length=1)] = (32, 64, 128)
    """Cells of the inverted file to probe for each row, comma-separated."""
    cells: PositiveInt = 512
    """Cells per clustering in the join."""
    joined: PositiveInt = 32
    """How many cells to join each cell with."""
    clusterings: NonNegativeInt = 4
    """How many clusterings to unite, one after the other. 0 skips the join."""
    threads: Annotated[int, Field(ge=1, le=MAX_THREADS)] = os.cpu_count() or 1
    """Number of threads."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class WholeGraphOptions(TableOptions):
    """SIMULATED tables to build graphs of."""

    out: GivenPath
    """CSV file for the results."""
    n: AnySizes = (10**6, 10**7)
    """Table sizes in rows, comma-separated; one graph for each."""
    threads: Annotated[int, Field(ge=1, le=MAX_THREADS)] = os.cpu_count() or 1
    """Number of threads."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class PeersOptions(ReportedOptions):
    """Which peers to run, and for how long."""

    peers: Annotated[tuple[PeerName, ...], COMMA_SEPARATED] = get_args(PeerName)
    """Peers, comma-separated. If empty, only this package's methods run."""
    timeout: PositiveFloat = 600
    """Time limit for the rounds of each run, in seconds."""
    ready_timeout: PositiveFloat = 7_200
    """Time limit for setup, in seconds: loading the data and, if needed, building an index."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class SessionBenchOptions(TableOptions):
    """A session on SIMULATED vectors."""

    n: PositiveInt = 1_000_000
    """Rows in the table."""
    answers: Annotated[tuple[Annotated[int, Field(ge=11, le=10**6)], ...], COMMA_SEPARATED, Field(min_length=1)] = (
        200,
        2_000,
    )
    """Answer counts to measure up to, comma-separated. The first ten answers are not measured."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class SolversOptions:
    """The labels to fit the solvers to."""

    n: PositiveInt = 50_000
    """Rows in the SIMULATED table."""
    dimensions: PositiveInt = 256
    """Vector dimensions."""
    budget: PositiveInt = 2_000
    """Total number of labels."""
    repeats: PositiveInt = 5
    """How many times to measure each solver; the fastest counts."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class PrecisionOptions:
    """How much to embed."""

    n: Annotated[int, Field(ge=11, le=20_000)] = 2_000
    """Number of texts."""
    repeats: PositiveInt = 3
    """How many times to measure each precision; the median ratio counts."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class FirstQuestionOptions:
    """A table of texts, and a simulated person."""

    n: AnySizes = (10_000, 100_000, 1_000_000)
    """Table sizes in texts, comma-separated; one measurement for each."""
    embed: Literal["auto", "lazy", "all"] = "auto"
    """Which texts to embed before the first question, as for `seals label`."""
    like: str = "diabetes with a complication of the eye"
    """Description of what to search for."""
    positive: str = "retinopathy"
    """The person says yes to texts that contain this."""
    answers: PositiveInt = 50
    """How many answers the person gives."""
    read_seconds: Annotated[float, Field(ge=0)] = 2.0
    """How long the person reads each text, in seconds."""
    work: GivenPath = Path(".")
    """Folder for temporary tables and caches, which are removed afterward."""
    out: GivenPath = Path("reports/scale")
    """Folder for first_question.csv."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class JudgeBenchOptions:
    """A simulated judge, and what it labels."""

    concepts: Names = ("E08-E13", "C81-C96", "H49-H52")
    """ICD-10-CM concepts, comma-separated; one session for each."""
    budget: PositiveInt = 2_000
    """Maximum number of calls to the judge."""
    noise: Annotated[float, Field(ge=0, le=0.5)] = 0.05
    """Fraction of answers that are wrong."""
    parallel: Annotated[int, Field(ge=1, le=64)] = 16
    """Number of concurrent calls."""
    model: str = "wordllama"
    """Embedding model."""
    cache: GivenPath = Path("build/cache")
    """Folder for vectors."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class TwoPeopleOptions:
    """A session on SIMULATED vectors."""

    work: GivenPath
    """Folder for the table, its vectors and the session. An existing table is reused; the session always starts
    anew."""
    n: PositiveInt = 1_000_000
    """Rows in the table."""
    dimensions: PositiveInt = 128
    """Vector dimensions."""
    answers: PositiveInt = 300
    """Answers per person."""
    people: PositiveInt = 2
    """How many people answer at the same time."""
    starts: PositiveInt = 3
    """How many times to reopen the session."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class ChunkBenchOptions:
    """The long texts to make, and what to search for in them."""

    concepts: Names = ("E08-E13", "C81-C96", "H49-H52")
    """ICD-10-CM concepts, comma-separated; one session for each."""
    n: PositiveInt = 300
    """Number of texts."""
    n_joined: PositiveInt = 50
    """Descriptions to join into each text."""
    n_positive: PositiveInt = 20
    """Positive texts per concept."""
    n_answers: PositiveInt = 60
    """Answers per session."""
    tokens: PositiveInt | None = None
    """Maximum tokens per chunk. [default: as many as the model reads, as in a session]"""
    seed: NonNegativeInt = 0
    """Seed for making the texts."""
    cache: GivenPath = Path("build/cache")
    """Folder for vectors."""
