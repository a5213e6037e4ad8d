"""`seals label`: the session of a table, begun or resumed, and its page."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from seals_sim.cli.options import ColumnOptions, ExampleOptions, PageOptions, SearchIndexOptions, TextOptions
from seals_sim.cli.tables import build_table_corpus
from seals_sim.datasets.formats import TABLE_ENDINGS, open_table
from seals_sim.disk.files import require_writable_file
from seals_sim.errors import UserError
from seals_sim.label.corpus import Corpus
from seals_sim.label.exchange import AnswerNames, read_labels
from seals_sim.label.options import SessionOptions
from seals_sim.label.session import Session
from seals_sim.label.web.server import serve
from seals_sim.replay.options import CacheOptions


def label(
    table: Path,
    examples: ExampleOptions,
    options: SessionOptions,
    text: TextOptions,
    index: SearchIndexOptions,
    page: PageOptions,
    cache: CacheOptions,
    columns: ColumnOptions,
) -> None:
    """Serve the page for labeling a table until it is stopped."""
    open_table(table, text)
    path = examples.session or name_session(table)
    if not os.path.isfile(path):  # a file that can only be read is opened too
        require_writable_file(path, "session")
    left_out = path.with_name(f"{path.name.removesuffix('.seals')}.left-out.csv")
    corpus, _ = build_table_corpus(table, text, index, options.k, cache, left_out, columns)
    names = AnswerNames(examples.positive_label, examples.negative_label, examples.answer_field)
    files = (
        (examples.labelstudio, "label_studio"),
        (examples.argilla, "argilla"),
        (examples.labels, "table"),
    )
    imports = [read_labels(file, kind, corpus, names) for file, kind in files if file is not None]
    fitting = replace(options, k=min(options.k, len(corpus.vectors)))
    session = open_session(path, corpus, examples.like, examples.not_like, fitting)
    for file, given in imports:
        report = session.add_import(file, given.labels, given.controls)
        if report.n_overruled:
            print(f"{file.name}: {report.n_overruled:,} labels differ from your answers, which stand", file=sys.stderr)
        if report.n_mixed:
            print(
                f"{file.name}: {report.n_mixed:,} rows have different labels; the last of each counts", file=sys.stderr
            )
    if session.is_read_only:
        print(f"{path}: can only be read: answers are not taken", file=sys.stderr)
    serve(session, page.host, page.port, not page.no_browser, cache.quiet, path.name, page.allow_host)


def name_session(table: Path) -> Path:
    """The session beside a table: its name without the endings of tables.

    Examples:
        >>> name_session(Path("reviews.2024.csv.gz")).name
        'reviews.2024.seals'
    """
    table = table if table.name else table.resolve()  # the current folder
    name = table.name
    for ending in TABLE_ENDINGS:
        if name.lower().endswith(ending) and len(name) > len(ending):
            name = name[: -len(ending)]
    return table.with_name(f"{name}.seals")


def open_session(
    path: Path, corpus: Corpus, positives: Sequence[str], negatives: Sequence[str], options: SessionOptions
) -> Session:
    """Begin a session, or resume the one in this file.

    Raises:
        UserError: Where the file holds a session with other examples or other texts.
    """
    for name, examples in (("like", positives), ("not_like", negatives)):
        for text in examples:
            if not text.strip():
                raise UserError("needs some words", parameter=name, value=repr(text))
    if not path.exists():
        return Session.begin(path, corpus, positives, negatives, options)
    session = Session.open(path, corpus)
    given = [(text, 1) for text in positives] + [(text, 0) for text in negatives]
    if given and given != [(seed.text, seed.label) for seed in session.seeds]:
        session.close()
        raise UserError(f"{path} was begun with other examples; leave out like and not-like, or name another session")
    has_copies = corpus.copies is not None
    for name, old in asdict(session.options).items():
        if old != getattr(options, name) and (has_copies or name != "copies"):
            print(f"{path} keeps the {name.replace('_', ' ')} that it was begun with: {old}", file=sys.stderr)
    return session
