"""Where the milliseconds of a SEALS run go, part by part, and how long the same bytes would take at memory speed.

The vectors are SIMULATED. Neighbors come from a graph of the rows that the run asks for, read from disk. cProfile
overstates the cost of small calls, so the run's own time is shown next to the profiled one.
"""

from __future__ import annotations

import cProfile
import pstats
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from benchmarks.methods import STRATEGIES, Bench, RecordingIndex, draw_concept_seeds
from benchmarks.options import WhereOptions
from benchmarks.tables import SimulatedTable
from seals_sim import LabeledRows
from seals_sim.cli.terminal import flatten, make_cli, render_command, run_cli
from seals_sim.indexes import StoredGraph
from seals_sim.search.candidates import GrowingTable
from seals_sim.search.learners import LinearModel, LogisticLearner
from seals_sim.search.pools import SealsPool
from seals_sim.search.ranking import Ranking
from seals_sim.search.strategies import ArgMax
from seals_sim.vectors.scan import gather

_PARTS: dict[str, Callable[..., Any]] = {
    "neighbors: a pick's, all of it": SealsPool.expand,
    "  look-up in the graph": StoredGraph.neighbors,
    "  which are new": GrowingTable.unseen,
    "  vectors, gathered and widened": gather,
    "  into the block": GrowingTable.hold,
    "  who joins": GrowingTable.join,
    "selection: a pick's, all of it": ArgMax.select,
    "  scores": LinearModel.decision,
    "  ranking": Ranking.append,
    "  best": Ranking.best,
    "training: a round's, all of it": LogisticLearner.fit,
    "  scikit-learn": LogisticRegression.fit,
    "the labeled set": LabeledRows.add,
}


app = make_cli("python -m benchmarks.where", __doc__)


@app.default
def benchmark_where(*, options: Annotated[WhereOptions, flatten("Options")]) -> None:
    """Profile a run of each strategy."""
    print(render_command("python -m benchmarks.where", options))
    for strategy in STRATEGIES[:2]:
        print(_profile(strategy, options))


def main(words: Sequence[str] | None = None) -> None:
    """Run the command."""
    run_cli(app, words)


def _profile(strategy: str, options: WhereOptions) -> str:
    bench, seeds, is_positive = _prepare(strategy, options)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        _, rounds = bench.run_rounds("seals-graph", strategy, seeds, is_positive)
        seconds.append(time.perf_counter() - start)
    profile = cProfile.Profile()
    profile.runcall(bench.run_rounds, "seals-graph", strategy, seeds, is_positive)
    stats: Any = pstats.Stats(profile)
    rows = []
    for part, function in _PARTS.items():
        code: Any = function
        code = getattr(code, "__wrapped__", code).__code__
        entry = stats.stats.get((code.co_filename, code.co_firstlineno, code.co_name))
        if entry:
            rows.append(
                {"part": part, "calls": entry[1], "ms": 1000 * entry[3], "us a call": 1e6 * entry[3] / entry[1]}
            )
    table = pd.DataFrame(rows).to_string(index=False, float_format="%.1f", justify="left")
    before = np.array([state.n_candidates for state in rounds])
    d, speed = options.dimensions, _measure_copy_speed()
    read, rescored = 2 * d * int(before[-1]), 4 * d * int(before.sum())
    return (
        f"\n{strategy}: {1000 * min(seconds):.0f} ms a run ({1000 * stats.total_tt:.0f} profiled), {len(rounds)} "
        f"trainings, {int(before[-1]):,} candidates\n{table}\n"
        f"at {speed / 1e9:.0f} GB/s, as one thread copies here: reading each candidate once, {read / 1e6:.0f} MB, "
        f"takes {1e3 * read / speed:.1f} ms; scoring all after each training, {rescored / 1e6:.0f} MB, "
        f"{1e3 * rescored / speed:.1f} ms"
    )


def _prepare(strategy: str, options: WhereOptions) -> tuple[Bench, LabeledRows, np.ndarray[Any, Any]]:
    table, folder = SimulatedTable(options.n, options.dimensions), options.work / f"n-{options.n}"
    clusters = table.draw_clusters()
    index = table.build_index(clusters, folder, quiet=True)
    is_positive = table.mark_positives(clusters, 0)
    seeds = draw_concept_seeds(is_positive, 0, 0, 0)
    recording, vectors = RecordingIndex(index), index.vectors
    numbers = (options.k, options.batch, options.budget, options.threads)
    asking = Bench(vectors, vectors, recording, None, *numbers)
    asking.run_rounds("seals-ivf-sq", strategy, seeds, is_positive)
    graph = recording.write_graph(options.k, folder / "asked.npy")
    return replace(asking, index=graph), seeds, is_positive


def _measure_copy_speed() -> float:
    """Bytes per second read and written, from the fastest of several 256 MB copies."""
    source, target, fastest = np.ones(2**25), np.empty(2**25), np.inf
    for _ in range(5):
        start = time.perf_counter()
        np.copyto(target, source)
        fastest = min(fastest, time.perf_counter() - start)
    return 2 * source.nbytes / fastest


if __name__ == "__main__":
    main()
