"""Active search and active learning of rare concepts (sections 5.1-5.3) on texts or vectors of your own.

Without input it runs on the built-in texts: the descriptions of the ICD-10-CM codes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from experiments.command import Parser, errors_for_people, parse, run_experiment
from experiments.options import add_protocol_options
from seals_sim.datasets import Dataset, read_icd10cm, read_text_table, read_vectors
from seals_sim.errors import UserError


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m experiments.rare_concepts", description=__doc__)
    group = parser.add_argument_group("input (default: the built-in texts)")
    group.add_argument(
        "--texts",
        type=Path,
        metavar="FILE",
        help="a table of texts and labels: .jsonl (.ndjson, .json), .csv, .tsv, each also with .gz, or .parquet",
    )
    group.add_argument("--text-column", default="text", metavar="NAME", help="its text column (default: %(default)s)")
    group.add_argument("--vectors", type=Path, metavar="FILE.npy", help="instead of texts: an (n, d) array")
    group.add_argument(
        "--labels", type=Path, metavar="FILE", help="labels of the vectors: an .npy of one class id a row, or a table"
    )
    group.add_argument(
        "--label-column",
        action="append",
        default=[],
        metavar="NAME",
        help="a label column, may be given again; a column of 0/1 is one concept, of any other each "
        "value (or entry of its lists) is one (default: label or labels)",
    )
    group.add_argument("--label-separator", metavar="TEXT", help="cuts a cell into a list of labels")
    group.add_argument("--skip-bad-lines", action="store_true", help="leave unreadable lines out and report them")
    group.add_argument(
        "--concepts",
        type=int,
        default=5,
        metavar="N",
        help="how many concepts to run, drawn at random (default: %(default)s)",
    )
    group.add_argument("--concept", action="append", metavar="NAME", help="run this concept; may be given again")
    group.add_argument(
        "--min-positives",
        type=int,
        default=1,
        metavar="N",
        help="pass over concepts with fewer rows (default: %(default)s)",
    )
    group.add_argument("--max-positives", type=int, default=None, metavar="N", help="pass over concepts with more rows")
    add_protocol_options(parser)
    return parser


def _load(arguments: argparse.Namespace) -> Dataset:
    if arguments.label_separator == "":
        raise UserError("--label-separator: cannot be empty")
    if arguments.skip_bad_lines and arguments.texts is None:
        raise UserError("--skip-bad-lines: goes with --texts")
    if arguments.texts is not None and arguments.vectors is not None:
        raise UserError("--texts and --vectors: give one of them")
    if (arguments.vectors is None) != (arguments.labels is None):
        raise UserError("--vectors and --labels go together: give both")
    if arguments.texts is not None:
        return read_text_table(
            arguments.texts,
            arguments.text_column,
            arguments.label_column,
            arguments.label_separator,
            arguments.skip_bad_lines,
        )
    if arguments.vectors is not None:
        return read_vectors(arguments.vectors, arguments.labels, arguments.label_column, arguments.label_separator)
    return read_icd10cm()


def main(argv: Sequence[str] | None = None) -> None:
    arguments = parse(_parser(), argv)
    arguments.concept = tuple(dict.fromkeys(arguments.concept or ()))
    with errors_for_people():
        run_experiment(arguments, "rare_concepts", lambda: _load(arguments), "average_precision")


if __name__ == "__main__":
    main()
