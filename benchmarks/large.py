"""What the walk costs on one million rows and on ten million, compared with plain SEALS on the graph and the full scan.

The vectors are SIMULATED: `benchmarks.clans`. All methods run the loop on the same seeds. Neighbors are looked up in a
graph of the rows that the same run asked for before: a look-up costs the same whether or not the other rows of the
graph exist. These seconds do not include building such a graph.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Annotated

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.clans import ClanIndex, ClanTable
from benchmarks.methods import SEEDS, RecordingIndex
from benchmarks.options import LargeOptions
from benchmarks.own_process import run_in_own_process
from seals_sim import (
    AllPool,
    ArgMax,
    LabelTable,
    LogisticLearner,
    NeighborIndex,
    SealsPool,
    most_likely_positive,
    run,
)
from seals_sim.cli.terminal import flatten, make_cli, render_command, run_cli
from seals_sim.disk.stages import measure_peak_bytes
from seals_sim.indexes.measure import measure_index
from seals_sim.randomness import make_generator
from seals_sim.replay.store import write_csv
from seals_sim.search.candidates import CandidateTable
from seals_sim.search.learners import Model
from seals_sim.search.names import N_STEP
from seals_sim.search.walk import WalkPool, draw_entries
from seals_sim.types import LabeledRows, Pool, Row, Rows, StoredVectors

_SAMPLE = 20
_SECONDS = ["select_seconds", "neighbor_seconds", "train_seconds"]

app = make_cli("python -m benchmarks.large", __doc__)


@app.default
def benchmark_large(*, options: Annotated[LargeOptions, flatten("Options")]) -> None:
    """Measure every method at every size."""
    print(render_command("python -m benchmarks.large", options))
    runs: list[LargeRun] = []
    searches = [(n, number, False) for n in options.n for number in range(options.concepts)]
    scans = [(n, number, True) for n in options.n for number in range(options.scans)]
    for n, number, is_scan in [*searches, *scans]:
        runs += run_in_own_process(measure_concept, n, number, is_scan, options)
        write_csv(options.out / "large_runs.csv", pd.DataFrame([asdict(done) for done in runs]))
    summary = summarize(pd.DataFrame([asdict(done) for done in runs]))
    write_csv(options.out / "large.csv", summary)
    print("SIMULATED rows; medians over runs; over_seals and growth are ratios of seconds per round\n")
    print(summary.to_string(index=False, float_format="%.3g"))


def main(words: Sequence[str] | None = None) -> None:
    """Run the command."""
    run_cli(app, words)


@dataclass(frozen=True)
class LargeRun:
    """One search. The seconds are per round. index_recall is the recall of the neighbors on a sample of rows."""

    n: int
    method: str
    concept: int
    repeat: int
    n_labeled: int
    recall: float
    parts_found: float
    n_candidates: int
    select_seconds: float
    neighbor_seconds: float
    train_seconds: float
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    index_recall: float


class _Recording(RecordingIndex):
    """Records k neighbors of each row, no matter how many are asked for."""

    def __init__(self, index: NeighborIndex, k: int) -> None:
        super().__init__(index)
        self._k = k

    def neighbors(self, rows: Rows, k: int) -> list[Rows]:
        return [Rows(near[:k]) for near in super().neighbors(rows, self._k)]


def measure_concept(n: int, number: int, is_scan: bool, options: LargeOptions) -> list[LargeRun]:
    """Run all searches for one concept of n rows. SEALS and the walk take turns, so that other work affects both."""
    table = ClanTable(n, options.dimensions, options.seed)
    clusters = table.draw_clusters()
    folder = options.work / f"n-{n}"
    vectors = table.store_vectors(clusters, folder, quiet=True)
    concept = table.draw_concept(clusters, number)
    seeds = concept.draw_seeds(n, SEEDS, make_generator(options.seed, "seeds", n, number))
    oracle = LabelTable(np.isin(np.arange(n), concept.rows))
    worth, budget, runs = np.nan, options.scan_budget if is_scan else options.budget, []
    with threadpool_limits(options.threads):
        todo: dict[str, _Build] = {}
        if is_scan:
            todo["all"] = partial(AllPool, seeds, vectors)
        else:
            index, n_kept = ClanIndex(clusters, vectors), max(options.k, N_STEP)
            for method in ("seals", "walk"):
                recording = _Recording(index, n_kept)
                _search(_build(method, seeds, vectors, recording, options.k), seeds, vectors, oracle, budget, options)
                graph = recording.write_graph(n_kept, folder / f"asked-{method}-{number}.npy")
                todo[method] = _build(method, seeds, vectors, graph, options.k)
            sample = Rows(make_generator(options.seed, "measured", n, number).choice(n, _SAMPLE, replace=False))
            worth = measure_index(index, vectors, sample, options.k).recall
        for repeat in range(1 if is_scan else options.repeats):
            for method, build in todo.items():
                labeled, n_candidates, seconds, cpu_seconds = _search(build, seeds, vectors, oracle, budget, options)
                found = np.isin(concept.rows, labeled.rows[labeled.labels == 1])
                parts_found = len(np.unique(concept.parts[found])) / len(np.unique(concept.parts))
                select, neighbor, train = seconds.tolist()
                done = LargeRun(
                    n, method, number, repeat, len(labeled), float(found.mean()), parts_found, n_candidates, select,
                    neighbor, train, select + neighbor + train, cpu_seconds, measure_peak_bytes(), worth,
                )  # fmt: skip
                runs.append(done)
                if not options.quiet:
                    print(f"{n:,} {method}: recall {done.recall:.3f}, {done.seconds:.4f} s a round", file=sys.stderr)
    return runs


_Build = Callable[[], Pool[CandidateTable, Row, Model]]


def _build(method: str, seeds: LabeledRows, vectors: StoredVectors, index: NeighborIndex, k: int) -> _Build:
    if method == "walk":
        entries = draw_entries(len(vectors), make_generator(0, "entries"))
        return lambda: WalkPool(seeds, vectors, index, k, entries=entries)
    return lambda: SealsPool(seeds, vectors, index, k)


def _search(
    build: _Build,
    seeds: LabeledRows,
    vectors: StoredVectors,
    oracle: LabelTable,
    budget: int,
    options: LargeOptions,
) -> tuple[LabeledRows, int, np.ndarray, float]:
    """The labeled rows, the number of candidates, and per round: the seconds of the parts (3,), and the CPU seconds."""
    learner = LogisticLearner(vectors, n_threads=options.threads)
    start, start_cpu = time.perf_counter(), time.process_time()
    pool = build()
    before = time.perf_counter() - start
    rounds = list(run(seeds, pool, learner, ArgMax(most_likely_positive), oracle, options.batch, budget))
    cpu_seconds = time.process_time() - start_cpu
    seconds = np.array([asdict(state.seconds)[name.split("_")[0]] for state in rounds for name in _SECONDS])
    spent = seconds.reshape(-1, 3).sum(axis=0) + np.array([0, before, 0])
    return rounds[-1].labeled, rounds[-1].n_candidates, spent / len(rounds), cpu_seconds / len(rounds)


def summarize(runs: pd.DataFrame) -> pd.DataFrame:
    """Medians over runs by size and method.

    over_seals is the ratio of seconds per round to those of plain SEALS at the same size. growth is the ratio to those
    of the same method at the first size. Both are also given for CPU seconds, which other work on the machine affects
    less.
    """
    by = ["n", "method"]
    names = ["n_labeled", "n_candidates", *_SECONDS, "seconds", "cpu_seconds", "index_recall"]
    table = runs.groupby(by)[names].median()
    table.insert(0, "recall", runs.groupby(by)["recall"].mean())
    table.insert(1, "parts_found", runs.groupby(by)["parts_found"].mean())
    table["peak_GB"] = runs.groupby(by)["peak_bytes"].max() / 1e9
    for name in ("seconds", "cpu_seconds"):
        seals = table[name].xs("seals", level="method")
        table[f"{name}_over_seals"] = table[name] / seals.reindex(table.index.get_level_values("n")).to_numpy()
        first = table[name].groupby(level="method", sort=False).transform("first")
        table[f"{name}_growth"] = table[name] / first
    table.insert(0, "table", "SIMULATED")
    return table.reset_index()


if __name__ == "__main__":
    main()
