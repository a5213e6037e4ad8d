"""The figures of the report: curves as in Figure 1, structure as in Figures 3 and 10, scatter as in Figure 11."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.paper.rows import Paper
from experiments.paper.statistics import fit
from experiments.paper.studies import Line, Study
from seals_sim.replay.figures import MEASURE_LABELS, POOL_MARKERS, STYLE, draw_curve, save_figure
from seals_sim.replay.tables import STRATEGY_NAMES


@contextmanager
def _drawing(rows: int, columns: int, width: float = 13.0, height: float = 3.6) -> Iterator[tuple[Figure, np.ndarray]]:
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a name may be in any script
        figure = Figure(figsize=(width, height * rows), layout="constrained")
        yield figure, figure.subplots(rows, columns, squeeze=False)


def draw_study(paper: Paper, study: Study, path: Path) -> None:
    """Draw metric, pool and recall by number of labels, with one row of panels for each row of the study."""
    concepts = paper.find_common_concepts(study)
    rows = list(dict.fromkeys(line.row for line in study.lines))
    with _drawing(len(rows), 3, height=3.9) as (figure, axes):
        for row, panels in zip(rows, axes, strict=True):
            lines = [line for line in study.lines if line.row == row]
            for axis, measure in zip(panels, (paper.first_metric, "pool_fraction", "recall"), strict=True):
                for line, color in zip(lines, _colors(lines), strict=True):
                    draw_curve(axis, paper.curve(line.method, concepts), measure, line.method.pool, color, line.label)
                label = f"{STRATEGY_NAMES[row]}: {MEASURE_LABELS[measure]}" if row else MEASURE_LABELS[measure]
                axis.set(xlabel="labeled examples", ylabel=label)
                axis.axvline(paper.config["small_budget"], color="0.6", linewidth=0.8)
            panels[1].set_yscale("log")
            for level in {paper.full_supervision(line.method, concepts) for line in lines if study.has_ceiling}:
                panels[0].axhline(level, color="black", linewidth=0.8, linestyle="--")
            panels[0].legend(fontsize="xx-small", ncols=1 + (len(lines) > 6), framealpha=0.6)
        save_figure(figure, path)


def _colors(lines: list[Line]) -> list[str]:
    """One color per thing that is compared, shared by its pools."""
    things = [line.label.partition(", ")[2] or line.method.strategy for line in lines]
    places = {name: place for place, name in enumerate(dict.fromkeys(things))}
    return [f"C{places[name] % 10}" for name in things]


def draw_structure(paper: Paper, path: Path) -> None:
    """Draw Figures 10, 16 and 19: component size and path length over concepts, one row of panels per embedding."""
    shown = [name for name in paper.plan.embeddings if name.endswith(paper.plan.embeddings[0].rpartition("/")[2])]
    with _drawing(len(shown), 2, width=11) as (figure, axes):
        for embedding, panels in zip(shown, axes, strict=True):
            table = paper.structure[paper.structure["embedding"] == embedding]
            for k, part in table.groupby("k"):
                for axis, measure in zip(panels, ("largest_component", "average_shortest_path"), strict=True):
                    axis.ecdf(part[measure].dropna(), label=f"k = {k:,}")
            panels[0].set(
                xlabel="largest connected component, share of the concept", ylabel=f"{embedding}: CDF over concepts"
            )
            panels[1].set(xlabel="average shortest path in it, edges", ylabel="CDF over concepts")
            panels[0].legend(fontsize="x-small")
        save_figure(figure, path)


def draw_against_structure(title_and_table: list[tuple[str, pd.DataFrame]], path: Path) -> None:
    """Draw Figure 3: AP and recall against component size and path length, with one row of panels per table."""
    with _drawing(len(title_and_table), 4, width=15, height=3.4) as (figure, axes):
        for (title, table), panels in zip(title_and_table, axes, strict=True):
            pairs = [
                (x, y)
                for y in ("AP of MaxEnt-SEALS", "recall of MLP-SEALS")
                for x in ("largest component", "average path")
            ]
            for axis, (x, y) in zip(panels, pairs, strict=True):
                axis.scatter(table[x], table[y], s=12, alpha=0.7)
                line = fit(table[x], table[y])
                r = "" if line is None else f", r = {line.pearson:.2f}"
                axis.set(xlabel=x, ylabel=y)
                axis.set_title(f"{title}{r}", fontsize="small", parse_math=False)
        save_figure(figure, path)


def draw_correlation(panels: list[tuple[str, pd.Series, pd.Series]], path: Path) -> None:
    """Draw Figure 11: SEALS against All, with one point per concept.

    Args:
        panels: For each panel, a title and the results of All and of SEALS by concept.
        path: Where to write the figure, without a suffix.
    """
    columns = 3
    rows = -(-len(panels) // columns)
    with _drawing(rows, columns, height=4) as (figure, axes):
        for axis, (title, everything, seals) in zip(axes.flat, panels, strict=False):
            axis.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
            axis.scatter(everything, seals, s=12, alpha=0.7)
            line = fit(everything, seals)
            if line is not None:
                ends = np.array([0.0, 1.0])
                axis.plot(ends, line.slope * ends + line.intercept, linestyle="--", linewidth=0.9)
                title += f"\nr = {line.pearson:.4f}, slope {line.slope:.3f}, intercept {line.intercept:+.3f}"
            axis.set(xlabel="*-All", ylabel="*-SEALS")
            axis.set_title(title, fontsize="small", parse_math=False)
        for axis in list(axes.flat)[len(panels) :]:
            axis.set_visible(False)
        save_figure(figure, path)


def draw_equal_batches(table: pd.DataFrame, path: Path) -> None:
    """Draw how often max entropy and most-likely positive choose the same batch.

    Args:
        table: The means of `experiments.paper.tables.compare_batches` by pool and number of labels.
        path: Where to write the figure, without a suffix.
    """
    with _drawing(1, 2, width=11) as (figure, axes):
        for pool, part in table.groupby("pool", sort=False):
            axes[0][0].plot(part["n_labeled"], part["alike"], marker=POOL_MARKERS[pool], label=pool)
            axes[0][1].plot(part["n_labeled"], part["calls_none"], marker=POOL_MARKERS[pool], label=pool)
        axes[0][0].set(xlabel="labeled examples before the batch", ylabel="share of equal batches", ylim=(-0.05, 1.05))
        axes[0][1].set(xlabel="labeled examples", ylabel="models that call no test row positive", ylim=(-0.05, 1.05))
        axes[0][0].legend(fontsize="small")
        save_figure(figure, path)
