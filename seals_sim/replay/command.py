"""What the experiment commands share: data in, rows and report out."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from tqdm import tqdm

from seals_sim.datasets import Dataset
from seals_sim.disk.cache import default_folder
from seals_sim.disk.files import require_writable, write_text
from seals_sim.embed.space import embed_texts, fitting_dimensions
from seals_sim.errors import UserError
from seals_sim.evaluate.splits import Split, random_split
from seals_sim.indexes import IndexFacts, IndexOptions, NeighborIndex, fingerprint, measured_on_some
from seals_sim.indexes.cached import build_cached_index
from seals_sim.randomness import generator
from seals_sim.replay.options import Options, options_from
from seals_sim.replay.protocol import (
    ChosenConcepts,
    Experiment,
    Results,
    Space,
    choose_concepts,
    described,
    run_methods,
)
from seals_sim.replay.report import counted, write_report
from seals_sim.replay.store import RunFolder, RunStore, write_csv
from seals_sim.types import DatasetRows, StoredVectors, Vectors
from seals_sim.vectors.whitening import whiten

VERSIONS = ("seals-sim", "numpy", "scipy", "scikit-learn", "faiss-cpu", "sentence-transformers", "torch", "pandas")


def run_experiment(arguments: argparse.Namespace, name: str, load: Callable[[], Dataset], first_metric: str) -> None:
    """Run 5.1 on the loaded dataset and leave everything in --out.

    first_metric: `average_precision` or `auc`, the one that the report leads with. Raises UserError.
    """
    options = options_from(arguments)
    if arguments.jobs < 1:
        raise UserError(f"--jobs {arguments.jobs}: must be at least 1")
    quiet = bool(arguments.quiet)
    dataset = sampled(load(), options)
    split = random_split(len(dataset), generator(options.seed, "split"), options.test_fraction)
    options.require_fit(len(split.pool))
    chosen = choose_concepts(dataset, split, options)
    options = replace(options, dimensions=_dimensions(dataset, options))
    n_runs = len(chosen.names) * options.repeats * len(options.strategies)
    dimensions = options.dimensions if dataset.vectors is None else dataset.vectors.shape[1]
    assert dimensions is not None
    options = options.with_index_for(len(split.pool), dimensions, n_runs)

    folder = RunFolder(arguments.out, _config(arguments, name, first_metric, dataset, split, chosen, options))
    if dataset.bad_lines:
        n_lines = counted(len(dataset.bad_lines), "line")
        print(f"{n_lines} left out, the last for this reason: {dataset.bad_lines[-1]}", file=sys.stderr)
    if not all((folder.path / table).exists() for table in ("rounds.csv", "picks.csv")):
        cache = arguments.cache or default_folder()
        require_writable(arguments.out, "--out")
        if dataset.texts is not None or ("seals" in options.pools and options.index != "exact"):
            require_writable(cache, "--cache")
        vectors = _vectors(dataset, options, cache, quiet)
        folder.begin()
        write_csv(
            folder.path / "split.csv", pd.DataFrame({"row": dataset.table_rows, "split": split.parts(len(dataset))})
        )
        _run_jobs(folder, dataset, split, vectors, chosen.names, options, cache, arguments.jobs, quiet)
    write_report(folder.path)
    if not quiet:
        print(f"{folder.path / 'index.html'}", file=sys.stderr)


def _config(
    arguments: argparse.Namespace,
    name: str,
    first_metric: str,
    dataset: Dataset,
    split: Split,
    chosen: ChosenConcepts,
    options: Options,
) -> dict[str, object]:
    given = {key: str(value) if isinstance(value, Path) else value for key, value in vars(arguments).items()}
    command = given.pop("command")
    return {
        "experiment": name,
        "command": f"python -m experiments.{name} {command}",
        "options": {**given, **asdict(options)},
        "seed": options.seed,
        "versions": {package: version(package) for package in VERSIONS},
        "dataset": dataset.name,
        "data_fingerprint": dataset.fingerprint(),
        "kind": "texts" if dataset.texts is not None else "vectors",
        "rows": {
            "all": len(dataset),
            "pool": len(split.pool),
            "validation": len(split.validation),
            "test": len(split.test),
        },
        "first_metric": first_metric,
        "concepts": described(dataset, split, chosen.names),
        "skipped_concepts": chosen.skipped,
        "bad_lines": list(dataset.bad_lines),
    }


def sampled(dataset: Dataset, options: Options) -> Dataset:
    """The rows that --sample draws. Raises UserError."""
    if options.sample is None:
        return dataset
    if options.sample > len(dataset):
        raise UserError(f"--sample {options.sample}: {dataset.name} has {len(dataset)} rows")
    return dataset.sample(options.sample, generator(options.seed, "sample"))


def _dimensions(dataset: Dataset, options: Options) -> int:
    if options.dimensions is not None:
        return options.dimensions
    if dataset.texts is None:
        return 0
    return fitting_dimensions(dataset.texts)


def _vectors(dataset: Dataset, options: Options, cache: Path, quiet: bool) -> Vectors:
    assert options.dimensions is not None
    if dataset.texts is not None:
        return embed_texts(dataset.texts, options.model, options.dimensions, cache, quiet)
    assert dataset.vectors is not None
    return dataset.vectors if options.dimensions == 0 else whiten(dataset.vectors, options.dimensions)


def _run_jobs(
    folder: RunFolder,
    dataset: Dataset,
    split: Split,
    vectors: Vectors,
    concepts: tuple[str, ...],
    options: Options,
    cache: Path,
    n_jobs: int,
    quiet: bool,
) -> None:
    store = RunStore(folder.path)
    finished = store.finished()
    jobs = {json.dumps([concept, n]): (concept, n) for concept in concepts for n in range(options.repeats)}
    missing = [(name, *job) for name, job in jobs.items() if name not in finished]
    if missing:
        pool_vectors = np.ascontiguousarray(vectors[split.pool])
        index = None
        if "seals" in options.pools:
            index, facts = index_of(pool_vectors, options, options.k, cache, quiet)
            about = json.dumps({"index": options.index, **asdict(facts)}, indent=1)
            write_text(folder.path / "index.json", about + "\n")
        space = Space(pool_vectors, vectors[split.test], index)
        experiment = Experiment(dataset.name, split, dataset.table_rows, {"": space}, options)
        done = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")(
            joblib.delayed(_run_job)(name, experiment, concept, repeat, dataset.concepts[concept])
            for name, concept, repeat in missing
        )
        for name, results in tqdm(done, total=len(missing), desc="concepts x repeats", disable=quiet):
            store.save(name, {"rounds": results.rounds, "picks": results.picks})
    for kind in ("picks", "rounds"):
        tables = [store.read(name, kind) for name in jobs]
        write_csv(folder.path / f"{kind}.csv", pd.concat(tables, ignore_index=True))
    store.remove()


def index_of(
    vectors: StoredVectors, options: Options, k: int, cache: Path, quiet: bool
) -> tuple[NeighborIndex, IndexFacts]:
    """The index of --index for up to k neighbours, kept among the caches under the vectors' fingerprint, and what it is
    worth on a sample of the rows.
    """
    chosen = IndexOptions(k, options.lsh_bits, options.n_probe)
    rng = generator(options.seed, "index")
    index = build_cached_index(options.index, vectors, fingerprint(vectors), cache, chosen, rng, quiet)
    facts = measured_on_some(index, vectors, k, options.seed)
    if not quiet:
        print(f"index {options.index}: {facts}", file=sys.stderr)
    return index, facts


def _run_job(
    name: str, experiment: Experiment, concept: str, repeat: int, positives: DatasetRows
) -> tuple[str, Results]:
    return name, run_methods(experiment, concept, repeat, positives)
