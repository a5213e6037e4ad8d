"""The user's own table, in any supported format, with a text column and label columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from seals_sim.datasets.dataset import Dataset
from seals_sim.datasets.formats import open_table
from seals_sim.datasets.kept_rows import Wanted, choose_columns, explain_no_rows, iterate_kept_rows
from seals_sim.datasets.labels import Label, build_concepts, is_binary, read_label
from seals_sim.datasets.lines import BadLines
from seals_sim.datasets.options import TableOptions
from seals_sim.datasets.protocol import TableFile
from seals_sim.errors import UserError
from seals_sim.types import DatasetRows, TableRow, TableRows


def read_text_table(
    path: Path,
    text_column: str = "text",
    label_columns: Sequence[str] = (),
    separator: str | None = None,
    skip_bad_lines: bool = False,
    options: TableOptions | None = None,
    labeled_only: bool = False,
) -> Dataset:
    """Read a table of texts and labels.

    Args:
        path: .jsonl (or .ndjson), .json, .csv, .tsv, each also with .gz, .bz2 or .zst; .parquet, .arrow, .feather,
            .xlsx; a folder of .txt files; or a folder from `datasets.save_to_disk`. A .tsv has no quoting.
        text_column: Name of the text column; `doc.text` is the field `text` of the field `doc`.
        label_columns: Names of the label columns, by default `label` or `labels`. `build_concepts` explains what their
            values mean.
        separator: Splits a text cell into a list of labels.
        skip_bad_lines: Leave out lines that cannot be read instead of stopping. Empty texts are always left out.
        options: How to read the file.
        labeled_only: Leave out rows without a label in any of these columns.

    Returns:
        The dataset. Its `table_rows` also count the lines that were left out.

    Raises:
        UserError: If the file or one of its lines cannot be read.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "pets.csv"
        ...     _ = path.write_text("text,label\\na cat sleeps,cat\\na dog barks,dog\\n")
        ...     dataset = read_text_table(path)
        >>> dataset.texts, {name: rows.tolist() for name, rows in dataset.concepts.items()}
        (['a cat sleeps', 'a dog barks'], {'cat': [0], 'dog': [1]})
    """
    columns = _read_columns(path, text_column, label_columns, separator, skip_bad_lines, options)
    if labeled_only:
        columns = _keep_labeled(path, columns)
    return Dataset(
        get_stem(path),
        _build_concepts(path, columns),
        texts=columns.texts,
        table_rows=columns.rows,
        bad_lines=columns.bad.reports,
    )


@dataclass(frozen=True, eq=False)
class TextTable:
    """The texts of a table, which need not have labels.

    Attributes:
        texts: The texts, without empty ones.
        rows: (n,) sorted, position of each text in the table.
        bad: What was left out.
        columns: Other columns of the table, n cells each, unchanged.
    """

    texts: Sequence[str]
    rows: TableRows
    bad: BadLines
    columns: Mapping[str, Sequence[object]] = field(default_factory=dict)


def read_text_columns(
    path: Path,
    text_column: str = "text",
    skip_bad_lines: bool = False,
    options: TableOptions | None = None,
    columns: Sequence[str] | None = (),
) -> TextTable:
    """Read the texts and other columns of a table.

    Args:
        path: As for `read_text_table`.
        text_column: Name of the text column.
        skip_bad_lines: Leave out lines that cannot be read instead of stopping. Empty texts are always left out.
        options: How to read the file.
        columns: Other columns to read; None for all.

    Raises:
        UserError: If the file or one of its lines cannot be read.
    """
    read = _read_columns(path, text_column, None, None, skip_bad_lines, options, columns)
    return TextTable(read.texts, read.rows, read.bad, read.others)


def read_texts(
    path: Path, text_column: str = "text", skip_bad_lines: bool = False
) -> tuple[list[str], TableRows, BadLines]:
    """Read the texts of a table, which need not have labels.

    Args:
        path: As for `read_text_table`.
        text_column: Name of the text column.
        skip_bad_lines: Leave out lines that cannot be read instead of stopping. Empty texts are always left out.

    Returns:
        The texts, their rows in the file, and the lines left out.

    Raises:
        UserError: If the file or one of its lines cannot be read.
    """
    table = read_text_columns(path, text_column, skip_bad_lines)
    return list(table.texts), table.rows, table.bad


def read_label_table(
    path: Path, label_columns: Sequence[str], separator: str | None
) -> tuple[int, dict[str, DatasetRows]]:
    """Read a table that contains only labels; a bad line is always an error.

    Args:
        path: As for `read_text_table`.
        label_columns: Names of the label columns, by default `label` or `labels`.
        separator: Splits a text cell into a list of labels.

    Returns:
        The number of rows and the concepts.

    Raises:
        UserError: If the file or one of its lines cannot be read.
    """
    columns = _read_columns(path, None, label_columns, separator, skip_bad_lines=None)
    return len(columns.rows), _build_concepts(path, columns)


def get_stem(path: Path) -> str:
    """The name of a file without its endings, in printable characters.

    Examples:
        >>> get_stem(Path("data/reviews.2024.csv.gz"))
        'reviews'
    """
    return "".join(letter if letter.isprintable() else "_" for letter in path.name.split(".")[0] or path.name)


@dataclass(frozen=True)
class _Columns:
    """The requested columns of a table; `rows` are positions in it, counting lines that were left out."""

    texts: list[str]
    labels: dict[str, list[Label]]
    rows: TableRows
    bad: BadLines
    others: dict[str, list[object]]


def _read_columns(
    path: Path,
    text_column: str | None,
    label_columns: Sequence[str] | None,
    separator: str | None,
    skip_bad_lines: bool | None,
    options: TableOptions | None = None,
    others: Sequence[str] | None = (),
) -> _Columns:
    file, bad = open_table(path, options), BadLines(path, skip_bad_lines)
    wanted = choose_columns(path, file, BadLines(path, skip_bad_lines), text_column, label_columns, others)
    columns = _read_at_once(file, wanted, separator, bad) or _read_row_by_row(file, wanted, separator, bad)
    if not len(columns.rows):
        raise explain_no_rows(path, bad)
    return columns


def _read_at_once(file: TableFile, wanted: Wanted, separator: str | None, bad: BadLines) -> _Columns | None:
    """The columns, or None if something is wrong, which `_read_row_by_row` then reports."""
    table = file.read_at_once(wanted.all)
    if table is None:
        return None
    texts: list[str] = [] if wanted.text is None else table[wanted.text].to_pylist()
    try:
        if not all(map(str.strip, texts)):
            return None
        labels = {name: _read_labels(table[name], separator) for name in wanted.labels}
    except TypeError:
        return None
    others = {name: table[name].to_pylist() for name in wanted.others}
    return _Columns(texts, labels, TableRows(np.arange(len(table))), bad, others)


def _read_labels(column: pa.ChunkedArray, separator: str | None) -> list[Label]:
    values = column.to_pylist()
    if not pa.types.is_string(column.type):
        return [read_label(value, separator) for value in values]
    label_of = {value: read_label(value, separator) for value in set(values)}
    return [label_of[value] for value in values]


def _read_row_by_row(file: TableFile, wanted: Wanted, separator: str | None, bad: BadLines) -> _Columns:
    texts: list[str] = []
    rows: list[TableRow] = []
    labels: dict[str, list[Label]] = {name: [] for name in wanted.labels}
    others: dict[str, list[object]] = {name: [] for name in wanted.others}
    for kept in iterate_kept_rows(file, wanted, separator, bad):
        rows.append(kept.row)
        texts.append(kept.text)
        for name, label in zip(wanted.labels, kept.labels, strict=True):
            labels[name].append(label)
        for name, column in others.items():
            column.append(kept.record.get(name))
    return _Columns(texts, labels, TableRows(np.array(rows, dtype=np.int64)), bad, others)


def _keep_labeled(path: Path, columns: _Columns) -> _Columns:
    cells = zip(*columns.labels.values(), strict=True)
    kept = [place for place, row in enumerate(cells) if any(value not in (None, ()) for value in row)]
    if not kept:
        raise UserError(f"{path}: no row has a label", parameter="labeled_only", value=True)
    return replace(
        columns,
        texts=[columns.texts[place] for place in kept],
        labels={name: [column[place] for place in kept] for name, column in columns.labels.items()},
        rows=TableRows(columns.rows[kept]),
    )


def _build_concepts(path: Path, columns: _Columns) -> dict[str, DatasetRows]:
    for name, column in columns.labels.items():
        if is_binary(column) and None in column:
            row = columns.rows[column.index(None)]
            raise UserError(
                f"{path}: column {name!r} holds 0/1 labels, but row {row} (counted from 0) has none; "
                "give every row a label"
            )
    return build_concepts(columns.labels)
