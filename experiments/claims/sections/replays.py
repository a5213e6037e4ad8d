"""The run of `seals replay` on ICD-10-CM, and the runs on spoilers: summaries with one row per method, means over
repeats.
"""

from __future__ import annotations

import pandas as pd

from experiments.claims.estimates import Estimate, Repeats
from experiments.claims.stored import MissingRun, StoredRuns, get_source

ICD = "icd10cm/summary.csv"
NAMES = {"MaxEnt": "maxent", "MLP": "most_likely_positive"}


class Replay:
    """A summary.csv with one row per pool and strategy."""

    def __init__(self, runs: StoredRuns, name: str = ICD) -> None:
        self._name = name
        self._table = runs.read_table(name, ("pool", "strategy", "n_repeats", "recall_mean", "recall_std"))

    def has(self, pool: str, strategy: str) -> bool:
        """Whether a method has been run."""
        return bool(((self._table["pool"] == pool) & (self._table["strategy"] == strategy)).any())

    def find_row(self, pool: str, strategy: str) -> pd.Series:
        """One method.

        Raises:
            MissingRun: If it has not been run.
        """
        rows = self._table[(self._table["pool"] == pool) & (self._table["strategy"] == strategy)]
        if rows.empty:
            raise MissingRun(f"{self._name}: {strategy} on the pool {pool}", get_source(self._name).command)
        return rows.iloc[0]

    def measure(self, pool: str, strategy: str, measure: str) -> Repeats:
        """A mean over concepts at the last round."""
        row = self.find_row(pool, strategy)
        return Repeats(float(row[f"{measure}_mean"]), float(row[f"{measure}_std"]), int(row["n_repeats"]))

    def subtract(self, one: str, other: str, strategy: str, measure: str) -> Estimate:
        """The difference between two pools with one strategy."""
        return self.measure(one, strategy, measure).minus(self.measure(other, strategy, measure))

    def compute_gaps(self, measure: str) -> dict[str, Estimate]:
        """The full scan minus SEALS by strategy."""
        return {name: self.subtract("all", "seals", strategy, measure) for name, strategy in NAMES.items()}
