"""The options of the benchmarks."""

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
    """1e10 as the whole number that it is; anything else as it comes."""
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
    """SIMULATED vectors, with an index."""

    work: GivenPath
    """Folder for vectors and indexes, shared by the benchmarks."""
    dimensions: PositiveInt = 256
    """Of the vectors."""
    k: PositiveInt = 100
    """Neighbors of each labeled row."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class SearchOptions(TableOptions):
    """One search of them."""

    budget: PositiveInt = 2_000
    """T: labels in all."""
    batch: PositiveInt = 100
    """b: labels between two trainings."""
    threads: Annotated[int, Field(ge=1, le=MAX_THREADS)] = os.cpu_count() or 1
    """Of each run."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class WhereOptions(SearchOptions):
    """One size."""

    n: PositiveInt = 1_000_000
    """Size of the pool."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class ReportedOptions(SearchOptions, QuietOptions):
    """Several sizes, with tables and a figure of them."""

    out: GivenPath
    """Folder for tables and figures."""
    n: Sizes = (100_000, 1_000_000)
    """Sizes of the pool, comma-separated."""
    seed: NonNegativeInt = 0
    """Of every random choice."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class RoundsOptions(ReportedOptions, ProbeOptions):
    """Which methods and how often."""

    concepts: PositiveInt = 3
    """Concepts searched for."""
    repeats: PositiveInt = 1
    """Runs with other seeds."""
    methods: Names = ("all", "all-int8", "retrieval", "seals-ivf-sq", "seals-graph")
    """Methods, comma-separated."""
    strategies: Names = ("maxent", "most_likely_positive")
    """Strategies, comma-separated."""
    slow_rows: PositiveInt = 10**6
    """The slow methods run up to so many rows."""
    graph_rows: PositiveInt = 10**6
    """A graph of all rows is built up to so many; beyond, of those that are asked for."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class LargeOptions(ReportedOptions):
    """Searches of SIMULATED tables."""

    n: AnySizes = (10**6, 10**7)
    """Sizes of the pool, comma-separated."""
    dimensions: PositiveInt = 128
    """Of the vectors."""
    budget: PositiveInt = 1_000
    """T: labels in all."""
    batch: PositiveInt = 10
    """b: labels between two trainings."""
    concepts: PositiveInt = 3
    """Concepts searched for."""
    repeats: PositiveInt = 2
    """Times that each search is measured."""
    scans: NonNegativeInt = 1
    """Of the concepts, so many are searched for by the full scan too, once each."""
    scan_budget: PositiveInt = 200
    """T of the full scan, of which a round takes long."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class ProceduralOptions:
    """Tables that are computed, not stored."""

    out: GivenPath = Path("reports/scale")
    """Folder for the tables of results."""
    n: AnySizes = (10**6, 10**8, 10**10)
    """Sizes of the pool, multiples of 10,000."""
    budget: PositiveInt = 2_000
    """T: labels in all."""
    batch: PositiveInt = 100
    """b: labels between two trainings."""
    k: PositiveInt = 100
    """Neighbors of each labeled row, at most 400."""
    concepts: PositiveInt = 3
    """Concepts searched for."""
    threads: Annotated[int, Field(ge=1, le=MAX_THREADS)] = os.cpu_count() or 1
    """Of each run."""
    seed: NonNegativeInt = 0
    """Of every random choice."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class GraphJoinOptions:
    """Vectors, and what to try on them."""

    vectors: GivenPath
    """An .npy file of unit vectors, of real texts; the name of the CSV file should say so if they are SIMULATED."""
    out: GivenPath
    """CSV file of the results."""
    k: PositiveInt = 100
    """Neighbors of each row."""
    probes: Annotated[tuple[PositiveInt, ...], COMMA_SEPARATED, Field(min_length=1)] = (32, 64, 128)
    """Cells that a row of the inverted file looks into, comma-separated."""
    cells: PositiveInt = 512
    """Cells of each clustering of the join."""
    joined: PositiveInt = 32
    """Cells that each cell is joined with."""
    clusterings: NonNegativeInt = 4
    """How many are united, one after the other; 0: no join."""
    threads: Annotated[int, Field(ge=1, le=MAX_THREADS)] = os.cpu_count() or 1
    """Of all of it."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class WholeGraphOptions(TableOptions):
    """SIMULATED tables, of which graphs are built."""

    out: GivenPath
    """CSV file of the results."""
    n: AnySizes = (10**6, 10**7)
    """Rows, one graph for each number."""
    threads: Annotated[int, Field(ge=1, le=MAX_THREADS)] = os.cpu_count() or 1
    """Of all of it."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class PeersOptions(ReportedOptions):
    """Which peers, and for how long."""

    peers: Annotated[tuple[PeerName, ...], COMMA_SEPARATED] = get_args(PeerName)
    """Peers, comma-separated; empty: ours alone."""
    timeout: PositiveFloat = 600
    """Seconds for the rounds of each run."""
    ready_timeout: PositiveFloat = 7_200
    """Seconds for what comes before them: loading, and building an index where none is there."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class SessionBenchOptions(TableOptions):
    """A session on SIMULATED vectors."""

    n: PositiveInt = 1_000_000
    """Rows of the table."""
    answers: Annotated[tuple[Annotated[int, Field(ge=11, le=10**6)], ...], COMMA_SEPARATED, Field(min_length=1)] = (
        200,
        2_000,
    )
    """How many answers to measure up to, comma-separated; ten are given before."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class SolversOptions:
    """The labels that solvers are fitted to."""

    n: PositiveInt = 50_000
    """Rows of the SIMULATED table."""
    dimensions: PositiveInt = 256
    """Of the vectors."""
    budget: PositiveInt = 2_000
    """Labels in all."""
    repeats: PositiveInt = 5
    """The fastest of so many counts."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class PrecisionOptions:
    """How much is embedded."""

    n: Annotated[int, Field(ge=11, le=20_000)] = 2_000
    """Texts."""
    repeats: PositiveInt = 3
    """Turns of each precision; the median ratio counts."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class FirstQuestionOptions:
    """A table of texts, and a simulated person."""

    n: AnySizes = (10_000, 100_000, 1_000_000)
    """Texts, one measurement for each number."""
    embed: Literal["auto", "lazy", "all"] = "auto"
    """As for `seals label`."""
    like: str = "diabetes with a complication of the eye"
    """What is searched for."""
    positive: str = "retinopathy"
    """What is in a text that the person says yes to."""
    answers: PositiveInt = 50
    """How many answers are given."""
    read_seconds: Annotated[float, Field(ge=0)] = 2.0
    """That the person takes for a text."""
    work: GivenPath = Path(".")
    """Folder in which tables and caches are made, and removed."""
    out: GivenPath = Path("reports/scale")
    """Folder for first_question.csv."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class JudgeBenchOptions:
    """A simulated judge, and what it labels."""

    concepts: Names = ("E08-E13", "C81-C96", "H49-H52")
    """Of ICD-10-CM, one session for each."""
    budget: PositiveInt = 2_000
    """Calls."""
    noise: Annotated[float, Field(ge=0, le=0.5)] = 0.05
    """Part of the answers that are wrong."""
    parallel: Annotated[int, Field(ge=1, le=64)] = 16
    """Calls at once."""
    model: str = "wordllama"
    """The model that embeds the texts."""
    cache: GivenPath = Path("build/cache")
    """Folder for vectors."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class TwoPeopleOptions:
    """A session on SIMULATED vectors."""

    work: GivenPath
    """Folder for the table, its vectors and the session; what is there is used again, but for the session."""
    n: PositiveInt = 1_000_000
    """Rows of the table."""
    dimensions: PositiveInt = 128
    """Of the vectors."""
    answers: PositiveInt = 300
    """Of each person."""
    people: PositiveInt = 2
    """Who answer at the same time."""
    starts: PositiveInt = 3
    """Times that the session is opened again."""


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class ChunkBenchOptions:
    """Long texts that are made, and what is searched for in them."""

    concepts: Names = ("E08-E13", "C81-C96", "H49-H52")
    """Of ICD-10-CM, one session for each."""
    n: PositiveInt = 300
    """Texts."""
    n_joined: PositiveInt = 50
    """Descriptions that each is made of."""
    n_positive: PositiveInt = 20
    """Texts of each concept."""
    n_answers: PositiveInt = 60
    """Of each session."""
    tokens: PositiveInt | None = None
    """Of a chunk at most; by default as many as the model reads, which is what a session takes."""
    seed: NonNegativeInt = 0
    """Of the texts."""
    cache: GivenPath = Path("build/cache")
    """Folder for vectors."""
