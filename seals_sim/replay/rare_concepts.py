"""Active search and active learning of rare concepts (sections 5.1-5.3) on texts or vectors of your own.

Without input it runs on the built-in texts: the descriptions of the ICD-10-CM codes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from seals_sim.cli.terminal import Parser, errors_for_people, parse
from seals_sim.replay.command import run_experiment
from seals_sim.replay.inputs import add_input_options, load_dataset
from seals_sim.replay.options import add_protocol_options


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m experiments.rare_concepts", description=__doc__)
    add_input_options(parser, "icd10")
    group = parser.add_argument_group("concepts")
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


def main(argv: Sequence[str] | None = None) -> None:
    arguments = parse(_parser(), argv)
    arguments.concept = tuple(dict.fromkeys(arguments.concept or ()))
    with errors_for_people():
        run_experiment(arguments, "rare_concepts", lambda: load_dataset(arguments, "icd10"), "average_precision")


if __name__ == "__main__":
    main()
