"""When a finished replay would have stopped by the rule of `seals_sim.remaining`, and what it would have found by then.

The rule: stop after the first batch at which the hypothesis that less than --target-recall of the positives are found
has a p-value below --p. For each run of `seals replay` it writes a row of stopping.csv beside its tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from seals_sim.cli.terminal import Parser, errors_for_people, parse
from seals_sim.errors import UserError
from seals_sim.evaluate.remaining import compute_p_missing
from seals_sim.replay.page import read_rows
from seals_sim.replay.protocol import PICK_COLUMNS, ROUND_COLUMNS
from seals_sim.replay.store import read_config, write_csv

_RUN = ["concept", "pool", "strategy", "repeat"]


def main(argv: Sequence[str] | None = None) -> None:
    parser = Parser(prog="python -m seals_sim.replay.stopping", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="the --out folder of a finished run")
    parser.add_argument("--target-recall", type=float, default=0.8, metavar="R", help="(default: %(default)s)")
    parser.add_argument("--p", type=float, default=0.05, help="(default: %(default)s)")
    arguments = parse(parser, argv)
    with errors_for_people():
        for name in ("target_recall", "p"):
            if not 0 < getattr(arguments, name) < 1:
                raise UserError(f"--{name.replace('_', '-')} {getattr(arguments, name)}: must lie between 0 and 1")
        folder = arguments.folder
        n_pool = int(read_config(folder)["rows"]["pool"])
        picks = read_rows(folder / "picks.csv", PICK_COLUMNS, dtype={"concept": str}, keep_default_na=False)
        rounds = read_rows(folder / "rounds.csv", ROUND_COLUMNS, dtype={"concept": str}, keep_default_na=False)
        table = stops(picks, rounds, n_pool, arguments.target_recall, arguments.p)
        write_csv(folder / "stopping.csv", table)
        print(f"python -m seals_sim.replay.stopping {arguments.command}\n{summarized(table).to_string()}")


def stops(picks: pd.DataFrame, rounds: pd.DataFrame, n_pool: int, target_recall: float, p: float) -> pd.DataFrame:
    """A row a run: n_labeled and recall where it stops (at its end, if the rule never says so), and whether the rule
    said so, and whether the target had been reached.
    """
    recalls = rounds.set_index([*_RUN, "round"])["recall"]
    rows = []
    for run, part in picks.groupby(_RUN, sort=False):
        labels, ends = part["label"].to_numpy(), part.groupby("round").size().cumsum()
        told = [number for number, m in ends.items() if compute_p_missing(labels[:m], n_pool, target_recall) < p]
        number = told[0] if told else ends.index[-1]
        recall, n_labeled = float(recalls.loc[(*run, number)]), int(ends[number])
        rows.append(
            {**dict(zip(_RUN, run, strict=True)), "is_stopped": bool(told), "n_labeled": n_labeled, "recall": recall,
             "is_reached": recall >= target_recall}
        )  # fmt: skip
    return pd.DataFrame(rows)


def summarized(table: pd.DataFrame) -> pd.DataFrame:
    """By pool and strategy: of how many runs, the part stopped, and of those labels, recall and the part too early."""
    rows = {}
    for kind, part in table.groupby(["pool", "strategy"], sort=False):
        stopped = part[part["is_stopped"]]
        rows[kind] = {
            "runs": len(part),
            "stopped": len(stopped),
            "n_labeled": stopped["n_labeled"].median() if len(stopped) else np.nan,
            "recall": stopped["recall"].mean() if len(stopped) else np.nan,
            "too_early": float((~stopped["is_reached"]).mean()) if len(stopped) else np.nan,
        }
    return pd.DataFrame(rows).T


if __name__ == "__main__":
    main()
