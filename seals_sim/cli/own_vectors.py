"""`seals label` on vectors computed elsewhere, with a table of texts or pictures."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from seals_sim.cli.changed import match_changed_session
from seals_sim.cli.options import ColumnOptions, ExampleOptions, OwnVectorOptions, SearchIndexOptions, TextOptions
from seals_sim.cli.tables import get_cache, read_table
from seals_sim.datasets.formats import open_table
from seals_sim.datasets.lines import BadLines
from seals_sim.datasets.stored_table import require_unchanged
from seals_sim.datasets.table import TextTable
from seals_sim.datasets.vectors import read_vector_array
from seals_sim.embed.joined import open_encoder
from seals_sim.errors import UserError
from seals_sim.indexes import IndexOptions
from seals_sim.label.corpus import Corpus, build_vector_corpus, fingerprint_own_vectors
from seals_sim.label.exchange.growth import CarriedAnswers
from seals_sim.label.exchange.session_file import SessionFile
from seals_sim.label.journal import read_about
from seals_sim.label.pictures import Pictures
from seals_sim.label.stored_vectors import digest_vectors, normalize_once
from seals_sim.replay.options import CacheOptions
from seals_sim.search.choice import AutoPoolChoice
from seals_sim.types import Vectors
from seals_sim.vectors.normalize import normalize

_N_TRIED = 20  # pictures to look for at the start, to detect a wrong folder


def require_own_vectors(own: OwnVectorOptions, examples: ExampleOptions, text: TextOptions) -> None:
    """Refuse options that do not fit vectors computed elsewhere, before anything is read."""
    if own.vectors is None:
        return
    if examples.paper:
        raise UserError("whitens texts; with vectors, use the pool seals instead", parameter="paper", value=True)
    if text.dimensions:
        raise UserError("whitens texts; omit it with vectors", parameter="dimensions", value=text.dimensions)
    if text.model is None:
        for name, words in (("like", examples.like), ("not_like", examples.not_like)):
            if words:
                problem = "requires the model that made the vectors (--model); or omit it and answer rows first"
                raise UserError(problem, parameter=name, value=words[0])
    read_vector_array(own.vectors)


def build_own_corpus(
    table: Path,
    text: TextOptions,
    own: OwnVectorOptions,
    index: SearchIndexOptions,
    k: int,
    cache_options: CacheOptions,
    list_file: Path,
    columns: ColumnOptions,
    session: Path,
    pool: AutoPoolChoice,
) -> tuple[Corpus, CarriedAnswers | None]:
    """Read a table and its vectors, and index them, or read them from the cache.

    Returns:
        The corpus, and the answers to carry over if the table or its vectors changed since the session began.

    Raises:
        UserError: If they do not fit together, or the session belongs to another table.
    """
    assert own.vectors is not None
    cache = get_cache(cache_options)
    with require_unchanged(own.vectors):
        array = read_vector_array(own.vectors)
        encode = None if text.model is None else _find_encoder(text, own.vectors, array.shape[1])
        text = _choose_text_column(table, text, own)
        read = _read_table(table, text, own, list_file, columns)
        n_rows = len(read.rows) + len(read.bad.left_out)
        if n_rows != len(array):
            raise UserError(f"{own.vectors}: {len(array):,} vectors for the {n_rows:,} rows of {table}")
        paths = None if own.image_column is None else _list_paths(read, text, own.image_column)
        given = digest_vectors(own.vectors, array, cache)
        name = fingerprint_own_vectors(given, read.rows, read.texts, paths)
        carried = _carry(session, name, read, columns.id_column, encode is not None)
        pictures = None if paths is None or own.image_folder is None else _open_pictures(own.image_folder, paths)
        rows = read.rows if read.bad.left_out else None
        vectors, digest = normalize_once(array, rows, given, str(own.vectors), cache)
    corpus = build_vector_corpus(
        vectors,
        read.texts,
        name,
        index.index,
        cache,
        IndexOptions(k, n_probe=index.n_probe, engine=index.engine),
        cache_options.quiet,
        pool,
        digest,
    )
    corpus = replace(
        corpus,
        encode=encode,
        pictures=pictures,
        table_rows=rows,
        columns=read.columns,
        id_column=columns.id_column,
    )
    return corpus, carried


def _find_encoder(text: TextOptions, path: Path, d: int) -> Callable[[Sequence[str]], Vectors]:
    """The encoder that maps words into the space of the file's vectors; only the dimensions can be checked."""
    assert text.model is not None
    encoder = open_encoder(text.model, precision="float32" if text.precision == "auto" else text.precision)
    if encoder.dimensions != d:
        problem = f"has {encoder.dimensions} dimensions, but {path} has {d}; name the model that made these vectors"
        raise UserError(problem, parameter="model", value=text.model)
    return lambda texts: normalize(encoder.encode(texts), "the embeddings")


