"""The session of a table, begun or resumed: the work of `seals label` before the first question."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from seals_sim.cli.changed import match_changed_session
from seals_sim.cli.concepts import require_words, sort_examples
from seals_sim.cli.options import ColumnOptions, ExampleOptions, OwnVectorOptions, SearchIndexOptions, TextOptions
from seals_sim.cli.own_vectors import build_own_corpus
from seals_sim.cli.tables import EmbeddingPlan, build_table_corpus, get_cache, name_list
from seals_sim.datasets.table import TextTable
from seals_sim.embed.space import TextSpace
from seals_sim.errors import UserError
from seals_sim.label import exchange, journal_file
from seals_sim.label.concepts import Concepts, Examples
from seals_sim.label.corpus import Corpus
from seals_sim.label.exchange.growth import CarriedAnswers, carry_over
from seals_sim.label.journal_contents import About
from seals_sim.label.journal_rows import KeptSpace
from seals_sim.label.lazy_corpus import LAZY_FROM
from seals_sim.label.options import SessionOptions
from seals_sim.progress import begin_step
from seals_sim.replay.options import CacheOptions


def prepare_session(
    table: Path,
    path: Path,
    begun: tuple[About, KeptSpace | None] | None,
    examples: ExampleOptions,
    options: SessionOptions,
    text: TextOptions,
    index: SearchIndexOptions,
    cache: CacheOptions,
    columns: ColumnOptions,
    own: OwnVectorOptions,
) -> Concepts:
    """Read, embed and index a table, and open the session on it; `begun` comes from the session's file, if any."""
    begin_step(f"reading {table.name}")
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
                refusal = f"began with {about.corpus}; {problem}" if is_other else None
                carried = match_changed_session(path, read, columns.id_column, lambda _: refusal)
        return EmbeddingPlan(dimensions, about.options.embed == "lazy", about.options.chunks)

    pool = options.pool if begun is None else begun[0].options.pool
    if own.vectors is not None:
        corpus, carried = build_own_corpus(table, text, own, index, options.k, cache, left_out, columns, path, pool)
    else:
        corpus = build_table_corpus(table, text, index, options.k, cache, left_out, columns, choose, pool)
    if corpus.lazy is not None and not cache.quiet:
        n_missing = corpus.lazy.n_distinct - corpus.lazy.n_embedded
        print(f"{n_missing:,} texts are embedded while you label, starting with those that are needed", file=sys.stderr)
    names = exchange.AnswerNames(examples.positive_label, examples.negative_label, examples.answer_field)
    files = (
        (examples.labelstudio, "label_studio"),
        (examples.argilla, "argilla"),
        (examples.labels, "table"),
    )
    find_name = str if begun is None else begun[0].find_name
    first = "" if begun is None else begun[0].concepts[0]
    concept = find_name(examples.concept[0]) if examples.concept else first
    imports = [
        exchange.read_labels(file, kind, corpus, names, concept, find_name) for file, kind in files if file is not None
    ]
    if carried is not None:
        _report_carried(carried, carry_over(carried, corpus))
    begin_step("opening the session")
    concepts = open_session(path, corpus, examples.like, examples.not_like, options, examples.concept)
    session = concepts.sessions[concepts.find_name(examples.concept[0])] if examples.concept else concepts.first
    if imports and len(concepts.sessions) > 1 and len(examples.concept) != 1:
        concepts.close()
        raise UserError("name the one concept that the answers in the file are about", parameter="concept")
    for file, given in imports:
        report = session.add_import(file, given.labels, given.controls)
        if report.n_overruled:
            print(f"{file.name}: {report.n_overruled:,} labels differ from your answers; yours count", file=sys.stderr)
        if report.n_mixed:
            print(
                f"{file.name}: {report.n_mixed:,} rows have different labels; the last of each counts", file=sys.stderr
            )
    if session.is_read_only:
        print(f"{path}: is read-only; answers are not accepted", file=sys.stderr)
    return concepts


def _is_lazy(options: SessionOptions, dimensions: int | None, read: TextTable, text: TextOptions, cache: Path) -> bool:
    """Whether a new session embeds texts only when it needs them; auto: if that saves more than a minute or so."""
    if options.embed != "auto":
        return options.embed == "lazy"
    if dimensions != 0 or options.pool == "all" or len(read.texts) <= LAZY_FROM:
        return False
    space = TextSpace(read.texts, text.text_model, 0, cache, precision=text.precision, backend=text.backend)
    return not space.is_static and space.count_new(cache) > LAZY_FROM


def _choose_kept_dimensions(kept: KeptSpace | None, read: TextTable, options: TextOptions) -> int | None:
    """The dimensions that a session keeps; None for the paper's, which old sessions used without recording it."""
    if options.dimensions is not None or kept is None:
        return options.dimensions
    if kept.whitening is None:
        return 0
    is_default = TextSpace(read.texts, options.text_model, None).fingerprint == kept.fingerprint
    return None if is_default else kept.whitening.directions.shape[1]


def _report_carried(carried: CarriedAnswers, copy: Path) -> None:
    words = [f"the table has changed; {carried.n_carried:,} answers carried over"]
    if carried.n_corrected:
        words.append(f"{carried.n_corrected:,} of them for a text that has changed")
    if carried.n_lost:
        words.append(f"{carried.n_lost:,} dropped, whose row is gone")
    print(f"{', '.join(words)}; copy of the session as it was: {copy}", file=sys.stderr)


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
        path: The session file.
        corpus: The corpus to search.
        positives: Texts like those sought.
        negatives: Texts unlike them.
        options: Options of a new session.
        names: Names of concepts; those that the session does not have are added.

    Raises:
        UserError: If the file holds a session with other examples or other texts.
    """
    require_words(positives, negatives)
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
        if getattr(options, name) not in (old, getattr(SessionOptions(), name)):  # options not given have the default
            print(f"{path} keeps the {name.replace('_', ' ')} that it began with: {old}", file=sys.stderr)
    return concepts


def _require_same_examples(path: Path, concepts: Concepts, name: str, given: Examples) -> None:
    if name not in concepts.sessions:
        raise UserError(f"{path} has concepts; write each example as NAME=WORDS, and name its concept")
    seeds = concepts.sessions[name].seeds
    if [(text, 1) for text in given[0]] + [(text, 0) for text in given[1]] != [
        (seed.text, seed.label) for seed in seeds
    ]:
        raise UserError(f"{path} began with other examples; omit --like and --not-like, or name another session")
