"""Every experiment of the paper on one data set, as one report: Figures 1-14 and 16-19, Tables 2-8 and section 3.1.

Without input it runs on WordNet: 117,659 definitions, and as concepts synsets with all their hyponyms.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.paper.concepts import Choice, choose
from experiments.paper.openimages import OPENIMAGES, read_openimages
from experiments.paper.report import write_report
from experiments.paper.studies import (
    IMAGENET_POOL_FRACTION,
    LOOK_AT_MAIN,
    NEIGHBORS,
    STUDIES,
    Plan,
    scaled_budget,
    scaled_k,
    studies,
)
from experiments.paper.tasks import tasks
from seals_sim.cli.terminal import Parser, errors_for_people, parse
from seals_sim.datasets import Dataset
from seals_sim.disk.cache import default_folder
from seals_sim.disk.files import replacing, require_writable
from seals_sim.embed.names import DEFAULT_MODEL, STATIC_MODEL
from seals_sim.embed.space import embed_texts, fitting_dimensions
from seals_sim.errors import UserError
from seals_sim.evaluate.splits import Split, random_split
from seals_sim.randomness import generator
from seals_sim.replay.command import VERSIONS, index_of, sampled
from seals_sim.replay.inputs import add_input_options, load_dataset
from seals_sim.replay.options import Options, add_shared_options, names, options_from
from seals_sim.replay.protocol import Experiment, Space, described
from seals_sim.replay.runs import LoopRun, Task, collected, execute
from seals_sim.replay.store import RunFolder, RunStore, read_config, require_run_or_nothing, write_csv
from seals_sim.types import Vectors
from seals_sim.vectors.whitening import whiten

_DIMENSIONS = (256, 128, 64)
_PILOT_CONCEPTS = 10
_FULL_SUPERVISION_ROWS = 1_000_000  # in float64; more would not fit
_LATENT_FEWER = 100  # the largest k at which other embeddings than the first are looked at


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m experiments.paper", description=__doc__)
    add_input_options(parser, "wordnet")
    group = parser.add_argument_group("what to run")
    group.add_argument(
        "--only",
        type=names,
        action="extend",
        metavar="NAMES",
        help=f"comma-separated, of {', '.join(STUDIES)} (default: all of them)",
    )
    group.add_argument("--concepts", type=int, default=50, metavar="N", help="how many concepts (default: %(default)s)")
    group.add_argument(
        "--side-concepts",
        type=int,
        default=15,
        metavar="N",
        help="on how many of them the studies of the appendix are run (default: %(default)s)",
    )
    group.add_argument("--min-positives", type=int, default=1, metavar="N", help="pass over concepts with fewer rows")
    group.add_argument("--max-positives", type=int, default=None, metavar="N", help="pass over concepts with more rows")
    group.add_argument(
        "--k",
        type=int,
        default=None,
        help="neighbours of each labelled row (default: by a pilot on validation concepts, such "
        "that MaxEnt-SEALS considers 6.6 %% of the pool, as in the paper)",
    )
    group.add_argument(
        "--models",
        type=names,
        default=(DEFAULT_MODEL, STATIC_MODEL),
        metavar="NAMES",
        help=f"embedding models, first that of the main study (default: {DEFAULT_MODEL},{STATIC_MODEL})",
    )
    group.add_argument(
        "--dimensions",
        type=names,
        default=None,
        metavar="NUMBERS",
        help="dimensions to whiten to, first that of the main study (default: 256,128,64 as far as the data allow; 0, "
        "not whitened, for your own vectors)",
    )
    group.add_argument(
        "--paper-tables",
        type=Path,
        metavar="FILE",
        help="Tables 3 to 8 of the paper in one CSV, to be drawn beside the same plots of these runs",
    )
    add_shared_options(parser)
    parser.set_defaults(index="graph")  # one for all runs
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    arguments = parse(_parser(), argv)
    with errors_for_people():
        _run_paper(arguments)


@dataclass(frozen=True, eq=False)
class _Bench:
    """The data, divided, and how to work on them."""

    dataset: Dataset
    split: Split
    choice: Choice
    options: Options
    cache: Path
    jobs: int
    quiet: bool

    def experiment(self, todo: Sequence[Task], store: RunStore) -> Experiment:
        return Experiment(
            self.dataset.name, self.split, self.dataset.table_rows, _spaces(self, todo, store), self.options
        )

    def execute(self, todo: Sequence[Task], store: RunStore) -> None:
        execute(todo, store, self.experiment(todo, store), self.dataset.concepts, self.jobs, self.quiet)


def _run_paper(arguments: argparse.Namespace) -> None:
    wanted = _checked(arguments)
    given_k, given_dimensions = vars(arguments).pop("k"), vars(arguments).pop("dimensions")
    options = replace(options_from(arguments), k=1)  # until it is chosen
    openimages = None if arguments.paper_tables is None else read_openimages(arguments.paper_tables)
    dataset = sampled(load_dataset(arguments, "wordnet"), options)
    split = random_split(len(dataset), generator(options.seed, "split"), options.test_fraction)
    options.require_fit(len(split.pool))
    choice = choose(dataset, split, options)
    cache, quiet = arguments.cache or default_folder(), bool(arguments.quiet)
    bench = _Bench(dataset, split, choice, options, cache, arguments.jobs, quiet)
    embeddings = _embeddings(dataset, arguments.models, given_dimensions)
    require_run_or_nothing(arguments.out)
    require_writable(arguments.out, "--out")
    if dataset.texts is not None:
        require_writable(cache, "--cache")

    k, pilot = (given_k, None) if given_k else _chosen_before(arguments.out) or _k_by_pilot(bench, embeddings[0])
    bench = replace(bench, options=replace(options, k=k))
    bench.options.require_fit(len(split.pool))
    plan = Plan(bench.options, embeddings, tuple(k for k in NEIGHBORS if k <= len(split.pool)))
    folder = RunFolder(arguments.out, {**_config(arguments, bench, plan), "pilot": pilot})
    folder.begin()
    if openimages is not None:
        write_csv(folder.path / OPENIMAGES, openimages)

    store = RunStore(folder.path)
    finished = store.finished()
    missing = [task for task in _tasks(bench, plan, wanted, arguments.side_concepts) if task.name not in finished]
    if missing:
        bench.execute(missing, store)
    _write_tables(folder.path, store, _tasks(bench, plan, STUDIES, arguments.side_concepts))
    store.close()
    write_report(folder.path)
    if not quiet:
        print(f"{folder.path / 'index.html'}", file=sys.stderr)


def _checked(arguments: argparse.Namespace) -> tuple[str, ...]:
    """The studies wanted. Raises UserError for what argparse lets through."""
    for name in ("jobs", "side_concepts"):
        if getattr(arguments, name) < 1:
            raise UserError(f"--{name.replace('_', '-')} {getattr(arguments, name)}: must be at least 1")
    if arguments.k is not None and arguments.k < 1:
        raise UserError(f"--k {arguments.k}: must be at least 1")
    wanted = tuple(arguments.only or STUDIES)
    for name in wanted:
        if name not in STUDIES:
            raise UserError(f"--only {name}: there is no such study; choose from {', '.join(STUDIES)}")
    for text in arguments.dimensions or ():
        if not text.isdecimal():
            raise UserError(f"--dimensions {text}: must be a whole number, 0 (no whitening) or more")
    return wanted


def _embeddings(dataset: Dataset, models: Sequence[str], dimensions: Sequence[str] | None) -> tuple[str, ...]:
    """Names as model/dimension; vectors of the user's own have one model, 'vectors'."""
    if dataset.texts is None:
        return tuple(f"vectors/{d}" for d in dimensions or ("0",))
    if dimensions is None:
        most = fitting_dimensions(dataset.texts)
        dimensions = [str(d) for d in dict.fromkeys(min(d, most) for d in _DIMENSIONS)]
    return tuple(f"{model}/{d}" for model in models for d in dimensions)