def _choose_text_column(table: Path, text: TextOptions, own: OwnVectorOptions) -> TextOptions:
    """Use the column of paths for texts too, if none is named and the default one does not exist."""
    if own.image_column is None:
        return text
    header = open_table(table, text).read_header(BadLines(table, text.skip_bad_lines))
    if own.image_column not in header:
        problem = f"no such column in {table}; its columns are {', '.join(map(repr, header))}"
        raise UserError(problem, parameter="image_column", value=own.image_column)
    is_named = text.text_column in header or text.text_column != TextOptions.text_column
    return text if is_named else replace(text, text_column=own.image_column)


def _read_table(
    table: Path, text: TextOptions, own: OwnVectorOptions, list_file: Path, columns: ColumnOptions
) -> TextTable:
    paths, read_anyway = own.image_column, (text.text_column, *columns.columns)
    if paths is not None and paths not in read_anyway and columns.columns != ("all",):
        columns = replace(columns, columns=(*columns.columns, paths))
    read = read_table(table, text, list_file, columns)
    for one in read.bad.left_out:
        if one.row is None:
            raise UserError(f"{one}; vectors cannot be matched to rows: repair the table first")
    return read


def _list_paths(read: TextTable, text: TextOptions, column: str) -> list[str | None]:
    if column == text.text_column:
        return list(read.texts)
    if column not in read.columns:  # a field of a column, which is read as a whole
        problem = f"does not include {column}, which is a field of another column; list the columns by name"
        raise UserError(problem, parameter="columns", value="all")
    return [_get_path(cell) for cell in read.columns[column]]


def _get_path(cell: object) -> str | None:
    return None if cell is None or cell != cell or not str(cell).strip() else str(cell)


def _open_pictures(folder: Path, paths: list[str | None]) -> Pictures:
    """Open the pictures, with a warning if none of the first ones exists: the folder is probably wrong."""
    pictures = Pictures(folder, paths)
    tried = [row for row, path in enumerate(paths) if path is not None][:_N_TRIED]
    if tried and not any(map(pictures.is_there, tried)):
        print(f"{folder} has none of the first {len(tried)} pictures (the first: {paths[tried[0]]})", file=sys.stderr)
    return pictures


def _carry(
    session: Path, fingerprint: str, read: TextTable, id_column: str | None, has_model: bool
) -> CarriedAnswers | None:
    """The answers to carry over if vectors, texts or paths have changed; None if they have not."""
    if not session.is_file():
        return None
    about, _ = read_about(session)
    if about.fingerprint == fingerprint:
        return None

    def find_problem(files: Sequence[SessionFile]) -> str | None:
        if not any(file.state.answers for file in files):
            what = "open it with the same vectors, texts and paths, or name another session"
            return f"began with {about.corpus}; {what}"
        if any(file.seeds for file in files) and not has_model:
            return "began with examples in words, which need new vectors: name the model that made yours (--model)"
        return None

    return match_changed_session(session, read, id_column, find_problem, has_own_vectors=True)
