"""The rows of `experiments.paper`, read back: what each method came to, from the rows alone."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from experiments.paper.openimages import OPENIMAGES, read_openimages
from experiments.paper.studies import Plan, Study, studies
from seals_sim.errors import UserError
from seals_sim.replay.options import Options
from seals_sim.replay.protocol import Method
from seals_sim.replay.runs import FULL_SUPERVISION, METHOD_FIELDS
from seals_sim.replay.store import read_config

MEASURES = ("n_labeled", "average_precision", "auc", "recall", "pool_fraction")
_COUNTS = ("k", "seed_positives", "seed_negatives", "batch", "budget")


@dataclass(frozen=True, eq=False)
class Paper:
    """A finished run. runs: each method's rounds, all concepts and repeats; full: full supervision, a row an
    embedding, C and concept; structure: a row an embedding, concept and k; openimages: Tables 3-8 of the paper, if
    given.
    """

    config: dict[str, Any]
    plan: Plan
    runs: dict[Method, pd.DataFrame]
    full: pd.DataFrame
    structure: pd.DataFrame
    index: pd.DataFrame
    openimages: pd.DataFrame | None

    @property
    def first_metric(self) -> str:
        """AUC for concepts as common as Goodreads' spoilers (7.12), else average precision (5.1)."""
        return "auc" if self.shares.min() > 0.01 else "average_precision"

    @property
    def shares(self) -> NDArray[np.float64]:
        """Each concept's part of the pool."""
        counts = [about["pool_positives"] for about in self.config["concepts"].values()]
        shares: NDArray[np.float64] = np.array(counts) / self.config["rows"]["pool"]
        return shares

    @property
    def concepts(self) -> list[str]:
        return list(self.config["concepts"])

    def studies(self) -> dict[str, Study]:
        """The studies that have been run, without the lines that no concept has enough positives for."""
        side = self.concepts[: self.config["options"]["side_concepts"]]
        most = max(self.config["concepts"][concept]["pool_positives"] for concept in side)
        there = {}
        for name, study in studies(self.plan).items():
            lines = tuple(line for line in study.lines if line.method.seed_positives < most)
            reason = f"lines with more than the {most} positives that a concept has"
            left_out = study.left_out if len(lines) == len(study.lines) else (*study.left_out, reason)
            if lines and {line.method for line in lines} <= set(self.runs):
                there[name] = replace(study, lines=lines, left_out=left_out)
        return there

    def common_concepts(self, study: Study) -> list[str]:
        """The concepts that every line of a study was run on, in the order in which they were taken."""
        shared = set.intersection(*(set(self.runs[method]["concept"].unique()) for method in study.methods))
        return [concept for concept in self.concepts if concept in shared]

    def curve(self, method: Method, concepts: list[str]) -> pd.DataFrame:
        """By round: MEASURES, each as mean over concepts, and then mean and std over repeats (5.1)."""
        means = _by_round(self.runs[method], concepts).groupby(["repeat", "round"]).mean()
        table = means.groupby("round").agg(["mean", "std"])
        table.columns = [f"{measure}_{what}" for measure, what in table.columns]
        return table

    def values(self, method: Method, measure: str, budget: int, concepts: list[str]) -> pd.DataFrame:
        """A measure when `budget` examples are labelled: a row a concept, a column a repeat."""
        rounds = self.runs[method]
        there = rounds[(rounds["n_labeled"] <= budget) & rounds["concept"].isin(concepts)]
        last = there.groupby(["concept", "repeat"])[measure].last()
        return last.unstack("repeat").loc[concepts]

    def seconds(self, method: Method, budget: int) -> Timing:
        """Mean seconds of a run until `budget` examples are labelled."""
        rounds = self.runs[method]
        there = rounds[rounds["n_labeled"] <= budget]
        sums = there.groupby(["concept", "repeat"])[["select_seconds", "neighbor_seconds", "train_seconds"]].sum()
        return Timing(*sums.mean())

    def full_supervision(self, method: Method, concepts: list[str]) -> float:
        """The first metric of the method's learner trained on all labels, mean over concepts."""
        return float(self.full_supervision_by_concept(method).reindex(concepts).mean())

    def full_supervision_by_concept(self, method: Method) -> pd.Series:
        """The first metric of the method's learner trained on all labels."""
        there = self.full["embedding"] == method.embedding
        there &= self.full["regularization"] == method.regularization
        return self.full[there].set_index("concept")[self.first_metric]


