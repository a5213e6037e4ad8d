"""Cost of the graph of all neighbors of a large table: time, memory and disk space, with its recall.

The vectors are SIMULATED: `benchmarks.tables`, in float16 on disk. `build_index` builds the graph as in any command.
Everything is counted, starting with the search for equal rows. Memory is given twice: the process's own, and with the
pages of mapped files, which the system reclaims when it needs them.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import psutil
from threadpoolctl import threadpool_limits

from benchmarks.options import WholeGraphOptions
from benchmarks.own_process import run_in_own_process
from benchmarks.tables import SimulatedTable, read_graph_settings
from seals_sim.cli.terminal import flatten, make_cli, render_command, run_cli
from seals_sim.disk.stages import measure_peak_bytes
from seals_sim.indexes import IndexOptions, build_index, measure_on_sample
from seals_sim.randomness import make_generator
from seals_sim.replay.store import write_csv
from seals_sim.runtime import import_torch

_EVERY_SECONDS = 0.5

app = make_cli("python -m benchmarks.whole_graph", __doc__)


@app.default
def benchmark_whole_graph(*, options: Annotated[WholeGraphOptions, flatten("Options")]) -> None:
    """Build the graph of each size."""
    print(render_command("python -m benchmarks.whole_graph", options))
    measured = []
    for n in options.n:
        measured.append(run_in_own_process(measure_graph, n, options))
        table = pd.DataFrame(measured)
        write_csv(options.out, table)
    print("SIMULATED rows\n")
    print(table.to_string(index=False, float_format="%.3f"))


def main(words: Sequence[str] | None = None) -> None:
    """Run the command."""
    run_cli(app, words)


def measure_graph(n: int, options: WholeGraphOptions) -> dict[str, object]:
    """Build the graph of n rows in its own folder, where it stays."""
    table = SimulatedTable(n, options.dimensions)
    folder = options.work / f"n-{n}"
    vectors, array = table.store_vectors(table.draw_clusters(), np.float16, folder, quiet=True)
    chosen, rng = IndexOptions(options.k), make_generator(0, "index", n)
    load = os.getloadavg()[0]
    with threadpool_limits(options.threads), _watching(folder) as largest:
        import_torch().set_num_threads(options.threads)
        start, start_cpu = time.perf_counter(), time.process_time()
        index = build_index("graph", vectors, folder, chosen, rng, array.stage.digest)
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - start_cpu
    facts = measure_on_sample(index, vectors, options.k)
    settings = read_graph_settings(folder, options.k)
    return {
        "table": "SIMULATED",
        "n": n,
        "dimensions": options.dimensions,
        "k": options.k,
        "threads": options.threads,
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "us_a_row": 1e6 * seconds / n,
        "cpu_us_a_row": 1e6 * cpu_seconds / n,
        "recall": facts.recall,
        "cells": None if settings is None else settings.n_cells,
        "compared": None if settings is None else settings.n_compared,
        "memory_gb": largest["memory"] / 1e9,
        "with_mapped_gb": measure_peak_bytes() / 1e9,
        "disk_gb": largest["disk"] / 1e9,
        "load_before": load,
    }


@contextmanager
def _watching(folder: Path) -> Iterator[dict[str, int]]:
    """Track, in bytes, the peak private memory of this process and the largest growth of the folder."""
    largest, is_done, process = {"memory": 0, "disk": 0}, threading.Event(), psutil.Process()
    before = _count_bytes(folder)

    def watch() -> None:
        while not is_done.wait(_EVERY_SECONDS):
            info = process.memory_info()
            largest["memory"] = max(largest["memory"], info.rss - info.shared)
            largest["disk"] = max(largest["disk"], _count_bytes(folder) - before)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield largest
    finally:
        is_done.set()
        thread.join()


def _count_bytes(folder: Path) -> int:
    """Bytes that the files below a folder take on disk. Files may vanish while they are counted."""
    n_bytes = 0
    for path in folder.rglob("*"):
        try:
            n_bytes += 512 * path.stat().st_blocks
        except FileNotFoundError:
            continue
    return n_bytes


if __name__ == "__main__":
    main()
