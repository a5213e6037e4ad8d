"""`seals label`: the session of a table, begun or resumed, and its page."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from seals_sim.cli.changed import match_changed_session
from seals_sim.cli.concepts import sort_examples
from seals_sim.cli.judge import begin_judging, find_judge, judge_alone
from seals_sim.cli.options import (
    ColumnOptions,
    ExampleOptions,
    OwnVectorOptions,
    PageOptions,
    SearchIndexOptions,
    TextOptions,
)
from seals_sim.cli.own_vectors import build_own_corpus, require_own_vectors
from seals_sim.cli.tables import EmbeddingPlan, build_table_corpus, get_cache, name_list, name_session
from seals_sim.cli.terminal import explain_failure
from seals_sim.datasets.formats import open_table
from seals_sim.datasets.lines import require_file
from seals_sim.datasets.table import TextTable
from seals_sim.disk.files import require_writable_file
from seals_sim.embed.names import STATIC_MODEL
from seals_sim.embed.space import TextSpace
from seals_sim.errors import UserError
from seals_sim.label import journal_file
from seals_sim.label.concepts import Concepts, Examples
from seals_sim.label.corpus import Corpus
from seals_sim.label.exchange import AnswerNames, read_labels
from seals_sim.label.exchange.growth import CarriedAnswers, carry_over
from seals_sim.label.exchange.session_file import read_about
from seals_sim.label.journal import Journal
from seals_sim.label.journal_contents import About
from seals_sim.label.journal_rows import KeptSpace
from seals_sim.label.judge.judging import Judging
from seals_sim.label.judge.options import JudgeOptions
from seals_sim.label.lazy_corpus import LAZY_FROM
from seals_sim.label.options import SessionOptions
from seals_sim.label.web.address import require_address
from seals_sim.label.web.server import open_page
from seals_sim.progress import begin_step
from seals_sim.replay.options import CacheOptions

_Begun = tuple[About, KeptSpace | None]  # what a session file says of itself


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
    require_own_vectors(own, examples, text)
    if examples.paper:
        if options.pool not in ("auto", "seals"):
            raise UserError("is not the paper's; leave it out, or paper", parameter="pool", value=options.pool)
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
        begin_step(f"reading {table.name}")
        concepts = _prepare(table, path, begun, examples, options, text, index, cache, columns, own)
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


def _prepare(
    table: Path,
    path: Path,
    begun: _Begun | None,
    examples: ExampleOptions,
    options: SessionOptions,
    text: TextOptions,
    index: SearchIndexOptions,
    cache: CacheOptions,
    columns: ColumnOptions,
    own: OwnVectorOptions,
) -> Concepts:
    """Read, embed and index a table, and open the session on it."""
    left_out = path.with_name(f"{path.name.removesuffix('.seals')}.left-out.csv")
    if path.is_file() and not journal_file.is_writable(path):
        left_out = name_list(get_cache(cache), table)
    carried: CarriedAnswers | None = None

    def choose(read: TextTable) -> EmbeddingPlan:
        nonlocal carried
        if begun is None:
            dimensions = 0 if text.dimensions is None and not examples.paper else text.dimensions
            if options.chunks:
                return EmbeddingPlan(0, is_chunked=True)
            return EmbeddingPlan(dimensions, _is_lazy(options, dimensions, read, text, get_cache(cache)))
        about, kept = begun
        dimensions = _choose_kept_dimensions(kept, read, text)
        if kept is not None:
            space = TextSpace(read.texts, text.text_model, dimensions)
            if kept.fingerprint != space.fingerprint:
                is_other = kept.texts_digest == space.texts_digest or kept.digest != space.model_digest
                problem = "open it with the same model and dimensions, or name another session"
                refusal = f"was begun with {about.corpus}; {problem}" if is_other else None
                carried = match_changed_session(path, read, columns.id_column, lambda _: refusal)
        return EmbeddingPlan(dimensions, about.options.embed == "lazy", about.options.chunks)

    pool = options.pool if begun is None else begun[0].options.pool
    if own.vectors is not None:
        corpus, carried = build_own_corpus(table, text, own, index, options.k, cache, left_out, columns, path, pool)
    else:
        corpus = build_table_corpus(table, text, index, options.k, cache, left_out, columns, choose, pool)
    if corpus.lazy is not None and not cache.quiet:
        n_missing = corpus.lazy.n_distinct - corpus.lazy.n_embedded
        print(f"{n_missing:,} texts are embedded while you label, those that are looked at first", file=sys.stderr)
    names = AnswerNames(examples.positive_label, examples.negative_label, examples.answer_field)
    files = (
        (examples.labelstudio, "label_studio"),
        (examples.argilla, "argilla"),
        (examples.labels, "table"),
    )
    imports = [read_labels(file, kind, corpus, names) for file, kind in files if file is not None]
    if carried is not None:
        _report_carried(carried, carry_over(carried, corpus))
    begin_step("opening the session")
    concepts = open_session(path, corpus, examples.like, examples.not_like, options, examples.concept)
    session = concepts.sessions[concepts.find_name(examples.concept[0])] if examples.concept else concepts.first
    if imports and len(concepts.sessions) > 1 and len(examples.concept) != 1:
        concepts.close()
        raise UserError("name the one concept that the answers of the file are about", parameter="concept")
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
    return concepts


def _list_names(begun: _Begun | None, given: Iterable[str]) -> list[str]:
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
        f"{STATIC_MODEL} embeds them all in no time": text.text_model == STATIC_MODEL,
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
    """Refuse an option by the first reason that holds."""
    for reason, holds in reasons.items():
        if holds:
            raise UserError(f"cannot be: {reason}", parameter=parameter, value=value)


def _is_lazy(options: SessionOptions, dimensions: int | None, read: TextTable, text: TextOptions, cache: Path) -> bool:
    """Whether a new session embeds only what it looks at; auto: where that saves more than a minute or so."""
    if options.embed != "auto":
        return options.embed == "lazy"
    if dimensions != 0 or options.pool == "all" or len(read.texts) <= LAZY_FROM:
        return False
    space = TextSpace(read.texts, text.text_model, 0, cache, precision=text.precision, backend=text.backend)
    return not space.is_static and space.count_new(cache) > LAZY_FROM


def _check_before_work(session: Path, examples: ExampleOptions, page: PageOptions) -> None:
    """Refuse what can be refused before a table is embedded, which may take an hour."""
    for file in (examples.labelstudio, examples.argilla):
        if file is not None:
            require_file(file)
    if examples.labels is not None:
        open_table(examples.labels)
    _require_words(examples.like, examples.not_like)
    sort_examples(examples.like, examples.not_like, examples.concept)
    require_address(page.host, page.port)
    if os.path.isfile(session):  # one that can only be read is opened too
        Journal(session).close()
    else:
        require_writable_file(session, "session")
        require_writable_file(session.with_name(f"{session.name}-journal"), "session")  # SQLite makes one beside it


def _require_words(positives: Sequence[str], negatives: Sequence[str]) -> None:
    for name, examples in (("like", positives), ("not_like", negatives)):
        for text in examples:
            if not text.strip():
                raise UserError("needs some words", parameter=name, value=repr(text))


def _choose_kept_dimensions(kept: KeptSpace | None, read: TextTable, options: TextOptions) -> int | None:
    """The dimensions that a session goes on with; None for the paper's, as sessions had them that do not say."""
    if options.dimensions is not None or kept is None:
        return options.dimensions
    if kept.whitening is None:
        return 0
    is_default = TextSpace(read.texts, options.text_model, None).fingerprint == kept.fingerprint
    return None if is_default else kept.whitening.directions.shape[1]


