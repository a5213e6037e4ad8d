"""Vector engines compared with the local index: the same search of SIMULATED vectors, with neighbors from each of them.

All runs of one size share vectors, seeds and threads, and run one after the other in this process. Ratios to the local
index are meaningful; seconds alone are not. Up to 65,536 rows every index compares all rows, so the picks must be the
same.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic.dataclasses import dataclass as checked_dataclass
from threadpoolctl import threadpool_limits

from benchmarks.methods import SEEDS, draw_concept_seeds
from benchmarks.options import ReportedOptions
from benchmarks.tables import SimulatedTable
from seals_sim import ArgMax, LogisticLearner, build_seals_pool, max_entropy, most_likely_positive, run
from seals_sim.cli.terminal import flatten, make_cli, render_command, run_cli
from seals_sim.evaluate.metrics import count_positives
from seals_sim.indexes import ENGINES, IndexFacts, IndexOptions, NeighborIndex, build_index, measure_on_sample
from seals_sim.indexes.choice import EXACT_ROWS
from seals_sim.options import CHECKED, PositiveInt
from seals_sim.randomness import make_generator
from seals_sim.replay.store import write_csv
from seals_sim.search.oracles import LabelTable
from seals_sim.types import LabeledRows, Rows, StoredVectors

STRATEGIES = {"maxent": max_entropy, "most_likely_positive": most_likely_positive}
_SCORE_BYTES, _ID_BYTES, _VALUE_BYTES = 4, 8, 4

app = make_cli("python -m benchmarks.engines", __doc__)


@checked_dataclass(frozen=True, kw_only=True, config=CHECKED)
class EngineBenchOptions(ReportedOptions):
    """Which engines to measure."""

    milvus: str | None = None
    """Address of Milvus, a server or a file. If not given, Milvus is not measured."""
    lancedb: str | None = None
    """Folder of LanceDB. If not given, LanceDB is not measured."""
    repeats: PositiveInt = 3
    """Measured runs per index, after one warm-up run; the median counts."""


@dataclass
class _CountedIndex:
    """An index that records how many rows each request asks for."""

    index: NeighborIndex
    build_seconds: float = 0.0
    n_bytes: int = 0
    asked: list[int] = field(default_factory=list)

    def neighbors(self, rows: Rows, k: int) -> list[Rows]:
        self.asked.append(len(rows))
        return self.index.neighbors(rows, k)


@dataclass(frozen=True)
class _Row:
    """One index at one size, as in engines.csv. Network bytes count vectors, ids and scores, without the protocol's
    overhead.
    """

    n: int
    index: str
    strategy: str
    build_seconds: float
    recall: float
    query_milliseconds: float
    neighbor_seconds: float
    run_seconds: float
    neighbor_ratio: float
    run_ratio: float
    same_picks: float
    positives: int
    requests: int
    queries: int
    network_bytes_a_round: int


@app.default
def benchmark_engines(*, options: Annotated[EngineBenchOptions, flatten("Options")]) -> None:
    """Search with the local index and with each engine, and write engines.csv."""
    rows: list[_Row] = []
    with threadpool_limits(options.threads):
        for n in options.n:
            rows += _measure_size(n, options)
            write_csv(options.out / "engines.csv", pd.DataFrame([asdict(row) for row in rows]))
    (options.out / "engines.txt").write_text(render_command("python -m benchmarks.engines", options) + "\n")
    print(pd.DataFrame([asdict(row) for row in rows]).to_string(index=False))


def _measure_size(n: int, options: EngineBenchOptions) -> list[_Row]:
    table = SimulatedTable(n, options.dimensions, seed=options.seed)
    clusters, folder = table.draw_clusters(), options.work / f"n-{n}"
    dtype = np.float32 if n <= EXACT_ROWS else np.float16
    vectors, array = table.store_vectors(clusters, dtype, folder, options.quiet)
    is_positive = table.mark_positives(clusters, 0)
    search = _Search(vectors, is_positive, draw_concept_seeds(is_positive, options.seed, 0, 0), options)
    local = "exact" if n <= EXACT_ROWS else "ivf-sq"
    places = {local: None, "milvus": options.milvus, "lancedb": options.lancedb}
    rows: list[_Row] = []
    first: dict[str, _Found] = {}
    for name, address in places.items():
        if address is None and name != local:
            continue
        index = build_index(
            name, vectors, folder, IndexOptions(options.k, engine=address),
            make_generator(options.seed, "index", n), array.stage.digest, options.quiet,
        )  # fmt: skip
        facts = measure_on_sample(index, vectors, options.k, options.seed)
        for strategy in STRATEGIES:
            found = search.run(index, strategy)
            rows.append(_describe(n, name, strategy, facts, found, first.setdefault(strategy, found), options))
            if not options.quiet:
                print(rows[-1], file=sys.stderr)
    return rows


@dataclass(frozen=True)
class _Found:
    neighbor_seconds: float
    run_seconds: float
    rows: Rows
    n_positives: int
    asked: list[int]


@dataclass(frozen=True)
class _Search:
    """SEALS for one concept."""

    vectors: StoredVectors
    is_positive: np.ndarray[Any, np.dtype[np.bool_]]
    seeds: LabeledRows
    options: EngineBenchOptions

    def run(self, index: NeighborIndex, strategy: str) -> _Found:
        """The run of median length, after one warm-up run."""
        found = [self._run_once(index, strategy) for _ in range(self.options.repeats + 1)][1:]
        return sorted(found, key=lambda one: one.run_seconds)[len(found) // 2]

    def _run_once(self, index: NeighborIndex, strategy: str) -> _Found:
        counted, selector, options = _CountedIndex(index), ArgMax(STRATEGIES[strategy]), self.options
        since = time.perf_counter()
        pool = build_seals_pool(self.seeds, self.vectors, counted, options.k, selector)
        neighbor_seconds = time.perf_counter() - since
        learner, oracle = LogisticLearner(self.vectors, n_threads=options.threads), LabelTable(self.is_positive)
        rounds = list(run(self.seeds, pool, learner, selector, oracle, options.batch, options.budget))
        seconds = time.perf_counter() - since
        neighbor_seconds += sum(state.seconds.neighbor for state in rounds)
        labeled = rounds[-1].labeled
        return _Found(neighbor_seconds, seconds, labeled.rows, count_positives(labeled), counted.asked)


def _describe(
    n: int, name: str, strategy: str, facts: IndexFacts, found: _Found, local: _Found, options: EngineBenchOptions
) -> _Row:
    n_rounds = (options.budget - sum(SEEDS)) // options.batch
    a_query = _VALUE_BYTES * options.dimensions + (_ID_BYTES + _SCORE_BYTES) * options.k
    return _Row(
        n=n,
        index=name,
        strategy=strategy,
        build_seconds=round(facts.build_seconds, 1),
        recall=round(facts.recall, 4),
        query_milliseconds=round(facts.milliseconds, 2),
        neighbor_seconds=round(found.neighbor_seconds, 2),
        run_seconds=round(found.run_seconds, 2),
        neighbor_ratio=round(found.neighbor_seconds / local.neighbor_seconds, 2),
        run_ratio=round(found.run_seconds / local.run_seconds, 2),
        same_picks=round(float(np.isin(found.rows, local.rows).mean()), 4),
        positives=found.n_positives,
        requests=len(found.asked),
        queries=sum(found.asked),
        network_bytes_a_round=sum(found.asked) * a_query // max(1, n_rounds) if name in ENGINES else 0,
    )


def main(words: Sequence[str] | None = None) -> None:
    """Run the command."""
    run_cli(app, words)


if __name__ == "__main__":
    main()
