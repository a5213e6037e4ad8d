"""Algorithms 1-4 of the paper are this one loop with different parts.

=============================  ============================  ======================  ===================
algorithm                      pool                          selector                learner
=============================  ============================  ======================  ===================
1 baseline (scan everything)   every unlabelled row          arg max of a score      logistic regression
2 SEALS                        k nearest neighbours of the   arg max of a score      logistic regression
                               labelled rows
RandPool (7.8)                 a random subset               arg max of a score      logistic regression
3 modified SEALS               a ball of radius delta round  nearest to the          homogeneous max
                               each search's points          separator               margin
4 project onto hyperplane      the same, radius infinity     nearest to the          homogeneous max
                                                             separator               margin
=============================  ============================  ======================  ===================

A *query* is what the oracle is asked about: in Algorithms 1 and 2 the row of an example in the pool's table of
vectors, in Algorithms 3 and 4 (package `theory`) a point of R^d, one for each search in each round.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Query = TypeVar("Query")
Query_co = TypeVar("Query_co", covariant=True)
Query_contra = TypeVar("Query_contra", contravariant=True)
Candidates = TypeVar("Candidates")
Candidates_co = TypeVar("Candidates_co", covariant=True)
Candidates_contra = TypeVar("Candidates_contra", contravariant=True)
Model = TypeVar("Model")
Model_co = TypeVar("Model_co", covariant=True)
Model_contra = TypeVar("Model_contra", contravariant=True)


class LabeledSet(Protocol[Query_contra]):
    """The labelled examples L_r; `add` returns a new set and leaves this one as it is."""

    def __len__(self) -> int: ...

    def add(self, query: Query_contra, label: int) -> Self: ...


Labeled = TypeVar("Labeled", bound=LabeledSet)  # type: ignore[type-arg]
Labeled_contra = TypeVar("Labeled_contra", contravariant=True)


class Pool(Protocol[Candidates_co, Query_contra]):
    """The candidate pool P_r."""

    @property
    def n_candidates(self) -> int:
        """How many distinct candidates have been in the pool so far."""

    def candidates(self, slot: int) -> Candidates_co:
        """What the selector may choose from for this slot of the batch."""

    def expand(self, slot: int, query: Query_contra, label: int) -> None:
        """Take in a labelled query: it leaves the pool, its neighbours may join (Alg. 1-2 line 8)."""


class Selector(Protocol[Candidates_contra, Model_contra, Query_co]):
    """The selection strategy phi and its arg max."""

    def select(self, candidates: Candidates_contra, model: Model_contra) -> Query_co | None:
        """The next query, or None where this slot of the batch has no candidate left."""


class Learner(Protocol[Labeled_contra, Model_co]):
    """Trains A_r on the labelled examples."""

    def fit(self, labeled: Labeled_contra) -> Model_co: ...


class Oracle(Protocol[Query_contra]):
    """Tells a label: 1 for a positive, 0 (or -1, in the theory) for a negative."""

    def label(self, query: Query_contra) -> int: ...


@dataclass(frozen=True)
class Seconds:
    """Wall-clock seconds of one round, split as in the paper's Table 2."""

    select: float = 0.0
    neighbor: float = 0.0
    train: float = 0.0


@dataclass(frozen=True)
class Round(Generic[Labeled, Model]):
    """The state after a training step: round 0 is trained on the seeds alone."""

    number: int
    labeled: Labeled
    model: Model
    n_candidates: int
    seconds: Seconds


