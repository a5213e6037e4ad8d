"""One search by one rule, measured at several sizes of the labeled set."""

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

COLUMNS = (
    "rule", "concept", "repeat", "n_labeled", "n_positive", "recall", "distinct_recall", "average_precision",
    "n_candidates", "select_seconds", "neighbor_seconds", "train_seconds",
)  # fmt: skip
KIND = "checkpoints"


@dataclass(frozen=True, eq=False)
class Space:
    """One embedding: the pool's vectors (n, d), their index if a rule needs it, and the test rows' vectors (m, d)."""

    pool: StoredVectors
    index: NeighborIndex | None
    test: StoredVectors


@dataclass(frozen=True, eq=False)
class Table:
    """What all searches share. It is sent to every process.

    Attributes:
        spaces: The embeddings.
        origins: (n,), for each row of the pool the row that it is a planted near-duplicate of, or itself.
        pool_positives: The rows of the pool that belong to each concept.
        test_positives: The same for the test rows.
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


def search(table: Table, task: Task, protocol: BeyondProtocol) -> pd.DataFrame:
    """Run the loop and return one row of COLUMNS for each checkpoint.

    The seeds are the same for every rule. If a pool runs dry, it keeps what it has found. The average precision is that
    of a logistic regression on all labels, whatever model the rule uses. Sessions may have only one class, so for them
    it is that of their own model.
    """
    plan = protocol.plan
    space = table.spaces[RULES[task.rule].space]
    is_positive = _mark(len(space.pool), table.pool_positives[task.concept])
    is_test_positive = _mark(len(space.test), table.test_positives[task.concept])
    rng = make_generator(protocol.seed, "seeds", task.concept, task.repeat)
    seeds = draw_seeds(is_positive, plan.seed_positives, plan.seed_negatives, rng)
    n_distinct = len(np.unique(table.origins[is_positive]))
    todo, rows, seconds = [*plan.sizes], [], np.zeros(3)
    with threadpool_limits(1):
        rule = RULES[task.rule]
        parts = rule.build(Start(seeds, space.pool, space.index, plan.sizes[-1], protocol.seed))
        oracle, batch = LabelTable(is_positive), rule.batch or plan.batch
        judge = None if protocol.cold_start else LogisticLearner(space.pool)
        state = None
        for state in run(seeds, parts.pool, parts.learner, parts.selector, oracle, batch, plan.sizes[-1]):
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
                        at.model if judge is None else judge.fit(at.labeled), space.test, is_test_positive
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
