"""Read the rows of an `experiments.paper` run, by method."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field
from typing_extensions import TypedDict

from experiments.openimages import OPENIMAGES, read_openimages
from experiments.paper.studies import Plan, Study, build_studies
from seals_sim.disk.reading import parse_parquet, read_content
from seals_sim.errors import UserError
from seals_sim.options import PositiveInt
from seals_sim.replay.config import CONFIG, ConceptFacts, Number, RowCounts, read_config_of
from seals_sim.replay.methods import Method
from seals_sim.replay.options import ConceptOptions, IndexOptions, LabelOptions, LearningOptions, ReplayProtocol
from seals_sim.replay.runs import FULL_SUPERVISION, METHOD_FIELDS
from seals_sim.replay.seal import describe_missing_file, explaining_misfits, require_sealed

MEASURES = ("n_labeled", "average_precision", "auc", "recall", "pool_fraction")
RUN_FILES = (CONFIG, "rounds.parquet", "structure.parquet", "indexes.parquet")
_COUNTS = ("k", "seed_positives", "seed_negatives", "batch", "budget")


class _Options(TypedDict):
    k: PositiveInt
    side_concepts: PositiveInt
    budget: PositiveInt
    repeats: PositiveInt
    embeddings: Annotated[list[str], Field(min_length=1)]
    neighbors: list[int]


class _Pilot(TypedDict):
    k: PositiveInt
    concepts: PositiveInt
    pool_fraction: Number


class RunConfig(TypedDict):
    """The required content of config.json."""

    command: str
    options: _Options
    versions: dict[str, str]
    dataset: str
    rows: RowCounts
    concepts: Annotated[dict[str, ConceptFacts], Field(min_length=1)]
    validation_concepts: list[str]
    skipped_concepts: dict[str, str]
    bad_lines: list[str]
    small_budget: PositiveInt
    pilot: _Pilot | None


@dataclass(frozen=True, eq=False)
class Paper:
    """A finished run.

    Attributes:
        config: The content of config.json.
        plan: What the run compares.
        runs: The rounds of each method, over all concepts and repeats.
        full: Full supervision: one row per embedding, C and concept.
        structure: Latent structure: one row per embedding, concept and k.
        index: Cost and recall of each index: one row per embedding and k.
        openimages: Tables 3 to 8 of the paper, if the user gave them.
        is_sealed: Whether checksums cover everything but openimages; early runs have none.
    """

    config: dict[str, Any]
    plan: Plan
    runs: dict[Method, pd.DataFrame]
    full: pd.DataFrame
    structure: pd.DataFrame
    index: pd.DataFrame
    openimages: pd.DataFrame | None
    is_sealed: bool

    @property
    def first_metric(self) -> str:
        """AUC for concepts as common as the Goodreads spoilers (7.12), average precision for rarer ones (5.1)."""
        return "auc" if self.shares.min() > 0.01 else "average_precision"

    @property
    def shares(self) -> NDArray[np.float64]:
        """(n_concepts,) each concept's share of the pool."""
        counts = [about["pool_positives"] for about in self.config["concepts"].values()]
        shares: NDArray[np.float64] = np.array(counts) / self.config["rows"]["pool"]
        return shares

    @property
    def concepts(self) -> list[str]:
        return list(self.config["concepts"])

    def build_studies(self) -> dict[str, Study]:
        """The studies that have been run, without the lines for which no concept has enough positives."""
        side = self.concepts[: self.config["options"]["side_concepts"]]
        most = max(self.config["concepts"][concept]["pool_positives"] for concept in side)
        finished = {}
        for name, study in build_studies(self.plan).items():
            lines = tuple(line for line in study.lines if line.method.seed_positives < most)
            reason = f"lines that start from {most} positives or more, which no concept has"
            left_out = study.left_out if len(lines) == len(study.lines) else (*study.left_out, reason)
            if lines and {line.method for line in lines} <= set(self.runs):
                finished[name] = replace(study, lines=lines, left_out=left_out)
        return finished

    def find_common_concepts(self, study: Study) -> list[str]:
        """The concepts on which every line of a study was run, in the order of their choice."""
        shared = set.intersection(*(set(self.runs[method]["concept"].unique()) for method in study.methods))
        return [concept for concept in self.concepts if concept in shared]

    def curve(self, method: Method, concepts: list[str]) -> pd.DataFrame:
        """MEASURES by round: averaged over concepts, then mean and standard deviation over repeats (5.1)."""
        means = _by_round(self.runs[method], concepts).groupby(["repeat", "round"]).mean()
        table = means.groupby("round").agg(["mean", "std"])
        table.columns = [f"{measure}_{what}" for measure, what in table.columns]
        return table

    def values(self, method: Method, measure: str, budget: int, concepts: list[str]) -> pd.DataFrame:
        """A measure at `budget` labeled examples: one row per concept, one column per repeat."""
        rounds = self.runs[method]
        within = rounds[(rounds["n_labeled"] <= budget) & rounds["concept"].isin(concepts)]
        last = within.groupby(["concept", "repeat"])[measure].last()
        return last.unstack("repeat").loc[concepts]

    def seconds(self, method: Method, budget: int) -> Timing:
        """Mean seconds of a run until `budget` examples are labeled."""
        rounds = self.runs[method]
        within = rounds[rounds["n_labeled"] <= budget]
        sums = within.groupby(["concept", "repeat"])[["select_seconds", "neighbor_seconds", "train_seconds"]].sum()
        return Timing(*sums.mean())

    def full_supervision(self, method: Method, concepts: list[str]) -> float:
        """The first metric of the method's learner trained on all labels, mean over concepts."""
        return float(self.full_supervision_by_concept(method).reindex(concepts).mean())

    def full_supervision_by_concept(self, method: Method) -> pd.Series:
        """The first metric of the method's learner trained on all labels."""
        is_same = self.full["embedding"] == method.embedding
        is_same &= self.full["regularization"] == method.regularization
        return self.full[is_same].set_index("concept")[self.first_metric]


