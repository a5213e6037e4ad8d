"""Draws the report of a replay from its rows alone: summary.csv, the figures and index.html."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from seals_sim.replay.figures import draw_curves
from seals_sim.replay.finished import OTHER_METRIC, Finished, read_finished
from seals_sim.replay.page import write_page
from seals_sim.replay.seal import explaining_misfits
from seals_sim.replay.store import write_csv
from seals_sim.replay.tables import (
    STRATEGY_NAMES,
    average_by_concept,
    compare_batches,
    compute_curves,
    format_method,
    summarize_methods,
)


def write_report(folder: Path) -> Path:
    """Write or rewrite the summary, the figures and the page of a finished replay.

    Args:
        folder: The folder of the run: config.json, rounds.csv and picks.csv are read.

    Returns:
        The page, `index.html` in the folder.

    Raises:
        UserError: If one of these files is missing, damaged or cut off. Then nothing is written.
    """
    run = read_finished(folder)
    with explaining_misfits(folder, run.is_sealed):
        return _write_report(folder, run)


def _write_report(folder: Path, run: Finished) -> Path:
    config, rounds = run.config, run.rounds
    first_metric = config["first_metric"]
    table = summarize_methods(rounds)
    write_csv(folder / "summary.csv", table)
    page = folder / "index.html"
    write_page(
        page,
        "report.html",
        package="seals_sim.replay",
        config=config,
        figures=_draw_figures(rounds, config, folder),
        table=table.to_dict("records"),
        format_method=format_method,
        first_metric=first_metric,
        other_metric=OTHER_METRIC[first_metric],
        concepts=_concept_rows(rounds, config, first_metric),
        findings=list_findings(rounds, run.picks, config),
    )
    return page


def _draw_figures(rounds: pd.DataFrame, config: dict[str, Any], folder: Path) -> dict[str, str]:
    """Draw all methods in one figure, then each strategy in its own; return the titles by file name."""
    lines, first_metric = compute_curves(rounds), config["first_metric"]
    draw_curves(lines, first_metric, _title(config, "all methods"), folder / "curves")
    titles = {"curves.svg": "All methods"}
    if rounds["strategy"].nunique() > 1 and rounds["pool"].nunique() > 1:
        for strategy in rounds["strategy"].unique():
            part = lines.loc[lines.index.get_level_values("strategy") == strategy]
            title = STRATEGY_NAMES[strategy]
            draw_curves(part, first_metric, _title(config, title), folder / f"curves_{strategy}")
            titles[f"curves_{strategy}.svg"] = title
    return titles


def list_findings(rounds: pd.DataFrame, picks: pd.DataFrame, config: dict[str, Any]) -> list[str]:
    """What a reader must know before trusting the figures, in one or two sentences each."""
    sentences = []
    last = rounds.groupby(["pool", "strategy", "concept", "repeat"], sort=False).last()
    seals = last.loc[last.index.get_level_values("pool") == "seals"]
    if len(seals) and seals["pool_fraction"].mean() > 0.5:
        sentences.append(
            f"Warning: the SEALS pool grew to {seals['pool_fraction'].mean():.0%} of the data, so the restriction "
            f"means little here. Choose k to fit the size of the pool: {config['options']['k']} neighbors are many "
            f"among {config['rows']['pool']:,} rows."
        )
    dry = last[last["n_labeled"] < config["options"]["budget"]]
    if len(dry):
        sentences.append(
            f"In {len(dry)} of {len(last)} runs the pool ran dry before the budget was spent; "
            "their last round stands for the later ones."
        )
    if {"maxent", "most_likely_positive"} <= set(rounds["strategy"]):
        shared = picks[picks["pool"] != "random_pool"]  # in which each strategy has its own random subset
        for pool, share in compare_batches(shared, "maxent", "most_likely_positive").items():
            names = [format_method(str(pool), name) for name in ("maxent", "most_likely_positive")]
            sentences.append(
                f"{names[0]} and {names[1]} chose the same rows in {share:.0%} of the batches (as they do whenever the "
                "model predicts no positives)."
            )
    if config["bad_lines"]:
        sentences.append(
            f"Warning: {format_count(len(config['bad_lines']), 'line')} of the input could not be read and "
            f"{'was' if len(config['bad_lines']) == 1 else 'were'} left out; the last one: {config['bad_lines'][-1]}"
        )
    return sentences


def _title(config: dict[str, Any], subject: str) -> str:
    options = config["options"]
    k = f", k = {options['k']}" if "seals" in options["pools"] else ""
    concepts, repeats = format_count(len(config["concepts"]), "concept"), format_count(options["repeats"], "repeat")
    return f"{config['dataset']}: {subject}; {concepts}, {repeats}, pool of {config['rows']['pool']:,}{k}"


def format_count(n: int, noun: str) -> str:
    """The number with its noun, in the plural unless it is one.

    Examples:
        >>> format_count(1, "line"), format_count(2, "line")
        ('1 line', '2 lines')
    """
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _concept_rows(rounds: pd.DataFrame, config: dict[str, Any], first_metric: str) -> dict[str, Any]:
    tables = {measure: average_by_concept(rounds, measure) for measure in (first_metric, "recall")}
    return {
        "methods": list(tables["recall"].columns),
        "rows": [
            {"name": name, **about, **{measure: list(table.loc[name]) for measure, table in tables.items()}}
            for name, about in config["concepts"].items()
        ],
    }
