"""Figures in the form of the paper's Figure 1: a dotted line for the mean, a shade for the standard deviation."""

from __future__ import annotations

import base64
import warnings
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from seals_sim.disk.files import replacing
from seals_sim.replay.tables import STRATEGY_NAMES, method_name

_COLORS = {name: f"C{place}" for place, name in enumerate(STRATEGY_NAMES)}
_MARKERS = {"all": "o", "all_int8": "x", "seals": "s", "random_pool": "^"}
STYLE: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "seals-sim", "axes.grid": True, "grid.alpha": 0.3}
_PANELS = {
    "average_precision": "mean average precision",
    "auc": "mean AUC",
    "pool_fraction": "part of the pool considered",
    "recall": "recall of positives",
}


def draw_curves(curves: pd.DataFrame, first_metric: str, title: str, path: Path) -> None:
    """Metric, pool fraction and recall against labels, one line a method, as PATH.png and PATH.svg."""
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a data set's name may be in any script
        figure = Figure(figsize=(13, 4.8))
        axes = figure.subplots(1, 3)
        for axis, measure in zip(axes, (first_metric, "pool_fraction", "recall"), strict=True):
            for (pool, strategy), line in curves.groupby(["pool", "strategy"], sort=False):
                x, mean = line["n_labeled_mean"], line[f"{measure}_mean"]
                deviation = line[f"{measure}_std"].fillna(0)
                axis.plot(
                    x, mean, linestyle=":", marker=_MARKERS[pool], markersize=4, color=_COLORS[strategy],
                    fillstyle="none" if pool == "all" else "full", label=method_name(pool, strategy),
                )  # fmt: skip
                axis.fill_between(x, mean - deviation, mean + deviation, alpha=0.15, color=_COLORS[strategy])
            axis.set(xlabel="labelled examples", ylabel=_PANELS[measure])
        axes[1].set_yscale("log")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="lower center", ncols=min(5, len(labels)), fontsize="small")
        figure.subplots_adjust(left=0.06, right=0.99, top=0.92, bottom=0.29, wspace=0.26)
        figure.suptitle(title, fontsize="medium", parse_math=False)
        save_figure(figure, path)


def save_figure(figure: Figure, path: Path) -> None:
    """As PATH.png and PATH.svg, the same bytes for the same figure. Within the `rc_context` of STYLE."""
    for suffix, metadata in ((".png", {"Software": None}), (".svg", {"Date": None})):
        with replacing(path.with_suffix(suffix)) as temporary:
            figure.savefig(temporary, dpi=120, metadata=metadata)


def data_url(path: Path) -> str:
    """An SVG figure as it can stand in a page."""
    return "data:image/svg+xml;base64," + base64.b64encode(path.read_bytes()).decode()
