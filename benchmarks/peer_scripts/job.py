"""What every process of benchmarks.peers shares, including ours: read a job, time its rounds, report progress.

It needs only numpy and threadpoolctl, which every environment has.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

Rows = NDArray[np.int64]
Labels = NDArray[np.int8]


@dataclass(frozen=True)
class Job:
    """One run: from the seeds to `budget` labels, `batch` per round.

    vectors: .npy, (n, d) float32 unit vectors; labels: .npy, (n,) int8, 1 or 0; seed_rows, seed_labels: .npy, (m,);
    index: where a script may keep what it builds before the first round; result: where `Progress` writes.
    """

    method: str
    vectors: str
    labels: str
    seed_rows: str
    seed_labels: str
    index: str
    result: str
    k: int
    budget: int
    batch: int
    threads: int
    seed: int

    @classmethod
    def read(cls, path: str | Path) -> Job:
        return cls(**json.loads(Path(path).read_text(encoding="utf-8")))

    @property
    def n_rounds(self) -> int:
        """Batches after the seeds."""
        return -(-(self.budget - len(np.load(self.seed_rows))) // self.batch)


class Peer(Protocol):
    """A library at work. These three methods are timed."""

    def start(self, rows: Rows, labels: Labels) -> None:
        """Train on the seeds."""

    def query(self, n: int) -> Rows:
        """Choose n rows of the table to label."""

    def learn(self, rows: Rows, labels: Labels) -> None:
        """Add the labels of the rows just chosen, and train on all labels."""


class Progress:
    """The result so far, on disk after every round, so that a stopped run still has one.

    The clock of `started` begins here, when data and index are ready.
    """

    def __init__(self, job: Job, version: str, index_seconds: float = 0.0) -> None:
        self._path, self._n_rounds, self._labels = Path(job.result), job.n_rounds, np.load(job.labels, mmap_mode="r")
        self._said = {"version": version, "index_seconds": index_seconds, "started": time.time()}
        self._select = self._train = 0.0
        self._write(0, np.empty(0, dtype=np.int64))

    def record(self, number: int, select_seconds: float, train_seconds: float, rows: Rows) -> None:
        """Record a finished training. The one on the seeds has number 0. rows: all labeled rows."""
        self._select += select_seconds
        self._train += train_seconds
        self._write(number, rows)

    def _write(self, number: int, rows: Rows) -> None:
        state = {
            **self._said,
            "n_rounds": self._n_rounds,
            "rounds": number,
            "is_finished": len(rows) > 0 and number == self._n_rounds,
            "select_seconds": self._select,
            "train_seconds": self._train,
            "total_seconds": self._select + self._train,
            "n_labeled": len(rows),
            "n_positive": int(self._labels[rows].sum()),
            "peak_bytes": _peak_bytes(),
            "rows": rows.tolist(),
        }
        temporary = self._path.with_suffix(".part")
        temporary.write_text(json.dumps(state), encoding="utf-8")
        temporary.replace(self._path)


def run(make: Callable[[Job], tuple[Peer, str, float]]) -> None:
    """Run the job whose file is named on the command line.

    make: returns the library ready to start, its version, and the seconds to build its index. All methods train on one
    thread, as ours does by default: with so few rows, a logistic regression takes several times longer on two.
    """
    job = Job.read(sys.argv[1])
    peer, version, index_seconds = make(job)
    labels = np.load(job.labels)
    rows = np.load(job.seed_rows)
    progress = Progress(job, version, index_seconds)
    threads = ThreadpoolController()
    with threads.limit(limits=1):
        before = time.perf_counter()
        peer.start(rows, np.load(job.seed_labels))
        progress.record(0, 0.0, time.perf_counter() - before, rows)
    for number in range(1, job.n_rounds + 1):
        with threads.limit(limits=job.threads):
            before = time.perf_counter()
            queried = peer.query(min(job.batch, job.budget - len(rows)))
            select_seconds = time.perf_counter() - before
        with threads.limit(limits=1):
            before = time.perf_counter()
            peer.learn(queried, labels[queried])
            train_seconds = time.perf_counter() - before
        rows = np.concatenate([rows, queried])
        progress.record(number, select_seconds, train_seconds, rows)


class ShrinkingPool:
    """The unlabeled rows as one block of an array, for libraries that take the pool as an array.

    Their examples remove labeled rows with np.delete, which copies the pool in every round. Here the last rows move
    into the gaps, so that only the library's own work is timed.
    """

    def __init__(self, vectors: NDArray[Any], labeled: Rows) -> None:
        self._vectors = vectors
        self._row_at = np.arange(len(vectors))
        self._n = len(vectors)
        self.remove(labeled)

    @property
    def vectors(self) -> NDArray[Any]:
        return self._vectors[: self._n]

    def rows(self, positions: Rows) -> Rows:
        """The rows of the table at these positions of `vectors`."""
        return self._row_at[positions]

    def remove(self, positions: Rows) -> None:
        left = self._n - len(positions)
        is_gone = np.zeros(len(positions), dtype=np.bool_)
        is_gone[positions[positions >= left] - left] = True
        gaps, movers = positions[positions < left], left + np.flatnonzero(~is_gone)
        self._vectors[gaps] = self._vectors[movers]
        self._row_at[gaps] = self._row_at[movers]
        self._n = left


def _peak_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
