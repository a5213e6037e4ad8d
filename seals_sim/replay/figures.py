"""Figures in the style of the paper's Figure 1: a dotted line for the mean, shading for the standard deviation."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seals_sim.disk.files import replacing
from seals_sim.replay.tables import STRATEGY_NAMES, format_method

MEASURE_LABELS = {
    "average_precision": "mean average precision",
    "auc": "mean AUC",
    "pool_fraction": "fraction of the pool considered",
    "recall": "recall of positives",
}
POOL_MARKERS = {"all": "o", "all_int8": "x", "seals": "s", "walk": "D", "random_pool": "^"}
STYLE: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "seals-sim", "axes.grid": True, "grid.alpha": 0.3}
_COLORS = {name: f"C{place}" for place, name in enumerate(STRATEGY_NAMES)}


def draw_curves(curves: pd.DataFrame, first_metric: str, title: str, path: Path) -> None:
    """Draw a metric, the pool fraction and the recall against the number of labels, one line per method.

    Args:
        curves: The table of `seals_sim.replay.tables.curves`.
        first_metric: `average_precision` or `auc`, the measure of the first panel.
        title: Printed above the panels.
        path: Where to write the figure, without a suffix.
    """
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a data set's name may use any script
        figure = Figure(figsize=(13, 4.8))
        axes = figure.subplots(1, 3)
        for axis, measure in zip(axes, (first_metric, "pool_fraction", "recall"), strict=True):
            for (pool, strategy), curve in curves.groupby(["pool", "strategy"], sort=False):
                draw_curve(axis, curve, measure, pool, _COLORS[strategy], format_method(pool, strategy))
            axis.set(xlabel="labeled examples", ylabel=MEASURE_LABELS[measure])
        axes[1].set_yscale("log")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="lower center", ncols=min(5, len(labels)), fontsize="small")
        figure.subplots_adjust(left=0.06, right=0.99, top=0.92, bottom=0.29, wspace=0.26)
        figure.suptitle(title, fontsize="medium", parse_math=False)
        save_figure(figure, path)


def draw_curve(axis: Axes, curve: pd.DataFrame, measure: str, pool: str, color: str, label: str) -> None:
    """Draw one method: its mean dotted, its standard deviation over repeats shaded."""
    labels, mean = curve["n_labeled_mean"], curve[f"{measure}_mean"]
    deviation = curve[f"{measure}_std"].fillna(0)
    fill = "none" if pool == "all" else "full"
    axis.plot(labels, mean, ":", marker=POOL_MARKERS[pool], markersize=4, color=color, fillstyle=fill, label=label)
    axis.fill_between(labels, mean - deviation, mean + deviation, alpha=0.15, color=color, linewidth=0)


def save_figure(figure: Figure, path: Path) -> None:
    """Write `path`.png and `path`.svg, the same bytes for the same figure. Call it within `rc_context(STYLE)`."""
    for suffix, metadata in ((".png", {"Software": None}), (".svg", {"Date": None})):
        with replacing(path.with_suffix(suffix)) as temporary:
            figure.savefig(temporary, dpi=120, metadata=metadata)
