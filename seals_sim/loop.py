"""One loop for Algorithms 1-4 of the paper; they differ only in its parts.

=============================  ============================  ======================  ===================
algorithm                      pool                          selector                learner
=============================  ============================  ======================  ===================
1 baseline (scan everything)   every unlabeled row          arg max of a score      logistic regression
2 SEALS                        k nearest neighbors of the    arg max of a score      logistic regression
                               labeled rows
walk (not in the paper)        neighbors of positives and    arg max of a score      logistic regression
                               of the best candidates
RandPool (7.8)                 a random subset               arg max of a score      logistic regression
3 modified SEALS               a ball of radius delta round  nearest to the          homogeneous max
                               each search's points          separator               margin
4 project onto hyperplane      the same, radius infinity     nearest to the          homogeneous max
                                                             separator               margin
=============================  ============================  ======================  ===================

A *query* is what the oracle labels. In Algorithms 1 and 2 it is the row of an example in the pool's table of vectors;
in Algorithms 3 and 4 (package `theory`) it is a point of R^d, one for each search in each round.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from itertools import count

from seals_sim.types import Candidates, Labeled, Learner, Model, Oracle, Pool, Query, Round, Seconds, Selector


def run(
    labeled: Labeled,
    pool: Pool[Candidates, Query, Model],
    learner: Learner[Labeled, Model],
    selector: Selector[Candidates, Model, Query],
    oracle: Oracle[Query],
    batch_size: int,
    budget: int = sys.maxsize,
) -> Iterator[Round[Labeled, Model]]:
    """Label `batch_size` queries per round until `budget` examples are labeled, seeds included (|L_r| = T).

    Within a batch the model is frozen while the pool grows: a query's neighbors join before the next pick. The run
    ends early if the pool runs dry. Line numbers refer to Algorithms 1 and 2.

    Yields:
        A `Round` after each training step; the first is trained on the seeds alone.
    """
    train, select, neighbor = _Stopwatch(), _Stopwatch(), _Stopwatch()
    for number in count():
        with train:
            model = learner.fit(labeled)  # line 4
        with neighbor:
            pool.begin_round(model)
        seconds = Seconds(select.lap(), neighbor.lap(), train.lap())
        yield Round(number, labeled, model, pool.n_candidates, seconds)
        n_before = len(labeled)
        for slot in range(min(batch_size, budget - n_before)):  # line 5
            with select:
                query = selector.select(pool.candidates(slot), model)  # line 6
            if query is not None:
                label = oracle.label(query)
                labeled = labeled.add(query, label)  # line 7
                with neighbor:
                    pool.expand(slot, query, label)  # line 8
        if len(labeled) == n_before:  # line 10, or the pool ran dry
            return


class _Stopwatch:
    """Adds up the seconds spent inside its `with` blocks since the last lap."""

    def __init__(self) -> None:
        self._spent = 0.0

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(self, *error: object) -> None:
        self._spent += time.perf_counter() - self._start

    def lap(self) -> float:
        spent, self._spent = self._spent, 0.0
        return spent
