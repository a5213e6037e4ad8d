"""The folder of a finished replay, read and checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from seals_sim.errors import UserError
from seals_sim.replay.experiment import PICK_COLUMNS, ROUND_COLUMNS
from seals_sim.replay.page import read_rows
from seals_sim.replay.store import read_config
from seals_sim.replay.tables import POOL_NAMES, STRATEGY_NAMES

OTHER_METRIC = {"average_precision": "auc", "auc": "average_precision"}


def read_finished(folder: Path) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]:
    """Read config.json, rounds.csv and picks.csv.

    Args:
        folder: Of the replay.

    Returns:
        The configuration, a row per round, and a row per pick.

    Raises:
        UserError: Where one of the files is missing or damaged, or they are not of one run.
    """
    config = read_config(folder)
    _require_config(folder, config)
    rounds = _read_rows(folder / "rounds.csv", ROUND_COLUMNS, config)
    picks = _read_rows(folder / "picks.csv", PICK_COLUMNS, config)
    n_picks = int(rounds.groupby(["pool", "strategy", "concept", "repeat"])["n_labeled"].max().sum())
    if len(picks) != n_picks:
        raise UserError(f"{folder / 'picks.csv'}: has {len(picks)} picks, but rounds.csv counts {n_picks}")
    return config, rounds, picks


def _require_config(folder: Path, config: dict[str, Any]) -> None:
    kinds = {"options": dict, "rows": dict, "concepts": dict, "versions": dict, "bad_lines": list, "dataset": str}
    for key, kind in kinds.items():
        if not isinstance(config.get(key), kind):
            raise UserError(f"{folder / 'config.json'}: {key!r} is missing or damaged")
    if config.get("first_metric") not in OTHER_METRIC:
        raise UserError(f"{folder / 'config.json'}: 'first_metric' is missing or damaged")


def _read_rows(path: Path, columns: Sequence[str], config: dict[str, Any]) -> pd.DataFrame:
    """The rows of a finished run. Raises UserError unless every run of the configuration is there."""
    names = dict.fromkeys(("dataset", "concept", "pool", "strategy"), str)
    table = read_rows(path, columns, dtype={**names, "k": "Int64"}, keep_default_na=False, na_values={"k": ""})
    options, measured = config["options"], [name for name in columns if name not in names and name != "k"]
    n_runs = len(config["concepts"]) * options["repeats"] * len(options["pools"]) * len(options["strategies"])
    n_groups = table.groupby(["pool", "strategy", "concept", "repeat"]).ngroups
    if n_groups != n_runs or not all(pd.api.types.is_numeric_dtype(table[name]) for name in measured):
        raise UserError(f"{path}: is damaged or cut off ({n_groups} of {n_runs} runs can be read)")
    for column, known in (("pool", POOL_NAMES), ("strategy", STRATEGY_NAMES)):
        for name in table[column].unique():
            if name not in known:
                raise UserError(f"{path}: unknown {column} {name!r}; must be one of {', '.join(known)}")
    return table
