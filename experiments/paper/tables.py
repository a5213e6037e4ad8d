"""The tables of the report of `experiments.paper`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from experiments.intervals import bootstrap_mean
from experiments.paper.numbers import TABLE_2
from experiments.paper.rows import Paper
from experiments.paper.statistics import Spread, fit_repeats, measure_spread
from experiments.paper.studies import Study
from seals_sim.replay.tables import format_method


def run_seconds(paper: Paper) -> float:
    """The seconds of all runs together, evaluation included."""
    return sum(
        float(runs.groupby(["concept", "repeat"])["whole_seconds"].first().sum()) for runs in paper.runs.values()
    )


def _budgets(paper: Paper) -> tuple[int, int]:
    return int(paper.config["small_budget"]), paper.plan.protocol.budget


def summarize(paper: Paper, study: Study) -> list[dict[str, Any]]:
    """The metric, recall and pool fraction of each line of a study, at both budgets."""
    concepts, rows = paper.find_common_concepts(study), []
    for line in study.lines:
        row: dict[str, Any] = {"line": line.label, "n_concepts": len(concepts), **asdict(line.method)}
        for which, budget in zip(("small", "full"), _budgets(paper), strict=True):
            for measure in (paper.first_metric, "recall", "pool_fraction"):
                value = Spread(np.nan, np.nan)
                if budget >= line.method.n_seeds:
                    value = measure_spread(paper.values(line.method, measure, budget, concepts))
                row[f"{measure}_{which}_mean"], row[f"{measure}_{which}_std"] = value.mean, value.std
        rows.append(row)
    return rows


def compare_lines(paper: Paper, study: Study) -> list[dict[str, Any]]:
    """Paired differences of each line from the first of its row, in points, with 95 % intervals over concepts.

    A concept's value is its mean over repeats.
    """
    concepts, rows = paper.find_common_concepts(study), []
    first = {line.row: line for line in reversed(study.lines)}
    for line in study.lines:
        base = first[line.row]
        for budget in dict.fromkeys(_budgets(paper)):
            if budget <= line.method.n_seeds:
                continue  # no rows have been chosen yet
            for measure in ("recall", paper.first_metric):
                one, other = (
                    paper.values(each.method, measure, budget, concepts).mean(axis=1) for each in (line, base)
                )
                difference, low, high = bootstrap_mean(100 * (one - other))
                rows.append(
                    {
                        "line": line.label, "baseline": base.label, "n_labeled": budget, "measure": measure,
                        "mean": 100 * one.mean(), "difference": difference, "low": low, "high": high,
                        "concepts": len(concepts),
                        "candidates": paper.values(line.method, "n_candidates", budget, concepts).mean(axis=None),
                    }
                )  # fmt: skip
    return rows


def join_curves(paper: Paper, studies: dict[str, Study]) -> pd.DataFrame:
    """The curves of every line of every study, one below another."""
    parts = []
    for name, study in studies.items():
        concepts = paper.find_common_concepts(study)
        for line in study.lines:
            curve = paper.curve(line.method, concepts).reset_index()
            parts.append(curve.assign(study=name, line=line.label))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def time_methods(paper: Paper) -> list[dict[str, Any]]:
    """Table 2: the whole run, and information density at smaller budgets too."""
    full = paper.plan.protocol.budget
    smaller = [budget for budget in (1000, 500, 200) if paper.plan.protocol.n_seeds < budget < full]
    cases = [("maxent", full), ("most_likely_positive", full)]
    cases += [("information_density", budget) for budget in (full, *smaller)]
    return [_time_method(paper, pool, strategy, budget) for strategy, budget in cases for pool in ("all", "seals")]


def _time_method(paper: Paper, pool: str, strategy: str, budget: int) -> dict[str, Any]:
    method = paper.plan.method(pool, strategy)
    seconds = paper.seconds(method, budget)
    measures = (paper.first_metric, "recall", "pool_fraction")
    means = {name: measure_spread(paper.values(method, name, budget, paper.concepts)).mean for name in measures}
    return {
        "line": format_method(pool, strategy), "budget": budget, "total": sum(seconds), **seconds._asdict(), **means,
        "paper": TABLE_2.get((strategy, pool, budget)),
    }  # fmt: skip


def compare_batches(paper: Paper) -> pd.DataFrame:
    """Compare the batches of max entropy and most-likely positive.

    Returns:
        One row per pool, concept, repeat and batch. `alike`: both chose the same batch. `calls_none`: the model that
        chose it called no test row positive. `together`: all earlier batches were the same, so both chose from one
        history.
    """
    parts = []
    for pool in ("all", "seals"):
        keys = ["concept", "repeat", "round"]
        one, other = (
            paper.runs[paper.plan.method(pool, strategy)].set_index(keys).sort_index()
            for strategy in ("maxent", "most_likely_positive")
        )
        columns = ["batch_digest", "n_labeled", "n_called_positive"]
        table = one[columns].join(other["batch_digest"].rename("batch_digest_other"), how="inner")
        table["alike"] = (table["batch_digest"] == table["batch_digest_other"]).astype(int)
        table["so_far"] = table.groupby(["concept", "repeat"])["alike"].cummin()
        before = table.groupby(["concept", "repeat"])[["n_labeled", "n_called_positive", "so_far"]].shift()
        table["calls_none"] = (before["n_called_positive"] == 0).astype(int)
        table["n_labeled"], table["together"] = before["n_labeled"], before["so_far"]
        parts.append(table[before["n_labeled"].notna()].reset_index().assign(pool=pool))
    return pd.concat(parts, ignore_index=True)


def measure_equal_batches(batches: pd.DataFrame) -> list[dict[str, Any]]:
    """The share of equal batches by pool: among all, and among those with a shared history, by whether the model calls
    any row positive.

    Args:
        batches: The table of `compare_batches`.
    """
    same_history = batches[batches["together"] == 1]
    rows = []
    for pool, part in batches.groupby("pool", sort=False):
        by = same_history[same_history["pool"] == pool].groupby("calls_none")["alike"]
        counts, means = by.size(), by.mean()
        rows.append(
            {
                "pool": pool, "batches": len(part),
                **{name: part[name].mean() for name in ("alike", "calls_none")},
                **{f"n_{name}": int(counts.get(flag, 0)) for name, flag in (("none", 1), ("some", 0))},
                **{f"alike_{name}": means.get(flag, np.nan) for name, flag in (("none", 1), ("some", 0))},
            }
        )  # fmt: skip
    return rows


def list_scatter_panels(paper: Paper) -> list[tuple[str, pd.Series, pd.Series]]:
    """The panels of Figure 11: a title, and the results of All and of SEALS by concept."""
    plan, panels = paper.plan, []
    for strategy, measure in (
        ("maxent", paper.first_metric),
        ("most_likely_positive", paper.first_metric),
        ("most_likely_positive", "recall"),
    ):
        everything, seals = (
            paper.values(plan.method(pool, strategy), measure, plan.protocol.budget, paper.concepts).mean(axis=1)
            for pool in ("all", "seals")
        )
        name = format_method("seals", strategy).removesuffix("-SEALS")
        panels.append((f"{paper.config['dataset']}: {name}, {measure.replace('_', ' ')}", everything, seals))
    if paper.openimages is not None:
        table = paper.openimages
        panels.append(("OpenImages (the paper): MaxEnt, AP", table["ap_maxent_all"], table["ap_maxent_seals"]))
        recalls = (table["recall_percent_mlp_all"] / 100, table["recall_percent_mlp_seals"] / 100)
        panels.append(("OpenImages (the paper): MLP, recall", *recalls))
    return panels


def fit_concepts(paper: Paper) -> list[dict[str, Any]]:
    """The fits of Figure 11 at both budgets, with their spread over repeats."""
    rows = []
    for strategy in ("maxent", "most_likely_positive", "information_density"):
        for measure in (paper.first_metric, "recall"):
            for budget in dict.fromkeys(_budgets(paper)):
                everything, seals = (
                    paper.values(paper.plan.method(pool, strategy), measure, budget, paper.concepts)
                    for pool in ("all", "seals")
                )
                lines, gap = fit_repeats(everything, seals), measure_spread(everything - seals)
                name = format_method("seals", strategy).removesuffix("-SEALS")
                rows.append({"strategy": name, "measure": measure, "budget": budget, "gap": gap, "fit": lines})
    return rows


def list_concepts(paper: Paper, latent: pd.DataFrame) -> list[dict[str, Any]]:
    """Tables 3 to 8: one row per concept, with means over repeats at the full budget.

    Args:
        paper: The run.
        latent: The table of `experiments.paper.latent.compare_with_structure`.
    """
    plan, budget = paper.plan, paper.plan.protocol.budget
    columns: dict[str, pd.Series] = {}
    for strategy, measure in (
        ("random", paper.first_metric),
        ("maxent", paper.first_metric),
        ("random", "recall"),
        ("most_likely_positive", "recall"),
    ):
        for pool in ("all",) if strategy == "random" else ("seals", "all"):
            name = f"{measure} {format_method(pool, strategy)}"
            columns[name] = paper.values(plan.method(pool, strategy), measure, budget, paper.concepts).mean(axis=1)
    full = paper.full_supervision_by_concept(plan.method("all", "maxent")).reindex(paper.concepts)
    rows = []
    for name, about in paper.config["concepts"].items():
        shape = latent.loc[name]
        rows.append(
            {
                "concept": name, **about, "largest_component": shape["largest component"],
                "average_shortest_path": shape["average path"], "average_cosine": shape["average cosine"],
                **{column: values[name] for column, values in columns.items()},
                f"{paper.first_metric} full supervision": full[name],
            }
        )  # fmt: skip
    return rows
