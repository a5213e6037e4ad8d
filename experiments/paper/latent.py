"""How the results of SEALS relate to the latent structure of a concept (Figures 3, 10 and 16, section 6)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from experiments.paper.rows import Paper
from experiments.paper.statistics import fit

_N_LAGGARDS = 10


def compare_with_structure(paper: Paper) -> pd.DataFrame:
    """Compare the structure of each concept with the results of SEALS.

    Returns:
        One row per concept of the main study: its structure at the main study's k in the first embedding, what SEALS
        reached, and how far it stayed below All.
    """
    plan, structure = paper.plan, paper.structure
    shapes = structure[(structure["embedding"] == plan.embeddings[0]) & (structure["k"] == plan.protocol.k)]
    shapes = shapes.set_index("concept").loc[paper.concepts]

    def mean(pool: str, strategy: str, measure: str) -> pd.Series:
        return paper.values(plan.method(pool, strategy), measure, plan.protocol.budget, paper.concepts).mean(axis=1)

    metric = paper.first_metric
    return pd.DataFrame(
        {
            "positives": shapes["n_positives"],
            "largest component": shapes["largest_component"],
            "average path": shapes["average_shortest_path"],
            "average cosine": shapes["average_cosine"],
            "AP of MaxEnt-SEALS": mean("seals", "maxent", metric),
            "recall of MLP-SEALS": mean("seals", "most_likely_positive", "recall"),
            "AP lost to MaxEnt-All": mean("all", "maxent", metric) - mean("seals", "maxent", metric),
            "recall lost to MLP-All": mean("all", "most_likely_positive", "recall")
            - mean("seals", "most_likely_positive", "recall"),
        }
    )


def summarize_openimages(table: pd.DataFrame) -> pd.DataFrame:
    """Tables 3 to 8 under the column names of `compare_with_structure`."""
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


def average_structure(paper: Paper) -> list[dict[str, Any]]:
    """The structure of concepts by embedding and k: mean and standard deviation over concepts."""
    columns = ["largest_component", "average_shortest_path", "n_components"]
    means = paper.structure.groupby(["embedding", "k"], sort=False)[columns].agg(["mean", "std"])
    means.columns = [f"{name}_{statistic}" for name, statistic in means.columns]
    return list(means.reset_index().to_dict("records"))


def average_cosines(paper: Paper) -> list[dict[str, Any]]:
    """The average cosine similarity of a concept's examples by embedding: mean and standard deviation over concepts."""
    concepts = paper.structure.drop_duplicates(["embedding", "concept"])
    means = concepts.groupby("embedding", sort=False)["average_cosine"].agg(["mean", "std"])
    return list(means.reset_index().to_dict("records"))


def correlate(sources: list[tuple[str, pd.DataFrame]]) -> list[dict[str, Any]]:
    """Fit what SEALS reached and lost against each property of a concept.

    Args:
        sources: Pairs of a name and a table from `compare_with_structure`.
    """
    rows = []
    for source, table in sources:
        for x in ("largest component", "average path", "average cosine", "positives"):
            row: dict[str, Any] = {"source": source, "x": x}
            for y in ("AP of MaxEnt-SEALS", "recall of MLP-SEALS", "AP lost to MaxEnt-All", "recall lost to MLP-All"):
                row[y] = fit(table[x], table[y]) if x in table else None
            rows.append(row)
    return rows


def list_laggards(latent: pd.DataFrame, paper: Paper) -> list[dict[str, Any]]:
    """The concepts on which MLP-SEALS loses the most recall to MLP-All, worst first."""
    worst = latent.sort_values("recall lost to MLP-All", ascending=False).head(_N_LAGGARDS)
    component_ranks = latent["largest component"].rank(method="min")
    path_ranks = latent["average path"].rank(method="min", ascending=False)
    return [
        {
            "concept": name,
            "title": paper.config["concepts"][name]["title"],
            **row,
            "component_rank": int(component_ranks[name]),
            "path_rank": None if np.isnan(path_ranks[name]) else int(path_ranks[name]),
        }
        for name, row in worst.to_dict("index").items()
    ]
