"""Compare the numbers in section 7.12 of the paper with the results of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from experiments.goodreads.numbers import GOODREADS_COMPONENT, GOODREADS_COSINE, GOODREADS_RECALL
from seals_sim.replay.tables import format_method

_NOT_RUN = "not run"


@dataclass(frozen=True)
class Comparison:
    """A number of the paper and ours, as the page prints them.

    Attributes:
        what: What is measured, with its unit.
        source: Where the paper gives it.
        paper: The paper's number.
        here: Our number.
    """

    what: str
    source: str
    paper: str
    here: str


def compare_with_paper(rounds: pd.DataFrame, facts: dict[str, Any]) -> list[Comparison]:
    """Compare the rounds and the facts of one split with section 7.12."""
    return [*_recalls(rounds), *_aucs(rounds), _pool_fraction(rounds), *_structure(facts), *_sizes(facts)]


def _recalls(rounds: pd.DataFrame) -> list[Comparison]:
    rows = []
    for number in GOODREADS_RECALL:
        values = _at(rounds, number.pool, number.strategy, number.n_labeled, "recall")
        what = f"recall of {format_method(number.pool, number.strategy)} at {number.n_labeled:,} labels, %"
        rows.append(Comparison(what, "7.12.1, Figures 17, 18", number.recall, _shown(values, 100, 2)))
    return rows


def _aucs(rounds: pd.DataFrame) -> list[Comparison]:
    rows = []
    for pool, strategy in (
        ("all", "maxent"),
        ("all", "most_likely_positive"),
        ("all", "random"),
        ("seals", "maxent"),
        ("seals", "most_likely_positive"),
    ):
        values = _at(rounds, pool, strategy, 2_000, "auc")
        paper = "(the baseline)" if strategy == "random" else "indistinguishable from random"
        what = f"AUC of {format_method(pool, strategy)} at 2,000 labels"
        rows.append(Comparison(what, "7.12.2", paper, _shown(values, 1, 3)))
    return rows


def _pool_fraction(rounds: pd.DataFrame) -> Comparison:
    values = _at(rounds, "seals", "most_likely_positive", 2_000, "pool_fraction")
    return Comparison("share of the pool that MLP-SEALS considers, %", "7.12.1", "less than 1", _shown(values, 100, 2))


def _structure(facts: dict[str, Any]) -> list[Comparison]:
    rows = []
    components = facts.get("largest_component", {})
    for k, percent in GOODREADS_COMPONENT.items():
        here = f"{100 * components[k]:.1f}" if k in components else _NOT_RUN
        rows.append(Comparison(f"spoilers in the largest component, k = {k}, %", "7.12.3", f"{percent}", here))
    cosine = facts["average_cosine"]
    here = _NOT_RUN if cosine is None else f"{cosine:.4f}"
    return [*rows, Comparison("average cosine similarity of spoilers", "7.12.3", GOODREADS_COSINE, here)]


def _sizes(facts: dict[str, Any]) -> list[Comparison]:
    prevalence = facts["pool_positives"] / facts["rows"]["pool"]
    rows = [Comparison("spoilers in the pool, %", "7.12", "3.224", f"{100 * prevalence:.3f}")]
    for part, paper in (("pool", "14.13 million"), ("test", "3.53 million"), ("validation", "10,000")):
        rows.append(Comparison(f"sentences for {part}", "7.12", paper, f"{facts['rows'][part]:,}"))
    return rows


def _at(rounds: pd.DataFrame, pool: str, strategy: str, n_labeled: int, measure: str) -> pd.Series:
    """A measure by repeat; empty if the run has no round with exactly this many labels."""
    is_here = (rounds["pool"] == pool) & (rounds["strategy"] == strategy) & (rounds["n_labeled"] == n_labeled)
    return rounds[is_here].groupby("repeat")[measure].first()


def _shown(values: pd.Series, scale: float, digits: int) -> str:
    if not len(values):
        return _NOT_RUN
    mean = f"{scale * values.mean():.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {scale * values.std(ddof=1):.{digits}f}"
