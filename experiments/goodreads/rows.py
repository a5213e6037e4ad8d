"""What a Goodreads run left in its folder, read back only if it is whole."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from seals_sim.errors import UserError
from seals_sim.replay.page import describe_missing_file, read_rows
from seals_sim.replay.runs import METHOD_FIELDS
from seals_sim.replay.store import read_config_of

ROUND_COLUMNS = (
    "round", "n_labeled", "n_positive", "recall", "n_candidates", "pool_fraction", "average_precision", "auc",
    "n_called_positive", "select_seconds", "neighbor_seconds", "train_seconds", "batch_digest", *METHOD_FIELDS,
    "split", "repeat", "whole_seconds", "peak_bytes", "dataset",
)  # fmt: skip
STAGE_COLUMNS = ("folder", "seconds", "peak_bytes", "bytes", "dataset")
_FACTS = {"index", "rows", "pool_positives", "average_cosine", "float16_error"}
_INDEX_FACTS = {"k", "n_queries", "recall", "milliseconds"}
_RUN = ["split", "pool", "strategy", "repeat"]


@dataclass(frozen=True, eq=False)
class GoodreadsRun:
    """A finished run.

    Attributes:
        config: The content of config.json.
        facts: What was measured of each split and its index, by the name of the split.
        rounds: One row per split, method, repeat and round, with ROUND_COLUMNS.
        stages: One row per stage of the preparation, with STAGE_COLUMNS.
    """

    config: dict[str, Any]
    facts: dict[str, dict[str, Any]]
    rounds: pd.DataFrame
    stages: pd.DataFrame


def read_run(folder: Path) -> GoodreadsRun:
    """Read the folder of a finished run.

    Raises:
        UserError: If it holds another kind of run, or if a file is missing, damaged or cut off.
    """
    config = read_config_of("goodreads", folder)
    facts = _read_facts(folder / "facts.json", config)
    rounds = read_rows(folder / "rounds.csv", ROUND_COLUMNS)
    _require_all_rounds(folder / "rounds.csv", rounds, config)
    stages = read_rows(folder / "stages.csv", STAGE_COLUMNS)
    _require_all_stages(folder / "stages.csv", stages, facts)
    return GoodreadsRun(config, facts, rounds, stages)


def _read_facts(path: Path, config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    try:
        facts: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["splits"]
    except FileNotFoundError:
        raise describe_missing_file(path) from None
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise UserError(f"{path}: cannot be read ({error})") from error
    for split in config["options"]["splits"]:
        about = facts.get(split, {})
        for name in (*_FACTS - set(about), *_INDEX_FACTS - set(about.get("index", {}))):
            raise UserError(f"{path}: lacks {name!r} of the split {split!r}")
    return facts


def _require_all_rounds(path: Path, rounds: pd.DataFrame, config: dict[str, Any]) -> None:
    """Every run of the configuration must be there, from its seeds to its end."""
    options = config["options"]
    methods = list(product(options["pools"], options["strategies"]))
    if options["int8"]:
        methods.append(("all_int8", "most_likely_positive"))
    expected = {
        (split, *method, n) for split in options["splits"] for method in methods for n in range(options["repeats"])
    }
    runs = rounds.groupby(_RUN)
    last = runs.last()
    is_dry = last["n_labeled"] - options["seed_positives"] - options["seed_negatives"] >= last["n_candidates"]
    is_ended = (last["n_labeled"] == options["budget"]) | is_dry
    is_gapless = runs.size() == last["round"] + 1
    n_whole = len(expected & set(last.index[is_ended & is_gapless]))
    if n_whole < len(expected):
        raise UserError(f"{path}: is cut off or damaged ({n_whole} of {len(expected)} runs are whole)")


def _require_all_stages(path: Path, stages: pd.DataFrame, facts: dict[str, dict[str, Any]]) -> None:
    """Every split must have come to its last stage."""
    for split, about in facts.items():
        last = "neighbors-of-positives" if "largest_component" in about else "measure-index"
        if not stages["folder"].str.endswith(f"split-{split}/{last}").any():
            raise UserError(f"{path}: is cut off (no stage split-{split}/{last})")
