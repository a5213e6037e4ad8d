"""The comparison, from the data to the report."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from experiments.beyond.options import RULE_NAMES, BeyondExecution, BeyondProtocol
from experiments.beyond.planted import copy_with_noise, plant
from experiments.beyond.report import ROWS, RUN_FILES, write_report
from experiments.beyond.rules import MOST_NEIGHBORS, RULES, SpaceName
from experiments.beyond.runs import KIND, Space, Table, Task, search
from seals_sim.datasets import Dataset
from seals_sim.disk.cache import get_default_folder
from seals_sim.disk.files import require_writable
from seals_sim.embed.joined import join
from seals_sim.embed.names import STATIC_MODEL
from seals_sim.errors import UserError
from seals_sim.label.options import WIDENING
from seals_sim.options import combine
from seals_sim.randomness import make_generator
from seals_sim.replay.bench import Setup
from seals_sim.replay.concepts import choose_by_paper
from seals_sim.replay.inputs import InputOptions, load_dataset
from seals_sim.replay.options import IndexOptions, ReplayProtocol
from seals_sim.replay.replay import report_copies
from seals_sim.replay.seal import sealing
from seals_sim.replay.store import RunFolder, RunIdentity, RunStore, get_versions, to_json, write_csv
from seals_sim.replay.vectors import compute_vectors, open_index
from seals_sim.replay.workers import work_on
from seals_sim.types import Rows, Vectors
from seals_sim.workers import Workers, open_workers


def run_beyond(inputs: InputOptions, protocol: BeyondProtocol, execution: BeyondExecution, command: str = "") -> Path:
    """Run the requested searches that are not finished, and write the report of all finished ones.

    Args:
        inputs: The data.
        protocol: All options that affect the result.
        execution: Where and how to run, and which rules.
        command: The command as typed, for the report.

    Returns:
        The page of the report.

    Raises:
        UserError: If the data or the folder do not fit the options.
    """
    engine = combine(ReplayProtocol, protocol, k=MOST_NEIGHBORS)
    choose = partial(choose_by_paper, max_shared=protocol.max_shared, is_size_first=True)
    setup = Setup.prepare(load_dataset(inputs, "wordnet"), engine, choose)
    if protocol.tuning:
        names = setup.choice.validation[: protocol.concepts]
        setup = replace(setup, choice=replace(setup.choice, names=names))
    about = {
        "command": command,
        "execution": to_json(execution),
        "input": to_json(inputs),
        "versions": get_versions(),
        **setup.describe(),
    }
    folder = RunFolder(execution.out, RunIdentity("beyond", protocol, setup.fingerprint()), about)
    require_writable(execution.out, "out")
    folder.begin()
    store = RunStore(folder.path)
    usual = [name for name in protocol.plan.rules if not name.startswith("lazy") or setup.dataset.texts is not None]
    wanted = execution.only or usual
    if protocol.cold_start and not set(wanted) <= set(protocol.plan.rules):
        known = " and ".join(protocol.plan.rules)
        raise UserError(f"cold_start compares only {known}", parameter="only", value=",".join(wanted))
    tasks = [
        Task(rule, concept, repeat)
        for concept in setup.choice.names
        for repeat in range(protocol.repeats)
        for rule in RULE_NAMES
    ]
    finished = store.finished()
    missing = [task for task in tasks if task.rule in wanted and task.name not in finished]
    if missing:
        with open_workers(execution.cluster) as workers:
            _run_missing(missing, store, setup, protocol, execution, workers)
    finished = store.finished()
    tables = [store.read(task.name, KIND) for task in tasks if task.name in finished]
    with sealing(folder.path, RUN_FILES):
        write_csv(folder.path / ROWS, pd.concat(tables, ignore_index=True))
    store.close()
    page = write_report(folder.path)
    report_copies(setup.n_copies)
    if not execution.quiet:
        print(page, file=sys.stderr)
    return page


def _run_missing(
    missing: Sequence[Task],
    store: RunStore,
    setup: Setup,
    protocol: BeyondProtocol,
    execution: BeyondExecution,
    workers: Workers,
) -> None:
    cache = execution.cache or get_default_folder()
    rules = [RULES[name] for name in dict.fromkeys(task.rule for task in missing)]
    spaces = {rule.space: any(other.has_index for other in rules if other.space == rule.space) for rule in rules}
    table = _build_table(setup, protocol, spaces, cache, execution.quiet, workers)
    done = work_on(_work, (table, protocol), missing, execution.jobs, workers)
    for task, rows in tqdm(done, total=len(missing), desc="searches", disable=execution.quiet):
        store.save(task.name, {KIND: rows})


def _work(shared: tuple[Table, BeyondProtocol], task: Task) -> tuple[Task, pd.DataFrame]:
    table, protocol = shared
    return task, search(table, task, protocol)


def _build_table(
    setup: Setup,
    protocol: BeyondProtocol,
    spaces: Mapping[SpaceName, bool],
    cache: Path,
    quiet: bool,
    workers: Workers,
) -> Table:
    dataset, split = setup.dataset, setup.split
    rng = make_generator(protocol.seed, "copied")
    origins = plant(len(split.pool), protocol.copied, rng)
    pool_rows = split.pool[origins]
    return Table(
        {
            name: _build_space(name, has, setup, protocol, origins, cache, quiet, workers)
            for name, has in spaces.items()
        },
        origins,
        {name: Rows(np.flatnonzero(np.isin(pool_rows, dataset.concepts[name]))) for name in setup.choice.names},
        {name: Rows(np.flatnonzero(np.isin(split.test, dataset.concepts[name]))) for name in setup.choice.names},
    )


def _build_space(
    name: SpaceName,
    has_index: bool,
    setup: Setup,
    protocol: BeyondProtocol,
    origins: Rows,
    cache: Path,
    quiet: bool,
    workers: Workers,
) -> Space:
    dataset, split = setup.dataset, setup.split
    dimensions = protocol.dimensions or None if name == "whitened" else 0
    vectors = compute_vectors(dataset, protocol.model, dimensions, cache, quiet, workers)
    if name == "joined":
        vectors = join(vectors, _embed_statically(dataset, cache, quiet, workers))
    pool = np.ascontiguousarray(vectors[split.pool])
    if protocol.copied:
        pool = copy_with_noise(pool, origins, make_generator(protocol.seed, "noise"))
    index, searched, k = None, pool, MOST_NEIGHBORS
    if name == "lazy":
        searched, k = _embed_statically(dataset, cache, quiet, workers)[split.pool], WIDENING * MOST_NEIGHBORS
        if protocol.copied:
            searched = copy_with_noise(searched, origins, make_generator(protocol.seed, "static noise"))
    if has_index:
        index, _ = open_index(searched, IndexOptions(index="graph"), k, protocol.seed, cache, quiet, workers=workers)
    return Space(pool, index, vectors[split.test])


def _embed_statically(dataset: Dataset, cache: Path, quiet: bool, workers: Workers) -> Vectors:
    """The vectors of all rows by the static model."""
    if dataset.texts is None:
        raise UserError("needs texts, not vectors; choose other rules", parameter="only", value="lazy")
    return compute_vectors(dataset, STATIC_MODEL, 0, cache, quiet, workers)
