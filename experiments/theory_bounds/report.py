"""Draw the report of a theory run again, from its rows alone: figures and index.html."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from experiments.theory_bounds import figures, tables
from experiments.theory_bounds.jobs import BOUND_COLUMNS, CHECK_COLUMNS, ROUND_COLUMNS, STEP_COLUMNS
from seals_sim.errors import UserError
from seals_sim.replay.figures import data_url
from seals_sim.replay.page import read_rows, redraw_command, write_page
from seals_sim.replay.store import read_config

_TEXTS = {"problem", "algorithm", "status", "check", *BOUND_COLUMNS[-4:]}


def write_theory_report(folder: Path) -> list[str]:
    """(Re)write figures and index.html; what the run found, a line each. Raises UserError where rows are missing."""
    config = read_config(folder)
    rounds = _read(folder / "rounds.csv", ROUND_COLUMNS)
    bounds = tables.with_rounds(_read(folder / "bounds.csv", BOUND_COLUMNS), rounds)
    checks, steps = _read(folder / "checks.csv", CHECK_COLUMNS), _read(folder / "steps.csv", STEP_COLUMNS)
    found = {
        "slopes": tables.round_slopes(bounds),
        "bounds": tables.bound_counts(bounds),
        "checks": tables.check_counts(checks),
        "passive": tables.passive_slopes(rounds),
        "collapse": tables.collapse_shares(rounds),
        "noise": tables.noise_table(rounds),
        "clouds": tables.cloud_table(rounds, steps),
    }
    drawn = {
        "theorems": figures.draw_theorems(rounds, bounds, folder / "theorems"),
        "rates": figures.draw_rates(bounds, folder / "rates"),
        "dependence": figures.draw_dependence(bounds, folder / "dependence"),
        "algorithms": figures.draw_algorithms(rounds, folder / "algorithms"),
        "clouds": figures.draw_clouds(found["clouds"], folder / "clouds"),
        "noise": figures.draw_noise(found["noise"], folder / "noise"),
    }
    lines = findings(found, rounds)
    write_page(
        folder / "index.html",
        "theory.html",
        package="experiments.theory_bounds",
        config=config,
        findings=lines,
        tables={name: table.to_dict("records") for name, table in found.items()},
        figures={name: data_url(folder / f"{name}.svg") for name, is_there in drawn.items() if is_there},
        statuses=_statuses(rounds),
    )
    return lines


def findings(found: dict[str, pd.DataFrame], rounds: pd.DataFrame) -> list[str]:
    """What a run shows, in sentences."""
    lines = []
    checks = found["checks"]
    if len(checks):
        lines.append(
            f"Lemmas and steps: {checks['n'].sum():,} checks in {checks['runs'].max()} runs, "
            f"{checks['violations'].sum()} violations beyond a relative 1e-6."
        )
    if len(found["bounds"]):
        total = found["bounds"].groupby("bound", sort=False)[["held", "failed", "void", "untold"]].sum()
        parts = [
            f"{name} {row.held} held, {row.failed} failed"
            for name, row in zip(total.index, total.itertuples(), strict=True)
        ]
        lines.append(
            f"Bounds on the queries to each epsilon: {'; '.join(parts)}; {total['void'].max()} void (sigma is or may "
            f"be 0), {total['untold'].max()} not told, the run having ended before."
        )
    for row in found["slopes"].itertuples():
        if row.algorithm in ("3", "4"):
            lines.append(
                f"Algorithm {row.algorithm} on {row.problem}: {row.slope:.3f} +- {row.half_width:.3f} rounds for each "
                f"halving of epsilon ({row.runs} runs; the theorems: 1)."
            )
    ended = tables.last_rounds(rounds)
    lost = ended[ended["status"].isin(["timeout", "crashed", "failed"])]
    if len(lost):
        lines.append(f"Warning: {len(lost)} runs gave no whole result ({', '.join(sorted(set(lost['status'])))}).")
    return lines


def _statuses(rounds: pd.DataFrame) -> list[dict[str, object]]:
    ended = tables.last_rounds(rounds)
    main = ended[ended["problem"].isin(tables.MAIN_PROBLEMS)]
    counts = main.groupby(["problem", "algorithm", "status"], sort=False).size()
    return [dict(zip(("problem", "algorithm", "status", "n"), (*key, n), strict=True)) for key, n in counts.items()]


def _read(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    table = read_rows(path, columns, dtype={"problem": str, "algorithm": str})
    if table.empty:
        return table.astype({name: float for name in columns if name not in _TEXTS})
    for name in columns:
        if name not in _TEXTS and not pd.api.types.is_numeric_dtype(table[name]):
            raise UserError(f"{path}: is damaged: {name!r} holds something other than numbers")
    return table


def main(argv: Sequence[str] | None = None) -> None:
    redraw_command("theory_report", __doc__, lambda folder: "\n".join(write_theory_report(folder)), argv)


if __name__ == "__main__":
    main()
