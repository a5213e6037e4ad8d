"""When a finished replay would have stopped, and what it had found by then.

The rule is that of `seals_sim.evaluate.remaining`: stop after the first batch at which the hypothesis that recall is
below the target has a p-value below p.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from seals_sim.evaluate.remaining import compute_p_missing
from seals_sim.replay.finished import read_finished
from seals_sim.replay.seal import explaining_misfits
from seals_sim.replay.store import write_csv

_RUN = ["concept", "pool", "strategy", "repeat"]


def write_stopping(folder: Path, target_recall: float, p: float) -> pd.DataFrame:
    """Write stopping.csv, one row per run of a finished replay.

    Args:
        folder: Folder of the replay.
        target_recall: Fraction of the positives that must be found.
        p: The rule stops when the hypothesis that fewer have been found has a p-value below this.

    Returns:
        The rows, summarized by pool and strategy.

    Raises:
        UserError: If the folder holds no finished replay.
    """
    run = read_finished(folder)
    with explaining_misfits(folder, run.is_sealed):
        table = find_stops(run.picks, run.rounds, run.config["rows"]["pool"], target_recall, p)
        write_csv(folder / "stopping.csv", table)
        return summarize_stops(table)


def find_stops(picks: pd.DataFrame, rounds: pd.DataFrame, n_pool: int, target_recall: float, p: float) -> pd.DataFrame:
    """One row per run: n_labeled and recall where it stops (at its end, if the rule never stops it), whether the rule
    stopped it, and whether the target had been reached.
    """
    recalls = rounds.set_index([*_RUN, "round"])["recall"].sort_index()
    rows = []
    for run, part in picks.groupby(_RUN, sort=False):
        labels, ends = part["label"].to_numpy(), part.groupby("round").size().cumsum()
        stops = [number for number, m in ends.items() if compute_p_missing(labels[:m], n_pool, target_recall) < p]
        number = stops[0] if stops else ends.index[-1]
        recall, n_labeled = float(recalls.loc[(*run, number)]), int(ends[number])
        rows.append(
            {**dict(zip(_RUN, run, strict=True)), "is_stopped": bool(stops), "n_labeled": n_labeled, "recall": recall,
             "is_reached": recall >= target_recall}
        )  # fmt: skip
    return pd.DataFrame(rows)


def summarize_stops(table: pd.DataFrame) -> pd.DataFrame:
    """By pool and strategy: the runs, the fraction stopped, and for these the labels, recall and fraction too early."""
    rows = {}
    for kind, part in table.groupby(["pool", "strategy"], sort=False):
        stopped = part[part["is_stopped"]]
        rows[kind] = {
            "runs": len(part),
            "stopped": len(stopped),
            "n_labeled": stopped["n_labeled"].median() if len(stopped) else np.nan,
            "recall": stopped["recall"].mean() if len(stopped) else np.nan,
            "too_early": float((~stopped["is_reached"]).mean()) if len(stopped) else np.nan,
        }
    return pd.DataFrame(rows).T
