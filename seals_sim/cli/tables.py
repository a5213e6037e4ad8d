"""Turns a table of texts into vectors with an index, for `seals label`, `seals embed` and `seals index`."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from seals_sim.cli.options import ColumnOptions, SearchIndexOptions, TableTextOptions, TextOptions
from seals_sim.datasets.formats import TABLE_ENDINGS
from seals_sim.datasets.lines import LeftOut
from seals_sim.disk.files import replacing
from seals_sim.errors import UserError
from seals_sim.replay.options import CacheOptions
from seals_sim.search.choice import AutoPoolChoice

if TYPE_CHECKING:
    from seals_sim.datasets.table import TextTable
    from seals_sim.label.corpus import Corpus


def read_table(
    table: Path,
    options: TableTextOptions,
    list_file: Path,
    columns: ColumnOptions | None = None,
    cache: Path | None = None,
    quiet: bool = True,
) -> TextTable:
    """Read the texts of a table, and list the rows that were left out.

    Args:
        table: A file or folder.
        options: How to read it.
        list_file: File that lists the rows that were left out.
        columns: More columns to read.
        cache: Folder that stores a large table; by default the table is read into memory.
        quiet: No progress bar.

    Raises:
        UserError: If the table cannot be read, or two rows have the same id.
    """

    wanted: list[str] | None = []
    if columns is not None:
        first = [] if columns.id_column is None else [columns.id_column]
        wanted = None if columns.columns == ("all",) else [*first, *columns.columns]
    try:
        read = _read_texts(table, options, wanted, cache, quiet)
    except UserError as error:
        is_id = columns is not None and error.parameter == "columns" and error.value == columns.id_column
        parameter = "id_column" if is_id else error.parameter
        raise UserError(error.problem, parameter=parameter, value=error.value) from error
    if columns is not None and columns.id_column is not None:
        _require_ids(table, columns.id_column, read)
    if read.bad.left_out:
        write_left_out(list_file, read.bad.left_out)
        print(f"left out {_count(read.bad.left_out)}, listed in {list_file}", file=sys.stderr)
    return read


def _read_texts(
    table: Path, options: TableTextOptions, columns: Sequence[str] | None, cache: Path | None, quiet: bool
) -> TextTable:
    from seals_sim.datasets.stored_table import UnstorableError, is_large, read_stored_table, require_unchanged
    from seals_sim.datasets.table import read_text_columns

    column, skip = options.text_column, options.skip_bad_lines
    if cache is not None and is_large(table):
        with suppress(UnstorableError):
            return read_stored_table(table, cache, column, skip, options, columns, quiet)
    with require_unchanged(table):
        return read_text_columns(table, column, skip, options, columns)


def _require_ids(table: Path, column: str, read: TextTable) -> None:
    """Refuse missing and duplicate ids, which cannot identify a row."""
    if column not in read.columns:
        listed = ", ".join(map(repr, read.columns))
        raise UserError(f"no such column in {table}; its columns are {listed}", parameter="id_column", value=column)
    seen: dict[str, int] = {}
    for row, cell in zip(read.rows.tolist(), read.columns[column], strict=True):
        problem = "is empty" if cell in (None, "") else None
        if str(cell) in seen:
            problem = f"is {str(cell)!r:.60}, as in row {seen[str(cell)]}"
        if problem:
            raise UserError(f"row {row} of {table} (counted from 0) {problem}", parameter="id_column", value=column)
        seen[str(cell)] = row


def _count(left_out: Sequence[LeftOut]) -> str:
    """The number of rows, and the last of them."""
    n = sum(one.row is not None for one in left_out)
    more = " and others that cannot be counted" if n < len(left_out) else ""
    return f"{n:,} row{'' if n == 1 else 's'}{more} (the last: {left_out[-1]})"


def write_left_out(path: Path, left_out: Sequence[LeftOut]) -> None:
    """Write a CSV of what was left out of a table: row, place and reason."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "where", "reason"])
        writer.writerows(["" if one.row is None else one.row, one.where, one.reason] for one in left_out)


def get_cache(options: CacheOptions) -> Path:
    """The cache folder. A read-only one works if it has everything that is needed."""
    from seals_sim.disk.cache import get_default_folder

    return options.cache or get_default_folder()


@dataclass(frozen=True)
class EmbeddingPlan:
    """How a table is embedded.

    Attributes:
        dimensions: Dimensions to whiten to; 0: no whitening; None: the paper's.
        is_lazy: Whether texts are embedded only when they are needed.
        is_chunked: Whether long texts are embedded in chunks.
    """

    dimensions: int | None
    is_lazy: bool = False
    is_chunked: bool = False


def build_table_corpus(
    table: Path,
    text: TextOptions,
    index: SearchIndexOptions,
    k: int,
    cache_options: CacheOptions,
    list_file: Path | None = None,
    columns: ColumnOptions | None = None,
    choose: Callable[[TextTable], EmbeddingPlan] | None = None,
    pool: AutoPoolChoice | None = None,
) -> Corpus:
    """Read, embed and index a table, each from the cache if it is there.

    `choose` is called with the table before anything is embedded, and decides how to embed it. `pool` is the pool of a
    session.
    """
    from seals_sim.indexes import IndexOptions
    from seals_sim.label.chunked_corpus import build_chunked_corpus
    from seals_sim.label.corpus import build_corpus
    from seals_sim.label.lazy_corpus import build_lazy_corpus
    from seals_sim.replay.vectors import report_cut

    cache = get_cache(cache_options)
    read = read_table(table, text, list_file or name_list(cache, table), columns, cache, cache_options.quiet)
    plan = EmbeddingPlan(text.dimensions or 0) if choose is None else choose(read)
    texts, model, quiet = read.texts, text.text_model, cache_options.quiet
    options = IndexOptions(k, n_probe=index.n_probe, engine=index.engine)
    if plan.is_chunked:
        corpus = build_chunked_corpus(texts, cache, model, quiet, text.precision, text.backend)
    elif plan.is_lazy:
        corpus = build_lazy_corpus(
            texts, index.index, cache, model, options, quiet, text.precision, backend=text.backend
        )
    else:
        corpus = build_corpus(
            texts, index.index, cache, model, plan.dimensions, options, quiet, text.precision, pool, text.backend
        )
    report_cut(corpus.cut, len(texts))
    rows = read.rows if read.bad.left_out else None
    id_column = None if columns is None else columns.id_column
    return replace(corpus, table_rows=rows, columns=read.columns, id_column=id_column)


def name_list(cache: Path, table: Path) -> Path:
    """The list of rows that a command without its own output file has left out of a table."""
    return cache / "left-out" / f"{table.name}.csv"


def name_session(table: Path) -> Path:
    """The session file next to a table: its name without the endings of tables.

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
