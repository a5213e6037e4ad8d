"""What a run of 5.1 costs as the pool grows: the full scan, SEALS with each kind of neighbors, and retrieval by the
model.

All methods run on the same SIMULATED vectors, seeds and threads, each in its own process, one after the other. Ratios
between them are meaningful; seconds alone are not. Above --graph-rows, seals-graph reads from disk the neighbors that
the same run asked of ivf-sq before: a look-up costs the same whether or not the other rows of the graph exist. Building
indexes is timed separately.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

import numpy as np
import pandas as pd

from benchmarks.methods import METHODS, SEALS, STRATEGIES, Bench, RecordingIndex, draw_concept_seeds, is_defined
from benchmarks.options import RoundsOptions
from benchmarks.own_process import run_in_own_process
from benchmarks.report import summarize_runs, write_rounds_report
from benchmarks.tables import SimulatedTable
from seals_sim import LabeledRows
from seals_sim.cli.terminal import flatten, make_cli, render_command, run_cli
from seals_sim.disk.stages import measure_peak_bytes
from seals_sim.errors import UserError
from seals_sim.evaluate.metrics import count_positives
from seals_sim.indexes import IndexOptions, NeighborIndex, build_index, measure_on_sample
from seals_sim.randomness import make_generator
from seals_sim.replay.store import write_csv
from seals_sim.types import StoredVectors

_SLOW = ("seals-exact", "seals-lsh", "seals-hnsw", "seals-ivf-flat", "seals-ivf-pq")  # too slow or too large


app = make_cli("python -m benchmarks.rounds", __doc__)


@app.default
def benchmark_rounds(*, options: Annotated[RoundsOptions, flatten("Options")]) -> None:
    """Measure every method at every size, and write the report."""
    for name, values, known in (("methods", options.methods, METHODS), ("strategies", options.strategies, STRATEGIES)):
        for value in values:
            if value not in known:
                raise UserError(f"unknown; choose from {', '.join(known)}", parameter=name, value=value)
    rounds, indexes = [], []
    for n, method in itertools.product(options.n, options.methods):
        if n > options.slow_rows and method in _SLOW:
            continue
        table, facts = run_in_own_process(_measure_method, n, method, options)
        rounds.append(table)
        indexes += facts
        write_csv(options.out / "rounds.csv", pd.concat(rounds, ignore_index=True))
        write_csv(options.out / "indexes.csv", pd.DataFrame(indexes))
    command = render_command("python -m benchmarks.rounds", options)
    print(command)
    print(write_rounds_report(options.out, command))


def main(words: Sequence[str] | None = None) -> None:
    """Run the command."""
    run_cli(app, words)


def _measure_method(n: int, method: str, options: RoundsOptions) -> tuple[pd.DataFrame, list[dict[str, object]]]:
    tables = _Tables(n, options)
    index, facts = tables.build_index(method)
    searched: Any = index if method == "retrieval" else None
    bench = Bench(
        tables.vectors, tables.scanned, index, searched, options.k, options.batch, options.budget,
        options.threads,
    )  # fmt: skip
    is_graph_of_asked = method == "seals-graph" and n > options.graph_rows
    runs = itertools.product(options.strategies, range(options.concepts), range(options.repeats))
    rows: list[_Row] = []
    for number, (strategy, concept, repeat) in enumerate(runs):
        if not is_defined(method, strategy):
            continue
        is_positive, seeds = tables.draw_concept(concept, repeat)
        if is_graph_of_asked:
            assert index is not None
            recording = RecordingIndex(index)
            replace(bench, index=recording).run_rounds("seals-ivf-sq", strategy, seeds, is_positive)
            graph = recording.write_graph(options.k, tables.folder / "asked.npy")
            bench = replace(bench, index=graph)
        if number == 0:  # warm-up: the first run finds no pages in memory
            bench.run_rounds(method, strategy, seeds, is_positive)
        before, rounds = bench.run_rounds(method, strategy, seeds, is_positive)
        for state in rounds:
            seconds = state.seconds
            neighbor_seconds = seconds.neighbor + (before if state.number == 0 else 0.0)
            recall = count_positives(state.labeled) / int(is_positive.sum())
            rows.append(
                _Row(
                    n, method, strategy, concept, repeat, state.number, len(state.labeled), seconds.select,
                    neighbor_seconds, seconds.train, recall, state.n_candidates, measure_peak_bytes(),
                )
            )  # fmt: skip
    table = pd.DataFrame([asdict(row) for row in rows])
    if not options.quiet and rows:
        print(summarize_runs(table).to_string(index=False, header=False), file=sys.stderr)
    return table, [] if facts is None else [{"n": n, "index": method.removeprefix("seals-"), **facts}]


@dataclass(frozen=True)
class _Row:
    """One round, as in rounds.csv. recall is the fraction of all positives found."""

    n: int
    method: str
    strategy: str
    concept: int
    repeat: int
    round: int
    n_labeled: int
    select_seconds: float
    neighbor_seconds: float
    train_seconds: float
    recall: float
    n_candidates: int
    peak_bytes: int


class _Tables:
    """The simulated vectors of one size, on disk, and the indexes built on them."""

    def __init__(self, n: int, options: RoundsOptions) -> None:
        self._options, self._table = options, SimulatedTable(n, options.dimensions, seed=options.seed)
        self.folder = options.work / f"n-{n}"
        self._clusters = self._table.draw_clusters()
        self.vectors, self._array = self._table.store_vectors(self._clusters, np.float16, self.folder, options.quiet)
        self.scanned: StoredVectors
        self.scanned, _ = self._table.store_vectors(self._clusters, np.float32, self.folder, options.quiet)

    def draw_concept(self, number: int, repeat: int) -> tuple[np.ndarray[Any, np.dtype[np.bool_]], LabeledRows]:
        """(n,) bool, which rows are positive, and the seeds."""
        is_positive = self._table.mark_positives(self._clusters, number)
        return is_positive, draw_concept_seeds(is_positive, self._options.seed, number, repeat)

    def build_index(self, method: str) -> tuple[NeighborIndex | None, dict[str, object] | None]:
        """The index that a method searches, and its measured quality."""
        if method not in (*SEALS, "retrieval"):
            return None, None
        name = "ivf-sq" if method == "retrieval" else method.removeprefix("seals-")
        n, options = self._table.n, self._options
        if name == "graph" and n > options.graph_rows:
            name = "ivf-sq"
        rng, chosen = make_generator(options.seed, "index", n), IndexOptions(options.k, n_probe=options.n_probe)
        vectors = self.scanned if name == "exact" else self.vectors
        index = build_index(name, vectors, self.folder, chosen, rng, self._array.stage.digest, options.quiet)
        if method != f"seals-{name}":
            return index, None
        return index, asdict(measure_on_sample(index, self.vectors, options.k, options.seed))


if __name__ == "__main__":
    main()
