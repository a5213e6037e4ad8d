"""Draw the report of `experiments.paper` again, from its rows alone: tables, figures and index.html."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.paper import tables as paper_tables
from experiments.paper.claims import against_structure, claims
from experiments.paper.figures import draw_against_structure, draw_alike, draw_correlation, draw_structure, draw_study
from experiments.paper.numbers import COSINES
from experiments.paper.rows import Paper, read_paper
from experiments.paper.studies import Study, studies
from seals_sim.replay.figures import data_url
from seals_sim.replay.page import redraw_command, write_page
from seals_sim.replay.store import write_csv

Drawing = Callable[[Path], None]


def write_paper_report(folder: Path) -> None:
    """(Re)write the tables, figures and index.html of a finished run. Raises UserError."""
    paper = read_paper(folder)
    there, made = paper.studies(), claims(paper)
    tables, drawings = _studies(paper, there)
    for more_tables, more_drawings in (_main(paper, there), _latent(paper, there)):
        tables.update(more_tables)
        drawings.update(more_drawings)
    for name, draw in drawings.items():
        draw(folder / name)

    of_studies = [pd.DataFrame(tables[name]).assign(study=name) for name in there]
    for name, table in (
        ("summary", pd.concat(of_studies) if of_studies else pd.DataFrame()),
        ("curves", paper_tables.curves_of(paper, there)),
        ("claims", pd.DataFrame([asdict(claim) for claim in made])),
        ("concepts", pd.DataFrame(tables.get("concepts"))),
    ):
        write_csv(folder / f"{name}.csv", table)
    write_page(
        folder / "index.html",
        "paper.html",
        package="experiments.paper",
        config=paper.config,
        paper=paper,
        figures={name: data_url(folder / f"{name}.svg") for name in drawings},
        tables={
            **dict.fromkeys(("time", "alike", "structure", "correlations", "laggards", "fits", "concepts")),
            **tables,
        },
        claims=[asdict(claim) for claim in made],
        studies=there,
        planned=studies(paper.plan),
        cosines=COSINES,
        index=paper.index.to_dict("records"),
        n_runs=sum(len(runs.groupby(["concept", "repeat"])) for runs in paper.runs.values()),
        run_seconds=paper_tables.run_seconds(paper),
        shares=paper.shares,
    )


def _studies(paper: Paper, there: dict[str, Study]) -> tuple[dict[str, Any], dict[str, Drawing]]:
    drawings: dict[str, Drawing] = {
        name: lambda path, study=study: draw_study(paper, study, path)  # type: ignore[misc]
        for name, study in there.items()
    }
    return {name: paper_tables.summary_of(paper, study) for name, study in there.items()}, drawings


def _main(paper: Paper, there: dict[str, Study]) -> tuple[dict[str, Any], dict[str, Drawing]]:
    """Table 2, and where two strategies choose alike."""
    if "main" not in there:
        return {}, {}
    alike = paper_tables.alike_by_round(paper)
    means = alike.groupby(["pool", "n_labeled"], sort=False)[["alike", "calls_none"]].mean().reset_index()
    tables = {"time": paper_tables.times(paper), "alike": paper_tables.alike_shares(alike)}
    return tables, {"alike": lambda path: draw_alike(means, path)}


def _latent(paper: Paper, there: dict[str, Study]) -> tuple[dict[str, Any], dict[str, Drawing]]:
    """Figures 3, 10, 11, 16 and 19, and Tables 3 to 8."""
    if not len(paper.structure):
        return {}, {}
    tables: dict[str, Any] = {"structure": paper_tables.structure_means(paper), "cosine": paper_tables.cosines(paper)}
    drawings: dict[str, Drawing] = {"structure": lambda path: draw_structure(paper, path)}
    if "main" in there:
        latent = against_structure(paper)
        sources = [(f"{paper.config['dataset']}, k = {paper.plan.options.k}", latent)]
        if paper.openimages is not None:
            sources.append(("OpenImages (the paper)", paper_tables.openimages_latent(paper.openimages)))
        drawings["against_structure"] = lambda path: draw_against_structure(sources, path)
        drawings["correlation"] = lambda path: draw_correlation(paper_tables.scatter_panels(paper), path)
        tables["fits"] = paper_tables.fits(paper)
        tables["correlations"] = paper_tables.correlations(sources)
        tables["laggards"] = paper_tables.laggards(latent, paper)
        tables["concepts"] = paper_tables.by_concept(paper, latent)
    return tables, drawings


def main(argv: Sequence[str] | None = None) -> None:
    def redraw(folder: Path) -> Path:
        write_paper_report(folder)
        return folder / "index.html"

    redraw_command("paper_report", __doc__, redraw, argv)


if __name__ == "__main__":
    main()
