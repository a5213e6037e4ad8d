"""`seals label`: check the options, open the page, and then the session.

The imports that the work needs happen once the page is open: they take longer than checking the options.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from seals_sim.cli.concepts import require_words, sort_examples
from seals_sim.cli.judge import begin_judging, find_judge, judge_alone
from seals_sim.cli.options import (
    ColumnOptions,
    ExampleOptions,
    OwnVectorOptions,
    PageOptions,
    SearchIndexOptions,
    TextOptions,
)
from seals_sim.cli.tables import name_session
from seals_sim.cli.terminal import explain_failure
from seals_sim.datasets.formats import open_table
from seals_sim.datasets.lines import require_file
from seals_sim.disk.files import require_writable_file
from seals_sim.embed.names import STATIC_MODEL
from seals_sim.errors import UserError
from seals_sim.label.journal import Journal, read_about
from seals_sim.label.judge.options import JudgeOptions
from seals_sim.label.options import SessionOptions
from seals_sim.label.web.address import require_address
from seals_sim.label.web.server import open_page
from seals_sim.progress import begin_step
from seals_sim.replay.options import CacheOptions

if TYPE_CHECKING:
    from seals_sim.label.concepts import Concepts
    from seals_sim.label.journal_contents import About
    from seals_sim.label.judge.judging import Judging


def label(
    table: Path,
    examples: ExampleOptions,
    options: SessionOptions,
    text: TextOptions,
    index: SearchIndexOptions,
    page: PageOptions,
    cache: CacheOptions,
    columns: ColumnOptions,
    own: OwnVectorOptions,
    judge_options: JudgeOptions,
) -> None:
    """Serve the page for labeling a table until it is stopped, or let a judge label it."""
    if own.vectors is not None:
        from seals_sim.cli.own_vectors import require_own_vectors

        require_own_vectors(own, examples, text)
    if examples.paper:
        if options.pool not in ("auto", "seals"):
            raise UserError("cannot be combined with paper", parameter="pool", value=options.pool)
        options = replace(options, pool="seals", presumed=0)
    _require_fitting_embedding(options, text, own, examples)
    _require_fitting_chunks(options, text, own, examples, index)
    open_table(table, text)
    path = examples.session or name_session(table)
    _check_before_work(path, examples, page)
    begun = read_about(path) if path.is_file() else None
    find_name = str if begun is None else begun[0].find_name
    judge = find_judge(judge_options, _list_names(begun, map(find_name, examples.concept)), find_name)

    def prepare() -> tuple[Concepts, Judging | None]:
        begin_step("starting")
        from seals_sim.cli.sessions import prepare_session

        concepts = prepare_session(table, path, begun, examples, options, text, index, cache, columns, own)
        return concepts, None if judge is None else begin_judging(concepts, judge, judge_options)

    if judge_options.no_page:
        concepts, judging = prepare()
        assert judging is not None
        judge_alone(concepts, judging, judge_options.judge_budget, cache.quiet)
        return
    where = (page.host, page.port, not page.no_browser, cache.quiet, path.name, page.allow_host, path)
    with open_page(*where, explain=explain_failure) as server:
        concepts, judging = prepare()
        has_names = len(concepts.sessions) > 1 or concepts.first.concept
        server.serve(concepts if has_names else concepts.first, judging)
    if judging is not None:
        print(judging.summary)


def _list_names(begun: tuple[About, object] | None, given: Iterable[str]) -> list[str]:
    """The names of the concepts that a session will have."""
    before = [] if begun is None else begun[0].concepts
    return list(dict.fromkeys((*before, *given))) or [""]


def _require_fitting_embedding(
    options: SessionOptions, text: TextOptions, own: OwnVectorOptions, examples: ExampleOptions
) -> None:
    reasons = {
        "vectors are given": own.vectors is not None,
        "paper whitens all vectors": examples.paper,
        "dimensions whitens all vectors": bool(text.dimensions),
        "pool all scans all vectors": options.pool == "all",
        f"{STATIC_MODEL} is fast enough to embed them all": text.text_model == STATIC_MODEL,
    }
    if options.embed == "lazy":
        _refuse(reasons, "embed", "lazy")


def _require_fitting_chunks(
    options: SessionOptions,
    text: TextOptions,
    own: OwnVectorOptions,
    examples: ExampleOptions,
    index: SearchIndexOptions,
) -> None:
    reasons = {
        "vectors are given": own.vectors is not None,
        "paper whitens vectors of whole texts": examples.paper,
        "dimensions whitens vectors of whole texts": bool(text.dimensions),
        f"pool {options.pool} does not scan all": options.pool not in ("auto", "all"),
        "embed lazy does not embed all": options.embed == "lazy",
        f"index {index.index} does not read every chunk": index.index not in ("auto", "exact"),
    }
    if options.chunks:
        _refuse(reasons, "chunks", True)


def _refuse(reasons: Mapping[str, bool], parameter: str, value: object) -> None:
    """Refuse an option, with the first reason that holds."""
    for reason, holds in reasons.items():
        if holds:
            raise UserError(f"not possible: {reason}", parameter=parameter, value=value)


def _check_before_work(session: Path, examples: ExampleOptions, page: PageOptions) -> None:
    """Find errors before the table is embedded, which may take an hour."""
    for file in (examples.labelstudio, examples.argilla):
        if file is not None:
            require_file(file)
    if examples.labels is not None:
        open_table(examples.labels)
    require_words(examples.like, examples.not_like)
    sort_examples(examples.like, examples.not_like, examples.concept)
    require_address(page.host, page.port)
    if os.path.isfile(session):  # a read-only one is opened too
        Journal(session).close()
    else:
        require_writable_file(session, "session")
        require_writable_file(session.with_name(f"{session.name}-journal"), "session")  # SQLite writes one next to it
