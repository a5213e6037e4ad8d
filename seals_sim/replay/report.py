"""Draw the report of a run again, from its rows alone: summary.csv, the figures and index.html."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from seals_sim.errors import UserError
from seals_sim.replay.figures import data_url, draw_curves
from seals_sim.replay.page import read_rows, redraw_command, write_page
from seals_sim.replay.protocol import PICK_COLUMNS, ROUND_COLUMNS
from seals_sim.replay.store import read_config, write_csv
from seals_sim.replay.tables import POOL_NAMES, STRATEGY_NAMES, alike, by_concept, curves, method_name, summary

_ALSO = {"average_precision": "auc", "auc": "average_precision"}


def write_report(folder: Path) -> None:
    """(Re)write summary.csv, figures and index.html of a finished run. Raises UserError where rows are missing."""
    config = read_config(folder)
    _require_config(folder, config)
    rounds = _read_rows(folder / "rounds.csv", ROUND_COLUMNS, config)
    picks = _read_rows(folder / "picks.csv", PICK_COLUMNS, config)
    n_picks = int(rounds.groupby(["pool", "strategy", "concept", "repeat"])["n_labeled"].max().sum())
    if len(picks) != n_picks:
        raise UserError(f"{folder / 'picks.csv'}: holds {len(picks)} picks where rounds.csv counts {n_picks}")
    first_metric = config["first_metric"]
    table = summary(rounds)
    write_csv(folder / "summary.csv", table)

    lines = curves(rounds)
    figures = {"curves": "All methods"}
    draw_curves(lines, first_metric, _title(config, "all methods"), folder / "curves")
    if rounds["strategy"].nunique() > 1 and rounds["pool"].nunique() > 1:
        for strategy in rounds["strategy"].unique():
            figures[f"curves_{strategy}"] = STRATEGY_NAMES[strategy]
            draw_curves(
                lines.loc[lines.index.get_level_values("strategy") == strategy],
                first_metric,
                _title(config, STRATEGY_NAMES[strategy]),
                folder / f"curves_{strategy}",
            )

    write_page(
        folder / "index.html",
        "report.html",
        package="seals_sim.replay",
        config=config,
        figures=[(name, title, data_url(folder / f"{name}.svg")) for name, title in figures.items()],
        table=table.to_dict("records"),
        method_name=method_name,
        first_metric=first_metric,
        also_metric=_ALSO[first_metric],
        concepts=_concept_rows(rounds, config, first_metric),
        findings=findings(rounds, picks, config),
    )


def findings(rounds: pd.DataFrame, picks: pd.DataFrame, config: dict[str, Any]) -> list[str]:
    """What a reader must know before believing the figures, in words."""
    said = []
    last = rounds.groupby(["pool", "strategy", "concept", "repeat"], sort=False).last()
    seals = last.loc[last.index.get_level_values("pool") == "seals"]
    if len(seals) and seals["pool_fraction"].mean() > 0.5:
        said.append(
            f"Warning: the SEALS pool came to cover {seals['pool_fraction'].mean():.0%} of the data, so the "
            f"restriction means little here. k must follow the size of the pool: {config['options']['k']} neighbours "
            f"are many among {config['rows']['pool']:,} rows."
        )
    dry = last[last["n_labeled"] < config["options"]["budget"]]
    if len(dry):
        said.append(
            f"In {len(dry)} of {len(last)} runs the pool ran dry before the budget was spent; their last round counts."
        )
    if {"maxent", "most_likely_positive"} <= set(rounds["strategy"]):
        shared = picks[picks["pool"] != "random_pool"]  # there each strategy has a random subset of its own
        for pool, part in alike(shared, "maxent", "most_likely_positive").items():
            said.append(
                f"{method_name(str(pool), 'maxent')} and {method_name(str(pool), 'most_likely_positive')} chose the "
                f"same rows in {part:.0%} of the batches (they do wherever the model calls nothing positive)."
            )
    if config["bad_lines"]:
        said.append(
            f"Warning: {counted(len(config['bad_lines']), 'line')} of the input could not be read and left out; "
            f"the last: {config['bad_lines'][-1]}"
        )
    return said


def _title(config: dict[str, Any], what: str) -> str:
    options = config["options"]
    k = f", k = {options['k']}" if "seals" in options["pools"] else ""
    concepts, repeats = counted(len(config["concepts"]), "concept"), counted(options["repeats"], "repeat")
    return f"{config['dataset']}: {what}; {concepts}, {repeats}, pool of {config['rows']['pool']:,}{k}"


def counted(n: int, what: str) -> str:
    """The number and the word, in the plural where it must be."""
    return f"{n} {what}{'' if n == 1 else 's'}"


def _concept_rows(rounds: pd.DataFrame, config: dict[str, Any], first_metric: str) -> dict[str, Any]:
    tables = {measure: by_concept(rounds, measure) for measure in (first_metric, "recall")}
    return {
        "methods": list(tables["recall"].columns),
        "rows": [
            {"name": name, **about, **{measure: list(table.loc[name]) for measure, table in tables.items()}}
            for name, about in config["concepts"].items()
        ],
    }


def _require_config(folder: Path, config: dict[str, Any]) -> None:
    kinds = {"options": dict, "rows": dict, "concepts": dict, "versions": dict, "bad_lines": list, "dataset": str}
    for key, kind in kinds.items():
        if not isinstance(config.get(key), kind):
            raise UserError(f"{folder / 'config.json'}: {key!r} is missing or damaged")
    if config.get("first_metric") not in _ALSO:
        raise UserError(f"{folder / 'config.json'}: 'first_metric' is missing or damaged")


def _read_rows(path: Path, columns: Sequence[str], config: dict[str, Any]) -> pd.DataFrame:
    """Rows of a finished run. Raises UserError where they are not all there."""
    names = dict.fromkeys(("dataset", "concept", "pool", "strategy"), str)
    table = read_rows(path, columns, dtype={**names, "k": "Int64"}, keep_default_na=False, na_values={"k": ""})
    options, measured = config["options"], [name for name in columns if name not in names and name != "k"]
    n_runs = len(config["concepts"]) * options["repeats"] * len(options["pools"]) * len(options["strategies"])
    found = table.groupby(["pool", "strategy", "concept", "repeat"]).ngroups
    if found != n_runs or not all(pd.api.types.is_numeric_dtype(table[name]) for name in measured):
        raise UserError(f"{path}: is damaged or cut off ({found} whole runs where there were {n_runs})")
    for column, known in (("pool", POOL_NAMES), ("strategy", STRATEGY_NAMES)):
        for name in table[column].unique():
            if name not in known:
                raise UserError(f"{path}: there is no {column} {name!r}; there are {', '.join(known)}")
    return table


def main(argv: Sequence[str] | None = None) -> None:
    def redraw(folder: Path) -> Path:
        write_report(folder)
        return folder / "index.html"

    redraw_command("report", __doc__, redraw, argv)


if __name__ == "__main__":
    main()
