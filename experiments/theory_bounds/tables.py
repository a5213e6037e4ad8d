"""Summaries of the rows of a theory run: rates, counts and shares."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import linregress

from experiments.theory_bounds.jobs import BOUND_NAMES, HOLDS_NAMES, KEY
from experiments.theory_bounds.rows import TheoryRun
from experiments.theory_bounds.verdicts import (
    compare_cells,
    compute_half_width,
    count_positive_sigma,
    judge_bounds,
    summarize_sigma,
)
from theory.clouds import compute_component_of_chance
from theory.noise import choose_n_times, compute_majority_flip

RUN = list(KEY)


def select_main(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of runs outside the studies, with right labels, and not in a finite pool."""
    return table[(table["study"] == "main") & ~find_noisy(table) & (table["pool_size"] == 0)]


def find_noisy(table: pd.DataFrame) -> pd.Series:
    """Whether labels may be wrong, row by row."""
    return (table["flip"] > 0) | (table["band"] > 0) | (table["oracle"] != "exact")


def make_tables(run: TheoryRun) -> dict[str, pd.DataFrame]:
    """Compute every table of the report, by name."""
    bounds, noise = add_rounds(run.bounds, run.rounds), summarize_noise(run.rounds)
    return {
        "slopes": fit_round_slopes(bounds),
        "bounds": count_bounds(bounds),
        "checks": sum_checks(run.checks),
        "passive": fit_passive_slopes(run.rounds),
        "collapse": count_collapses(run.rounds),
        "noise": noise[noise["study"] == "noise"],
        "repairs": noise[noise["study"] == "repair"],
        "neighbors": summarize_neighbors(run.rounds),
        "verdicts": judge_bounds(bounds),
        "cells": compare_cells(bounds),
        "diversity": count_positive_sigma(run.diversity),
        "sigma": summarize_sigma(run.diversity),
        "clouds": summarize_clouds(run.rounds, run.steps),
    }


def add_rounds(bounds: pd.DataFrame, rounds: pd.DataFrame) -> pd.DataFrame:
    """Add to each bound the round in which its error was reached.

    Args:
        bounds: One row per run and epsilon.
        rounds: One row per round of each run.

    Returns:
        The bounds with `rounds_to_error` beside `queries_to_error` (a round has fewer queries once a search has
        reached its floor), and with `fast_phase`, true once every search is at rho < 2 delta.
    """
    columns = [*RUN, "n_queries", "round", "max_rho"]
    reached = rounds[columns].rename(columns={"n_queries": "queries_to_error", "round": "rounds_to_error"})
    table = bounds.merge(reached, on=[*RUN, "queries_to_error"], how="left")
    return table.assign(fast_phase=table["max_rho"] < 2 * table["delta"])


def fit_round_slopes(bounds: pd.DataFrame) -> pd.DataFrame:
    """Fit the rounds to the error epsilon against log2(1 / epsilon) in the fast phase, run by run.

    Args:
        bounds: The table of `add_rounds`.

    Returns:
        One row per problem and algorithm: the mean of the slopes of its runs, in rounds per bit, with a 95 % interval
        over independent problems. Every run on Example 1 is the same sequence, which halves exactly: it counts as one
        problem, and one problem has no interval.
    """
    rows = []
    fast = select_main(bounds[bounds["fast_phase"]])
    for (problem, algorithm), group in fast.groupby(["problem", "algorithm"], sort=False):
        if algorithm in ("passive", "pool"):
            continue
        runs = [run for _, run in group.groupby(RUN, dropna=False) if len(run) >= 3]
        slopes = [float(linregress(np.log2(1 / run["epsilon"]), run["rounds_to_error"]).slope) for run in runs]
        if slopes:
            n_independent = 1 if problem == "example1" else len(slopes)
            half_width = compute_half_width(pd.Series(slopes), n_independent)
            rows.append((problem, algorithm, len(slopes), n_independent, float(np.mean(slopes)), half_width))
    return pd.DataFrame(rows, columns=["problem", "algorithm", "runs", "independent", "slope", "half_width"])