class Timing(NamedTuple):
    """Seconds of a run, as in Table 2."""

    select: float
    neighbor: float
    train: float


def _by_round(rounds: pd.DataFrame, concepts: list[str]) -> pd.DataFrame:
    """MEASURES by concept, repeat and round; a run whose pool ran dry keeps its last values."""
    inside = rounds[rounds["concept"].isin(concepts)].set_index(["concept", "repeat", "round"])[list(MEASURES)]
    by_measure = {measure: inside[measure].unstack("round").ffill(axis=1).stack("round") for measure in MEASURES}
    return pd.DataFrame(by_measure)


def read_paper(folder: Path) -> Paper:
    """Read the folder of a finished run. Raises UserError."""
    config = read_config(folder)
    if config.get("experiment") != "paper":
        raise UserError(f"{folder}: holds no run of experiments.paper")
    given = config["options"]
    options: dict[str, Any] = {field.name: given[field.name] for field in fields(Options)}
    options.update({name: tuple(value) for name, value in options.items() if isinstance(value, list)})
    plan = Plan(
        Options(**options),
        tuple(given["embeddings"]),
        tuple(given["neighbors"]),
    )
    rounds = _table(folder, "rounds")
    runs: dict[Method, pd.DataFrame] = {}
    is_full = rounds["strategy"] == FULL_SUPERVISION
    for key, part in rounds[~is_full].groupby(list(METHOD_FIELDS), dropna=False, sort=False):
        settings: dict[str, Any] = {}
        for name, value in zip(METHOD_FIELDS, key, strict=True):
            settings[name] = None if pd.isna(value) else int(value) if name in _COUNTS else value
        runs[Method(**settings)] = part
    openimages = folder / OPENIMAGES
    return Paper(
        config, plan, runs, rounds[is_full], _table(folder, "structure"), _table(folder, "indexes"),
        read_openimages(openimages) if openimages.exists() else None,
    )  # fmt: skip


def _table(folder: Path, name: str) -> pd.DataFrame:
    path = folder / f"{name}.parquet"
    try:
        return pd.read_parquet(path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; the run in this folder is not finished") from None
    except (ValueError, OSError) as error:
        raise UserError(f"{path}: cannot be read ({error})") from error


@dataclass(frozen=True)
class Spread:
    """A mean over concepts: its mean and standard deviation over repeats (nan where there is only one)."""

    mean: float
    std: float

    def text(self, digits: int, scale: float = 1.0) -> str:
        shown = f"{self.mean * scale:.{digits}f}"
        return shown if np.isnan(self.std) else f"{shown} ± {self.std * scale:.{digits}f}"


def spread(values: pd.DataFrame | pd.Series) -> Spread:
    """Of values by concept (rows) and repeat (columns), or of one value a repeat."""
    by_repeat = values.mean() if isinstance(values, pd.DataFrame) else values
    return Spread(float(by_repeat.mean()), float(by_repeat.std(ddof=1)) if len(by_repeat) > 1 else np.nan)


@dataclass(frozen=True)
class Fit:
    """Least squares y = slope x + intercept, with Pearson's r (Figure 11) and Spearman's rank correlation with its
    p-value, over n pairs.
    """

    n: int
    pearson: float
    slope: float
    intercept: float
    spearman: float
    p_value: float


def fit(x: ArrayLike, y: ArrayLike) -> Fit | None:
    """Of the pairs that are both finite; None where fewer than 3 are left or one side is constant.

    >>> found = fit([0.0, 1.0, 2.0, np.nan], [1.0, 3.0, 5.0, 7.0])
    >>> found.n, round(found.pearson, 6), round(found.slope, 6), round(found.intercept, 6)
    (3, 1.0, 2.0, 1.0)
    """
    pairs = np.array([np.asarray(x, dtype=float), np.asarray(y, dtype=float)])
    pairs = pairs[:, np.isfinite(pairs).all(axis=0)]
    if pairs.shape[1] < 3 or (np.ptp(pairs, axis=1) == 0).any():
        return None
    line, rank = stats.linregress(pairs[0], pairs[1]), stats.spearmanr(pairs[0], pairs[1])
    return Fit(
        pairs.shape[1],
        float(line.rvalue),
        float(line.slope),
        float(line.intercept),
        float(rank.statistic),
        float(rank.pvalue),
    )
