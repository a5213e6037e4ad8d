"""Draw the page of `benchmarks.rounds` from its tables alone: medians, ratios, exponents and a figure."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchmarks.methods import METHODS
from seals_sim.disk.files import replacing
from seals_sim.replay.figures import STYLE
from seals_sim.replay.page import write_page
from seals_sim.replay.store import write_csv

_SECONDS = ["select_seconds", "neighbor_seconds", "train_seconds"]
_RUN = ["n", "strategy", "method", "concept", "repeat"]
_KIND = ["n", "strategy", "method"]


def summarize_runs(rounds: pd.DataFrame) -> pd.DataFrame:
    """Medians over runs of a run's seconds, by size, strategy and method. recall is the mean at the last round.

    speedup is the float32 scan's total time divided by this method's, for the same strategy. over_int8 is the same with
    the 8-bit scan, which supports only most-likely positive. search_speedup counts selection and neighbors, without
    training.
    """
    runs = rounds.groupby(_RUN, sort=False)[_SECONDS].sum()
    runs["total_seconds"] = runs.sum(axis=1)
    runs[["recall", "n_candidates"]] = rounds.groupby(_RUN, sort=False)[["recall", "n_candidates"]].last()
    table = runs.groupby(_KIND, sort=False).median()
    table["recall"] = runs.groupby(_KIND, sort=False)["recall"].mean()
    table["slowest_run"] = runs.groupby(_KIND, sort=False)["total_seconds"].max()
    table["peak_GB"] = rounds.groupby(_KIND, sort=False)["peak_bytes"].max() / 1e9
    table["search_seconds"] = table["select_seconds"] + table["neighbor_seconds"]
    table = table.reset_index()
    table["speedup"] = _compute_ratio(table, "all", "total_seconds")
    table["search_speedup"] = _compute_ratio(table, "all", "search_seconds")
    table["over_int8"] = _compute_ratio(table, "all-int8", "total_seconds")
    return table


def _compute_ratio(table: pd.DataFrame, method: str, measure: str) -> np.ndarray:
    other = table[table["method"] == method].set_index(["n", "strategy"])[measure]
    keys = pd.MultiIndex.from_frame(table[["n", "strategy"]])
    ratio: np.ndarray = other.reindex(keys).to_numpy() / table[measure].to_numpy()
    return ratio


def fit_exponents(summary: pd.DataFrame) -> pd.DataFrame:
    """Fit a in seconds ~ n^a over the sizes that a method ran on. growth is from the second-largest size to the
    largest.
    """
    rows = []
    for (strategy, method), part in summary.groupby(["strategy", "method"], sort=False):
        part = part.sort_values("n")
        row: dict[str, object] = {"strategy": strategy, "method": method, "sizes": len(part)}
        for measure in ("total_seconds", "search_seconds"):
            if len(part) > 1:
                row[f"{measure}_exponent"] = np.polyfit(np.log(part["n"]), np.log(part[measure]), 1)[0]
                row[f"{measure}_growth"] = part[measure].iloc[-1] / part[measure].iloc[-2]
        rows.append(row)
    return pd.DataFrame(rows)


def count_runs_until_graph_pays(summary: pd.DataFrame, indexes: pd.DataFrame) -> pd.DataFrame:
    """Number of runs (one concept, repeat and strategy each) after which the graph has paid for its build, against
    ivf-sq.
    """
    rows = []
    for (n, strategy), part in summary.groupby(["n", "strategy"], sort=False):
        total = part.set_index("method")["total_seconds"]
        built = indexes[indexes["n"] == n].set_index("index")["build_seconds"]
        if {"seals-graph", "seals-ivf-sq"} <= set(total.index) and "graph" in built.index:
            saved = total["seals-ivf-sq"] - total["seals-graph"]
            extra = built["graph"] - built.get("ivf-sq", 0.0)
            rows.append({"n": n, "strategy": strategy, "graph_extra_seconds": extra, "saved_a_run": saved,
                         "runs": np.ceil(extra / saved) if saved > 0 else np.nan})  # fmt: skip
    return pd.DataFrame(rows)


def write_rounds_report(folder: Path, command: str) -> str:
    """Write summary.csv, exponents.csv, rounds.png and index.html from rounds.csv and indexes.csv. Return the tables as
    text.
    """
    rounds, indexes = pd.read_csv(folder / "rounds.csv"), _read_or_empty(folder / "indexes.csv")
    summary = summarize_runs(rounds)
    tables = {
        "summary": summary,
        "indexes": indexes,
        "exponents": fit_exponents(summary),
        "graph": count_runs_until_graph_pays(summary, indexes) if len(indexes) else pd.DataFrame(),
    }
    for name in ("summary", "exponents"):
        write_csv(folder / f"{name}.csv", tables[name])
    _draw(summary, folder / "rounds.png")
    shown = {name: table.to_html(index=False, float_format="%.3g", border=0) for name, table in tables.items()}
    write_page(folder / "index.html", "rounds.html", package="benchmarks", command=command, **shown)
    return "\n\n".join(table.to_string(index=False, float_format="%.3f") for table in tables.values() if len(table))


def _read_or_empty(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path)
    except pd.errors.EmptyDataError:
        return pd.DataFrame()


def _draw(summary: pd.DataFrame, path: Path) -> None:
    """Plot the seconds of a whole run against rows, both on log scales. A method has the same color everywhere."""
    strategies = list(dict.fromkeys(summary["strategy"]))
    styles = {
        method: (f"C{place}" if place < 10 else "black", "osx^v<>dph*+"[place % 12])
        for place, method in enumerate(METHODS)
    }
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(1.8 + 5 * len(strategies), 4.6), layout="constrained")
        axes = figure.subplots(1, len(strategies), squeeze=False)[0]
        lines = {}
        for axis, strategy in zip(axes, strategies, strict=True):
            part = summary[summary["strategy"] == strategy]
            for method, line in part.groupby("method", sort=False):
                color, marker = styles[str(method)]
                (lines[method],) = axis.plot(line["n"], line["total_seconds"], marker=marker, color=color)
            axis.set(xscale="log", yscale="log", xlabel="rows of the pool", ylabel="seconds a run, without the index")
            axis.set_title(f"{strategy}, SIMULATED vectors")
        figure.legend(list(lines.values()), [str(method) for method in lines], loc="outside right center")
        with replacing(path) as temporary:
            figure.savefig(temporary, dpi=110)