def fit_passive_slopes(rounds: pd.DataFrame) -> pd.DataFrame:
    """Fit log error against log labels of passive learning from 10 d labels on; O(d / eps) is a slope of -1."""
    rows = []
    here = select_main(rounds[rounds["algorithm"] == "passive"])
    for (problem, dim), group in here.groupby(["problem", "dim"]):
        late = group[group["n_queries"] >= 10 * dim]
        if len(late) >= 10:
            fit = linregress(np.log(late["n_queries"]), np.log(late["error"]))
            rows.append((problem, dim, group["seed"].nunique(), fit.slope))
    return pd.DataFrame(rows, columns=["problem", "dim", "seeds", "slope"])


def count_bounds(bounds: pd.DataFrame) -> pd.DataFrame:
    """Count how often each bound held, failed, was void (sigma is 0) or stayed undecided (the run ended earlier)."""
    rows = []
    known = bounds[bounds["stated_ln"].notna()]
    for (problem, algorithm), group in known.groupby(["problem", "algorithm"], sort=False):
        for name, column in zip(BOUND_NAMES, HOLDS_NAMES, strict=True):
            is_void = np.isinf(group[name])
            holds = group[column][~is_void]
            n_held, n_failed = int((holds == True).sum()), int((holds == False).sum())  # noqa: E712
            rows.append((problem, algorithm, name, n_held, n_failed, int(is_void.sum()), int(holds.isna().sum())))
    return pd.DataFrame(rows, columns=["problem", "algorithm", "bound", "held", "failed", "void", "undecided"])


def sum_checks(checks: pd.DataFrame) -> pd.DataFrame:
    """Sum the checks of each lemma and step over all runs."""
    grouped = checks.groupby("check", sort=False)
    table = grouped.agg(n=("n", "sum"), violations=("violations", "sum"), worst=("worst", "max"))
    table.insert(0, "runs", grouped.size())
    return table.reset_index()


def select_last_rounds(rounds: pd.DataFrame) -> pd.DataFrame:
    """The last row of every run."""
    return rounds.groupby(RUN, sort=False, dropna=False).tail(1)


def count_collapses(rounds: pd.DataFrame) -> pd.DataFrame:
    """Count the runs on random seeds that collapsed, by the number of searches in units of d - 1."""
    ends = select_last_rounds(rounds)
    ends = ends[ends["study"] == "collapse"]
    grouped = ends.groupby(["dim", "algorithm", "searches"])
    table = grouped["status"].agg(runs="size", collapsed=lambda status: int((status == "collapsed").sum()))
    table["median_certificate"] = grouped["certificate"].median()
    return table.reset_index()


def summarize_noise(rounds: pd.DataFrame) -> pd.DataFrame:
    """Summarize the runs with wrong labels, by kind of noise.

    Args:
        rounds: One row per round of each run.

    Returns:
        The shares of runs that ended within an error, their median error, the chance (1 - P_maj)^queries that no label
        is wrong, the least m for which that is 95 % (`enough`), and the share of runs whose labels contradicted
        one another, leaving only a soft margin or none.
    """
    ends = select_last_rounds(rounds)
    ends = ends[ends["study"].isin(["noise", "repair"])].rename(columns={"problem": "kind"})
    wrong = [compute_majority_flip(flip, int(m)) for flip, m in zip(ends["flip"], ends["repeats"], strict=True)]
    ends["no_flip"] = (1 - np.array(wrong, dtype=float)) ** ends["n_queries"]
    ends["labels"] = ends["repeats"] * ends["n_queries"]
    ends["queries"] = ends["n_queries"]
    for name, limit in (("within_1e-6", 1e-6), ("within_1e-3", 1e-3)):
        ends[name] = ends["error"] <= limit
    ends["contradictory"] = ends["status"].isin(["soft", "nonseparable"])
    grouped = ends.groupby(["study", "kind", "flip", "band", "repeats", "algorithm"])
    table = grouped[["within_1e-6", "within_1e-3", "no_flip", "contradictory", "labels", "queries"]].mean()
    table["median_error"] = grouped["error"].median()
    table.insert(0, "runs", grouped.size())
    table = table.reset_index()
    table["enough"] = [
        choose_n_times(flip, round(queries)) if flip < 0.5 else np.nan
        for flip, queries in zip(table["flip"], table["queries"], strict=True)
    ]
    return table


