"""The tables of the report of `experiments.paper`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from experiments.paper.claims import fits_over_repeats
from experiments.paper.numbers import TABLE_2
from experiments.paper.rows import Paper, fit, spread
from experiments.paper.studies import Study
from seals_sim.replay.tables import method_name

N_LAGGARDS = 10  # concepts that SEALS loses most on


def run_seconds(paper: Paper) -> float:
    """Of all runs, evaluation included."""
    return sum(
        float(runs.groupby(["concept", "repeat"])["whole_seconds"].first().sum()) for runs in paper.runs.values()
    )


def _budgets(paper: Paper) -> tuple[int, int]:
    return int(paper.config["small_budget"]), paper.plan.options.budget


def summary_of(paper: Paper, study: Study) -> list[dict[str, Any]]:
    """A row a line: metric, recall and part of the pool at both budgets."""
    concepts, rows = paper.common_concepts(study), []
    for line in study.lines:
        row: dict[str, Any] = {"line": line.label, "n_concepts": len(concepts), **asdict(line.method)}
        for which, budget in zip(("small", "full"), _budgets(paper), strict=True):
            for measure in (paper.first_metric, "recall", "pool_fraction"):
                found = None
                if budget >= line.method.n_seeds:
                    found = spread(paper.values(line.method, measure, budget, concepts))
                row[f"{measure}_{which}_mean"] = np.nan if found is None else found.mean
                row[f"{measure}_{which}_std"] = np.nan if found is None else found.std
        rows.append(row)
    return rows


def curves_of(paper: Paper, there: dict[str, Study]) -> pd.DataFrame:
    parts = []
    for name, study in there.items():
        concepts = paper.common_concepts(study)
        for line in study.lines:
            curve = paper.curve(line.method, concepts).reset_index()
            parts.append(curve.assign(study=name, line=line.label))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def times(paper: Paper) -> list[dict[str, Any]]:
    """Table 2: the whole run, and information density at smaller budgets too."""
    rows, (_, most) = [], _budgets(paper)
    concepts = paper.concepts
    budgets = {"information_density": [b for b in (most, 1000, 500, 200) if paper.plan.options.n_seeds < b <= most]}
    for strategy in ("maxent", "most_likely_positive", "information_density"):
        for budget in dict.fromkeys(budgets.get(strategy, [most])):
            for pool in ("all", "seals"):
                method = paper.plan.method(pool, strategy)
                time = paper.seconds(method, budget)
                row = {"line": method_name(pool, strategy), "budget": budget, "total": sum(time), **time._asdict()}
                for measure in (paper.first_metric, "recall", "pool_fraction"):
                    row[measure] = spread(paper.values(method, measure, budget, concepts)).mean
                rows.append({**row, "paper": TABLE_2.get((strategy, pool, budget))})
    return rows


def alike_by_round(paper: Paper) -> pd.DataFrame:
    """For each batch of max entropy and most-likely positive: whether they are the same, and whether the model that
    chose it called no test row positive. A row a pool, concept, repeat and batch; `together`: all batches before were
    the same, so that both chose from one history.
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


def alike_shares(alike: pd.DataFrame) -> list[dict[str, Any]]:
    """Of batches chosen from one history: how many are the same, where the model calls nothing positive and else."""
    same_history = alike[alike["together"] == 1]
    rows = []
    for pool, part in alike.groupby("pool", sort=False):
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


def structure_means(paper: Paper) -> list[dict[str, Any]]:
    columns = ["largest_component", "average_shortest_path", "n_components"]
    means = paper.structure.groupby(["embedding", "k"], sort=False)[columns].agg(["mean", "std"])
    means.columns = [f"{name}_{what}" for name, what in means.columns]
    return list(means.reset_index().to_dict("records"))


def cosines(paper: Paper) -> list[dict[str, Any]]:
    each = paper.structure.drop_duplicates(["embedding", "concept"])
    return list(
        each.groupby("embedding", sort=False)["average_cosine"].agg(["mean", "std"]).reset_index().to_dict("records")
    )


