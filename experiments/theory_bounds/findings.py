"""The findings of a theory run, in sentences."""

from __future__ import annotations

import math

import pandas as pd

from experiments.theory_bounds.tables import RUN, find_noisy, select_last_rounds


def describe_findings(tables: dict[str, pd.DataFrame], rounds: pd.DataFrame) -> list[str]:
    """Summarize a run.

    Args:
        tables: The tables of `experiments.theory_bounds.tables.make_tables`.
        rounds: One row per round of each run.

    Returns:
        One paragraph per finding; a warning starts with "Warning".
    """
    return [
        *_checks(tables["checks"]),
        *_bounds(tables["bounds"]),
        *_rates(tables["slopes"]),
        *_noise(rounds),
        *_losses(rounds),
    ]


def _checks(checks: pd.DataFrame) -> list[str]:
    if checks.empty:
        return []
    n_checks, n_violations = checks["n"].sum(), checks["violations"].sum()
    return [
        f"Lemmas and steps: {n_checks:,} checks in {checks['runs'].max()} runs, "
        f"{n_violations} violations beyond a relative 1e-6."
    ]


def _bounds(bounds: pd.DataFrame) -> list[str]:
    if bounds.empty:
        return []
    totals = bounds.groupby("bound", sort=False)[["held", "failed", "void", "undecided"]].sum()
    counts = [f"{row.Index} held {row.held} times and failed {row.failed}" for row in totals.itertuples()]
    return [
        f"Bounds on the queries to each epsilon: {'; '.join(counts)}. {totals['void'].max()} are void because sigma is "
        f"or may be 0, and {totals['undecided'].max()} are undecided because the run ended earlier."
    ]


def _rates(slopes: pd.DataFrame) -> list[str]:
    return [
        f"Algorithm {row.algorithm} on {row.problem}: {row.slope:.3f}{_interval(row.half_width)} rounds per halving of "
        f"epsilon over {row.runs} run{'s' if row.runs > 1 else ''} of {row.independent} independent "
        f"problem{'s' if row.independent > 1 else ''}. The sharpened bound allows 1, the theorems as stated "
        f"2 d / (d - 1) with log2."
        for row in slopes.itertuples()
        if row.algorithm != "bisection"
    ]


def _interval(half_width: float) -> str:
    """An interval over independent problems; empty if there is only one problem."""
    return "" if math.isnan(half_width) else f" ± {half_width:.3f}"


def _noise(rounds: pd.DataFrame) -> list[str]:
    is_noisy = find_noisy(rounds) & (rounds["study"] == "main")
    n_noisy = len(rounds[is_noisy][RUN].drop_duplicates())
    if not n_noisy:
        return []
    return [
        f"Warning: {n_noisy} run{'s' if n_noisy > 1 else ''} may have had wrong labels. The theorems and the "
        "certificate do not hold for them, and none is given; 'settled' says only that every search came to an end."
    ]


def _losses(rounds: pd.DataFrame) -> list[str]:
    ends = select_last_rounds(rounds)
    lost = ends[ends["status"].isin(["timeout", "crashed", "failed"])]
    if lost.empty:
        return []
    statuses = ", ".join(sorted(set(lost["status"])))
    return [f"Warning: {len(lost)} run{'s' if len(lost) > 1 else ''} ended without a result ({statuses})."]
