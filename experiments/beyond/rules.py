"""The rules to compare. Each rule is a pool, a learner and a selector for the same loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from experiments.beyond.options import RuleName
from seals_sim.indexes.protocol import NeighborIndex
from seals_sim.label.learner import PresumedNegatives, SeededLearner
from seals_sim.label.options import WIDENING, SessionOptions
from seals_sim.randomness import make_generator
from seals_sim.search.anchors import AnchorPool
from seals_sim.search.autotar import GrowingBatches
from seals_sim.search.candidates import CandidateTable
from seals_sim.search.covering import CoveringLearner
from seals_sim.search.duplicates import PassOver, find_copy_threshold
from seals_sim.search.ens import NonmyopicSearch, VotingLearner
from seals_sim.search.learners import LogisticLearner, PresumingLearner
from seals_sim.search.names import N_STEP
from seals_sim.search.pools import AllPool, RandomPool, SealsPool
from seals_sim.search.scores import most_likely_positive
from seals_sim.search.selectors import RowSelector
from seals_sim.search.strategies import ArgMax
from seals_sim.search.walk import WalkPool, draw_entries
from seals_sim.types import LabeledRows, Learner, Pool, Row, Selector, StoredVectors

SpaceName = Literal["raw", "whitened", "lazy", "joined"]
MOST_NEIGHBORS = 100
NEAR_DUPLICATE = 0.9  # cosine
ENS_NEIGHBORS = 50


@dataclass(frozen=True, eq=False)
class Start:
    """The starting point of a rule.

    Attributes:
        seeds: Labeled rows.
        vectors: (n, d), the pool in the rule's space.
        known_index: The index of the same rows, if the rule has one.
        budget: Total number of labels.
        seed: Seed for the rule's random draws.
    """

    seeds: LabeledRows
    vectors: StoredVectors
    known_index: NeighborIndex | None
    budget: int
    seed: int

    @property
    def index(self) -> NeighborIndex:
        """The index of a rule that has one."""
        assert self.known_index is not None
        return self.known_index


@dataclass(frozen=True, eq=False)
class Parts:
    """The parts of the loop. They share one type of model."""

    pool: Pool[CandidateTable, Row, Any]
    learner: Learner[LabeledRows, Any]
    selector: Selector[CandidateTable, Any, Row]


@dataclass(frozen=True)
class Rule:
    """One way to search.

    Attributes:
        title: Title for the report.
        space: raw: the embedding unchanged; whitened: as in 7.12; lazy: unchanged, with the index of a static model;
            joined: side by side with the embedding of a static model.
        build: Makes the rule's parts for one search.
        batch: Labels per training round, if the rule sets its own.
        has_index: Whether the rule asks for neighbors.
    """

    title: str
    space: SpaceName
    build: Callable[[Start], Parts]
    batch: int | None = None
    has_index: bool = True


def _build_likeliest() -> RowSelector:
    return ArgMax(most_likely_positive)


def _parts(start: Start, pool: Pool[CandidateTable, Row, Any], selector: RowSelector | None = None) -> Parts:
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


def _walk(n_step: int) -> Callable[[Start], Parts]:
    return lambda start: _parts(start, WalkPool(start.seeds, start.vectors, start.index, n_step=n_step))


def _walk_entered(n_step: int) -> Callable[[Start], Parts]:
    def build(start: Start) -> Parts:
        rng = make_generator(start.seed, "entries", *start.seeds.rows.tolist())
        entries = draw_entries(len(start.vectors), rng)
        return _parts(start, WalkPool(start.seeds, start.vectors, start.index, n_step=n_step, entries=entries))

    return build


def _walk_distinct(find_threshold: Callable[[Start], float]) -> Callable[[Start], Parts]:
    def build(start: Start) -> Parts:
        selector = PassOver(_build_likeliest, start.vectors, start.seeds.rows, find_threshold(start))
        return _parts(start, WalkPool(start.seeds, start.vectors, start.index, n_step=10), selector)

    return build


def _find_threshold(start: Start) -> float:
    return find_copy_threshold(start.vectors, start.index, make_generator(start.seed, "copies"))


def _autotar(start: Start) -> Parts:
    learner = GrowingBatches(PresumingLearner(start.vectors, 100, start.seed), len(start.seeds))
    return Parts(AllPool(start.seeds, start.vectors), learner, _build_likeliest())


def _anchors(start: Start) -> Parts:
    return _parts(start, AnchorPool(start.seeds, start.vectors, start.index, seed=start.seed))


def _covering(start: Start) -> Parts:
    pool = SealsPool(start.seeds, start.vectors, start.index, MOST_NEIGHBORS, only_positives=True)
    return Parts(pool, CoveringLearner(start.vectors), _build_likeliest())


def _random_tenth(start: Start) -> Parts:
    rng = make_generator(start.seed, "random tenth", *start.seeds.rows.tolist())
    return _parts(start, RandomPool(start.seeds, start.vectors, len(start.vectors) // 10, rng))


def _ens(start: Start) -> Parts:
    learner = VotingLearner(start.index, len(start.vectors), ENS_NEIGHBORS, start.budget)
    return Parts(AllPool(start.seeds, start.vectors), learner, NonmyopicSearch(learner.voters))


def _session(n_presumed: int) -> Callable[[Start], Parts]:
    """The learner of `seals label`, which can begin without negatives."""

    def build(start: Start) -> Parts:
        presumed = PresumedNegatives(start.vectors, n_presumed, start.seed)
        learner = SeededLearner(start.vectors, [], SessionOptions.regularization, presumed)
        return Parts(AllPool(start.seeds, start.vectors), learner, _build_likeliest())

    return build


RULES: dict[RuleName, Rule] = {
    "all": Rule("full scan (Algorithm 1)", "raw", _scan_all, has_index=False),
    "recommended": Rule("walk: 30 neighbors a step, entered by a random sample too", "raw", _walk_entered(N_STEP)),
    "walk": Rule("walk, 10 neighbors a step", "raw", _walk(10)),
    "walk_30": Rule("walk, 30 neighbors a step", "raw", _walk(30)),
    "walk_entered": Rule("walk, 10 neighbors a step, entered by a random sample too", "raw", _walk_entered(10)),
    "walk_distinct": Rule("walk, near-duplicates passed over", "raw", _walk_distinct(lambda _: NEAR_DUPLICATE)),
    "walk_copies": Rule(
        "walk, near-duplicates passed over where the table has copies", "raw", _walk_distinct(_find_threshold)
    ),
    "positives": Rule("100 neighbors of positives", "raw", _positives),
    "all_whitened": Rule("full scan, whitened (7.12)", "whitened", _scan_all, has_index=False),
    "seals_100": Rule("SEALS, k = 100, whitened", "whitened", _seals(100)),
    "seals_10": Rule("SEALS, k = 10, whitened", "whitened", _seals(10)),
    "lazy": Rule("1,000 neighbors of positives by a static model, which alone are embedded", "lazy", _lazy),
    "joined": Rule("full scan, both models side by side", "joined", _scan_all, has_index=False),
    "autotar": Rule("AutoTAR (Cormack and Grossman 2015)", "raw", _autotar, batch=1, has_index=False),
    "anchors": Rule("AnchorAL (Lesci and Vlachos 2024)", "raw", _anchors),
    "covering": Rule("active covering (Jiang and Rostamizadeh 2021)", "raw", _covering),
    "random_tenth": Rule("a random tenth (agile modeling: a random million)", "raw", _random_tenth, has_index=False),
    "ens": Rule("ENS, 50 neighbors (Jiang et al. 2017)", "raw", _ens, batch=1),
    "session": Rule("session, nothing presumed", "raw", _session(0), has_index=False),
    "presuming": Rule("session, negatives presumed", "raw", _session(SessionOptions.presumed), has_index=False),
}
