"""One search by one rule, measured at a few sizes of the labeled set."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from experiments.beyond.options import BeyondProtocol, RuleName
from experiments.beyond.rules import RULES, SpaceName, Start
from seals_sim.evaluate.metrics import measure_quality
from seals_sim.indexes.protocol import NeighborIndex
from seals_sim.loop import run
from seals_sim.randomness import make_generator
from seals_sim.search.learners import LogisticLearner
from seals_sim.search.oracles import LabelTable
from seals_sim.search.seeds import draw_seeds
from seals_sim.types import Rows, StoredVectors

CHECKPOINTS = (300, 1000, 2000)
COLUMNS = (
    "rule", "concept", "repeat", "n_labeled", "n_positive", "recall", "distinct_recall", "average_precision",
    "n_candidates", "select_seconds", "neighbor_seconds", "train_seconds",
)  # fmt: skip
KIND = "checkpoints"


@dataclass(frozen=True, eq=False)
class Space:
    """One embedding: the pool's vectors (n, d), their index where a rule asks it, and the test rows' vectors (m, d)."""

    pool: StoredVectors
    index: NeighborIndex | None
    test: StoredVectors


@dataclass(frozen=True, eq=False)
class Table:
    """What all searches share; it is sent to every process.

    Attributes:
        spaces: The embeddings.
        origins: (n,), for each row of the pool the one that it is a planted near-duplicate of, or itself.
        pool_positives: The rows of the pool that belong to each concept.
        test_positives: The same of the test rows.
    """

    spaces: Mapping[SpaceName, Space]
    origins: Rows
    pool_positives: Mapping[str, Rows]
    test_positives: Mapping[str, Rows]


@dataclass(frozen=True)
class Task:
    """One search."""

    rule: RuleName
    concept: str
    repeat: int

    @property
    def name(self) -> str:
        return json.dumps([self.rule, self.concept, self.repeat])


def list_checkpoints(budget: int) -> tuple[int, ...]:
    """The sizes of the labeled set to report.

    Examples:
        >>> list_checkpoints(1000), list_checkpoints(400)
        ((300, 1000), (300, 400))
    """
    return (*(size for size in CHECKPOINTS if size < budget), budget)


def search(table: Table, task: Task, protocol: BeyondProtocol) -> pd.DataFrame:
    """Run the loop: a row of COLUMNS for each checkpoint.

    The seeds are the same for every rule. A pool that runs dry keeps what it has found. The average precision is of a
    logistic regression on all labels, whatever the rule has for a model.
    """
    space = table.spaces[RULES[task.rule].space]
    is_positive = _mark(len(space.pool), table.pool_positives[task.concept])
    is_test_positive = _mark(len(space.test), table.test_positives[task.concept])
    rng = make_generator(protocol.seed, "seeds", task.concept, task.repeat)
    seeds = draw_seeds(is_positive, protocol.seed_positives, protocol.seed_negatives, rng)
    n_distinct = len(np.unique(table.origins[is_positive]))
    todo, rows, seconds = [*list_checkpoints(protocol.budget)], [], np.zeros(3)
    with threadpool_limits(1):
        rule = RULES[task.rule]
        parts = rule.build(Start(seeds, space.pool, space.index, protocol.budget, protocol.seed))
        oracle, batch = LabelTable(is_positive), rule.batch or protocol.batch
        judge = LogisticLearner(space.pool)
        state = None
        for state in run(seeds, parts.pool, parts.learner, parts.selector, oracle, batch, protocol.budget):
            seconds += [state.seconds.select, state.seconds.neighbor, state.seconds.train]
            while todo and len(state.labeled) >= todo[0]:
                rows.append((todo.pop(0), state, seconds.copy()))
        assert state is not None
        rows += [(size, state, seconds) for size in todo]
        return pd.DataFrame(
            [
                {
                    "rule": task.rule, "concept": task.concept, "repeat": task.repeat, "n_labeled": size,
                    "n_positive": int(at.labeled.labels.sum()),
                    "recall": at.labeled.labels.sum() / is_positive.sum(),
                    "distinct_recall": _count_distinct(at.labeled.rows, is_positive, table.origins) / n_distinct,
                    "average_precision": measure_quality(
                        judge.fit(at.labeled), space.test, is_test_positive
                    ).average_precision,
                    "n_candidates": at.n_candidates,
                    **dict(zip(COLUMNS[-3:], spent.tolist(), strict=True)),
                }
                for size, at, spent in rows
            ],
            columns=list(COLUMNS),
        )  # fmt: skip


def _mark(n: int, rows: Rows) -> NDArray[np.bool_]:
    is_there = np.zeros(n, dtype=np.bool_)
    is_there[rows] = True
    return is_there


def _count_distinct(labeled: Rows, is_positive: NDArray[np.bool_], origins: Rows) -> int:
    return len(np.unique(origins[labeled[is_positive[labeled]]]))
