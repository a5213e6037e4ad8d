"""This package's side of benchmarks.peers: the SIMULATED task that all methods get, and our own methods for it.

Our methods run like the others, each in its own process that reads a job: `python -m benchmarks.ours JOB`. This module
imports everything that benchmarks.peers needs from seals_sim.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.methods import SEEDS, RecordingIndex, draw_concept_seeds
from benchmarks.peer_scripts.job import Job, Progress, Rows
from benchmarks.tables import SimulatedTable
from seals_sim import (
    AllPool,
    ArgMax,
    LabeledRows,
    LabelTable,
    LogisticLearner,
    NeighborIndex,
    build_seals_pool,
    max_entropy,
    run,
)
from seals_sim.disk.files import replacing, write_text
from seals_sim.vectors.scan import widen

METHODS = {
    "seals-ivf": "MaxEnt-SEALS, IVF index",
    "seals-graph": "MaxEnt-SEALS, recorded neighbors",
    "all": "MaxEnt-All",
}
N_SEEDS = sum(SEEDS)


@dataclass(frozen=True)
class Task:
    """The folder of one table size, the number of positive rows, and the job."""

    folder: Path
    n_positive: int
    job: Job

    def write_job(self, method: str) -> Path:
        """Write the job of one method for its process to read. An earlier result is deleted."""
        path = self.folder / f"{method}.job.json"
        job = replace(self.job, method=method, result=str(path.with_name(f"{method}.result.json")))
        Path(job.result).unlink(missing_ok=True)
        write_text(path, json.dumps(asdict(job), indent=1) + "\n")
        return path


def prepare_task(n: int, dimensions: int, seed: int, work: Path, quiet: bool, **numbers: int) -> Task:
    """The table of benchmarks.rounds with its first concept, the seeds of that concept's first repeat, and our index.

    numbers: k, budget, batch and threads. Files from an earlier call, or from benchmarks.rounds, are reused.
    """
    table = SimulatedTable(n, dimensions, seed=seed)
    clusters = table.draw_clusters()
    is_positive = table.mark_positives(clusters, 0)
    seeds = draw_concept_seeds(is_positive, seed, 0, 0)
    table.build_index(clusters, work / f"n-{n}", quiet)
    _, stage = table.store_vectors(clusters, np.float32, work / f"n-{n}", quiet)

    folder = work / f"n-{n}" / "peers"
    arrays: dict[str, NDArray[Any]] = {
        "labels": is_positive.astype(np.int8),
        "seed-rows": seeds.rows,
        "seed-labels": seeds.labels,
    }
    paths = {name: folder / f"{name}.npy" for name in arrays}
    for name, array in arrays.items():
        with replacing(paths[name]) as temporary:
            np.save(temporary, array)
    job = Job(
        method="", vectors=str(stage.path), labels=str(paths["labels"]), seed_rows=str(paths["seed-rows"]),
        seed_labels=str(paths["seed-labels"]), index=str(folder / f"hnsw-{stage.stage.digest[:16]}.bin"), result="",
        seed=seed, **numbers,
    )  # fmt: skip
    return Task(folder, int(is_positive.sum()), job)


class _Run:
    """One of METHODS, ready to start."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._scanned = np.load(job.vectors, mmap_mode="r")
        n, dimensions = self._scanned.shape
        self._folder = Path(job.result).parent
        table = self._folder.parent
        simulated = SimulatedTable(n, dimensions, seed=job.seed)
        self._index = simulated.build_index(simulated.draw_clusters(), table, quiet=True)
        self._vectors = self._index.vectors
        self._seeds = LabeledRows(np.load(job.seed_rows), np.load(job.seed_labels))
        self.index_seconds = 0.0 if job.method == "all" else self._index.build_seconds
        for name in ("SIMULATED-float32",) if job.method == "all" else ("SIMULATED-float16", "index-lists-sq"):
            _read_through(table / name)
        widen(self._vectors[:1])  # imports the libraries before the clock starts, as the peers do
        self._neighbors: NeighborIndex = self._index
        if job.method == "seals-graph":
            self._neighbors = recording = RecordingIndex(self._index)
            for _ in self.run_rounds():
                pass
            self._neighbors = recording.write_graph(job.k, self._folder / "asked.npy")

    def run_rounds(self) -> Iterator[tuple[int, float, float, Rows]]:
        """For each training: its number, the seconds of selection (with neighbors) and of training, and the labeled
        rows.
        """
        job, ranked = self._job, ArgMax(max_entropy)
        before = time.perf_counter()
        pool = self._build_pool(ranked)
        first = time.perf_counter() - before  # with the neighbors of the seeds
        learner = LogisticLearner(self._vectors, n_threads=job.threads)
        oracle = LabelTable(np.load(job.labels) == 1)
        for state in run(self._seeds, pool, learner, ranked, oracle, job.batch, job.budget):
            spent = state.seconds
            yield state.number, spent.select + spent.neighbor + first, spent.train, state.labeled.rows
            first = 0.0

    def _build_pool(self, ranked: ArgMax) -> Any:
        if self._job.method == "all":
            return AllPool(self._seeds, self._scanned)
        return build_seals_pool(self._seeds, self._vectors, self._neighbors, self._job.k, ranked)


def _read_through(folder: Path) -> None:
    """Read the files, so that they are in memory, as the peers' vectors are."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            while file.read(2**24):
                pass


def main() -> None:
    job = Job.read(sys.argv[1])
    with threadpool_limits(job.threads):
        method = _Run(job)
        progress = Progress(job, version("seals-sim"), method.index_seconds)
        for number, select_seconds, train_seconds, rows in method.run_rounds():
            progress.record(number, select_seconds, train_seconds, rows)


if __name__ == "__main__":
    main()
