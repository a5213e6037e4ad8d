"""What `seals label` does, compared with what 7.12 does: vectors that are not whitened, and the walk."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from seals_sim.replay.methods import Method, build_method
from seals_sim.replay.options import ReplayProtocol
from seals_sim.replay.tables import format_method

RAW = "raw"
"""The embedding without whitening, next to the whitened one."""
WALK_K = 100
"""Neighbors of each positive in a walk, as in `seals label`."""
_STRATEGY = "most_likely_positive"
RAW_METHODS = (*((f"{pool}_{RAW}", _STRATEGY) for pool in ("walk", "seals", "all")), (f"all_{RAW}", "random"))


def list_recommended(protocol: ReplayProtocol) -> list[Method]:
    """The methods, starting with those that need the least memory. Random labels show how much a model owes to its
    labels.
    """
    methods = {pool: build_method(protocol, pool, _STRATEGY, embedding=RAW) for pool in ("walk", "seals", "all")}
    chance = build_method(protocol, "all", "random", embedding=RAW)
    return [replace(methods["walk"], k=WALK_K), methods["seals"], methods["all"], chance]


def name_raw_pools(rounds: pd.DataFrame) -> pd.DataFrame:
    """Rename the pools of unwhitened vectors to distinguish them from the others."""
    return rounds.assign(pool=rounds["pool"].where(rounds["embedding"] != RAW, rounds["pool"] + f"_{RAW}"))


def compare_recommended(rounds: pd.DataFrame) -> list[dict[str, Any]]:
    """Compare each method of most-likely positive with the full scan of whitened vectors, repeat by repeat.

    Args:
        rounds: The rounds of one split. If its run has no such methods, the result is empty.

    Returns:
        One row per method: recall, AUC and average precision at the last round, their differences from that scan with
        their standard deviation over repeats, and the candidates. Fractions are in percent, differences in points.
    """
    last = rounds[rounds["strategy"] == _STRATEGY].groupby(["pool", "repeat"]).last()
    pools = last.index.get_level_values("pool")
    if "all" not in pools or f"all_{RAW}" not in pools:
        return []
    rows = []
    for pool in ("all", f"all_{RAW}", "seals", f"seals_{RAW}", f"walk_{RAW}"):
        if pool not in pools:
            continue
        row: dict[str, Any] = {"method": format_method(pool, _STRATEGY), "k": last.loc[pool, "k"].iloc[0]}
        for measure in ("recall", "auc", "average_precision"):
            values = 100 * last.loc[pool, measure]
            difference = values - 100 * last.loc["all", measure]
            row[measure] = values.mean()
            row[f"{measure}_difference"], row[f"{measure}_std"] = difference.mean(), difference.std(ddof=1)
        rows.append({**row, "candidates": last.loc[pool, "n_candidates"].mean()})
    return rows
