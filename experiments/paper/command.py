"""The experiments of the paper, from the data to the report."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.openimages import OPENIMAGES, read_openimages
from experiments.paper.options import PaperExecution, PaperProtocol
from experiments.paper.report import write_report
from experiments.paper.rows import RUN_FILES, RunConfig
from experiments.paper.studies import (
    IMAGENET_POOL_FRACTION,
    LOOK_AT_MAIN,
    NEIGHBORS,
    STUDIES,
    Plan,
    build_studies,
    scale_budget,
    scale_k,
)
from experiments.paper.tasks import list_tasks
from seals_sim.datasets import Dataset
from seals_sim.disk.cache import get_default_folder
from seals_sim.disk.files import replacing, require_writable
from seals_sim.embed.space import choose_dimensions
from seals_sim.options import combine
from seals_sim.replay.bench import Setup, Space
from seals_sim.replay.concepts import choose_by_paper
from seals_sim.replay.config import CONFIG, read_config_of
from seals_sim.replay.inputs import InputOptions, load_dataset
from seals_sim.replay.options import ReplayProtocol
from seals_sim.replay.replay import report_copies
from seals_sim.replay.runs import LoopRun, Task, collect_tables, execute
from seals_sim.replay.seal import sealing
from seals_sim.replay.store import (
    RunFolder,
    RunIdentity,
    RunStore,
    get_versions,
    require_run_or_nothing,
    to_json,
    write_csv,
)
from seals_sim.replay.vectors import compute_vectors, open_index
from seals_sim.workers import Workers, open_workers

_DIMENSIONS = (256, 128, 64)
_PILOT_CONCEPTS = 10
_FULL_SUPERVISION_ROWS = 1_000_000  # in float64; more would not fit
_LATENT_FEWER = 100  # the largest k at which to measure embeddings other than the first


@dataclass(frozen=True, eq=False)
class _Work:
    """The prepared data, and how to process them."""

    setup: Setup
    cache: Path
    jobs: int
    quiet: bool
    workers: Workers

    def execute(self, todo: Sequence[Task], store: RunStore) -> None:
        concepts = list(dict.fromkeys(task.concept for task in todo))
        bench = self.setup.build_bench(_build_spaces(self, todo, store), concepts)
        execute(todo, store, bench, self.jobs, self.quiet, self.workers)


def run_paper(inputs: InputOptions, protocol: PaperProtocol, execution: PaperExecution, command: str = "") -> Path:
    """Run the requested studies that are not finished, and write the report of all finished ones.

    Args:
        inputs: The data.
        protocol: All options that affect the results.
        execution: Where and how to run, and which studies.
        command: The command as typed, for the report.

    Returns:
        The page of the report.

    Raises:
        UserError: If the data or the folder do not fit the options.
    """
    openimages = None if execution.paper_tables is None else read_openimages(execution.paper_tables)
    engine = combine(ReplayProtocol, protocol, k=1, dimensions=None)  # until k is chosen
    setup = Setup.prepare(load_dataset(inputs, "wordnet"), engine, choose_by_paper)
    with open_workers(execution.cluster) as workers:
        work = _Work(setup, execution.cache or get_default_folder(), execution.jobs, execution.quiet, workers)
        embeddings = _name_embeddings(setup.dataset, protocol)
        require_run_or_nothing(execution.out)
        require_writable(execution.out, "out")

        k, pilot = protocol.k, None
        if k is None:
            k, pilot = _read_chosen_k(execution.out) or _choose_k_by_pilot(work, embeddings[0])
        work = replace(work, setup=replace(setup, protocol=replace(engine, k=k)))
        n_pool = len(setup.split.pool)
        work.setup.protocol.require_fit(n_pool)
        plan = Plan(work.setup.protocol, embeddings, tuple(k for k in NEIGHBORS if k <= n_pool))
        resolved = replace(protocol, k=k, embeddings=embeddings, neighbors=plan.neighbors)
        identity = RunIdentity("paper", resolved, setup.fingerprint())
        small_budget = max(scale_budget(n_pool, protocol.batch), protocol.n_seeds)
        about = {
            "command": command,
            "execution": to_json(execution),
            "input": to_json(inputs),
            "versions": get_versions(),
            "small_budget": min(small_budget, protocol.budget),
            "pilot": pilot,
            **setup.describe(),
        }
        folder = RunFolder(execution.out, identity, about)
        folder.begin()
        if openimages is not None:
            write_csv(folder.path / OPENIMAGES, openimages)
        _run_missing(work, plan, execution.only or STUDIES, protocol.side_concepts, folder.path)
    page = write_report(folder.path)
    report_copies(setup.n_copies)
    if not execution.quiet:
        print(page, file=sys.stderr)
    return page


def _run_missing(work: _Work, plan: Plan, wanted: Sequence[str], n_side_concepts: int, folder: Path) -> None:
    store = RunStore(folder)
    finished = store.finished()
    missing = [task for task in _list_tasks(work.setup, plan, wanted, n_side_concepts) if task.name not in finished]
    if missing:
        work.execute(missing, store)
    with sealing(folder, RUN_FILES):
        _write_tables(folder, store, _list_tasks(work.setup, plan, STUDIES, n_side_concepts))
    store.close()


def _name_embeddings(dataset: Dataset, protocol: PaperProtocol) -> tuple[str, ...]:
    """Names as model/dimension. If the user gives vectors, the only model is 'vectors'."""
    dimensions = protocol.dimensions
    if dataset.texts is None:
        return tuple(f"vectors/{d}" for d in dimensions or (0,))
    if not dimensions:
        most = choose_dimensions(dataset.texts)
        dimensions = tuple(dict.fromkeys(min(d, most) for d in _DIMENSIONS))
    return tuple(f"{model}/{d}" for model in protocol.models for d in dimensions)


def _read_chosen_k(out: Path) -> tuple[int, dict[str, float] | None] | None:
    """The k of the run in this folder and the pilot that gave it, so that the run can resume."""
    if not (out / CONFIG).exists():
        return None
    config = read_config_of("paper", out, RunConfig)
    return int(config["options"]["k"]), config.get("pilot")


def _choose_k_by_pilot(work: _Work, embedding: str) -> tuple[int, dict[str, float] | None]:
    """The k at which MaxEnt-SEALS should consider the same fraction of the pool as in the paper.

    The pilot runs on validation concepts, one repeat each, with the k0 at which k T / |U| equals the paper's. Its
    fraction of the pool is assumed to be proportional to k. Without validation concepts, the result is k0 itself.
    """
    setup = work.setup
    n_pool = len(setup.split.pool)
    k0 = min(scale_k(n_pool, setup.protocol.budget), n_pool)
    concepts = setup.choice.validation[:_PILOT_CONCEPTS]
    if not concepts:
        return k0, None
    seals = Plan(replace(setup.protocol, k=k0), (embedding,)).method("seals", "maxent")
    runs = [LoopRun(seals, concept, 0) for concept in concepts]
    with tempfile.TemporaryDirectory() as folder:
        store = RunStore(Path(folder))
        work.execute(runs, store)
        fraction = float(np.mean([store.read(run.name, run.kind)["pool_fraction"].iloc[-1] for run in runs]))
        store.close()
    k = max(1, round(k0 * IMAGENET_POOL_FRACTION / fraction))
    return min(k, n_pool), {"k": k0, "concepts": len(concepts), "pool_fraction": fraction}


def _list_tasks(setup: Setup, plan: Plan, wanted: Sequence[str], n_side_concepts: int) -> list[Task]:
    looks_at_main = any(name in LOOK_AT_MAIN for name in wanted)
    chosen = [
        study for name, study in build_studies(plan).items() if name in wanted or (name == "main" and looks_at_main)
    ]
    latent_ks = {}
    if looks_at_main:
        ks = sorted({plan.protocol.k, *plan.neighbors})
        latent_ks = {name: tuple(k for k in ks if k <= _LATENT_FEWER) for name in plan.embeddings}
        latent_ks[plan.embeddings[0]] = tuple(ks)
    in_pool = np.zeros(len(setup.dataset), dtype=np.bool_)
    in_pool[setup.split.pool] = True
    n_positives = {name: int(in_pool[setup.dataset.concepts[name]].sum()) for name in setup.choice.names}
    is_trained_on_all = len(setup.split.pool) <= _FULL_SUPERVISION_ROWS
    return list_tasks(plan, chosen, latent_ks, n_positives, n_side_concepts, is_trained_on_all)


def _write_tables(folder: Path, store: RunStore, everything: Sequence[Task]) -> None:
    """Write everything that is finished, from this call and earlier ones, in the order of the studies."""
    finished = store.finished()
    there = [task for task in everything if task.name in finished]
    index = [store.read(name, "index") for name in sorted(finished) if name.startswith("index ")]
    tables = {kind: collect_tables(store, there, kind) for kind in ("rounds", "structure")}
    for name, table in {**tables, "indexes": pd.concat(index) if index else pd.DataFrame()}.items():
        with replacing(folder / f"{name}.parquet") as temporary:
            table.to_parquet(temporary)


def _build_spaces(work: _Work, todo: Sequence[Task], store: RunStore) -> dict[str, Space]:
    """The embeddings that these tasks need, each with an index if tasks look for neighbors in it."""
    most: dict[str, int] = {}
    for task in todo:
        most.setdefault(task.embedding, 0)
        for embedding, k in task.neighbors().items():
            most[embedding] = max(most.get(embedding, 0), k)
    protocol, split, spaces = work.setup.protocol, work.setup.split, {}
    for embedding, k in most.items():
        model, dimensions = embedding.rsplit("/", 1)
        vectors = compute_vectors(work.setup.dataset, model, int(dimensions), work.cache, work.quiet, work.workers)
        pool_vectors, index = np.ascontiguousarray(vectors[split.pool]), None
        if k:
            if not work.quiet:
                print(f"preparing the {protocol.index} index of {embedding}, k up to {k} ...", file=sys.stderr)
            index, facts = open_index(
                pool_vectors, protocol, k, protocol.seed, work.cache, work.quiet, workers=work.workers
            )
            built = {"embedding": embedding, "index": protocol.index, "seconds": facts.build_seconds, **asdict(facts)}
            store.save(f"index {embedding} {k}", {"index": pd.DataFrame([built])})
        spaces[embedding] = Space(pool_vectors, vectors[split.test], index)
    return spaces
