"""Spoilers in Goodreads reviews (section 7.12), at the size of the paper on one machine: 17.67 million sentences.

Nothing is held in memory whole: reading, embedding, whitening and indexing are stages that leave their results in a
work folder, and go on where they were stopped. The file is the UCSD Book Graph's goodreads_reviews_spoiler.json.gz;
its owners allow academic use only and no redistribution; ask them for it. --simulate makes a stand-in for those who
lack it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from experiments.goodreads.report import write_report
from experiments.goodreads.sources import (
    Encoding,
    Simulation,
    Source,
    from_reviews,
    from_simulation,
    from_texts,
)
from experiments.goodreads.stages import SPLITS, Settings, describe, memory_of, prepare
from seals_sim.cli.terminal import Parser, errors_for_people, parse
from seals_sim.disk.files import require_writable, write_text
from seals_sim.embed.names import BACKENDS, DEFAULT_DIMENSIONS, DEFAULT_MODEL
from seals_sim.errors import UserError
from seals_sim.indexes.names import N_PROBE
from seals_sim.replay.command import VERSIONS
from seals_sim.replay.options import (
    POOLS,
    Options,
    add_label_options,
    add_run_options,
    add_score_options,
    names,
    options_from,
)
from seals_sim.replay.protocol import Experiment, method_of
from seals_sim.replay.runs import LoopRun, collected, execute
from seals_sim.replay.store import RunFolder, RunStore, require_run_or_nothing, write_csv
from seals_sim.types import DatasetRows, TableRows

_STRATEGIES = ("maxent", "most_likely_positive", "random")
_SIMULATED = "SIMULATED"


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m experiments.goodreads", description=__doc__)
    _add_input_options(parser)
    group = parser.add_argument_group("stages")
    group.add_argument(
        "--work",
        type=Path,
        metavar="DIR",
        help="where the stages leave their results, some 40 GB at full size (default: --out with -work after it)",
    )
    group.add_argument(
        "--model",
        default=DEFAULT_MODEL,
        help="a sentence-transformers model, by folder or name; wordllama is a static one, hundreds of times faster "
        "(default: %(default)s)",
    )
    group.add_argument(
        "--backend", choices=BACKENDS, default=BACKENDS[0], help="of sentence-transformers (default: %(default)s)"
    )
    group.add_argument(
        "--dimensions",
        type=int,
        default=DEFAULT_DIMENSIONS,
        metavar="D",
        help="whiten to D dimensions by PCA; 0 for no whitening (default: %(default)s)",
    )
    group.add_argument(
        "--block", type=int, default=16_384, metavar="N", help="texts embedded between two saves (default: %(default)s)"
    )
    group.add_argument(
        "--splits",
        type=names,
        default=SPLITS[:1],
        metavar="NAMES",
        help=f"comma-separated, of {', '.join(SPLITS)}: what is never in two parts of the data (default: sentence, as "
        "in the paper; the others leak nothing of a review or book into the test)",
    )
    group.add_argument(
        "--n-probe",
        type=int,
        default=N_PROBE,
        metavar="N",
        help="cells of the index that a query looks into; more find more and take longer (default: %(default)s)",
    )
    group.add_argument(
        "--memory",
        default="0.75",
        metavar="SIZE",
        help="what the index and the float32 copy for the full scan may each take: a part of this machine's memory, or "
        "a size such as 16GB (default: %(default)s)",
    )
    group.add_argument("--threads", type=int, default=os.cpu_count() or 1, metavar="N", help="(default: %(default)s)")

    group = parser.add_argument_group("methods")
    group.add_argument(
        "--pools",
        type=names,
        default=POOLS[:2],
        metavar="NAMES",
        help=f"comma-separated, of {', '.join(POOLS)} (default: {','.join(POOLS[:2])})",
    )
    group.add_argument(
        "--strategies",
        type=names,
        default=_STRATEGIES,
        metavar="NAMES",
        help=f"comma-separated (default: {','.join(_STRATEGIES)})",
    )
    group.add_argument("--int8", action="store_true", help="also MLP over everything, by 8-bit codes in memory")
    group.add_argument(
        "--k", type=int, default=Options.k, help="neighbours of each labelled row (default: %(default)s)"
    )
    group.add_argument("--test-rows", type=int, metavar="N", help="test on N of the test rows, drawn at random")
    group.add_argument("--no-structure", action="store_true", help="leave out Figure 19: neighbours of all positives")
    add_score_options(group)
    add_label_options(parser)
    add_run_options(parser.add_argument_group("run"))
    return parser


def _add_input_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("input: one of --reviews, --texts and --simulate")
    group.add_argument("--reviews", type=Path, metavar="FILE", help="the reviews, .json or .json.gz")
    group.add_argument("--skip-bad-lines", action="store_true", help="leave unreadable lines out and report them")
    group.add_argument("--texts", type=Path, metavar="FILE", help="other texts: a table with a label of 0 and 1")
    group.add_argument("--text-column", default="text", metavar="NAME", help="of --texts (default: %(default)s)")
    group.add_argument("--label-column", default="label", metavar="NAME", help="of --texts (default: %(default)s)")
    group.add_argument("--prevalence", type=float, metavar="P", help="thin the positives of --texts to this part")
    group.add_argument(
        "--simulate",
        type=int,
        metavar="N",
        help="SIMULATED embeddings with the facts that 7.12 reports: N in the pool, and more for test",
    )
    default = Simulation(1)
    group.add_argument(
        "--book-cosine",
        type=float,
        default=default.book_cosine,
        metavar="C",
        help="of --simulate: mean cosine similarity of two sentences of one book (default: %(default)s)",
    )
    group.add_argument(
        "--spoiler-cosine",
        type=float,
        default=default.spoiler_cosine,
        metavar="C",
        help="of --simulate: by how much more two spoilers of one book are alike (default: %(default)s)",
    )


def main(argv: Sequence[str] | None = None) -> None:
    arguments = parse(_parser(), argv)
    with errors_for_people():
        _run(arguments)


def _run(arguments: argparse.Namespace) -> None:
    options = options_from(arguments)
    settings = _settings(arguments, options)
    out, quiet = arguments.out, bool(arguments.quiet)
    work: Path = arguments.work or out.with_name(f"{out.name}-work")
    require_run_or_nothing(out)
    require_writable(out, "--out")
    require_writable(work, "--work")
    inside = work if arguments.simulate is None else work / _SIMULATED  # simulated and real are never in one folder
    source = _source(arguments, inside)
    if source.bad_lines:
        print(f"{len(source.bad_lines)} lines left out, the last: {source.bad_lines[-1]}", file=sys.stderr)
    folder = RunFolder(out, _config(arguments, source, options))
    folder.begin()

    store = RunStore(out)
    facts, stages, todo = {}, {}, []
    for split in arguments.splits:
        prepared = prepare(source, split, settings, inside)
        options.require_fit(len(prepared.split.pool))
        experiment = Experiment(
            source.name,
            prepared.split,
            TableRows(prepared.split.pool),
            {"": prepared.space},
            options,
            settings.n_threads,
        )
        runs = _runs(options, split, arguments.int8)
        finished = store.finished()
        positives = DatasetRows(source.is_positive.nonzero()[0])
        execute([run for run in runs if run.name not in finished], store, experiment, {split: positives}, 1, quiet)
        facts[split] = prepared.facts
        stages.update({f"{stage['folder']}": stage for stage in describe(prepared.stages, work)})
        todo += runs
    rounds = collected(store, todo, "rounds").rename(columns={"concept": "split"}).assign(dataset=source.name)
    store.close()
    write_csv(out / "rounds.csv", rounds)
    write_csv(out / "stages.csv", pd.DataFrame(stages.values()).assign(dataset=source.name))
    write_text(out / "facts.json", json.dumps({"dataset": source.name, "splits": facts}, indent=1) + "\n")
    write_report(out)
    if not quiet:
        print(f"{out / 'index.html'}", file=sys.stderr)


def _settings(arguments: argparse.Namespace, options: Options) -> Settings:
    """Raises UserError for what argparse lets through."""
    for name in ("block", "n_probe", "threads", "test_rows", "simulate"):
        value = getattr(arguments, name)
        if value is not None and value < 1:
            raise UserError(f"--{name.replace('_', '-')} {value}: must be at least 1")
    for name in ("prevalence", "book_cosine", "spoiler_cosine"):
        value = getattr(arguments, name)
        if value is not None and not 0 < value < 1:
            raise UserError(f"--{name.replace('_', '-')} {value}: must lie between 0 and 1")
    if arguments.book_cosine + arguments.spoiler_cosine > 0.99:
        raise UserError("--book-cosine and --spoiler-cosine: together they must leave room for what else sentences say")
    if arguments.simulate is not None and arguments.dimensions < 1:
        raise UserError(f"--dimensions {arguments.dimensions}: must be at least 1 with --simulate")
    for name in arguments.splits or ("",):
        if name not in SPLITS:
            raise UserError(f"--splits {name}: there is no such split; choose from {', '.join(SPLITS)}")
    assert options.dimensions is not None
    return Settings(
        dimensions=options.dimensions,
        test_fraction=options.test_fraction,
        seed=options.seed,
        n_probe=arguments.n_probe,
        memory_bytes=memory_of(arguments.memory),
        n_threads=arguments.threads,
        test_rows=arguments.test_rows,
        scans=(*(("all",) if "all" in options.pools else ()), *(("all_int8",) if arguments.int8 else ())),
        has_structure=not arguments.no_structure,
        quiet=bool(arguments.quiet),
    )


def _source(arguments: argparse.Namespace, work: Path) -> Source:
    given = [name for name in ("reviews", "texts", "simulate") if getattr(arguments, name) is not None]
    if len(given) != 1:
        raise UserError("give one of --reviews FILE, --texts FILE and --simulate N")
    encoding = Encoding(arguments.model, arguments.backend, arguments.block, bool(arguments.quiet))
    if arguments.reviews is not None:
        return from_reviews(arguments.reviews, arguments.skip_bad_lines, encoding, work)
    if arguments.texts is not None:
        how_read = (arguments.text_column, arguments.label_column, arguments.skip_bad_lines)
        return from_texts(arguments.texts, *how_read, arguments.prevalence, arguments.seed, encoding, work)
    simulation = Simulation(
        arguments.simulate,
        arguments.dimensions,
        book_cosine=arguments.book_cosine,
        spoiler_cosine=arguments.spoiler_cosine,
        seed=arguments.seed,
    )
    return from_simulation(simulation, work, bool(arguments.quiet))


def _runs(options: Options, split: str, has_int8: bool) -> list[LoopRun]:
    """SEALS first: the memory that a process has held never shrinks, and the full scans map far more."""
    methods = [
        method_of(options, pool, strategy)
        for pool in sorted(options.pools, key=("seals", "all", "random_pool").index)
        for strategy in options.strategies
    ]
    if has_int8:
        methods.append(method_of(options, "all_int8", "most_likely_positive"))
    return [LoopRun(method, split, repeat) for method in methods for repeat in range(options.repeats)]


def _config(arguments: argparse.Namespace, source: Source, options: Options) -> dict[str, object]:
    given = {key: str(value) if isinstance(value, Path) else value for key, value in vars(arguments).items()}
    command = given.pop("command")
    return {
        "experiment": "goodreads",
        "command": f"python -m experiments.goodreads {command}",
        "options": given,
        "protocol": asdict(options),
        "versions": {package: version(package) for package in VERSIONS},
        "dataset": source.name,
        "is_simulated": source.is_simulated,
        "data_fingerprint": hashlib.sha256(source.is_positive.tobytes() + source.fingerprint.encode()).hexdigest(),
        "sentences": len(source),
        "positives": int(source.is_positive.sum()),
        "bad_lines": source.bad_lines,
    }


if __name__ == "__main__":
    main()
