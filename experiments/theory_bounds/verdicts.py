"""The first screen of the report: a verdict on each theorem, its tightness, and the case of random seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import sem, t

from experiments.theory_bounds.jobs import BOUND_NAMES, HOLDS_NAMES

SMALL = 1e-6  # tightness is judged at epsilon up to this
_WORDS = {
    "stated_ln": "as printed, natural logarithm",
    "stated_log2": "as printed, log2",
    "proved_log2": "what the proof shows, log2",
    "sharpened_log2": "sharpened",
    "scale_free": "scale-free",
}


def judge_bounds(bounds: pd.DataFrame) -> pd.DataFrame:
    """Judge each bound of Algorithms 3 and 4.

    Args:
        bounds: One row per run and epsilon.

    Returns:
        One row per problem, algorithm and form of its bound (of Theorem 3 for Algorithm 4, otherwise of Theorem 2), a
        verdict (holds, fails in some rows, void), counts, and needed / bound and needed / lower: each the mean over
        problems of a problem's mean over epsilon <= SMALL. The 95 % interval is over independent problems; the runs on
        Example 1 are one problem, which has none.
    """
    rows = []
    known = bounds[bounds["lower"].notna()]
    for (problem, algorithm), group in known.groupby(["problem", "algorithm"], sort=False):
        for name, column in zip(BOUND_NAMES, HOLDS_NAMES, strict=True):
            is_void = np.isinf(group[name])
            holds = group[column][~is_void]
            n_failed = int((holds == False).sum())  # noqa: E712
            verdict = "void: sigma is 0" if is_void.all() else f"fails in {n_failed}" if n_failed else "holds"
            late = group[(group["epsilon"] <= SMALL) & ~is_void & group["queries_to_error"].notna()]
            late = late.assign(tight=late["queries_to_error"] / late[name])
            late["over"] = (late["queries_to_error"] / late["lower"]).where(late["lower"] > 0)
            each = late.groupby(["dim", "gamma_over_delta", "seed"])[["tight", "over"]].mean()
            n_independent = min(len(each), 1) if problem == "example1" else len(each)
            n_runs = len(group.groupby(["dim", "gamma_over_delta", "seed"]))
            rows.append(
                (problem, algorithm, f"Theorem {3 if algorithm == '4' else 2}", _WORDS[name], verdict, n_runs,
                 n_independent, len(holds), int(is_void.sum()), each["tight"].mean(),
                 compute_half_width(each["tight"], n_independent), late["tight"].min(), late["tight"].max(),
                 each["over"].mean(), compute_half_width(each["over"], n_independent))
            )  # fmt: skip
    columns = ["problem", "algorithm", "theorem", "form", "verdict", "runs", "independent", "rows", "void"]
    columns += ["tight", "tight_half_width", "tight_least", "tight_most", "over_lower", "over_half_width"]
    return pd.DataFrame(rows, columns=columns)


def compute_half_width(values: pd.Series, n_independent: int) -> float:
    """Compute half a 95 % interval of a mean over independent problems; NaN if there are fewer than two."""
    values = values.dropna()
    if n_independent < 2 or len(values) < 2:
        return float("nan")
    return float(t.ppf(0.975, len(values) - 1) * sem(values))


def compare_cells(bounds: pd.DataFrame) -> pd.DataFrame:
    """Compare needed with lower, and two bounds with needed, at the epsilon nearest to SMALL.

    Args:
        bounds: One row per run and epsilon.

    Returns:
        One row per problem, algorithm, d and gamma / delta, with means over its runs.
    """
    known = bounds[bounds["lower"].notna() & np.isfinite(bounds["sharpened_log2"]) & bounds["queries_to_error"].notna()]
    if known.empty:
        return known
    epsilon = min(known["epsilon"].unique(), key=lambda value: abs(np.log10(value / SMALL)))
    known = known[known["epsilon"] == epsilon].assign(runs=1)
    cell = ["problem", "algorithm", "dim", "gamma_over_delta", "epsilon"]
    grouped = known.groupby(cell, sort=False)
    table = grouped[["queries_to_error", "lower", "scale_free", "sharpened_log2"]].mean()
    table["runs"] = grouped.size()
    needed = table["queries_to_error"].where(table["queries_to_error"] > 0)
    table["needed_over_lower"] = needed / table["lower"].where(table["lower"] > 0)
    table["scale_free_over_needed"] = table["scale_free"] / needed
    table["sharpened_over_needed"] = table["sharpened_log2"] / needed
    return table.reset_index()


def count_positive_sigma(diversity: pd.DataFrame) -> pd.DataFrame:
    """Count the random problems with sigma > 0 for epsilon -> 0, by d, the number of searches and the radius."""
    diversity = diversity[diversity["problem"] == "random"]
    is_paper = diversity["radius"] == "gamma + 2 delta"
    table = diversity.assign(
        paper=(diversity["sigma_lower"] > 0).where(is_paper), step_2=(diversity["sigma_lower"] > 0).where(~is_paper)
    )
    grouped = table.groupby(["dim", "searches"])
    counts = grouped[["paper", "step_2"]].agg(lambda column: float(column.dropna().astype(float).mean()))
    counts["problems"] = grouped["seed"].nunique()
    return counts.reset_index()


def summarize_sigma(diversity: pd.DataFrame) -> pd.DataFrame:
    """Summarize how well sigma of spread problems is certified for epsilon -> 0, with the paper's radius, by d."""
    here = diversity[(diversity["problem"] == "spread") & (diversity["radius"] == "gamma + 2 delta")]
    here = here.assign(gap=1 - here["sigma_lower"] / here["sigma_upper"])
    grouped = here.groupby("dim")
    table = grouped.agg(
        problems=("seed", "nunique"), least=("sigma_lower", "min"), most=("sigma_upper", "max"), gap=("gap", "max")
    )
    table["proof"] = grouped["proof"].agg(lambda proofs: ", ".join(sorted(set(proofs))))
    return table.reset_index()
