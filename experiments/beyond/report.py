"""Draw the report of the comparison from its rows alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NotRequired

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from typing_extensions import TypedDict

from experiments.beyond.options import COLD_RULES, COLD_SEEDS, RULE_NAMES, RuleName
from experiments.beyond.rules import RULES
from experiments.beyond.runs import COLUMNS
from experiments.intervals import bootstrap_mean
from seals_sim.errors import UserError
from seals_sim.replay.config import CONFIG, Count, Number, RowCounts, read_config_of
from seals_sim.replay.figures import STYLE, save_figure
from seals_sim.replay.page import read_rows, write_page
from seals_sim.replay.seal import explaining_misfits, require_sealed
from seals_sim.replay.store import write_csv

ROWS = "searches.csv"
RUN_FILES = (CONFIG, ROWS)
HARD = 0.25  # fraction of the concepts
MEASURES = ("recall", "distinct_recall", "average_precision", "n_positive")
_POINTS = {"n_positive": 1}  # the others are fractions, given in points


class _Options(TypedDict):
    copied: Number
    tuning: bool
    repeats: Count
    batch: Count
    seed_positives: Count
    seed_negatives: Count
    cold_start: NotRequired[bool]


class _Config(TypedDict):
    """The required content of config.json."""

    command: str
    dataset: str
    rows: RowCounts
    options: _Options


def write_report(folder: Path) -> Path:
    """Write or rewrite the tables, the figure and the page.

    Args:
        folder: The run's folder, with config.json and searches.csv.

    Returns:
        The page.

    Raises:
        UserError: If one of these files is missing or damaged, or the baseline has not been run.
    """
    config = read_config_of("beyond", folder, _Config)
    is_sealed, rows = require_sealed(folder, RUN_FILES), read_rows(folder / ROWS, COLUMNS)
    baseline = _get_baseline(config)
    if baseline not in set(rows["rule"]):
        problem = f"the baseline {baseline} ({RULES[baseline].title}) has not been run; run it with --only {baseline}"
        raise UserError(f"{folder}: {problem}")
    with explaining_misfits(folder, is_sealed):
        return _write_report(folder, config, rows)


def _get_baseline(config: dict[str, Any]) -> RuleName:
    return COLD_RULES[0] if config["options"].get("cold_start") else "all"


def _write_report(folder: Path, config: dict[str, Any], rows: pd.DataFrame) -> Path:
    summary, differences = summarize(rows), compare(rows, _get_baseline(config))
    write_csv(folder / "summary.csv", summary)
    write_csv(folder / "differences.csv", differences)
    is_cold = bool(config["options"].get("cold_start"))
    if not is_cold:
        draw_differences(differences, folder / "differences")
    page = folder / "index.html"
    write_page(
        page,
        "cold_start.html" if is_cold else "beyond.html",
        package="experiments.beyond",
        config=config,
        titles={name: rule.title for name, rule in RULES.items()},
        spaces={name: rule.space for name, rule in RULES.items()},
        sizes=sorted(rows["n_labeled"].unique().tolist()),
        summary=_nest(summary),
        differences=_nest(differences[differences["measure"] == "recall"]),
        distinct=_nest(differences[differences["measure"] == "distinct_recall"]),
        found=_nest(differences[differences["measure"] == "n_positive"]),
        n_concepts=rows["concept"].nunique(),
        n_searches=len(rows[["rule", "concept", "repeat"]].drop_duplicates()),
        hard=round(100 * HARD),
        n_seeds=COLD_SEEDS,
    )
    return page


def _nest(table: pd.DataFrame) -> dict[str, dict[int, dict[str, Any]]]:
    """Rows by rule and number of labels."""
    nested: dict[str, dict[int, dict[str, Any]]] = {}
    for row in table.to_dict("records"):
        nested.setdefault(row["rule"], {})[row["n_labeled"]] = row
    return nested


def summarize(rows: pd.DataFrame) -> pd.DataFrame:
    """The mean of every measure over concepts and repeats, with one row for each rule and number of labels."""
    by = ["rule", "n_labeled"]
    means = rows.groupby(by)[[*MEASURES, *COLUMNS[-4:]]].mean()
    means["concepts"] = rows.groupby(by)["concept"].nunique()
    order = pd.MultiIndex.from_product([RULE_NAMES, sorted(rows["n_labeled"].unique())], names=by)
    return means.reindex(order).dropna(how="all").reset_index()


def compare(rows: pd.DataFrame, baseline: RuleName = "all") -> pd.DataFrame:
    """Paired differences from a baseline, in points, with 95 % bootstrap intervals over concepts.

    A concept's value is its mean over repeats. The hard concepts are those in which the baseline finds the least.

    Returns:
        One row for each rule, number of labels and measure: the mean difference, the interval's `low` and `high`, the
        number of concepts, and the mean over the hard ones.
    """
    by_concept = rows.groupby(["rule", "n_labeled", "concept"])[[*MEASURES]].mean()
    made = []
    for size in sorted(rows["n_labeled"].unique()):
        base = by_concept.loc[baseline, size]
        hard = base["recall"].nsmallest(max(1, round(HARD * len(base)))).index
        for rule in RULE_NAMES:
            if rule == baseline or (rule, size) not in by_concept.index.droplevel("concept"):
                continue
            difference = (by_concept.loc[rule, size] - base).dropna()
            for measure in MEASURES:
                values = _POINTS.get(measure, 100) * difference[measure]
                mean, low, high = bootstrap_mean(values)
                is_hard = values.index.intersection(hard)
                made.append((rule, size, measure, mean, low, high, len(values), values[is_hard].mean()))
    columns = ["rule", "n_labeled", "measure", "difference", "low", "high", "concepts", "difference_hard"]
    return pd.DataFrame(made, columns=columns)


def draw_differences(differences: pd.DataFrame, path: Path) -> None:
    """Draw the differences in recall with their intervals, with one panel for each number of labels."""
    recall = differences[differences["measure"] == "recall"]
    sizes = sorted(recall["n_labeled"].unique())
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.5 + 3 * len(sizes), 1.2 + 0.4 * recall["rule"].nunique()), layout="constrained")
        axes = np.atleast_1d(figure.subplots(1, max(1, len(sizes)), sharey=True))
        for axis, size in zip(axes, sizes, strict=False):
            here = recall[recall["n_labeled"] == size].iloc[::-1]
            places = np.arange(len(here))
            reach = [here["difference"] - here["low"], here["high"] - here["difference"]]
            axis.errorbar(here["difference"], places, xerr=reach, fmt="o", capsize=3, label="all concepts, 95 %")
            axis.plot(here["difference_hard"], places, "x", color="C1", label=f"hard {100 * HARD:.0f} %")
            axis.axvline(0, color="black", linewidth=0.8)
            axis.set_yticks(places, [RULES[name].title for name in here["rule"]])
            axis.set(title=f"{size:,} labels", xlabel="recall, points from the full scan")
        if sizes:
            axes[0].legend(fontsize="small")
        save_figure(figure, path)
