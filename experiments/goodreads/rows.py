"""Read the files that a Goodreads run left in its folder, if they are whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, Any, NotRequired

import pandas as pd
from pydantic import Field
from typing_extensions import TypedDict

from experiments.goodreads.recommended import RAW_METHODS
from seals_sim.disk.reading import read_json
from seals_sim.errors import UserError
from seals_sim.options import PositiveInt
from seals_sim.replay.config import CONFIG, Count, Number, read_config_of
from seals_sim.replay.page import read_rows
from seals_sim.replay.runs import METHOD_FIELDS
from seals_sim.replay.seal import describe_missing_file, require_sealed

ROUND_COLUMNS = (
    "round", "n_labeled", "n_positive", "recall", "n_candidates", "pool_fraction", "average_precision", "auc",
    "n_called_positive", "select_seconds", "neighbor_seconds", "train_seconds", "batch_digest", *METHOD_FIELDS,
    "split", "repeat", "whole_seconds", "peak_bytes", "dataset",
)  # fmt: skip
STAGE_COLUMNS = ("folder", "seconds", "peak_bytes", "bytes", "dataset")
RUN_FILES = (CONFIG, "facts.json", "rounds.csv", "stages.csv")
_Some = Annotated[list[str], Field(min_length=1)]
_NOT_NUMBERS = {"batch_digest", "pool", "strategy", "embedding", "index_embedding", "split", "dataset", "folder"}
_MAY_LACK = {"k", "random_pool_factor", "random_pool_fraction"}
_RUN = ["split", "pool", "strategy", "repeat"]


@dataclass(frozen=True, eq=False)
class GoodreadsRun:
    """A finished run.

    Attributes:
        config: The content of config.json.
        facts: The facts measured for each split and its index, by the name of the split.
        rounds: One row per split, method, repeat and round, with ROUND_COLUMNS.
        stages: One row per preparation stage, with STAGE_COLUMNS.
        is_sealed: Whether checksums cover these files; early runs have none.
    """

    config: dict[str, Any]
    facts: dict[str, dict[str, Any]]
    rounds: pd.DataFrame
    stages: pd.DataFrame
    is_sealed: bool


class _Options(TypedDict):
    splits: _Some
    pools: _Some
    strategies: _Some
    int8: bool
    recommended: NotRequired[bool]
    model: str
    dimensions: int | None
    book_cosine: NotRequired[float]
    spoiler_cosine: NotRequired[float]
    k: PositiveInt
    n_probe: PositiveInt
    threads: PositiveInt
    budget: PositiveInt
    batch: PositiveInt
    seed_positives: PositiveInt
    seed_negatives: PositiveInt
    repeats: PositiveInt
    regularization: Number


class _Config(TypedDict):
    command: str
    options: _Options
    versions: dict[str, str]
    dataset: str
    is_simulated: bool
    sentences: PositiveInt
    positives: Count
    bad_lines: list[str]


class _IndexFacts(TypedDict):
    k: PositiveInt
    n_queries: PositiveInt
    recall: Number
    milliseconds: Number


class _Rows(TypedDict):
    pool: PositiveInt
    validation: Count
    test: Count


class _Facts(TypedDict):
    index: _IndexFacts
    rows: _Rows
    pool_positives: Count
    average_cosine: Number | None
    float16_error: Number | None
    largest_component: NotRequired[dict[str, Number]]


class _AllFacts(TypedDict):
    splits: dict[str, _Facts]


def read_run(folder: Path) -> GoodreadsRun:
    """Read the folder of a finished run.

    Raises:
        UserError: If it holds another kind of run, or if a file is missing, damaged or cut off.
    """
    config = read_config_of("goodreads", folder, _Config)
    is_sealed = require_sealed(folder, RUN_FILES)
    facts = _read_facts(folder / "facts.json", config)
    rounds = _read_numbers(folder / "rounds.csv", ROUND_COLUMNS)
    _require_all_rounds(folder / "rounds.csv", rounds, config)
    stages = _read_numbers(folder / "stages.csv", STAGE_COLUMNS)
    _require_all_stages(folder / "stages.csv", stages, facts)
    return GoodreadsRun(config, facts, rounds, stages, is_sealed)


def _read_numbers(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """The rows of a table, with a check that its measured columns hold numbers."""
    table = read_rows(path, columns, dtype=dict.fromkeys(("pool", "strategy", "split", "folder"), str))
    for name in set(columns) - _NOT_NUMBERS if len(table) else ():
        if not pd.api.types.is_numeric_dtype(table[name]) or (name not in _MAY_LACK and table[name].isna().any()):
            raise UserError(f"{path}: is damaged (column {name!r} must hold numbers)")
    return table


def _read_facts(path: Path, config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    if not path.exists():
        raise describe_missing_file(path)
    facts: dict[str, dict[str, Any]] = read_json(path, _AllFacts)["splits"]
    wanted = config["options"]["splits"]
    if set(facts) != set(wanted):
        raise UserError(f"{path}: has the splits {', '.join(facts)}, but config.json has {', '.join(wanted)}")
    return facts


def _require_all_rounds(path: Path, rounds: pd.DataFrame, config: dict[str, Any]) -> None:
    """Require every run of the configuration, from its seeds to its end."""
    options = config["options"]
    methods = list(product(options["pools"], options["strategies"]))
    if options["int8"]:
        methods.append(("all_int8", "most_likely_positive"))
    if options.get("recommended"):
        methods += RAW_METHODS
    n_expected = len(options["splits"]) * len(methods) * options["repeats"]
    expected = {
        (split, *method, n)
        for split in options["splits"]
        for method in methods
        for n in range(min(options["repeats"], len(rounds) + 1))  # a run has at least one row
    }
    runs = rounds.groupby(_RUN)
    last = runs.last()
    is_dry = last["n_labeled"] - options["seed_positives"] - options["seed_negatives"] >= last["n_candidates"]
    is_ended = (last["n_labeled"] == options["budget"]) | is_dry
    is_gapless = runs.size() == last["round"] + 1
    n_whole = len(expected & set(last.index[is_ended & is_gapless]))
    if n_whole < n_expected or len(last) != n_expected:
        raise UserError(f"{path}: is cut off or damaged ({n_whole} of {n_expected} runs are whole)")


def _require_all_stages(path: Path, stages: pd.DataFrame, facts: dict[str, dict[str, Any]]) -> None:
    """Require that every split has reached its last stage."""
    for split, about in facts.items():
        last = "neighbors-of-positives" if "largest_component" in about else "measure-index"
        if not stages["folder"].str.endswith(f"split-{split}/{last}").any():
            raise UserError(f"{path}: is cut off (no stage split-{split}/{last})")
