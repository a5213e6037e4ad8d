"""Where an experiment's data come from: a dataset by name, or texts or vectors of the user's own."""

from __future__ import annotations

import argparse
from pathlib import Path

from seals_sim.datasets import Dataset, read_goodreads, read_icd10cm, read_text_table, read_vectors, read_wordnet
from seals_sim.errors import UserError

DATASETS = ("icd10", "wordnet", "goodreads")


def add_input_options(parser: argparse.ArgumentParser, default: str) -> None:
    """Options that name the data. default: the dataset of DATASETS that is used when none is named."""
    group = parser.add_argument_group("input")
    group.add_argument(
        "--dataset",
        choices=DATASETS,
        default=None,
        metavar="NAME",
        help="icd10: the built-in texts; wordnet: the definitions of WordNet; goodreads: the spoiler file of "
        f"--reviews (default: {default})",
    )
    group.add_argument(
        "--wordnet",
        type=Path,
        metavar="DIR",
        help="WordNet's dictionary files (default: where Debian's wordnet-base and NLTK put them)",
    )
    group.add_argument("--reviews", type=Path, metavar="FILE", help="the Goodreads reviews, .json or .json.gz")
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


def load_dataset(arguments: argparse.Namespace, default: str) -> Dataset:
    """What the options name. Raises UserError."""
    if arguments.label_separator == "":
        raise UserError("--label-separator: cannot be empty")
    sources = [name for name in ("dataset", "texts", "vectors") if getattr(arguments, name) is not None]
    if len(sources) > 1:
        raise UserError(f"{' and '.join(f'--{name}' for name in sources)}: give one of them")
    if (arguments.vectors is None) != (arguments.labels is None):
        raise UserError("--vectors and --labels go together: give both")
    dataset = None if sources in (["texts"], ["vectors"]) else arguments.dataset or default
    for option, owner in (("reviews", "goodreads"), ("wordnet", "wordnet")):
        if getattr(arguments, option) is not None and dataset != owner:
            raise UserError(f"--{option}: goes with --dataset {owner}")
    if arguments.skip_bad_lines and arguments.texts is None and dataset != "goodreads":
        raise UserError("--skip-bad-lines: goes with --texts or --reviews")
    match dataset:
        case "icd10":
            return read_icd10cm()
        case "wordnet":
            return read_wordnet(arguments.wordnet)
        case "goodreads":
            if arguments.reviews is None:
                raise UserError("--dataset goodreads: name the file with --reviews; its owners give it out")
            return read_goodreads(arguments.reviews, arguments.skip_bad_lines)
    column, separator = arguments.label_column, arguments.label_separator
    if arguments.vectors is not None:
        return read_vectors(arguments.vectors, arguments.labels, column, separator)
    return read_text_table(arguments.texts, arguments.text_column, column, separator, arguments.skip_bad_lines)
