"""Reads and checks the folder of a finished replay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired

import pandas as pd
from pydantic import Field
from typing_extensions import TypedDict

from seals_sim.errors import UserError
from seals_sim.options import NonNegativeInt, PositiveInt
from seals_sim.replay.config import CONFIG, ConceptFacts, Number, RowCounts, read_config_of
from seals_sim.replay.experiment import PICK_COLUMNS, ROUND_COLUMNS
from seals_sim.replay.page import read_rows
from seals_sim.replay.seal import require_sealed
from seals_sim.replay.tables import POOL_NAMES, STRATEGY_NAMES

OTHER_METRIC = {"average_precision": "auc", "auc": "average_precision"}


RUN_FILES = (CONFIG, "rounds.csv", "picks.csv")
_Some = Annotated[list[str], Field(min_length=1)]


class _Options(TypedDict):
    pools: _Some
    strategies: _Some
    k: NonNegativeInt
    index: NotRequired[str]
    lsh_bits: NotRequired[int]
    model: str
    dimensions: int | None
    budget: PositiveInt
    batch: PositiveInt
    seed_positives: PositiveInt
    seed_negatives: PositiveInt
    repeats: PositiveInt
    regularization: Number


class RunConfig(TypedDict):
    """The required contents of a replay's config.json."""

    command: str
    options: _Options
    rows: RowCounts
    concepts: dict[str, ConceptFacts]
    skipped_concepts: dict[str, str]
    versions: dict[str, str]
    bad_lines: list[str]
    dataset: str
    kind: str
    first_metric: Literal["average_precision", "auc"]


@dataclass(frozen=True, eq=False)
class Finished:
    """A finished replay.

    Attributes:
        config: The content of config.json.
        rounds: A row per round.
        picks: A row per pick.
        is_sealed: Whether checksums confirm these files; early runs have none.
    """

    config: dict[str, Any]
    rounds: pd.DataFrame
    picks: pd.DataFrame
    is_sealed: bool


def read_finished(folder: Path) -> Finished:
    """Read config.json, rounds.csv and picks.csv.

    Args:
        folder: Folder of the replay.

    Returns:
        The run.

    Raises:
        UserError: If one of the files is missing or damaged, or they do not belong to one run.
    """
    config = read_config_of("replay", folder, RunConfig)
    is_sealed = require_sealed(folder, RUN_FILES)
    rounds = _read_rows(folder / "rounds.csv", ROUND_COLUMNS, config)
    picks = _read_rows(folder / "picks.csv", PICK_COLUMNS, config)
    n_picks = int(rounds.groupby(["pool", "strategy", "concept", "repeat"])["n_labeled"].max().sum())
    if len(picks) != n_picks:
        raise UserError(f"{folder / 'picks.csv'}: has {len(picks)} picks, but rounds.csv counts {n_picks}")
    return Finished(config, rounds, picks, is_sealed)


def _read_rows(path: Path, columns: Sequence[str], config: dict[str, Any]) -> pd.DataFrame:
    """The rows of a finished run. Raises UserError unless every run of the configuration is there."""
    names = dict.fromkeys(("dataset", "concept", "pool", "strategy"), str)
    table = read_rows(path, columns, dtype={**names, "k": "Int64"}, keep_default_na=False, na_values={"k": ""})
    options, measured = config["options"], [name for name in columns if name not in names and name != "k"]
    n_runs = len(config["concepts"]) * options["repeats"] * len(options["pools"]) * len(options["strategies"])
    n_groups = table.groupby(["pool", "strategy", "concept", "repeat"]).ngroups
    if n_groups != n_runs or not all(_is_measured(table[name]) for name in measured):
        raise UserError(f"{path}: is damaged or cut off ({n_groups} of {n_runs} runs can be read)")
    for column, known in (("pool", POOL_NAMES), ("strategy", STRATEGY_NAMES)):
        for name in table[column].unique():
            if name not in known:
                raise UserError(f"{path}: unknown {column} {name!r}; must be one of {', '.join(known)}")
    return table


def _is_measured(column: pd.Series) -> bool:
    """Whether a column has only numbers, none of them missing."""
    return bool(pd.api.types.is_numeric_dtype(column)) and not bool(column.isna().any())
