"""The timings of whole runs by table size (`benchmarks.rounds`)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from experiments.claims.stored import StoredRuns

ROUNDS, GROWTH, INDEXES = "rounds/summary.csv", "rounds/exponents.csv", "rounds/indexes.csv"


def find_largest(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the largest table."""
    return table[table["n"] == table["n"].max()]


def read_growth(runs: StoredRuns, method: str) -> pd.Series:
    """The exponent of selection and neighbor search by strategy."""
    table = runs.read_table(GROWTH, ("strategy", "method", "search_seconds_exponent"))
    return table[table["method"] == method].set_index("strategy")["search_seconds_exponent"]


def read_rounds(runs: StoredRuns, method: str) -> pd.DataFrame:
    """A method's runs, one row per size and strategy."""
    columns = ("n", "strategy", "method", "select_seconds", "neighbor_seconds", "total_seconds", "speedup")
    table = runs.read_table(ROUNDS, columns)
    return table[table["method"] == method].set_index(["n", "strategy"])


def compute_growth_of_search(runs: StoredRuns) -> dict[str, float]:
    """The exponent of the milliseconds per search, from the smallest to the largest table, by index.

    Recorded neighbors (`graph`) are left out: they are looked up, not searched.
    """
    table = runs.read_table(INDEXES, ("n", "index", "milliseconds"))
    exponents = {}
    for name, rows in table[table["index"] != "graph"].sort_values("n").groupby("index", sort=False):
        if len(rows) > 1:
            first, last = rows.iloc[0], rows.iloc[-1]
            exponents[str(name)] = float(
                np.log(last["milliseconds"] / first["milliseconds"]) / np.log(last["n"] / first["n"])
            )
    return exponents