def summarize_neighbors(rounds: pd.DataFrame) -> pd.DataFrame:
    """Summarize the runs in a finite pool whose index misses neighbors.

    Args:
        rounds: One row per round of each run.

    Returns:
        One row per kind of neighborhood and recall: the number of runs that never leave the slow phase (rho < 2 delta
        for all searches), the rounds that the others spend there, the floor of rho in units of delta, and the error.
    """
    here = rounds[rounds["study"] == "neighbors"]
    here = here.assign(is_slow=here["max_rho"] >= 2 * here["delta"], floor=here["max_rho"] / here["delta"])
    cell = ["dim", "pool_size", "k", "recall"]
    runs = here.groupby([*cell, "seed"], sort=False)
    each = runs.agg(
        slow_rounds=("is_slow", "sum"), stays=("is_slow", "last"), floor=("floor", "last"), error=("error", "last")
    )
    table = each.groupby(cell, sort=False).agg(
        runs=("stays", "size"), stays=("stays", "sum"), floor=("floor", "median"), error=("error", "median")
    )
    left = each[~each["stays"].astype(bool)].groupby(cell, sort=False)
    table["words"] = [
        "all within delta" if not k else f"the {k:.0f} nearest" for k in table.index.get_level_values("k")
    ]
    table["slow_rounds"], table["floor_left"] = left["slow_rounds"].mean(), left["floor"].median()
    return table.reset_index()


def summarize_clouds(rounds: pd.DataFrame, steps: pd.DataFrame) -> pd.DataFrame:
    """Summarize the runs in finite pools, by dimension and size.

    Args:
        rounds: One row per round of each run.
        steps: One row per slow step.

    Returns:
        The c of the slow steps, the floor of rho in units of n^(-1/d), the error, and the error of passive learning
        with the same number of labels.
    """
    ends = select_last_rounds(rounds)
    ends = ends[(ends["pool_size"] > 0) & (ends["study"] == "main")].rename(columns={"pool_size": "n"})
    ends["rho_floor"] = ends["max_rho"] * ends["n"] ** (1 / ends["dim"])
    searched, passive = ends[ends["algorithm"] == "pool"], ends[ends["algorithm"] == "passive"]
    table = searched.groupby(["dim", "n"]).agg(
        runs=("seed", "size"), delta=("delta", "first"), rho_floor=("rho_floor", "median"), error=("error", "median")
    )
    table["passive_error"] = passive.groupby(["dim", "n"])["error"].median()
    moves = steps.rename(columns={"pool_size": "n"})
    moves["below_c"] = moves["fall"] < moves["component"] * (1 - 1e-6)
    moves["below_lemma"] = moves["fall"] < 2 - np.sqrt(5 - 4 * moves["component"]) - 1e-6
    c = moves.groupby(["dim", "n"])["component"]
    table["below_c"] = moves.groupby(["dim", "n"])["below_c"].mean()
    table["below_lemma"] = moves.groupby(["dim", "n"])["below_lemma"].sum()
    table["slow_steps"], table["c_median"], table["c_least"] = c.size(), c.median(), c.min()
    table["c_of_chance"] = [compute_component_of_chance(int(dim)) for dim in table.index.get_level_values("dim")]
    table["slow_steps"] = table["slow_steps"].fillna(0).astype(int)
    return table.reset_index()
