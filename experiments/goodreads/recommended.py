"""What `seals label` does beside what 7.12 does: vectors that are not whitened, and the walk."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from seals_sim.replay.methods import Method, build_method
from seals_sim.replay.options import ReplayProtocol
from seals_sim.replay.tables import format_method

RAW = "raw"
"""The embedding as it comes, beside the whitened one."""
WALK_K = 100
"""Neighbors of each positive in a walk, as `seals label` has them."""
_STRATEGY = "most_likely_positive"
RAW_METHODS = (*((f"{pool}_{RAW}", _STRATEGY) for pool in ("walk", "seals", "all")), (f"all_{RAW}", "random"))


def list_recommended(protocol: ReplayProtocol) -> list[Method]:
    """The methods, those first that need least memory; random labels tell what a model owes to its labels."""
    methods = {pool: build_method(protocol, pool, _STRATEGY, embedding=RAW) for pool in ("walk", "seals", "all")}
    chance = build_method(protocol, "all", "random", embedding=RAW)
    return [replace(methods["walk"], k=WALK_K), methods["seals"], methods["all"], chance]


def name_raw_pools(rounds: pd.DataFrame) -> pd.DataFrame:
    """Tell the pools of vectors that are not whitened from the others, by their names."""
    return rounds.assign(pool=rounds["pool"].where(rounds["embedding"] != RAW, rounds["pool"] + f"_{RAW}"))


def compare_recommended(rounds: pd.DataFrame) -> list[dict[str, Any]]:
    """Set each method of most-likely positive beside the full scan of whitened vectors, repeat by repeat.

    Args:
        rounds: Of one split; where its run has no such methods, nothing comes out.

    Returns:
        A row a method: recall, AUC and average precision at the last round, their differences from that scan with their
        standard deviation over repeats, and the candidates; what is a part is given in percent, or in points.
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
