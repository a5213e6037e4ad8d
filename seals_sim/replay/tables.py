"""The tables of a report, computed from the rows of a run and from nothing else."""

from __future__ import annotations

import pandas as pd

_METHOD = ["pool", "strategy"]
MEASURES = ["n_labeled", "recall", "pool_fraction", "average_precision", "auc"]
SECONDS = ["select_seconds", "neighbor_seconds", "train_seconds"]
POOL_NAMES = {"all": "All", "all_int8": "All (int8)", "seals": "SEALS", "random_pool": "RandPool"}
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


def method_name(pool: str, strategy: str) -> str:
    """As the paper writes it: MaxEnt-SEALS.

    >>> method_name("seals", "maxent")
    'MaxEnt-SEALS'
    """
    return f"{STRATEGY_NAMES[strategy]}-{POOL_NAMES[pool]}"


def curves(rounds: pd.DataFrame) -> pd.DataFrame:
    """Each measure's mean over concepts, then its mean and standard deviation over repeats (5.1), by round.

    A run whose pool ran dry keeps its last values in the later rounds.
    """
    run = [*_METHOD, "concept", "repeat"]
    wide = rounds.set_index([*run, "round"])[MEASURES].unstack("round").ffill(axis=1)
    # ffill runs through all columns in order; a measure's first round is always there, so none spills over
    filled = wide.stack("round", future_stack=True)
    over_concepts = filled.groupby([*_METHOD, "repeat", "round"], sort=False).mean()
    return _in_order(_mean_and_std(over_concepts, [*_METHOD, "round"]))


def summary(rounds: pd.DataFrame) -> pd.DataFrame:
    """One row a method: means over concepts at the last round, their mean and standard deviation over repeats, and
    the seconds of a whole run. The standard deviation of a single repeat is left empty.
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


def by_concept(rounds: pd.DataFrame, measure: str) -> pd.DataFrame:
    """A measure at the last round, averaged over repeats: a row a concept, a column a method."""
    last = rounds.groupby([*_METHOD, "concept", "repeat"], sort=False)[measure].last()
    table = last.groupby(["concept", *_METHOD], sort=False).mean().unstack(_METHOD)
    table.columns = [method_name(pool, strategy) for pool, strategy in table.columns]
    return table


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    """By strategy, and then All, SEALS, RandPool."""
    rank = {name: place for names in (POOL_NAMES, STRATEGY_NAMES) for place, name in enumerate(names)}
    levels = ["strategy", "pool", *(name for name in table.index.names if name not in _METHOD)]
    return table.sort_index(level=levels, key=lambda level: level.map(lambda value: rank.get(value, value)))


def _mean_and_std(values: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    grouped = values.groupby(by, sort=False)
    table = grouped.agg(["mean", "std"])
    table.columns = [f"{measure}_{what}" for measure, what in table.columns]
    return table


def alike(picks: pd.DataFrame, one: str, other: str) -> pd.Series:
    """For each pool, the part of all batches in which two strategies chose the same rows."""
    batches = (
        picks[(picks["round"] > 0) & picks["strategy"].isin([one, other])]
        .groupby(["pool", "concept", "repeat", "round", "strategy"])["row"]
        .agg(frozenset)
        .unstack("strategy")
        .dropna()
    )
    same = pd.Series(batches[one] == batches[other], index=batches.index)
    return same.groupby("pool").mean()
