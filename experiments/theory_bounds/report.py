"""Draw the report of a theory run from its rows alone: the figures and index.html."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from experiments.theory_bounds import figures
from experiments.theory_bounds.findings import describe_findings
from experiments.theory_bounds.rows import TheoryRun, read_run
from experiments.theory_bounds.tables import add_rounds, make_tables, select_last_rounds, select_main
from seals_sim.replay.page import write_page
from seals_sim.replay.seal import explaining_misfits


def write_report(folder: Path) -> Path:
    """Write or rewrite the figures and the page of a finished run.

    Args:
        folder: The folder of the run: config.json, problems.jsonl, rounds.csv, bounds.csv, checks.csv, steps.csv and
            diversity.csv are read.

    Returns:
        The page, `index.html` in the folder.

    Raises:
        UserError: If one of these files is missing, damaged or cut off. Then nothing is written.
    """
    run = read_run(folder)
    with explaining_misfits(folder, run.is_sealed):
        return _write_report(folder, run)


def _write_report(folder: Path, run: TheoryRun) -> Path:
    bounds, tables = add_rounds(run.bounds, run.rounds), make_tables(run)
    is_drawn = {
        "theorems": figures.draw_theorems(run.rounds, bounds, folder / "theorems"),
        "rates": figures.draw_rates(bounds, folder / "rates"),
        "dependence": figures.draw_dependence(bounds, folder / "dependence"),
        "algorithms": figures.draw_algorithms(run.rounds, folder / "algorithms"),
        "neighbors": figures.draw_neighbors(tables["neighbors"], folder / "neighbors"),
        "clouds": figures.draw_clouds(tables["clouds"], folder / "clouds"),
        "noise": figures.draw_noise(tables["noise"], folder / "noise"),
    }
    page = folder / "index.html"
    write_page(
        page,
        "theory.html",
        package="experiments.theory_bounds",
        config=run.config,
        findings=describe_findings(tables, run.rounds),
        tables={name: table.to_dict("records") for name, table in tables.items()},
        figures={name: f"{name}.svg" for name, has_data in is_drawn.items() if has_data},
        statuses=_statuses(run.rounds),
    )
    return page


def list_findings(folder: Path) -> list[str]:
    """List the findings of a finished run, one paragraph each. Raises UserError as `write_report` does."""
    run = read_run(folder)
    with explaining_misfits(folder, run.is_sealed):
        return describe_findings(make_tables(run), run.rounds)


def _statuses(rounds: pd.DataFrame) -> list[dict[str, object]]:
    """Count how many runs of each problem and algorithm ended in each way."""
    ends = select_last_rounds(rounds)
    main = select_main(ends)
    counts = main.groupby(["problem", "algorithm", "status"], sort=False).size()
    return [dict(zip(("problem", "algorithm", "status", "n"), (*key, n), strict=True)) for key, n in counts.items()]