def _report_carried(carried: CarriedAnswers, copy: Path) -> None:
    words = [f"the table has changed; {carried.n_carried:,} answers go on"]
    if carried.n_corrected:
        words.append(f"{carried.n_corrected:,} of them for a text that is another now")
    if carried.n_lost:
        words.append(f"{carried.n_lost:,} have no row any more")
    print(f"{', '.join(words)}; the session as it was: {copy}", file=sys.stderr)


def open_session(
    path: Path,
    corpus: Corpus,
    positives: Sequence[str],
    negatives: Sequence[str],
    options: SessionOptions,
    names: Sequence[str] = (),
) -> Concepts:
    """Begin a session, or resume the one in this file.

    Args:
        path: The file.
        corpus: What to search.
        positives: Texts like those sought.
        negatives: Texts unlike them.
        options: Of a new session.
        names: Of concepts; those that the session does not have are added.

    Raises:
        UserError: Where the file holds a session with other examples or other texts.
    """
    _require_words(positives, negatives)
    examples = sort_examples(positives, negatives, names)
    if not path.exists():
        fitting = replace(options, k=min(options.k, len(corpus.vectors)))
        return Concepts.begin(path, corpus, examples, fitting)
    concepts = Concepts.open(path, corpus)
    try:
        for before, given in examples.items():
            name = concepts.find_name(before)
            if name not in concepts.sessions and name:
                concepts.add(name, given)
            elif any(given):
                _require_same_examples(path, concepts, name, given)
    except BaseException:
        concepts.close()
        raise
    session = concepts.first
    for name, old in asdict(session.options).items():
        if getattr(options, name) not in (old, getattr(SessionOptions(), name)):  # what is not given is the default
            print(f"{path} keeps the {name.replace('_', ' ')} that it was begun with: {old}", file=sys.stderr)
    return concepts


def _require_same_examples(path: Path, concepts: Concepts, name: str, given: Examples) -> None:
    if name not in concepts.sessions:
        raise UserError(f"{path} has concepts: write each example as NAME=WORDS, and name its concept")
    seeds = concepts.sessions[name].seeds
    if [(text, 1) for text in given[0]] + [(text, 0) for text in given[1]] != [
        (seed.text, seed.label) for seed in seeds
    ]:
        raise UserError(f"{path} was begun with other examples; leave out like and not-like, or name another session")
