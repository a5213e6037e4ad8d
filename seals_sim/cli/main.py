"""Find rare things with few labels: the commands of seals-sim.

seals label TABLE    find texts like your examples, with you as the judge, on a page in your browser
seals embed TABLE    make the vectors beforehand (label does it, too)
seals index TABLE    build an index beforehand, and say what it is worth
seals search ...     replay a search on texts whose labels are known, to see what it would have found
seals report DIR     draw the report of a finished replay again
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import shtab

from seals_sim.cli.terminal import Parser, errors_for_people
from seals_sim.datasets import read_texts
from seals_sim.disk.cache import default_folder
from seals_sim.disk.files import replacing, require_writable
from seals_sim.embed.names import DEFAULT_MODEL, STATIC_MODEL
from seals_sim.embed.space import embed_texts, fitting_dimensions
from seals_sim.errors import UserError
from seals_sim.indexes import INDEXES, IndexOptions, choose_index, measured_on_some
from seals_sim.indexes.names import N_PROBE
from seals_sim.label.corpus import Corpus, build_corpus
from seals_sim.label.exchange import read_labels
from seals_sim.label.session import Session
from seals_sim.label.types import STRATEGIES, SessionOptions
from seals_sim.label.web import serve
from seals_sim.replay.options import AUTO, machine_memory

_REPLAYED = {"search": "seals_sim.replay.rare_concepts", "report": "seals_sim.replay.report"}


def parser() -> argparse.ArgumentParser:
    """All commands; also for completion."""
    found = Parser(prog="seals", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shtab.add_argument_to(found, ["--print-completion"], help="print what your shell needs to complete these commands")
    commands = found.add_subparsers(dest="does", required=True, metavar="COMMAND", title="commands")
    label = commands.add_parser("label", help="find texts like your examples, with you as the judge")
    _add_table(label)
    _add_index(label)
    group = label.add_argument_group("the search")
    group.add_argument(
        "--seed", action="append", default=[], metavar="TEXT",
        help="an example of what you look for, or words for it; in the table or not; may be given again",
    )  # fmt: skip
    group.add_argument(
        "--not-like", action="append", default=[], metavar="TEXT", help="an example of what you do not look for"
    )
    group.add_argument(
        "--strategy", choices=tuple(STRATEGIES), default="most_likely_positive",
        help="most_likely_positive finds most; maxent makes the better model (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--control-every", type=int, default=10, metavar="N",
        help="every Nth text is drawn at random, to estimate how many remain; 0 for none (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--session", type=Path, metavar="FILE",
        help="where every answer is kept; the same command goes on with it (default: the table's name with .seals)",
    )  # fmt: skip
    for name, what in (("labelstudio", "Label Studio's export as JSON"), ("argilla", "records of Argilla, JSON")):
        group.add_argument(f"--{name}", type=Path, metavar="FILE", help=f"answers to begin with: {what}")
    group = label.add_argument_group("the page")
    group.add_argument("--host", default="127.0.0.1", help="(default: %(default)s, this machine alone)")
    group.add_argument("--port", type=int, default=0, help="(default: one that is free)")
    group.add_argument("--no-browser", action="store_true", help="print the address and open nothing")

    embed = commands.add_parser("embed", help="make the vectors of a table of texts")
    _add_table(embed)
    embed.add_argument("--out", type=Path, metavar="FILE.npy", help="also write them here")
    index = commands.add_parser("index", help="build an index, and say what it is worth")
    _add_table(index)
    _add_index(index)
    for name, what in (("search", "replay on texts with known labels"), ("report", "draw a finished report again")):
        commands.add_parser(name, help=what, add_help=False)
    return found


def main(argv: Sequence[str] | None = None) -> None:
    words = list(sys.argv[1:] if argv is None else argv)
    if words and words[0] in _REPLAYED:
        importlib.import_module(_REPLAYED[words[0]]).main(words[1:])  # takes a second, of which the others need nothing
        return
    arguments = parser().parse_args(words)
    with errors_for_people():
        {"label": _label, "embed": _embed, "index": _index}[arguments.does](arguments)


def _add_table(command: argparse.ArgumentParser) -> None:
    table = command.add_argument("table", type=Path, metavar="TABLE", help=".jsonl, .csv, .tsv (or .gz), or .parquet")
    table.complete = shtab.FILE  # type: ignore[attr-defined]
    command.add_argument("--text-column", default="text", metavar="NAME", help="(default: %(default)s)")
    command.add_argument("--skip-bad-lines", action="store_true", help="leave unreadable lines out")
    command.add_argument(
        "--model", default=DEFAULT_MODEL, metavar="NAME",
        help=f"a sentence-transformers model by name or folder; {STATIC_MODEL} is rougher and some hundred times "
        "faster (default: %(default)s)",
    )  # fmt: skip
    command.add_argument("--dimensions", type=int, metavar="D", help="whiten to D dimensions; 0: do not (default: 256)")
    command.add_argument("--cache", type=Path, metavar="DIR", help="where vectors and indexes are kept")
    command.add_argument("--quiet", action="store_true")


def _add_index(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--index", default=AUTO, metavar="NAME", help=f"{AUTO}, or one of {', '.join(INDEXES)} (default: %(default)s)"
    )
    command.add_argument("--k", type=int, default=100, help="neighbours of each text looked at (default: %(default)s)")
    command.add_argument("--n-probe", type=int, default=N_PROBE, metavar="N", help="cells of an ivf looked into")


def _texts(arguments: argparse.Namespace) -> list[str]:
    texts, _, bad = read_texts(arguments.table, arguments.text_column, arguments.skip_bad_lines)
    if bad.reports:
        print(f"{len(bad.reports)} lines left out, the last for this reason: {bad.reports[-1]}", file=sys.stderr)
    return texts


def _corpus(arguments: argparse.Namespace, texts: list[str]) -> Corpus:
    for name in ("k", "n_probe"):
        if getattr(arguments, name) < 1:
            raise UserError(f"--{name.replace('_', '-')} {getattr(arguments, name)}: must be at least 1")
    cache = arguments.cache or default_folder()
    require_writable(cache, "--cache")
    d = fitting_dimensions(texts) if arguments.dimensions is None else arguments.dimensions
    if arguments.index == AUTO:  # one search, and of texts typed in too
        arguments.index = choose_index(len(texts), d, 0, machine_memory() // 2)
    options = IndexOptions(arguments.k, n_probe=arguments.n_probe)
    return build_corpus(texts, arguments.index, cache, arguments.model, d, options, arguments.quiet)


def _embed(arguments: argparse.Namespace) -> None:
    texts, cache = _texts(arguments), arguments.cache or default_folder()
    require_writable(cache, "--cache")
    vectors = embed_texts(texts, arguments.model, arguments.dimensions, cache, arguments.quiet)
    if arguments.out:
        with replacing(arguments.out) as temporary, temporary.open("wb") as file:
            np.save(file, vectors, allow_pickle=False)
    where = f"in {arguments.out}" if arguments.out else "kept for the other commands"
    print(f"{len(vectors):,} vectors of {vectors.shape[1]} dimensions, {where}")


def _index(arguments: argparse.Namespace) -> None:
    corpus = _corpus(arguments, _texts(arguments))
    print(f"index {arguments.index}: {measured_on_some(corpus.index, corpus.vectors, arguments.k)}")


def _label(arguments: argparse.Namespace) -> None:
    if arguments.control_every < 0:
        raise UserError(f"--control-every {arguments.control_every}: must be 0 (none) or more")
    path = arguments.session or arguments.table.with_name(arguments.table.name.split(".")[0] + ".seals")
    require_writable(path.parent, "--session")
    corpus = _corpus(arguments, _texts(arguments))
    options = SessionOptions(arguments.strategy, min(arguments.k, len(corpus.vectors)), arguments.control_every)
    imports = [
        read_labels(file, format, corpus.texts)
        for file, format in ((arguments.labelstudio, "label_studio"), (arguments.argilla, "argilla"))
        if file is not None
    ]
    session = _opened(path, corpus, arguments.seed, arguments.not_like, options)
    for file, labels in imports:
        report = session.add_import(file, labels)
        if report.n_overruled:
            print(f"{file.name}: {report.n_overruled:,} labels differ from your answers, which stand", file=sys.stderr)
    serve(session, arguments.host, arguments.port, not arguments.no_browser, arguments.quiet, path.name)


def _opened(
    path: Path, corpus: Corpus, positives: Sequence[str], negatives: Sequence[str], options: SessionOptions
) -> Session:
    """A new session, or the one in this file, which the same command goes on with."""
    for text in (*positives, *negatives):
        if not text.strip():
            raise UserError("--seed and --not-like: need some words")
    if not path.exists():
        return Session.begin(path, corpus, positives, negatives, options)
    session = Session.open(path, corpus)
    given = [(text, 1) for text in positives] + [(text, 0) for text in negatives]
    if given and given != [(seed.text, seed.label) for seed in session.seeds]:
        session.close()
        raise UserError(f"--seed: {path} was begun with other examples; leave them out, or name another --session")
    for name, old in asdict(session.options).items():
        if old != getattr(options, name):
            print(f"{path} goes on with the {name.replace('_', ' ')} that it was begun with: {old}", file=sys.stderr)
    return session


if __name__ == "__main__":
    main()
