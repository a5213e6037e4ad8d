"""The tasks behind a report: each runs once, and its result is saved at once under its name."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace

import numpy as np
import pandas as pd
from tqdm import tqdm

from seals_sim.disk.stages import measure_peak_bytes
from seals_sim.evaluate.structure import build_concept_graph, compute_average_cosine, measure_structure
from seals_sim.replay.bench import Bench
from seals_sim.replay.experiment import run_full_supervision, run_method
from seals_sim.replay.methods import Method
from seals_sim.replay.store import RunStore
from seals_sim.replay.workers import work_on
from seals_sim.types import Rows
from seals_sim.vectors.scan import gather
from seals_sim.workers import INLINE, Workers

FULL_SUPERVISION = "full_supervision"
METHOD_FIELDS = tuple(field.name for field in fields(Method))


@dataclass(frozen=True)
class LoopRun:
    """One method on one concept and repeat."""

    method: Method
    concept: str
    repeat: int
    kind = "rounds"

    @property
    def embedding(self) -> str:
        return self.method.embedding

    @property
    def name(self) -> str:
        return json.dumps([self.kind, asdict(self.method), self.concept, self.repeat])

    def neighbors(self) -> dict[str, int]:
        """The embeddings in which to find neighbors, with k."""
        return {self.method.index_embedding or self.method.embedding: self.method.k} if self.method.k else {}

    def work(self, bench: Bench, n_seals_candidates: int) -> pd.DataFrame:
        rounds, _ = run_method(bench, self.method, self.concept, self.repeat, n_seals_candidates)
        return rounds.assign(**asdict(self.method), concept=self.concept, repeat=self.repeat)


@dataclass(frozen=True)
class FullSupervision:
    """The learner trained on all labels of the pool; stored as a run of this strategy over all rows."""

    embedding: str
    regularization: float
    concept: str
    kind = "rounds"

    @property
    def name(self) -> str:
        return json.dumps([FULL_SUPERVISION, self.embedding, self.regularization, self.concept])

    def neighbors(self) -> dict[str, int]:
        return {}

    def work(self, bench: Bench, n_seals_candidates: int) -> pd.DataFrame:
        row = run_full_supervision(bench, self.embedding, self.regularization, self.concept)
        names = {
            **dict.fromkeys(METHOD_FIELDS),
            "pool": "all",
            "strategy": FULL_SUPERVISION,
            "embedding": self.embedding,
            "regularization": self.regularization,
        }
        return row.assign(**names, concept=self.concept, repeat=0)


@dataclass(frozen=True)
class Latent:
    """The latent structure of a concept at several k: one row for each."""

    embedding: str
    ks: tuple[int, ...]
    concept: str
    kind = "structure"

    @property
    def name(self) -> str:
        return json.dumps([self.kind, self.embedding, self.ks, self.concept])

    def neighbors(self) -> dict[str, int]:
        return {self.embedding: max(self.ks)}

    def work(self, bench: Bench, n_seals_candidates: int) -> pd.DataFrame:
        space = bench.spaces[self.embedding]
        members = Rows(np.flatnonzero(bench.is_positive(self.concept)[0]))
        cosine = compute_average_cosine(gather(space.pool_vectors, members))
        assert space.index is not None
        graphs = {k: build_concept_graph(members, space.index, k) for k in self.ks}
        return pd.DataFrame(
            [
                {"concept": self.concept, "embedding": self.embedding, "n_positives": len(members), "k": k,
                 **asdict(measure_structure(graph)), "average_cosine": cosine}
                for k, graph in graphs.items()
            ]
        )  # fmt: skip


Task = LoopRun | FullSupervision | Latent


def execute(
    missing: Sequence[Task],
    store: RunStore,
    bench: Bench,
    n_jobs: int,
    quiet: bool,
    workers: Workers = INLINE,
) -> None:
    """Run the missing tasks, on workers or in `n_jobs` processes, and store each result as soon as it is done.

    RandPool takes its size from the SEALS run of the same repeat, so its runs come second.
    """
    waves = [
        [task for task in missing if (_measured_in(task, bench.protocol.k) is not None) is last]
        for last in (False, True)
    ]
    with tqdm(total=len(missing), desc="runs", disable=quiet) as bar:
        for wave in waves:
            sized = [(task, _n_seals_candidates(task, store, bench.protocol.k)) for task in wave]
            for task, table in work_on(_work, bench, sized, n_jobs, workers):
                store.save(task.name, {task.kind: table})
                bar.update()


def _measured_in(task: Task, k: int) -> LoopRun | None:
    """The SEALS run whose pool sets the size of a RandPool run."""
    if isinstance(task, LoopRun) and task.method.random_pool_factor is not None:
        return replace(task, method=get_seals_method(task.method, k))
    return None


def _n_seals_candidates(task: Task, store: RunStore, k: int) -> int:
    seals = _measured_in(task, k)
    return 0 if seals is None else int(store.read(seals.name, seals.kind)["n_candidates"].iloc[-1])


def _work(bench: Bench, sized: tuple[Task, int]) -> tuple[Task, pd.DataFrame]:
    task, size = sized
    start = time.perf_counter()
    table = task.work(bench, size)
    if task.kind == "rounds":
        table = table.assign(whole_seconds=time.perf_counter() - start, peak_bytes=measure_peak_bytes())
    return task, table


def collect_tables(store: RunStore, todo: Sequence[Task], kind: str) -> pd.DataFrame:
    """The tables of one kind, in the order of the tasks, not of their completion."""
    tables = [store.read(task.name, kind) for task in todo if task.kind == kind]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def get_seals_method(method: Method, k: int) -> Method:
    """The SEALS run that a RandPool run takes its size from."""
    return replace(method, pool="seals", k=k, random_pool_factor=None)