@dataclass(frozen=True, eq=False)
class LabeledRows:
    """Labelled rows of a table, in the order in which they were labelled.

    rows: (m,) int64, positions in the table; labels: (m,) int8, 1 or 0.

    >>> labeled = LabeledRows([4, 7], [1, 0]).add(2, 1)
    >>> labeled.rows.tolist(), labeled.labels.tolist()
    ([4, 7, 2], [1, 0, 1])
    """

    rows: NDArray[np.int64]
    labels: NDArray[np.int8]

    def __init__(self, rows: ArrayLike, labels: ArrayLike) -> None:
        self._set(np.array(rows, dtype=np.int64), np.array(labels, dtype=np.int8))
        if self.rows.shape != self.labels.shape or self.rows.ndim != 1:
            raise ValueError(f"{self.rows.shape} rows and {self.labels.shape} labels: one label a row is needed")

    def _set(self, rows: NDArray[np.int64], labels: NDArray[np.int8]) -> None:
        rows.flags.writeable = labels.flags.writeable = False
        self.__dict__.update(rows=rows, labels=labels)  # the class is frozen to others

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, query: int, label: int) -> LabeledRows:
        n = len(self.rows)
        rows, labels = np.empty(n + 1, dtype=np.int64), np.empty(n + 1, dtype=np.int8)
        rows[:n], rows[n], labels[:n], labels[n] = self.rows, query, self.labels, label
        more = object.__new__(LabeledRows)
        more._set(rows, labels)
        return more


class _Clock:
    """Adds up the seconds of each kind of work since the last `lap`."""

    def __init__(self) -> None:
        self._spent = {"select": 0.0, "neighbor": 0.0, "train": 0.0}

    def start(self) -> None:
        self._started = time.perf_counter()

    def stop(self, work: str) -> None:
        self._spent[work] += time.perf_counter() - self._started

    def lap(self) -> Seconds:
        seconds = Seconds(**self._spent)
        self._spent = dict.fromkeys(self._spent, 0.0)
        return seconds


class Search(Generic[Labeled, Model, Candidates, Query]):
    """The loop between two of its steps: `run` takes them to the end, a session one at a time, as a person answers.

    Line numbers are those of Algorithms 1 and 2.
    """

    def __init__(
        self,
        labeled: Labeled,
        pool: Pool[Candidates, Query],
        learner: Learner[Labeled, Model],
        selector: Selector[Candidates, Model, Query],
    ) -> None:
        self.labeled, self.pool = labeled, pool
        self._learner, self._selector = learner, selector
        self._clock = _Clock()
        self._n_trained = 0

    def train(self) -> Round[Labeled, Model]:
        """Line 4."""
        self._clock.start()
        self.model = self._learner.fit(self.labeled)
        self._clock.stop("train")
        self._n_trained += 1
        return Round(self._n_trained - 1, self.labeled, self.model, self.pool.n_candidates, self._clock.lap())

    def pick(self, slot: int) -> Query | None:
        """Line 6."""
        self._clock.start()
        query = self._selector.select(self.pool.candidates(slot), self.model)
        self._clock.stop("select")
        return query

    def record(self, query: Query, label: int) -> None:
        """Line 7."""
        self.labeled = self.labeled.add(query, label)

    def expand(self, slot: int, query: Query, label: int) -> None:
        """Line 8."""
        self._clock.start()
        self.pool.expand(slot, query, label)
        self._clock.stop("neighbor")


def run(
    labeled: Labeled,
    pool: Pool[Candidates, Query],
    learner: Learner[Labeled, Model],
    selector: Selector[Candidates, Model, Query],
    oracle: Oracle[Query],
    batch_size: int,
    budget: int = sys.maxsize,
) -> Iterator[Round[Labeled, Model]]:
    """Label `batch_size` queries a round until `budget` examples are labelled, seeds included (|L_r| = T).

    Yields a `Round` after each training, the first on the seeds alone. The run ends early where the pool runs
    dry. Inside a batch the model is frozen while the pool grows: a query's neighbours join before the next pick.

    Line numbers are those of Algorithms 1 and 2.
    """
    search = Search(labeled, pool, learner, selector)
    while True:
        n_labeled = len(search.labeled)
        yield search.train()  # line 4
        for slot in range(min(batch_size, budget - n_labeled)):  # line 5
            query = search.pick(slot)  # line 6
            if query is None:
                continue
            label = oracle.label(query)
            search.record(query, label)  # line 7
            search.expand(slot, query, label)  # line 8
        if len(search.labeled) == n_labeled:  # line 10, or the pool ran dry
            return
