"""Spoilers in Goodreads reviews (section 7.12): one concept, AUC as the first metric.

The file is the UCSD Book Graph's goodreads_reviews_spoiler.json.gz. Its owners allow academic use only and no
redistribution; ask them for it. Every sentence of a review is one example.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from experiments.command import Parser, errors_for_people, parse, run_experiment
from experiments.options import add_protocol_options
from seals_sim.datasets import read_goodreads


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m experiments.goodreads", description=__doc__)
    group = parser.add_argument_group("input")
    group.add_argument("--reviews", type=Path, required=True, metavar="FILE", help="the reviews, .json or .json.gz")
    group.add_argument("--skip-bad-lines", action="store_true", help="leave unreadable lines out and report them")
    add_protocol_options(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    arguments = parse(_parser(), argv)
    with errors_for_people():
        run_experiment(
            arguments, "goodreads", lambda: read_goodreads(arguments.reviews, arguments.skip_bad_lines), "auc"
        )


if __name__ == "__main__":
    main()
