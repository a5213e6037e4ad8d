"""Replays searches on labeled data (5.1), and writes rows and a report."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from seals_sim.disk.cache import get_default_folder
from seals_sim.disk.files import require_writable, write_text
from seals_sim.embed.joined import open_encoder
from seals_sim.embed.space import choose_dimensions
from seals_sim.indexes.choice import resolve_index
from seals_sim.indexes.engines.address import require_engine
from seals_sim.replay.bench import Bench, Setup, Space
from seals_sim.replay.concepts import choose_concepts
from seals_sim.replay.config import CONFIG, read_config_of
from seals_sim.replay.experiment import Results, run_methods
from seals_sim.replay.finished import RUN_FILES, RunConfig
from seals_sim.replay.inputs import InputOptions, load_dataset
from seals_sim.replay.options import ReplayExecution, ReplayProtocol
from seals_sim.replay.report import format_count, write_report
from seals_sim.replay.seal import sealing
from seals_sim.replay.store import RunFolder, RunIdentity, RunStore, get_versions, has_runs, to_json, write_csv
from seals_sim.replay.vectors import compute_vectors, open_index
from seals_sim.replay.workers import work_on
from seals_sim.types import Vectors
from seals_sim.workers import Workers, open_workers


def replay(inputs: InputOptions, protocol: ReplayProtocol, execution: ReplayExecution, command: str = "") -> Path:
    """Replay searches on labeled data, resuming where an earlier call with the same protocol stopped.

    Args:
        inputs: The data.
        protocol: Everything that decides what is found.
        execution: Where and how to run.
        command: The command line, for the report.

    Returns:
        The page of the report, in `execution.out`.

    Raises:
        UserError: If the data or the folder do not fit the options.
    """
    require_engine(protocol.index, execution.engine)
    cache, quiet = execution.cache or get_default_folder(), execution.quiet
    given = _recommend(Setup.prepare(load_dataset(inputs, "icd10"), protocol, choose_concepts))
    setup = _resolve(given)
    about = {
        "command": command,
        "execution": to_json(execution),
        "input": to_json(inputs),
        "versions": get_versions(),
        "first_metric": "average_precision",
        **setup.describe(),
    }
    folder = RunFolder(execution.out, RunIdentity("replay", setup.protocol, setup.fingerprint()), about)
    if (folder.path / CONFIG).exists():
        read_config_of("replay", folder.path, RunConfig)
    report_bad_lines(setup.dataset.bad_lines)
    if not _is_finished(folder.path):
        require_writable(execution.out, "out")
        with open_workers(execution.cluster) as workers:
            vectors = _compute_vectors(setup, given.protocol.dimensions, cache, quiet, workers)
            folder.begin()
            store = RunStore(folder.path)
            finished = store.finished()  # read before anything is written
            _write_split(folder.path, setup)
            _run_missing(store, finished, folder.path, setup, vectors, cache, execution, workers)
    page = write_report(folder.path)
    report_copies(setup.n_copies)
    if not quiet:
        print(page, file=sys.stderr)
    return page


def _is_finished(folder: Path) -> bool:
    """Whether the tables exist, so that the runs that they come from are no longer needed."""
    return not has_runs(folder) and all((folder / name).exists() for name in ("rounds.csv", "picks.csv"))


def report_bad_lines(reports: Sequence[str]) -> None:
    """Print on stderr how many lines were left out, and why the last one was."""
    if reports:
        print(f"left out {format_count(len(reports), 'line')}; the last: {reports[-1]}", file=sys.stderr)


def report_copies(n_copies: int) -> None:
    """Print on stderr how many rows are copies, and how they are treated."""
    if n_copies:
        print(
            f"{format_count(n_copies, 'row')} repeat an earlier one; each is labeled separately, and equal rows are "
            "never split between pool and test",
            file=sys.stderr,
        )


def _recommend(setup: Setup) -> Setup:
    """Apply the recommended settings to the protocol, if requested."""
    if not setup.protocol.recommended:
        return setup
    protocol = setup.protocol.recommend(len(setup.split.pool), _count_dimensions(setup, 0))
    return replace(setup, protocol=protocol)


def _count_dimensions(setup: Setup, whitened: int) -> int:
    """The dimensions of the vectors to search, before they exist."""
    if setup.dataset.vectors is not None:
        return whitened or int(setup.dataset.vectors.shape[1])
    return whitened or open_encoder(setup.protocol.model).dimensions


def _resolve(setup: Setup) -> Setup:
    """Choose the dimensions and the index that the protocol leaves open."""
    protocol, dataset = setup.protocol, setup.dataset
    dimensions = protocol.dimensions
    if dimensions is None:
        dimensions = 0 if dataset.texts is None else choose_dimensions(dataset.texts)
    d = _count_dimensions(setup, dimensions)
    n_runs = len(setup.choice.names) * protocol.repeats * len(protocol.strategies)
    index = resolve_index(protocol.index, len(setup.split.pool), d, n_runs * protocol.budget)
    return replace(setup, protocol=replace(protocol, dimensions=dimensions, index=index))


def _compute_vectors(setup: Setup, given: int | None, cache: Path, quiet: bool, workers: Workers) -> Vectors:
    """Compute vectors with the given dimensions; the protocol's were chosen without seeing the embeddings."""
    vectors = compute_vectors(setup.dataset, setup.protocol.model, given, cache, quiet, workers)
    if given is None and vectors.shape[1] != setup.protocol.dimensions and setup.dataset.texts is not None:
        print(
            f"the texts span fewer than {setup.protocol.dimensions} directions; "
            f"their vectors have {vectors.shape[1]} dimensions",
            file=sys.stderr,
        )
    return vectors


