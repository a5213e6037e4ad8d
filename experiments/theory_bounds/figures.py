"""The figures of the theory bench, each drawn from the rows of a run; a function returns whether it drew anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.theory_bounds.tables import RUN, select_main
from seals_sim.replay.figures import STYLE, save_figure

_NAMES = {"3": "Algorithm 3", "4": "Algorithm 4", "pool": "Algorithm 3 in a finite pool"}
_COLORS = {"3": "C0", "4": "C1", "bisection": "C2", "passive": "C7", "pool": "C3"}
_NO_SEARCH = ("bisection", "passive", "pool")
_BOUNDS = {
    "lower": ("lower bound for any method", (0, (1, 4))),
    "stated_ln": ("bound as printed, natural log", ":"),
    "stated_log2": ("bound as printed, log2", "-."),
    "proved_log2": ("bound that the proof shows", "--"),
    "sharpened_log2": ("bound, sharpened", "-"),
    "scale_free": ("bound, scale-free", (0, (5, 1))),
}


def _name(algorithm: object) -> str:
    return _NAMES.get(str(algorithm), str(algorithm))


def _color(algorithm: object) -> str:
    """The color of an algorithm; registered ones share the remaining colors."""
    return _COLORS.get(str(algorithm)) or f"C{4 + sum(str(algorithm).encode()) % 3}"


def choose_example_run(rounds: pd.DataFrame, algorithm: str) -> pd.DataFrame | None:
    """The run that the first figure shows: on Example 1 if there is one, nearest to d = 10 and gamma / delta = 20."""
    runs = rounds[(rounds["algorithm"] == algorithm) & (rounds["status"] != "timeout")]
    if runs.empty:
        return None
    first = runs.groupby(RUN, sort=False, dropna=False).head(1)
    cost = (first["problem"] != "example1") * 1e6 + (first["dim"] - 10).abs() * 1e3
    key = first.loc[(cost + (first["gamma_over_delta"] - 20).abs()).idxmin(), RUN]
    return runs[(runs[RUN] == key).all(axis=1)]


def draw_theorems(rounds: pd.DataFrame, bounds: pd.DataFrame, path: Path) -> bool:
    """Draw error and rho against queries, the slow phase shaded, with the bounds of Theorems 2 and 3."""
    algorithms = [name for name in rounds["algorithm"].unique() if name not in (*_NO_SEARCH, "none")]
    found = [choose_example_run(rounds, name) for name in sorted(algorithms)[:3]]
    runs = [run for run in found if run is not None]

    def draw(axes: list[Axes]) -> None:
        for axis, run in zip(axes, runs, strict=True):
            algorithm, about = run["algorithm"].iloc[0], run.iloc[0]
            slow = run[run["max_rho"] >= 2 * about["delta"]]["n_queries"]
            if algorithm == "3" and len(slow):
                axis.axvspan(0, slow.max(), color="C7", alpha=0.12)
                axis.text(slow.max() / 2, 3e-14, "slow phase:\nrho falls by delta", ha="center", fontsize="small")
            axis.semilogy(run["n_queries"], run["max_rho"], color="C2", label="largest rho")
            error = run["error"].where(run["error"] > 0)
            axis.semilogy(run["n_queries"], error, color="C0", marker=".", label="error |w_hat - w_star|")
            axis.semilogy(run["n_queries"], np.sqrt(2) * run["certificate"], color="C1", label="its certificate")
            axis.semilogy(run["n_queries"], run["kkt_residual"], ".", color="C7", ms=3, label="KKT residual, relative")
            of_run = bounds[(bounds[RUN] == run[RUN].iloc[0]).all(axis=1)]
            for name, (words, style) in _BOUNDS.items():
                if np.isfinite(of_run[name]).any():
                    axis.semilogy(of_run[name], of_run["epsilon"], ls=style, color="black", lw=1, label=words)
            axis.set(
                xlabel="queries", ylim=(1e-16, None),
                title=f"{_name(algorithm)}, bounds of Theorem {3 if algorithm == '4' else 2}\n{about['problem']}, "
                f"d = {about['dim']}, gamma/delta = {about['gamma_over_delta']:g}",
            )  # fmt: skip
        axes[0].set_ylabel("error, certificate, epsilon of the bounds: angles\nrho: a length; KKT residual: a ratio")

    return bool(runs) and _figure(path, len(runs), draw)


def draw_rates(bounds: pd.DataFrame, path: Path) -> bool:
    """Draw the rounds to an error against log2(1 / epsilon)."""
    known = bounds[bounds["queries_to_error"].notna()]
    problems = [name for name in known["problem"].unique() if name not in ("random", "cloud")][:3]

    def draw(axes: list[Axes]) -> None:
        for axis, problem in zip(axes, problems, strict=True):
            for (algorithm, *_), run in known[known["problem"] == problem].groupby(
                ["algorithm", "dim", "gamma_over_delta", "seed"]
            ):
                if algorithm not in _NO_SEARCH:
                    axis.plot(
                        np.log2(1 / run["epsilon"]), run["rounds_to_error"], ".-", lw=0.7,
                        color=_color(algorithm), alpha=0.6,
                    )  # fmt: skip
            _label_ends(axis, known[(known["problem"] == problem) & (known["algorithm"] == "3")])
            bits = np.array([0, 40])
            for slope, style in ((1, "-"), (2, "--")):
                axis.plot(
                    bits,
                    slope * bits,
                    style,
                    color="black",
                    label=f"{slope} round{'s' if slope > 1 else ''} of d - 1 queries per bit",
                )
            here = known[(known["problem"] == problem) & ~known["algorithm"].isin(_NO_SEARCH)]
            for algorithm in here["algorithm"].unique():
                axis.plot([], [], color=_color(algorithm), label=_name(algorithm))
            axis.set(
                xlabel="log2(1 / epsilon)", title=f"{problem}: rounds to the error epsilon\n{_describe_cells(here)}"
            )
        axes[0].set_ylabel("rounds")

    return bool(problems) and _figure(path, len(problems), draw)


def _label_ends(axis: Axes, bounds: pd.DataFrame) -> None:
    """Write gamma / delta and d beside the last points of the runs, from the highest down, unless too close."""
    last = bounds[bounds["epsilon"] == bounds["epsilon"].min()]
    ends = last.groupby("gamma_over_delta").agg(
        rounds=("rounds_to_error", "max"), least=("dim", "min"), most=("dim", "max")
    )
    height = np.inf
    for end in ends.sort_values("rounds").iloc[::-1].itertuples():
        if height - end.rounds >= 10:
            height = end.rounds
            dims = f"{end.least}" if end.least == end.most else f"{end.least} to {end.most}"
            at = (-np.log2(bounds["epsilon"].min()), height)
            words = f"gamma/delta = {end.Index:g}, d = {dims}"
            axis.annotate(words, at, (-2, 5), textcoords="offset points", ha="right", fontsize="x-small")


def draw_dependence(bounds: pd.DataFrame, path: Path) -> bool:
    """Draw the queries to one error against gamma / delta, and against d."""
    known = bounds[bounds["queries_to_error"].notna() & bounds["problem"].isin(["example1", "spread"])]
    if known.empty:
        return False
    epsilon = min(known["epsilon"].unique(), key=lambda value: abs(np.log10(value) + 6))
    at = known[known["epsilon"] == epsilon]
    styles = {"example1": "o-", "spread": "s--"}

    def draw(axes: list[Axes]) -> None:
        for axis, (by, fixed, value) in zip(
            axes, (("gamma_over_delta", "dim", 10), ("dim", "gamma_over_delta", 20)), strict=True
        ):
            part = at[at[fixed] == value]
            for (problem, algorithm), group in part.groupby(["problem", "algorithm"]):
                if algorithm in ("3", "4", "bisection"):
                    line = group.groupby(by)["queries_to_error"].mean()
                    axis.plot(
                        line.index, line, styles[problem], ms=4, color=_color(algorithm),
                        label=f"{_name(algorithm)}, {problem}",
                    )  # fmt: skip
            axis.set(
                xlabel=by.replace("gamma_over_delta", "gamma / delta").replace("dim", "d"),
                ylabel=f"queries to the error {epsilon:.0e}, mean",
                title=f"{'d' if fixed == 'dim' else 'gamma/delta'} = {value}",
            )  # fmt: skip

    return _figure(path, 2, draw)


def draw_algorithms(rounds: pd.DataFrame, path: Path) -> bool:
    """Draw the error of every algorithm against its queries, by dimension."""
    shown = [dim for dim in (3, 5, 10) if ((rounds["dim"] == dim) & (rounds["problem"] == "spread")).any()]

    def draw(axes: list[Axes]) -> None:
        for axis, dim in zip(axes, shown, strict=True):
            of_dim = rounds[(rounds["dim"] == dim) & (rounds["n_queries"] > 0)]
            here = select_main(of_dim[(of_dim["problem"] == "spread") & (of_dim["gamma_over_delta"] == 20)])
            largest = of_dim[(of_dim["algorithm"] == "pool") & (of_dim["study"] == "main")]
            if len(largest):
                here = pd.concat([here, largest[largest["pool_size"] == largest["pool_size"].max()]])
            for algorithm, group in here.groupby("algorithm"):
                line = group[group["error"] > 0].groupby("n_queries")["error"].median()
                axis.loglog(line.index, line, color=_color(algorithm), label=_name(algorithm))
            axis.set(xlabel="labels", title=f"spread, d = {dim}, gamma/delta = 20")
        axes[0].set_ylabel("error |w_hat - w_star|, median")

    return bool(shown) and _figure(path, len(shown), draw)


def draw_noise(noise: pd.DataFrame, path: Path) -> bool:
    """Draw how often flipped labels ruin a run, and the error left by coin tosses near the boundary."""
    table = noise[noise["kind"] == "spread"]

    def draw(axes: list[Axes]) -> None:
        flips, bands = table[table["band"] == 0], table[table["flip"] == 0]
        for algorithm, group in flips.groupby("algorithm"):
            x = group["flip"].replace(0, 3e-4)
            axes[0].semilogx(x, group["within_1e-6"], "o-", color=_color(algorithm), label=_name(algorithm))
            axes[0].semilogx(
                x, group["no_flip"], "--", color=_color(algorithm), label=f"(1 - p)^queries, {_name(algorithm)}", lw=1
            )
        axes[0].set(
            xlabel="p: probability that a label is flipped (leftmost: 0)", ylabel="runs with error <= 1e-6",
            title="labels flipped at random\nspread, d = 5, gamma/delta = 20",
        )  # fmt: skip
        for algorithm, group in bands[bands["band"] > 0].groupby("algorithm"):
            axes[1].loglog(group["band"], group["median_error"], "o-", color=_color(algorithm), label=_name(algorithm))
        axes[1].set(
            xlabel="half width of the band", ylabel="median error at the end",
            title="coin tosses within a band around the boundary\nspread, d = 5, gamma/delta = 20",
        )  # fmt: skip

    return len(table) > 0 and _figure(path, 2, draw)


def draw_clouds(clouds: pd.DataFrame, path: Path) -> bool:
    """Draw c, the floor of rho and the error of the pool-based case against the number of points."""

    def draw(axes: list[Axes]) -> None:
        for dim, group in clouds.groupby("dim"):
            label = f"d = {dim}"
            axes[0].semilogx(group["n"], group["c_median"], "o-", label=label)
            axes[1].loglog(group["n"], group["rho_floor"] * group["n"] ** (-1 / dim), "o-", label=label)
            (line,) = axes[2].loglog(group["n"], group["error"], "o-", label=label)
            axes[2].loglog(group["n"], group["passive_error"], ":", color=line.get_color())
        axes[0].set(ylabel="c: component of the slow steps / delta, median", ylim=(0, 1.05))
        axes[1].set(ylabel="largest rho at the end, median")
        axes[2].set(ylabel="error at the end, median (dotted: passive)")
        for axis in axes:
            axis.set(xlabel="n: points of the pool")

    return len(clouds) > 0 and _figure(path, 3, draw)


def draw_neighbors(neighbors: pd.DataFrame, path: Path) -> bool:
    """Draw how often a run stays in the slow phase, and where rho ends, against the recall of the index."""

    def draw(axes: list[Axes]) -> None:
        for words, group in neighbors.sort_values("recall").groupby("words"):
            share = group["stays"] / group["runs"]
            spread = 1.96 * np.sqrt(share * (1 - share) / group["runs"])
            axes[0].errorbar(group["recall"], share, yerr=spread, marker="o", capsize=3, label=words)
            axes[1].semilogx(group["recall"], group["floor"], "o-", label=f"{words}, all runs")
            axes[1].semilogx(
                group["recall"], group["floor_left"], "o:", label=f"{words}, runs that left the slow phase"
            )
        about = neighbors.iloc[0]
        axes[0].set(
            xscale="log", ylabel="share of runs that never leave the slow phase (95 %)", ylim=(-0.05, 1.05),
            title=f"d = {about['dim']}, {about['pool_size']} points, {about['runs']} runs a point",
        )  # fmt: skip
        axes[1].set(ylabel="largest rho at the end / delta, median", title="where rho ends")
        for axis in axes:
            axis.set(xlabel="recall of the index")

    return len(neighbors) > 0 and _figure(path, 2, draw)


def _describe_cells(table: pd.DataFrame) -> str:
    """The d and gamma / delta of the runs in a panel, in words."""
    parts = []
    for name, words in (("dim", "d"), ("gamma_over_delta", "gamma/delta")):
        least, most = table[name].min(), table[name].max()
        parts.append(f"{words} = {least:g}" if least == most else f"{words} from {least:g} to {most:g}")
    return ", ".join(parts)


def _figure(path: Path, n_panels: int, draw: Callable[[list[Axes]], None]) -> bool:
    style: dict[Any, Any] = {**STYLE, "font.size": 9}
    with mpl.rc_context(style):
        figure = Figure(figsize=(6.5 * n_panels if n_panels < 3 else 15, 4.6), layout="constrained")
        axes = list(figure.subplots(1, n_panels, squeeze=False)[0])
        draw(axes)
        for axis in axes:
            if axis.get_legend_handles_labels()[0]:
                axis.legend(fontsize="small")
        save_figure(figure, path)
    return True