def _chosen_before(out: Path) -> tuple[int, dict[str, float] | None] | None:
    """The k of the run in this folder, and the pilot that it came from, so that it can go on."""
    if not (out / "config.json").exists():
        return None
    config = read_config(out)
    return int(config.get("options", {}).get("k", 1)), config.get("pilot")


def _k_by_pilot(bench: _Bench, embedding: str) -> tuple[int, dict[str, float] | None]:
    """The k at which MaxEnt-SEALS should come to consider the part of the pool that it does in the paper.

    A pilot on validation concepts, one repeat each, at the k0 of equal k T / |U|; its part of the pool is taken to be
    in proportion to k. Without validation concepts k0 itself.
    """
    n_pool = len(bench.split.pool)
    k0 = min(scaled_k(n_pool, bench.options.budget), n_pool)
    concepts = bench.choice.validation[:_PILOT_CONCEPTS]
    if not concepts:
        return k0, None
    seals = Plan(replace(bench.options, k=k0), (embedding,)).method("seals", "maxent")
    runs = [LoopRun(seals, concept, 0) for concept in concepts]
    with tempfile.TemporaryDirectory() as folder:
        store = RunStore(Path(folder))
        bench.execute(runs, store)
        fraction = float(np.mean([store.read(run.name, run.kind)["pool_fraction"].iloc[-1] for run in runs]))
        store.close()
    k = max(1, round(k0 * IMAGENET_POOL_FRACTION / fraction))
    return min(k, n_pool), {"k": k0, "concepts": len(concepts), "pool_fraction": fraction}


