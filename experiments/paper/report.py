"""Draw the report of a run of `experiments.paper` from its rows alone: tables, figures and index.html."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.paper import figures, latent, tables
from experiments.paper.claims import Claim, check_claims
from experiments.paper.numbers import COSINES
from experiments.paper.rows import Paper, read_paper
from experiments.paper.studies import Study, build_studies
from seals_sim.replay.page import write_page
from seals_sim.replay.seal import explaining_misfits
from seals_sim.replay.store import write_csv

_OPTIONAL_TABLES = ("time", "alike", "structure", "correlations", "laggards", "fits", "concepts", "differences")
_Drawing = Callable[[Path], None]
_Content = tuple[dict[str, Any], dict[str, _Drawing]]  # tables and figures by name


def write_report(folder: Path) -> Path:
    """Write or rewrite the tables, figures and page of a finished run.

    Args:
        folder: The run's folder, with config.json, rounds.parquet, structure.parquet, indexes.parquet and, if the user
            gave it, openimages.csv.

    Returns:
        The page, `index.html` in the folder.

    Raises:
        UserError: If one of these files is missing, damaged or cut off. Nothing is written then.
    """
    paper = read_paper(folder)
    with explaining_misfits(folder, paper.is_sealed):
        return _write_report(folder, paper)


def _write_report(folder: Path, paper: Paper) -> Path:
    finished, claims = paper.build_studies(), check_claims(paper)
    report_tables: dict[str, Any] = {}
    drawings: dict[str, _Drawing] = {}
    for more_tables, more_drawings in (_studies(paper, finished), _main(paper, finished), _latent(paper, finished)):
        report_tables.update(more_tables)
        drawings.update(more_drawings)
    for name, draw in drawings.items():
        draw(folder / name)
    _write_tables(folder, paper, finished, claims, report_tables)
    page = folder / "index.html"
    write_page(
        page,
        "paper.html",
        package="experiments.paper",
        config=paper.config,
        paper=paper,
        figures={name: f"{name}.svg" for name in drawings},
        tables={**dict.fromkeys(_OPTIONAL_TABLES), **report_tables},
        claims=claims,
        studies=finished,
        planned=build_studies(paper.plan),
        cosines=COSINES,
        index=paper.index.to_dict("records"),
        n_runs=sum(len(runs.groupby(["concept", "repeat"])) for runs in paper.runs.values()),
        run_seconds=tables.run_seconds(paper),
        shares=paper.shares,
    )
    return page


def _write_tables(
    folder: Path, paper: Paper, finished: dict[str, Study], claims: list[Claim], report_tables: dict[str, Any]
) -> None:
    summaries = [pd.DataFrame(report_tables[name]).assign(study=name) for name in finished]
    for name, table in (
        ("summary", pd.concat(summaries) if summaries else pd.DataFrame()),
        ("curves", tables.join_curves(paper, finished)),
        ("claims", pd.DataFrame([asdict(claim) for claim in claims])),
        ("concepts", pd.DataFrame(report_tables.get("concepts"))),
    ):
        write_csv(folder / f"{name}.csv", table)
    if "differences" in report_tables:
        write_csv(folder / "differences.csv", pd.DataFrame(report_tables["differences"]))


def _studies(paper: Paper, finished: dict[str, Study]) -> _Content:
    summaries = {name: tables.summarize(paper, study) for name, study in finished.items()}
    drawings: dict[str, _Drawing] = {
        name: partial(figures.draw_study, paper, study) for name, study in finished.items()
    }
    if "recommended" not in finished:
        return summaries, drawings
    return {**summaries, "differences": tables.compare_lines(paper, finished["recommended"])}, drawings


def _main(paper: Paper, finished: dict[str, Study]) -> _Content:
    """Table 2, and when two strategies choose the same batches."""
    if "main" not in finished:
        return {}, {}
    batches = tables.compare_batches(paper)
    means = batches.groupby(["pool", "n_labeled"], sort=False)[["alike", "calls_none"]].mean().reset_index()
    content = {"time": tables.time_methods(paper), "alike": tables.measure_equal_batches(batches)}
    return content, {"alike": partial(figures.draw_equal_batches, means)}


def _latent(paper: Paper, finished: dict[str, Study]) -> _Content:
    """Figures 3, 10, 11, 16 and 19, and Tables 3 to 8."""
    if not len(paper.structure):
        return {}, {}
    content: dict[str, Any] = {
        "structure": latent.average_structure(paper),
        "cosine": latent.average_cosines(paper),
    }
    drawings: dict[str, _Drawing] = {"structure": partial(figures.draw_structure, paper)}
    if "main" not in finished:
        return content, drawings
    concepts = latent.compare_with_structure(paper)
    sources = [(f"{paper.config['dataset']}, k = {paper.plan.protocol.k}", concepts)]
    if paper.openimages is not None:
        sources.append(("OpenImages (the paper)", latent.summarize_openimages(paper.openimages)))
    content["fits"] = tables.fit_concepts(paper)
    content["correlations"] = latent.correlate(sources)
    content["laggards"] = latent.list_laggards(concepts, paper)
    content["concepts"] = tables.list_concepts(paper, concepts)
    drawings["against_structure"] = partial(figures.draw_against_structure, sources)
    drawings["correlation"] = partial(figures.draw_correlation, tables.list_scatter_panels(paper))
    return content, drawings