class Timing(NamedTuple):
    """Seconds of a run, as in Table 2."""

    select: float
    neighbor: float
    train: float


def _by_round(rounds: pd.DataFrame, concepts: list[str]) -> pd.DataFrame:
    """MEASURES by concept, repeat and round. A run whose pool ran dry keeps its last values."""
    inside = rounds[rounds["concept"].isin(concepts)].set_index(["concept", "repeat", "round"])[list(MEASURES)]
    by_measure = {measure: inside[measure].unstack("round").ffill(axis=1).stack("round") for measure in MEASURES}
    return pd.DataFrame(by_measure)


def read_paper(folder: Path) -> Paper:
    """Read the folder of a finished run.

    Raises:
        UserError: If it holds another kind of run, or if a file is missing, damaged or cut off.
    """
    config = read_config_of("paper", folder, RunConfig)
    is_sealed = require_sealed(folder, RUN_FILES)
    tables = {name: _table(folder, name) for name in ("rounds", "structure", "indexes")}
    with explaining_misfits(folder, is_sealed):
        return _arrange(folder, config, tables, is_sealed)


def _arrange(folder: Path, config: dict[str, Any], tables: dict[str, pd.DataFrame], is_sealed: bool) -> Paper:
    given, rounds = config["options"], tables["rounds"]
    plan = Plan(_read_protocol(given), tuple(given["embeddings"]), tuple(given["neighbors"]))
    runs: dict[Method, pd.DataFrame] = {}
    is_full = rounds["strategy"] == FULL_SUPERVISION
    for key, part in rounds[~is_full].groupby(list(METHOD_FIELDS), dropna=False, sort=False):
        settings: dict[str, Any] = {}
        for name, value in zip(METHOD_FIELDS, key, strict=True):
            settings[name] = None if pd.isna(value) else int(value) if name in _COUNTS else value
        runs[Method(**settings)] = part
    openimages = folder / OPENIMAGES
    return Paper(
        config, plan, runs, rounds[is_full], tables["structure"], tables["indexes"],
        read_openimages(openimages) if openimages.exists() else None, is_sealed,
    )  # fmt: skip


def _read_protocol(given: dict[str, Any]) -> ReplayProtocol:
    """The settings that all methods share. A field that an early run lacks gets its default."""
    groups = (ConceptOptions, IndexOptions, LearningOptions, LabelOptions)
    names = {"k", *(field.name for group in groups for field in fields(group))}
    return ReplayProtocol(**{name: value for name, value in given.items() if name in names})


def _table(folder: Path, name: str) -> pd.DataFrame:
    path = folder / f"{name}.parquet"
    if not path.exists():
        raise describe_missing_file(path)
    return parse_parquet(read_content(path), lambda problem: UserError(f"{path}: {problem}"))
