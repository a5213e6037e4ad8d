"""Computes the tables of a report from the rows of a run alone."""

from __future__ import annotations

import pandas as pd

_METHOD = ["pool", "strategy"]
MEASURES = ["n_labeled", "recall", "pool_fraction", "average_precision", "auc"]
SECONDS = ["select_seconds", "neighbor_seconds", "train_seconds"]
POOL_NAMES = {
    "all": "All",
    "all_int8": "All (int8)",
    "all_raw": "All (not whitened)",
    "seals": "SEALS",
    "seals_raw": "SEALS (not whitened)",
    "walk": "Walk",
    "walk_raw": "Walk (not whitened)",
    "random_pool": "RandPool",
}
STRATEGY_NAMES = {
    "maxent": "MaxEnt",
    "most_likely_positive": "MLP",
    "information_density": "ID",
    "information_density_frozen": "ID (frozen)",
    "least_confidence": "Least confidence",
    "margin": "Margin",
    "random": "Random",
    "k_centers": "k-centers",
}


def format_method(pool: str, strategy: str) -> str:
    """A method's name as the paper writes it.

    Examples:
        >>> format_method("seals", "maxent")
        'MaxEnt-SEALS'
    """
    return f"{STRATEGY_NAMES[strategy]}-{POOL_NAMES[pool]}"


def compute_curves(rounds: pd.DataFrame) -> pd.DataFrame:
    """Average each measure over concepts, then take its mean and standard deviation over repeats (5.1).

    Args:
        rounds: The rows of a run, one per method, concept, repeat and round.

    Returns:
        One row per method and round, with the columns `MEASURE_mean` and `MEASURE_std`. A run whose pool ran dry keeps
        its last values in the later rounds.
    """
    run = [*_METHOD, "concept", "repeat"]
    wide = rounds.set_index([*run, "round"])[MEASURES].unstack("round").ffill(axis=1)
    # ffill runs through all columns in order; a measure always has its first round, so no value spills over
    filled = wide.stack("round", future_stack=True)
    over_concepts = filled.groupby([*_METHOD, "repeat", "round"], sort=False).mean()
    return _in_order(_mean_and_std(over_concepts, [*_METHOD, "round"]))


def summarize_methods(rounds: pd.DataFrame) -> pd.DataFrame:
    """Summarize each method at its last round, as the paper's Table 2 does.

    Args:
        rounds: The rows of a run, one per method, concept, repeat and round.

    Returns:
        One row per method: the means over concepts of every measure and of the seconds of a whole run, each with its
        mean and standard deviation over repeats. The standard deviation of a single repeat is NaN.
    """
    run = [*_METHOD, "concept", "repeat"]
    last = rounds.groupby(run, sort=False)[["k", "n_positive", *MEASURES]].last()
    last[SECONDS] = rounds.groupby(run, sort=False)[SECONDS].sum()
    last["total_seconds"] = last[SECONDS].sum(axis=1)
    measured = ["n_positive", *MEASURES, "total_seconds", *SECONDS]
    over_concepts = last.groupby([*_METHOD, "repeat"], sort=False)[measured].mean()
    table = _mean_and_std(over_concepts, _METHOD)
    table.insert(0, "k", last.groupby(_METHOD, sort=False)["k"].first())
    for name in ("repeat", "concept"):
        table.insert(0, f"n_{name}s", rounds.groupby(_METHOD)[name].nunique())
    return _in_order(table).reset_index()


def average_by_concept(rounds: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Average a measure at the last round over repeats: one row per concept, one column per method."""
    last = rounds.groupby([*_METHOD, "concept", "repeat"], sort=False)[measure].last()
    table = last.groupby(["concept", *_METHOD], sort=False).mean().unstack(_METHOD)
    table.columns = [format_method(pool, strategy) for pool, strategy in table.columns]
    return table


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    """Sort by strategy, then by pool in the paper's order."""
    rank = {name: place for names in (POOL_NAMES, STRATEGY_NAMES) for place, name in enumerate(names)}
    levels = ["strategy", "pool", *(name for name in table.index.names if name not in _METHOD)]
    return table.sort_index(level=levels, key=lambda level: level.map(lambda value: rank.get(value, value)))


def _mean_and_std(values: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    grouped = values.groupby(by, sort=False)
    table = grouped.agg(["mean", "std"])
    table.columns = [f"{measure}_{statistic}" for measure, statistic in table.columns]
    return table


def compare_batches(picks: pd.DataFrame, one: str, other: str) -> pd.Series:
    """By pool, the fraction of batches in which two strategies chose the same rows."""
    batches = (
        picks[(picks["round"] > 0) & picks["strategy"].isin([one, other])]
        .groupby(["pool", "concept", "repeat", "round", "strategy"])["row"]
        .agg(frozenset)
        .unstack("strategy")
        .dropna()
    )
    same = pd.Series(batches[one] == batches[other], index=batches.index)
    return same.groupby("pool").mean()
