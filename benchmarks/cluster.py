"""Cost of a task on a Dask cluster and of Algorithm 1's scan of a partitioned table: two processes on this machine
against the same number of threads.

The vectors are SIMULATED: random directions without clusters, since the content does not affect the time of a scan. All
variants take turns in one run and must find the same rows. Seconds are medians. Other work on the machine moves them
more than it moves CPU seconds, which cover all processes together. A thread is one thread: torch may not start others.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import psutil
from pydantic.dataclasses import dataclass
from threadpoolctl import threadpool_limits

from seals_sim import LinearModel, most_likely_positive
from seals_sim.cli.terminal import flatten, make_cli, render_command, run_cli
from seals_sim.disk.arrays import ArrayStage
from seals_sim.options import CHECKED, GivenPath, PositiveInt
from seals_sim.randomness import make_generator
from seals_sim.replay.options import QuietOptions
from seals_sim.replay.store import write_csv
from seals_sim.search.partitioned import Question, find_best
from seals_sim.search.scores import get_order
from seals_sim.types import Rows, Vectors
from seals_sim.vectors.normalize import normalize
from seals_sim.vectors.partitions import PartitionedVectors
from seals_sim.workers import INLINE, Workers, open_threads, open_workers

_BLOCK = 65_536
_TASKS = 500

app = make_cli("python -m benchmarks.cluster", __doc__)


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class ClusterBenchOptions(QuietOptions):
    """How much to scan, and with how many workers."""

    work: GivenPath
    """Folder for the vectors, 512 bytes a row at 256 dimensions."""
    out: GivenPath
    """CSV file for the results."""
    n: PositiveInt = 10_000_000
    """Rows in the table."""
    dimensions: PositiveInt = 256
    """Dimensions of the float16 vectors."""
    workers: PositiveInt = 2
    """Number of processes, and of threads."""
    best: PositiveInt = 100
    """Number of rows to find in each scan."""
    repeats: PositiveInt = 5
    """Number of measured turns, after one warm-up turn."""


@app.default
def benchmark_cluster(*, options: Annotated[ClusterBenchOptions, flatten("Options")]) -> None:
    """Measure both, and write the results."""
    load = os.getloadavg()[0]
    vectors = PartitionedVectors.open([_store_vectors(options)])
    whole = PartitionedVectors.open([_store_vectors(options)], partition_rows=options.n)
    weights = make_generator(0, "weights").standard_normal(options.dimensions, dtype=np.float32)
    question, whole_question = (
        Question(LinearModel(weights, 0.0, n), get_order(most_likely_positive), options.best, Rows(np.arange(0)))
        for n in (1, options.workers)
    )
    with ExitStack() as stack:
        stack.enter_context(threadpool_limits(1))
        threads = stack.enter_context(open_threads(options.workers))
        cluster = stack.enter_context(open_workers(f"local:{options.workers}"))
        seconds = _take_turns(
            {
                "one pass, its blocks shared out to threads": lambda: find_best(whole, whole_question, INLINE)[0],
                "partitions, threads": lambda: find_best(vectors, question, threads)[0],
                "partitions, Dask": lambda: find_best(vectors, question, cluster)[0],
            },
            options.repeats,
        )
        a_task = [_time(lambda: _do_nothing_often(cluster)) / _TASKS for _ in range(options.repeats + 1)][1:]
    fastest = np.min([spent for name, spent in seconds.items() if "threads" in name], axis=0)
    lines: list[dict[str, object]] = [
        {
            "what": f"scan: {name}",
            "n": options.n,
            "seconds": spent[0],
            "ratio": spent[0] / fastest[0],
            "cpu_seconds": spent[1],
            "cpu_ratio": spent[1] / fastest[1],
        }
        for name, spent in seconds.items()
    ]
    lines.append({"what": "a task that does nothing, Dask", "n": _TASKS, "seconds": float(np.median(a_task))})
    table = pd.DataFrame(lines).assign(load=round(load, 1))
    write_csv(options.out, table)
    print(render_command("python -m benchmarks.cluster", options))
    print(table.to_string(index=False, float_format="%.4f"))


def _store_vectors(options: ClusterBenchOptions) -> Path:
    shape = (options.n, options.dimensions)
    array = ArrayStage(options.work, f"SIMULATED-directions-{options.n}", {"SIMULATED": list(shape)}, shape, np.float16)

    def draw(start: int, end: int) -> Vectors:
        rng = make_generator(0, "directions", start)
        return normalize(rng.standard_normal((end - start, options.dimensions), dtype=np.float32), "simulated")

    array.fill(draw, _BLOCK, options.quiet)
    return array.path


def _take_turns(ways: dict[str, Callable[[], Rows]], repeats: int) -> dict[str, tuple[float, float]]:
    """Median seconds and CPU seconds of each variant, after one warm-up turn."""
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for turn in range(repeats + 1):
        found = []
        for name, scan in ways.items():
            since, cpu_since = time.perf_counter(), _count_cpu_seconds()
            found.append(scan())
            if turn:
                spent[name].append((time.perf_counter() - since, _count_cpu_seconds() - cpu_since))
        assert all(np.array_equal(rows, found[0]) for rows in found)
    medians = {name: np.median(turns, axis=0).tolist() for name, turns in spent.items()}
    return {name: (seconds, cpu_seconds) for name, (seconds, cpu_seconds) in medians.items()}


def _count_cpu_seconds() -> float:
    """CPU seconds of this process and its workers so far."""
    ours = psutil.Process()
    times = [process.cpu_times() for process in (ours, *ours.children(recursive=True))]
    return float(sum(one.user + one.system for one in times))


def _time(work: Callable[[], None]) -> float:
    since = time.perf_counter()
    work()
    return time.perf_counter() - since


def _do_nothing_often(workers: Workers) -> None:
    assert list(workers.map(pow, 1, range(_TASKS))) == [1] * _TASKS


def main(words: Sequence[str] | None = None) -> None:
    """Run the command."""
    run_cli(app, words)


if __name__ == "__main__":
    main()
