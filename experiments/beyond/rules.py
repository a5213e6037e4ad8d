"""What is compared: each rule is a pool, a learner and a selector of the one loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from experiments.beyond.options import RuleName
from seals_sim.indexes.protocol import NeighborIndex
from seals_sim.label.options import WIDENING
from seals_sim.search.candidates import CandidateTable
from seals_sim.search.duplicates import PassOver
from seals_sim.search.learners import LinearModel, LogisticLearner
from seals_sim.search.pools import AllPool, SealsPool
from seals_sim.search.scores import most_likely_positive
from seals_sim.search.selectors import RowSelector
from seals_sim.search.strategies import ArgMax
from seals_sim.search.walk import WalkPool
from seals_sim.types import LabeledRows, Learner, Pool, Row, StoredVectors

SpaceName = Literal["raw", "whitened", "lazy"]
MOST_NEIGHBORS = 100
NEAR_DUPLICATE = 0.9  # cosine


@dataclass(frozen=True, eq=False)
class Start:
    """What a rule begins with: the seeds, and the pool's vectors (n, d) and index in the rule's space."""

    seeds: LabeledRows
    vectors: StoredVectors
    index: NeighborIndex


@dataclass(frozen=True, eq=False)
class Parts:
    """The parts of the loop."""

    pool: Pool[CandidateTable, Row, LinearModel]
    learner: Learner[LabeledRows, LinearModel]
    selector: RowSelector


@dataclass(frozen=True)
class Rule:
    """One way to search.

    Attributes:
        title: For people.
        space: The embedding as it comes, or whitened as in 7.12; lazy: as it comes, with the index of a static model.
        build: Makes its parts for one search.
    """

    title: str
    space: SpaceName
    build: Callable[[Start], Parts]


def _build_likeliest() -> RowSelector:
    return ArgMax(most_likely_positive)


def _parts(start: Start, pool: Pool[CandidateTable, Row, LinearModel], selector: RowSelector | None = None) -> Parts:
    return Parts(pool, LogisticLearner(start.vectors), selector or _build_likeliest())


def _scan_all(start: Start) -> Parts:
    return _parts(start, AllPool(start.seeds, start.vectors))


def _seals(k: int) -> Callable[[Start], Parts]:
    return lambda start: _parts(start, SealsPool(start.seeds, start.vectors, start.index, k))


def _positives(start: Start) -> Parts:
    pool = SealsPool(start.seeds, start.vectors, start.index, MOST_NEIGHBORS, only_positives=True)
    return _parts(start, pool)


def _lazy(start: Start) -> Parts:
    k = WIDENING * MOST_NEIGHBORS
    return _parts(start, SealsPool(start.seeds, start.vectors, start.index, k, only_positives=True))


def _walk(start: Start) -> Parts:
    return _parts(start, WalkPool(start.seeds, start.vectors, start.index))


def _walk_distinct(start: Start) -> Parts:
    selector = PassOver(_build_likeliest, start.vectors, start.seeds.rows, NEAR_DUPLICATE)
    return _parts(start, WalkPool(start.seeds, start.vectors, start.index), selector)


RULES: dict[RuleName, Rule] = {
    "all": Rule("full scan (Algorithm 1)", "raw", _scan_all),
    "walk": Rule("walk: neighbors of positives and of the best candidates", "raw", _walk),
    "walk_distinct": Rule("walk, near-duplicates passed over", "raw", _walk_distinct),
    "positives": Rule("100 neighbors of positives", "raw", _positives),
    "all_whitened": Rule("full scan, whitened (7.12)", "whitened", _scan_all),
    "seals_100": Rule("SEALS, k = 100, whitened", "whitened", _seals(100)),
    "seals_10": Rule("SEALS, k = 10, whitened", "whitened", _seals(10)),
    "lazy": Rule("200 neighbors of positives by a static model, which alone are embedded", "lazy", _lazy),
}
