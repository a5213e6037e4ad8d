"""Draw the report of a Goodreads run from its rows alone, next to the numbers of section 7.12."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from experiments.goodreads.comparison import Comparison, compare_with_paper
from experiments.goodreads.recommended import RAW, compare_recommended
from experiments.goodreads.rows import GoodreadsRun, read_run
from seals_sim.replay.figures import draw_curves
from seals_sim.replay.page import write_page
from seals_sim.replay.seal import explaining_misfits
from seals_sim.replay.store import write_csv
from seals_sim.replay.tables import compute_curves, format_method, summarize_methods


def write_report(folder: Path) -> Path:
    """Write or rewrite the tables, figures and page of a finished run.

    Args:
        folder: The run's folder, with config.json, facts.json, rounds.csv and stages.csv.

    Returns:
        The page, `index.html` in the folder.

    Raises:
        UserError: If one of these files is missing, damaged or cut off. Nothing is written then.
    """
    run = read_run(folder)
    with explaining_misfits(folder, run.is_sealed):
        return _write_report(folder, run)


def _write_report(folder: Path, run: GoodreadsRun) -> Path:
    rounds_by_split = {name: run.rounds[run.rounds["split"] == name].assign(concept="spoiler") for name in run.facts}
    summaries = {name: summarize_methods(rounds) for name, rounds in rounds_by_split.items()}
    comparisons = {name: compare_with_paper(rounds, run.facts[name]) for name, rounds in rounds_by_split.items()}
    for name, rounds in rounds_by_split.items():
        of_paper = rounds[~rounds["pool"].str.endswith(f"_{RAW}")]
        draw_curves(compute_curves(of_paper), "auc", _title(run, name), folder / f"curves_{name}")
    recommended = {name: compare_recommended(rounds) for name, rounds in rounds_by_split.items()}
    _write_tables(folder, run, summaries, comparisons, recommended)
    page = folder / "index.html"
    write_page(
        page,
        "goodreads.html",
        package="experiments.goodreads",
        config=run.config,
        sections=[
            {
                "name": name,
                "facts": run.facts[name],
                "figure": f"curves_{name}.svg",
                "table": _with_peaks(summaries[name], rounds).to_dict("records"),
                "comparisons": comparisons[name],
                "recommended": recommended[name],
                "costs": _costs(summaries[name]),
            }
            for name, rounds in rounds_by_split.items()
        ],
        stages=run.stages.to_dict("records"),
        format_method=format_method,
        peak_bytes=_peak_bytes(run),
    )
    return page


def _title(run: GoodreadsRun, split: str) -> str:
    n_pool, k = run.facts[split]["rows"]["pool"], run.config["options"]["k"]
    return f"{run.config['dataset']}: pool of {n_pool:,}, split by {split}, k = {k}"


def _write_tables(
    folder: Path,
    run: GoodreadsRun,
    summaries: dict[str, pd.DataFrame],
    comparisons: dict[str, list[Comparison]],
    recommended: dict[str, list[dict[str, Any]]],
) -> None:
    """Write summary.csv, beside.csv and, if it was run, recommended.csv, with the splits one below another."""
    tables_by_file = {
        "summary": [table.assign(split=name) for name, table in summaries.items()],
        "beside": [pd.DataFrame(rows).assign(split=name) for name, rows in comparisons.items()],
    }
    if any(recommended.values()):
        tables_by_file["recommended"] = [pd.DataFrame(rows).assign(split=name) for name, rows in recommended.items()]
    for file, tables in tables_by_file.items():
        write_csv(folder / f"{file}.csv", pd.concat(tables).assign(dataset=run.config["dataset"]))


def _with_peaks(table: pd.DataFrame, rounds: pd.DataFrame) -> pd.DataFrame:
    peaks = rounds.groupby(["pool", "strategy"])["peak_bytes"].max().rename("peak_bytes")
    return table.join(peaks, on=["pool", "strategy"])


def _peak_bytes(run: GoodreadsRun) -> int:
    """The most memory that any stage or SEALS run held. The full scans come later and map far more."""
    of_runs = run.rounds.loc[run.rounds["pool"] == "seals", "peak_bytes"]
    return int(pd.concat([run.stages["peak_bytes"], of_runs]).max())


def _costs(table: pd.DataFrame) -> list[str]:
    """Compare the time of each full scan with that of SEALS for the same strategy."""
    seconds: dict[tuple[str, str], Any] = table.set_index(["strategy", "pool"])["total_seconds_mean"].to_dict()
    sentences = []
    for (strategy, pool), scan in seconds.items():
        seals = seconds.get((strategy, "seals"))
        if pool in ("all", "all_int8") and seals is not None:
            ratio = f"{scan / seals:.1f}" if scan >= seals else f"{scan / seals:.2f}"
            sentences.append(
                f"{format_method(pool, strategy)} takes {scan:.2f} s per run, {ratio} times as long as "
                f"{format_method('seals', strategy)} ({seals:.2f} s)."
            )
    return sentences