def _tasks(bench: _Bench, plan: Plan, wanted: Sequence[str], n_side_concepts: int) -> list[Task]:
    looks_at_main = any(name in LOOK_AT_MAIN for name in wanted)
    chosen = [study for name, study in studies(plan).items() if name in wanted or (name == "main" and looks_at_main)]
    latent_ks = {}
    if looks_at_main:
        ks = sorted({plan.options.k, *plan.neighbors})
        latent_ks = {name: tuple(k for k in ks if k <= _LATENT_FEWER) for name in plan.embeddings}
        latent_ks[plan.embeddings[0]] = tuple(ks)
    in_pool = np.zeros(len(bench.dataset), dtype=np.bool_)
    in_pool[bench.split.pool] = True
    n_positives = {name: int(in_pool[bench.dataset.concepts[name]].sum()) for name in bench.choice.names}
    is_trained_on_all = len(bench.split.pool) <= _FULL_SUPERVISION_ROWS
    return tasks(plan, chosen, latent_ks, n_positives, n_side_concepts, is_trained_on_all)


def _write_tables(folder: Path, store: RunStore, everything: Sequence[Task]) -> None:
    """All that is finished, of this call and of earlier ones, in the order of the studies."""
    finished = store.finished()
    there = [task for task in everything if task.name in finished]
    index = [store.read(name, "index") for name in sorted(finished) if name.startswith("index ")]
    tables = {kind: collected(store, there, kind) for kind in ("rounds", "structure")}
    for name, table in {**tables, "indexes": pd.concat(index) if index else pd.DataFrame()}.items():
        with replacing(folder / f"{name}.parquet") as temporary:
            table.to_parquet(temporary)


def _spaces(bench: _Bench, todo: Sequence[Task], store: RunStore) -> dict[str, Space]:
    """The embeddings that these tasks need, with an index where they seek neighbours in one."""
    most: dict[str, int] = {}
    for task in todo:
        most.setdefault(task.embedding, 0)
        for embedding, k in task.neighbors().items():
            most[embedding] = max(most.get(embedding, 0), k)
    options, spaces = bench.options, {}
    for embedding, k in most.items():
        vectors = _vectors(bench, embedding)
        pool_vectors, index = np.ascontiguousarray(vectors[bench.split.pool]), None
        if k:
            if not bench.quiet:
                print(f"index {options.index} of {embedding}, k up to {k} ...", file=sys.stderr)
            index, facts = index_of(pool_vectors, options, k, bench.cache, bench.quiet)
            built = {"embedding": embedding, "index": options.index, "seconds": facts.build_seconds, **asdict(facts)}
            store.save(f"index {embedding} {k}", {"index": pd.DataFrame([built])})
        spaces[embedding] = Space(pool_vectors, vectors[bench.split.test], index)
    return spaces


def _vectors(bench: _Bench, embedding: str) -> Vectors:
    model, dimension = embedding.rsplit("/", 1)
    if bench.dataset.texts is not None:
        return embed_texts(bench.dataset.texts, model, int(dimension), bench.cache, bench.quiet)
    assert bench.dataset.vectors is not None
    return bench.dataset.vectors if dimension == "0" else whiten(bench.dataset.vectors, int(dimension))


def _config(arguments: argparse.Namespace, bench: _Bench, plan: Plan) -> dict[str, object]:
    dataset, split, choice = bench.dataset, bench.split, bench.choice
    given = {key: str(value) if isinstance(value, Path) else value for key, value in vars(arguments).items()}
    command = given.pop("command")
    small_budget = scaled_budget(len(split.pool), plan.options.batch)
    return {
        "experiment": "paper",
        "command": f"python -m experiments.paper {command}",
        "options": {**given, **asdict(plan.options), "embeddings": plan.embeddings, "neighbors": plan.neighbors},
        "small_budget": min(max(small_budget, plan.options.n_seeds), plan.options.budget),
        "versions": {package: version(package) for package in VERSIONS},
        "dataset": dataset.name,
        "data_fingerprint": dataset.fingerprint(),
        "rows": {"all": len(dataset), "pool": len(split.pool), "test": len(split.test)},
        "concepts": described(dataset, split, choice.names),
        "validation_concepts": choice.validation,
        "skipped_concepts": choice.skipped,
        "bad_lines": list(dataset.bad_lines),
    }


if __name__ == "__main__":
    main()