def _write_split(folder: Path, setup: Setup) -> None:
    parts = setup.split.name_parts(len(setup.dataset))
    write_csv(folder / "split.csv", pd.DataFrame({"row": setup.dataset.table_rows, "split": parts}))


def _run_missing(
    store: RunStore,
    finished: set[str],
    folder: Path,
    setup: Setup,
    vectors: Vectors,
    cache: Path,
    execution: ReplayExecution,
    workers: Workers,
) -> None:
    protocol, quiet = setup.protocol, execution.quiet
    jobs = {
        json.dumps([concept, repeat]): (concept, repeat)
        for concept in setup.choice.names
        for repeat in range(protocol.repeats)
    }
    missing = [(name, *job) for name, job in jobs.items() if name not in finished]
    if missing:
        bench = setup.build_bench({"": _build_space(folder, setup, vectors, cache, execution, workers)})
        done = work_on(_run_job, bench, missing, execution.jobs, workers)
        for name, results in tqdm(done, total=len(missing), desc="concepts x repeats", disable=quiet):
            store.save(name, {"rounds": results.rounds, "picks": results.picks})
    with sealing(folder, RUN_FILES):
        for kind in ("picks", "rounds"):
            tables = [store.read(name, kind) for name in jobs]
            write_csv(folder / f"{kind}.csv", pd.concat(tables, ignore_index=True))
    store.remove()


def _build_space(
    folder: Path, setup: Setup, vectors: Vectors, cache: Path, execution: ReplayExecution, workers: Workers
) -> Space:
    protocol, index = setup.protocol, None
    pool_vectors = np.ascontiguousarray(vectors[setup.split.pool])
    if protocol.needs_neighbors:
        index, facts = open_index(
            pool_vectors,
            protocol,
            protocol.n_neighbors,
            protocol.seed,
            cache,
            execution.quiet,
            execution.engine,
            workers,
        )
        write_text(folder / "index.json", json.dumps({"index": protocol.index, **asdict(facts)}, indent=1) + "\n")
    return Space(pool_vectors, vectors[setup.split.test], index)


def _run_job(bench: Bench, job: tuple[str, str, int]) -> tuple[str, Results]:
    name, concept, repeat = job
    return name, run_methods(bench, concept, repeat)
