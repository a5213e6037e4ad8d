"""Draw the report of `experiments.goodreads` again, from its rows alone: section 7.12's figures beside these."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.goodreads.numbers import GOODREADS_COMPONENT, GOODREADS_COSINE, GOODREADS_RECALL
from seals_sim.errors import UserError
from seals_sim.replay.figures import data_url, draw_curves
from seals_sim.replay.page import redraw_command, write_page
from seals_sim.replay.store import read_config, write_csv
from seals_sim.replay.tables import curves, method_name, summary

_NOT_RUN = "not run"


@dataclass(frozen=True)
class Beside:
    """A number of the paper and ours, as the page prints them."""

    what: str
    source: str
    paper: str
    here: str


def write_goodreads_report(folder: Path) -> None:
    """(Re)write summary.csv, beside.csv, figures and index.html of a finished run. Raises UserError."""
    config = read_config(folder)
    if config.get("experiment") != "goodreads":
        raise UserError(f"{folder}: holds no run of experiments.goodreads")
    try:
        rounds, stages = pd.read_csv(folder / "rounds.csv"), pd.read_csv(folder / "stages.csv")
        splits = json.loads((folder / "facts.json").read_text(encoding="utf-8"))["splits"]
    except FileNotFoundError as error:
        raise UserError(f"{error.filename}: no such file; the run in this folder is not finished") from error
    except (ValueError, KeyError, OSError) as error:
        raise UserError(f"{folder}: its rows cannot be read ({error})") from error

    sections, summaries, besides = [], [], []
    for name, facts in splits.items():
        here = rounds[rounds["split"] == name].assign(concept="spoiler")
        table, figure = summary(here), f"curves_{name}"
        title = f"{config['dataset']}: pool of {facts['rows']['pool']:,}, split by {name}, k = {config['options']['k']}"
        draw_curves(curves(here), "auc", title, folder / figure)
        beside = _beside(here, facts)
        sections.append(
            {
                "name": name,
                "facts": facts,
                "table": _with_peaks(table, here).to_dict("records"),
                "figure": data_url(folder / f"{figure}.svg"),
                "beside": beside,
                "costs": _costs(table),
            }
        )
        summaries.append(table.assign(split=name))
        besides.append(pd.DataFrame(beside).assign(split=name))
    for name, tables in (("summary", summaries), ("beside", besides)):
        write_csv(folder / f"{name}.csv", pd.concat(tables).assign(dataset=config["dataset"]))
    write_page(
        folder / "index.html",
        "goodreads.html",
        package="experiments.goodreads",
        config=config,
        sections=sections,
        stages=stages.to_dict("records"),
        method_name=method_name,
        peak_bytes=int(max(stages["peak_bytes"].max(), rounds.loc[rounds["pool"] == "seals", "peak_bytes"].max())),
    )


def _with_peaks(table: pd.DataFrame, rounds: pd.DataFrame) -> pd.DataFrame:
    peaks = rounds.groupby(["pool", "strategy"])["peak_bytes"].max().rename("peak_bytes")
    return table.join(peaks, on=["pool", "strategy"])


def _beside(rounds: pd.DataFrame, facts: dict[str, Any]) -> list[Beside]:
    found = []
    for number in GOODREADS_RECALL:
        values = _at(rounds, number.pool, number.strategy, number.n_labeled, "recall")
        what = f"recall of {method_name(number.pool, number.strategy)} at {number.n_labeled:,} labels, %"
        found.append(Beside(what, "7.12.1, Figures 17, 18", number.recall, _shown(values, 100, 2)))
    for pool in ("all", "seals"):
        for strategy in ("maxent", "most_likely_positive", "random"):
            if pool == "seals" and strategy == "random":
                continue
            values = _at(rounds, pool, strategy, 2_000, "auc")
            what = f"AUC of {method_name(pool, strategy)} at 2,000 labels"
            said = "(the baseline)" if strategy == "random" else "indistinguishable from random"
            found.append(Beside(what, "7.12.2", said, _shown(values, 1, 3)))
    values = _at(rounds, "seals", "most_likely_positive", 2_000, "pool_fraction")
    found.append(
        Beside("part of the pool that MLP-SEALS considers, %", "7.12.1", "less than 1", _shown(values, 100, 2))
    )
    component = facts.get("largest_component", {})
    for k, percent in GOODREADS_COMPONENT.items():
        here = f"{100 * component[k]:.1f}" if k in component else _NOT_RUN
        found.append(Beside(f"spoilers in the largest component, k = {k}, %", "7.12.3", f"{percent}", here))
    cosine = facts["average_cosine"]
    here = _NOT_RUN if cosine is None else f"{cosine:.4f}"
    found.append(Beside("average cosine similarity of spoilers", "7.12.3", GOODREADS_COSINE, here))
    prevalence = facts["pool_positives"] / facts["rows"]["pool"]
    found.append(Beside("spoilers in the pool, %", "7.12", "3.224", f"{100 * prevalence:.3f}"))
    for part, paper in (("pool", "14.13 million"), ("test", "3.53 million"), ("validation", "10,000")):
        found.append(Beside(f"sentences for {part}", "7.12", paper, f"{facts['rows'][part]:,}"))
    return found


def _at(rounds: pd.DataFrame, pool: str, strategy: str, n_labeled: int, measure: str) -> pd.Series:
    """By repeat; empty where the run did not come to exactly so many labels."""
    is_here = (rounds["pool"] == pool) & (rounds["strategy"] == strategy) & (rounds["n_labeled"] == n_labeled)
    return rounds[is_here].groupby("repeat")[measure].first()


def _shown(values: pd.Series, scale: float, digits: int) -> str:
    if not len(values):
        return _NOT_RUN
    mean = f"{scale * values.mean():.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {scale * values.std(ddof=1):.{digits}f}"


def _costs(table: pd.DataFrame) -> list[str]:
    """Each full scan's time over that of the same strategy's SEALS."""
    seconds = table.set_index(["strategy", "pool"])["total_seconds_mean"]
    said = []
    for strategy, pool in seconds.index:
        if pool.startswith("all") and (strategy, "seals") in seconds.index:
            ratio = seconds[strategy, pool] / seconds[strategy, "seals"]
            both = f"{method_name(pool, strategy)} takes {seconds[strategy, pool]:.2f} s a run"
            slower = f"{ratio:.1f} times as long as" if ratio >= 1 else f"{1 / ratio:.1f} times less than"
            said.append(f"{both}, {slower} {method_name('seals', strategy)} ({seconds[strategy, 'seals']:.2f} s).")
    return said


def main(argv: Sequence[str] | None = None) -> None:
    def redraw(folder: Path) -> Path:
        write_goodreads_report(folder)
        return folder / "index.html"

    redraw_command("goodreads_report", __doc__, redraw, argv)


if __name__ == "__main__":
    main()
