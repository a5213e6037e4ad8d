"""A claim of the paper and what a run says about it, and how to look up and print its numbers.

Two bounds define "similar": the paper's own largest gap in mAP between SEALS and the full scan at k = 100 (.013,
OpenImages, Table 2), and one point of recall (its largest gap is .3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd

from experiments.paper.rows import Paper
from experiments.paper.statistics import Spread, measure_spread
from experiments.paper.studies import Study
from seals_sim.replay.methods import Method
from seals_sim.replay.tables import STRATEGY_NAMES

AP_GAP, RECALL_GAP = 0.013, 0.01
SCANNING = ("maxent", "most_likely_positive", "information_density")
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Claim:
    """A claim the paper makes in words, and what a run says about it.

    Attributes:
        study: The section of the report that it belongs to.
        source: Where the paper makes it.
        paper: What the paper says.
        here: Our numbers.
        rule: How the verdict follows from our numbers.
        agrees: The verdict; None if these runs cannot tell.
    """

    study: str
    source: str
    paper: str
    here: str
    rule: str
    agrees: bool | None


class StudyView:
    """The numbers of one study, over the concepts that all its lines share.

    They are taken at the method's full budget, unless another budget is given.
    """

    def __init__(self, paper: Paper, study: Study) -> None:
        self.paper, self.study, self.plan = paper, study, paper.plan
        self.concepts = paper.find_common_concepts(study)
        self.metric = paper.first_metric
        self.metric_name = "mAP" if self.metric == "average_precision" else "AUC"

    def values(self, method: Method, measure: str, budget: int | None = None) -> pd.DataFrame:
        """A measure of a method: one row per concept, one column per repeat."""
        return self.paper.values(method, measure, budget or method.budget, self.concepts)

    def mean(self, method: Method, measure: str, budget: int | None = None) -> Spread:
        """The mean of a measure over concepts, with its spread over repeats."""
        return measure_spread(self.values(method, measure, budget))

    def gap(self, minuend: Method, subtrahend: Method, measure: str, budget: int | None = None) -> Spread:
        """The mean difference between two methods, with its spread over repeats."""
        return measure_spread(self.values(minuend, measure, budget) - self.values(subtrahend, measure, budget))

    def compute_gaps_to_seals(self, strategies: tuple[str, ...], measure: str, **changes: object) -> dict[str, Spread]:
        """All minus SEALS, by the name of the strategy."""
        return {
            STRATEGY_NAMES[name]: self.gap(
                self.plan.method("all", name, **changes), self.plan.method("seals", name, **changes), measure
            )
            for name in strategies
        }

    def claim(self, source: str, paper: str, here: str, rule: str, agrees: bool | None) -> Claim:
        """A claim that belongs to this study."""
        return Claim(self.study.name, source, paper, here, rule, agrees)


def format_points(value: Spread) -> str:
    """A recall in percentage points."""
    return f"{value.text(1, 100)} points"


def format_metric(value: Spread) -> str:
    """An mAP or AUC."""
    return value.text(3)


def format_each(values: Mapping[str, _Value], format_value: Callable[[_Value], str]) -> str:
    """Every value after its name, separated by commas."""
    return ", ".join(f"{name} {format_value(value)}" for name, value in values.items())


def is_clearly_positive(value: Spread) -> bool:
    """Whether it is above zero by more than two standard deviations over repeats. With one repeat, any positive value
    counts.
    """
    return value.mean > 2 * float(np.nan_to_num(value.std))
