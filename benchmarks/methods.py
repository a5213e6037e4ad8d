"""The methods to compare: the full scans, SEALS with each kind of neighbors, and retrieval by the model."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from seals_sim import (
    AllPool,
    ArgMax,
    InformationDensity,
    LabelTable,
    LinearModel,
    LogisticLearner,
    NeighborIndex,
    build_seals_pool,
    draw_seeds,
    max_entropy,
    most_likely_positive,
    run,
)
from seals_sim.indexes import INDEXES, StoredGraph, VectorIndex
from seals_sim.randomness import make_generator
from seals_sim.search.candidates import CandidateTable
from seals_sim.search.coded_table import CodedTable
from seals_sim.search.retrieval import ModelSearch, aim_along_weights, aim_at_hyperplane
from seals_sim.search.selectors import RowSelector
from seals_sim.types import LabeledRows, Pool, Round, Row, Rows, StoredVectors

SEALS = tuple(f"seals-{name}" for name in INDEXES)
SEEDS = (5, 95)  # 5.1
METHODS = ("all", "all-int8", "retrieval", *SEALS)
STRATEGIES = ("maxent", "most_likely_positive", "information_density")
_AIMS = {"maxent": aim_at_hyperplane, "most_likely_positive": aim_along_weights}
_SCORES = {"maxent": max_entropy, "most_likely_positive": most_likely_positive}
_SOUGHT = {"maxent": 100, "most_likely_positive": 1_000}  # rows per search; there are 100 searches, or one


def is_defined(method: str, strategy: str) -> bool:
    """Whether a method supports a strategy.

    8-bit codes find only the rows that one vector points to, and no search finds rows that are both dense and
    uncertain.
    """
    return not (
        (method == "all-int8" and strategy != "most_likely_positive")
        or (method == "retrieval" and strategy == "information_density")
    )


def draw_concept_seeds(is_positive: NDArray[np.bool_], seed: int, concept: int, repeat: int) -> LabeledRows:
    """Draw the seeds of a run, the same for every method."""
    return draw_seeds(is_positive, *SEEDS, make_generator(seed, "seeds", len(is_positive), concept, repeat))


@dataclass(frozen=True, eq=False)
class Bench:
    """One table: its rows as SEALS reads them (float16) and as the full scan does (float32), and an index of them."""

    vectors: StoredVectors
    scanned: StoredVectors
    index: NeighborIndex | None
    searched: VectorIndex | None
    k: int
    batch: int
    budget: int
    n_threads: int

    @functools.cached_property
    def codes(self) -> CodedTable:
        return CodedTable(self.vectors, self.n_threads)

    def run_rounds(
        self, method: str, strategy: str, seeds: LabeledRows, is_positive: NDArray[np.bool_]
    ) -> tuple[float, list[Round[LabeledRows, LinearModel]]]:
        """Run the loop. Return the seconds until the pool was ready, including the seeds' neighbors, and the rounds."""
        learner = LogisticLearner(self.vectors, n_threads=self.n_threads)
        selector = self._build_selector(method, strategy, seeds)
        with threadpool_limits(self.n_threads):
            start = time.perf_counter()
            pool = self._build_pool(method, seeds, selector)
            before = time.perf_counter() - start
            oracle = LabelTable(is_positive)
            return before, list(run(seeds, pool, learner, selector, oracle, self.batch, self.budget))

    def _build_pool(
        self, method: str, seeds: LabeledRows, selector: RowSelector
    ) -> Pool[CandidateTable, Row, LinearModel]:
        if method.startswith("seals-"):
            assert self.index is not None
            return build_seals_pool(seeds, self.vectors, self.index, self.k, selector)
        return AllPool(seeds, self.scanned if method == "all" else self.vectors)

    def _build_selector(self, method: str, strategy: str, seeds: LabeledRows) -> RowSelector:
        if method not in ("all-int8", "retrieval"):
            if strategy == "information_density":
                return InformationDensity(n_threads=self.n_threads)
            return ArgMax(_SCORES[strategy])
        table = self.codes if method == "all-int8" else self.searched
        assert table is not None
        centers = np.asarray(self.vectors[seeds.rows], dtype=np.float32)
        return ModelSearch(table, _AIMS[strategy], _SCORES[strategy], centers, _SOUGHT[strategy])


class RecordingIndex:
    """An index that records its answers, which are those that a graph of all rows would return in the same run."""

    build_seconds = 0.0
    n_bytes = 0

    def __init__(self, index: NeighborIndex) -> None:
        self._index = index
        self.answers: dict[int, Rows] = {}

    def neighbors(self, rows: Rows, k: int) -> list[Rows]:
        neighbors = self._index.neighbors(rows, k)
        self.answers.update(zip(rows.tolist(), neighbors, strict=True))
        return neighbors

    def write_graph(self, k: int, path: Path) -> StoredGraph:
        """Write all answers so far as a graph."""
        rows = Rows(np.array(sorted(self.answers)))
        neighbors = np.full((len(rows), k), -1, dtype=np.int32)
        for place, row in enumerate(rows.tolist()):
            neighbors[place, : len(self.answers[row])] = self.answers[row]
        np.save(path, neighbors)
        return StoredGraph(rows, np.load(path, mmap_mode="r"))