def openimages_latent(table: pd.DataFrame) -> pd.DataFrame:
    """Tables 3-8 under the names of `against_structure`."""
    return pd.DataFrame(
        {
            "positives": table["total_positives"],
            "largest component": table["largest_component_percent"] / 100,
            "average path": table["average_shortest_path"],
            "AP of MaxEnt-SEALS": table["ap_maxent_seals"],
            "recall of MLP-SEALS": table["recall_percent_mlp_seals"] / 100,
            "AP lost to MaxEnt-All": table["ap_maxent_all"] - table["ap_maxent_seals"],
            "recall lost to MLP-All": (table["recall_percent_mlp_all"] - table["recall_percent_mlp_seals"]) / 100,
        }
    )


def correlations(sources: list[tuple[str, pd.DataFrame]]) -> list[dict[str, Any]]:
    """Of what SEALS came to and lost with what a concept is like."""
    rows = []
    for source, table in sources:
        for x in ("largest component", "average path", "average cosine", "positives"):
            row: dict[str, Any] = {"source": source, "x": x}
            for y in ("AP of MaxEnt-SEALS", "recall of MLP-SEALS", "AP lost to MaxEnt-All", "recall lost to MLP-All"):
                row[y] = fit(table[x], table[y]) if x in table else None
            rows.append(row)
    return rows


def scatter_panels(paper: Paper) -> list[tuple[str, pd.Series, pd.Series]]:
    plan, panels = paper.plan, []
    for strategy, measure in (
        ("maxent", paper.first_metric),
        ("most_likely_positive", paper.first_metric),
        ("most_likely_positive", "recall"),
    ):
        everything, seals = (
            paper.values(plan.method(pool, strategy), measure, plan.options.budget, paper.concepts).mean(axis=1)
            for pool in ("all", "seals")
        )
        name = method_name("seals", strategy).removesuffix("-SEALS")
        panels.append((f"{paper.config['dataset']}: {name}, {measure.replace('_', ' ')}", everything, seals))
    if paper.openimages is not None:
        table = paper.openimages
        panels.append(("OpenImages (the paper): MaxEnt, AP", table["ap_maxent_all"], table["ap_maxent_seals"]))
        recalls = (table["recall_percent_mlp_all"] / 100, table["recall_percent_mlp_seals"] / 100)
        panels.append(("OpenImages (the paper): MLP, recall", *recalls))
    return panels


def fits(paper: Paper) -> list[dict[str, Any]]:
    """Figure 11 at both budgets, with its spread over repeats."""
    rows = []
    for strategy in ("maxent", "most_likely_positive", "information_density"):
        for measure in (paper.first_metric, "recall"):
            for budget in dict.fromkeys(_budgets(paper)):
                everything, seals = (
                    paper.values(paper.plan.method(pool, strategy), measure, budget, paper.concepts)
                    for pool in ("all", "seals")
                )
                found = fits_over_repeats(everything, seals)
                gap = spread(everything - seals)
                name = method_name("seals", strategy).removesuffix("-SEALS")
                rows.append({"strategy": name, "measure": measure, "budget": budget, "gap": gap, "fit": found})
    return rows


def laggards(latent: pd.DataFrame, paper: Paper) -> list[dict[str, Any]]:
    """The concepts on which MLP-SEALS loses most recall."""
    most = latent.sort_values("recall lost to MLP-All", ascending=False).head(N_LAGGARDS)
    rank = latent["largest component"].rank(method="min"), latent["average path"].rank(method="min", ascending=False)
    return [
        {"concept": name, "title": paper.config["concepts"][name]["title"], **row, "component_rank": int(rank[0][name]),
         "path_rank": None if np.isnan(rank[1][name]) else int(rank[1][name])}
        for name, row in most.to_dict("index").items()
    ]  # fmt: skip


def by_concept(paper: Paper, latent: pd.DataFrame) -> list[dict[str, Any]]:
    """Tables 3 to 8: a row a concept, means over repeats at the full budget."""
    plan, budget = paper.plan, paper.plan.options.budget
    columns: dict[str, pd.Series] = {}
    for strategy, measure in (
        ("random", paper.first_metric),
        ("maxent", paper.first_metric),
        ("random", "recall"),
        ("most_likely_positive", "recall"),
    ):
        for pool in ("all",) if strategy == "random" else ("seals", "all"):
            name = f"{measure} {method_name(pool, strategy)}"
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
