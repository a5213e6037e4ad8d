"""Algorithm 1 over a table in partitions: each worker scans a partition and returns only its best rows. The picks are
the same as for a scan of the whole table.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from seals_sim.search.learners import Model
from seals_sim.search.scores import Score, get_order
from seals_sim.types import LabeledRows, Row, Rows, Scores
from seals_sim.vectors.partitions import Partition, PartitionedVectors
from seals_sim.workers import INLINE, Workers


class PartitionedPool:
    """Every unlabeled row of a table in partitions (Algorithm 1 line 2). Only the labeled rows are stored.

    Attributes:
        vectors: The table.
        labeled: Rows that are no longer candidates.
        n_candidates: See `Pool`.
    """

    def __init__(self, labeled: LabeledRows, vectors: PartitionedVectors) -> None:
        """Start from the seeds."""
        self.vectors, self.labeled = vectors, set(labeled.rows.tolist())
        self.n_candidates = len(vectors) - len(self.labeled)

    def begin_round(self, model: Model) -> None:
        """See `Pool`."""

    def candidates(self, slot: int) -> PartitionedPool:
        """See `Pool`."""
        return self

    def expand(self, slot: int, query: Row, label: int) -> None:
        """See `Pool`."""
        self.labeled.add(int(query))


class PartitionedArgMax:
    """The candidate with the highest score under the model, as `ArgMax` picks it; ties go to the lowest row."""

    def __init__(self, score: Score, n_best: int = 100, workers: Workers = INLINE) -> None:
        """Set up a strategy that depends on the log-odds alone.

        Args:
            score: A function of the log-odds.
            n_best: Rows that each scan returns. With fewer than a batch, the table is scanned more than once per batch.
            workers: They scan the partitions.
        """
        self._order, self._n_best, self._workers = get_order(score), n_best, workers
        self._model: Model | None = None
        self._best: deque[int] = deque()

    def select(self, candidates: PartitionedPool, model: Model) -> Row | None:
        """See `Selector`."""
        if model is not self._model:
            self._model = model
            self._best.clear()
        while self._best:
            row = self._best.popleft()
            if row not in candidates.labeled:
                return Row(row)
        excluded = Rows(np.array(sorted(candidates.labeled), dtype=np.int64))
        question = Question(model, self._order, self._n_best, excluded)
        rows, _ = find_best(candidates.vectors, question, self._workers)
        self._best.extend(rows.tolist())
        return Row(self._best.popleft()) if self._best else None


@dataclass(frozen=True, eq=False)
class Question:
    """The question put to each partition.

    Attributes:
        model: Scores rows.
        order: A function of its log-odds; the highest values are the best.
        n_best: Number of rows to return.
        excluded: Sorted rows that are not candidates.
    """

    model: Model
    order: Score
    n_best: int
    excluded: Rows


def find_best(vectors: PartitionedVectors, question: Question, workers: Workers = INLINE) -> tuple[Rows, Scores]:
    """Scan a table for its best rows.

    Args:
        vectors: The table.
        question: Which rows to find.
        workers: Each scans one partition at a time.

    Returns:
        At most `n_best` rows, best first, ties by lower row first, and their scores.

    Examples:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from seals_sim import LinearModel, most_likely_positive
        >>> model = LinearModel(np.array([1], dtype=np.float32), 0.0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(Path(folder) / "a.npy", np.array([[1], [3], [2], [3]], dtype=np.float32))
        ...     table = PartitionedVectors.open(Path(folder), partition_rows=3)
        ...     find_best(table, Question(model, get_order(most_likely_positive), 2, Rows(np.array([1]))))
        (array([3, 2]), array([3., 2.]))
    """
    rows, scores = np.empty(0, dtype=np.int64), np.empty(0)
    for found, their_scores in workers.map(scan_partition, question, vectors.partitions):
        rows, scores = np.concatenate([rows, found]), np.concatenate([scores, their_scores])
        best = _rank(rows, scores, question.n_best)
        rows, scores = rows[best], scores[best]
    return Rows(rows), scores


def scan_partition(question: Question, partition: Partition) -> tuple[Rows, Scores]:
    """The best rows of one partition, as `find_best` returns them."""
    scores = question.order(question.model.decision(partition.read()))
    excluded = question.excluded
    within = (excluded >= partition.start) & (excluded < partition.start + partition.n)
    scores[excluded[within] - partition.start] = -np.inf
    n_best = min(question.n_best, partition.n - int(within.sum()))
    if not n_best:
        return Rows(np.empty(0, dtype=np.int64)), np.empty(0)
    floor = np.partition(scores, partition.n - n_best)[partition.n - n_best]
    places = np.flatnonzero(scores >= floor)
    places = places[_rank(places, scores[places], n_best)]
    return Rows(places + partition.start), scores[places]


def _rank(rows: np.ndarray[tuple[int, ...], np.dtype[np.int64]], scores: Scores, n: int) -> Rows:
    """The places of the n best, by score and then by row."""
    return Rows(np.lexsort((rows, -scores))[:n])
