"""The files of a theory run, read back only if they are complete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from typing_extensions import TypedDict

from experiments.theory_bounds.jobs import (
    BOUND_COLUMNS,
    CHECK_COLUMNS,
    DIVERSITY_COLUMNS,
    HOLDS_NAMES,
    ROUND_COLUMNS,
    STEP_COLUMNS,
)
from seals_sim.disk.reading import read_json_lines
from seals_sim.errors import UserError
from seals_sim.replay.config import CONFIG, Count, read_config_of
from seals_sim.replay.page import read_rows
from seals_sim.replay.seal import describe_missing_file, require_sealed

_COLUMNS = {
    "rounds": ROUND_COLUMNS,
    "bounds": BOUND_COLUMNS,
    "checks": CHECK_COLUMNS,
    "steps": STEP_COLUMNS,
    "diversity": DIVERSITY_COLUMNS,
}
RUN_FILES = (CONFIG, "problems.jsonl", "queries.jsonl", *(f"{name}.csv" for name in _COLUMNS))
_NOT_NUMBERS = {"problem", "algorithm", "study", "oracle", "status", "check", "radius", "proof", *HOLDS_NAMES}


@dataclass(frozen=True, eq=False)
class TheoryRun:
    """A finished run.

    Attributes:
        config: The content of config.json.
        rounds: One row per round of each run, with ROUND_COLUMNS.
        bounds: One row per run and epsilon, with BOUND_COLUMNS.
        checks: One row per run and lemma or step, with CHECK_COLUMNS.
        steps: One row per slow step in a finite pool, with STEP_COLUMNS.
        diversity: One row per random problem and radius, with DIVERSITY_COLUMNS.
        is_sealed: Whether each of these has a checksum; early runs have none.
    """

    config: dict[str, Any]
    rounds: pd.DataFrame
    bounds: pd.DataFrame
    checks: pd.DataFrame
    steps: pd.DataFrame
    diversity: pd.DataFrame
    is_sealed: bool


class _Config(TypedDict):
    command: str
    options: dict[str, Any]
    versions: dict[str, str]


class _Counts(TypedDict):
    rounds: Count
    bounds: Count
    checks: Count
    steps: Count
    diversity: Count


class _Problem(TypedDict):
    rows: _Counts


def read_run(folder: Path) -> TheoryRun:
    """Read the folder of a finished run.

    Raises:
        UserError: If it holds another kind of run, or if a file is missing, damaged or cut off.
    """
    config = read_config_of("theory_bounds", folder, _Config)
    is_sealed = require_sealed(folder, RUN_FILES)
    tables = {name: _read_table(folder / f"{name}.csv", columns) for name, columns in _COLUMNS.items()}
    n_expected = _read_counts(folder / "problems.jsonl")
    for name, table in tables.items():
        if len(table) < n_expected[name]:
            raise UserError(f"{folder / name}.csv: is cut off ({len(table)} of {n_expected[name]} rows)")
        if len(table) > n_expected[name]:
            counts = f"{n_expected[name]} rows of {name}.csv, which has {len(table)}"
            raise UserError(f"{folder / 'problems.jsonl'}: is cut off (it counts {counts})")
    return TheoryRun(config, **tables, is_sealed=is_sealed)


def _read_table(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    table = read_rows(path, columns, dtype={"problem": str, "algorithm": str})
    numbers = [name for name in columns if name not in _NOT_NUMBERS]
    if table.empty:
        return table.astype(dict.fromkeys(numbers, float))
    for name in numbers:
        if not pd.api.types.is_numeric_dtype(table[name]):
            raise UserError(f"{path}: is damaged (column {name!r} must hold numbers)")
    return table


def _read_counts(path: Path) -> dict[str, int]:
    """Count the rows of all runs together in each table."""
    if not path.exists():
        raise describe_missing_file(path)
    problems = read_json_lines(path, _Problem)
    return {name: sum(problem["rows"][name] for problem in problems) for name in _COLUMNS}
