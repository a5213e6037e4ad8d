"""The user's own table: JSON Lines, CSV, TSV, or Parquet, with a text column and label columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from seals_sim.datasets.dataset import Dataset
from seals_sim.datasets.formats import Record, TableFile, open_table
from seals_sim.datasets.labels import Label, build_concepts, is_binary, read_label
from seals_sim.datasets.lines import BadLines, require_file
from seals_sim.errors import UserError
from seals_sim.types import DatasetRows, TableRows

DEFAULT_LABEL_COLUMNS = ("label", "labels")


def read_text_table(
    path: Path,
    text_column: str = "text",
    label_columns: Sequence[str] = (),
    separator: str | None = None,
    skip_bad_lines: bool = False,
) -> Dataset:
    """Read a table of texts and labels.

    Args:
        path: .jsonl (or .ndjson, .json), .csv, .tsv, each also with .gz, or .parquet. A .tsv has no quoting.
        text_column: Of the texts.
        label_columns: By default the column `label` or `labels`. What their values mean is said at `build_concepts`.
        separator: Cuts a text cell into a list of labels.
        skip_bad_lines: Leave out what cannot be read, instead of stopping.

    Returns:
        The dataset. Its `table_rows` count the lines that were left out.

    Raises:
        UserError: Where the file or one of its lines cannot be read.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "pets.csv"
        ...     _ = path.write_text("text,label\\na cat sleeps,cat\\na dog barks,dog\\n")
        ...     dataset = read_text_table(path)
        >>> dataset.texts, {name: rows.tolist() for name, rows in dataset.concepts.items()}
        (['a cat sleeps', 'a dog barks'], {'cat': [0], 'dog': [1]})
    """
    columns = _read_columns(path, text_column, label_columns, separator, skip_bad_lines)
    return Dataset(
        get_stem(path),
        _build_concepts(path, columns),
        texts=columns.texts,
        table_rows=columns.rows,
        bad_lines=columns.bad.reports,
    )


def read_texts(
    path: Path, text_column: str = "text", skip_bad_lines: bool = False
) -> tuple[list[str], TableRows, BadLines]:
    """Read the texts of a table that need not have labels.

    Args:
        path: As for `read_text_table`.
        text_column: Of the texts.
        skip_bad_lines: Leave out what cannot be read, instead of stopping.

    Returns:
        The texts, their rows in the file, and the lines left out.

    Raises:
        UserError: Where the file or one of its lines cannot be read.
    """
    columns = _read_columns(path, text_column, None, None, skip_bad_lines)
    return columns.texts, columns.rows, columns.bad


def read_label_table(
    path: Path, label_columns: Sequence[str], separator: str | None
) -> tuple[int, dict[str, DatasetRows]]:
    """Read a table that holds labels alone; a bad line is always an error.

    Args:
        path: As for `read_text_table`.
        label_columns: By default the column `label` or `labels`.
        separator: Cuts a text cell into a list of labels.

    Returns:
        The number of rows, and the concepts.

    Raises:
        UserError: Where the file or one of its lines cannot be read.
    """
    columns = _read_columns(path, None, label_columns, separator, skip_bad_lines=None)
    return len(columns.rows), _build_concepts(path, columns)


def get_stem(path: Path) -> str:
    """Take the file's name without its endings, in printable characters.

    Examples:
        >>> get_stem(Path("data/reviews.2024.csv.gz"))
        'reviews'
    """
    return "".join(letter if letter.isprintable() else "_" for letter in path.name.split(".")[0] or path.name)


@dataclass(frozen=True)
class _Columns:
    """What was asked for of a table; rows: where each row stands in it, lines left out counted."""

    texts: list[str]
    labels: dict[str, list[Label]]
    rows: TableRows
    bad: BadLines


def _read_columns(
    path: Path,
    text_column: str | None,
    label_columns: Sequence[str] | None,
    separator: str | None,
    skip_bad_lines: bool | None,
) -> _Columns:
    require_file(path)
    file, bad = open_table(path), BadLines(path, skip_bad_lines)
    header = file.read_header(BadLines(path, skip_bad_lines))
    if header:
        label_columns = _choose_label_columns(path, header, text_column, label_columns)
        columns = _read_at_once(file, text_column, label_columns, separator, bad)
        if columns is None:
            columns = _read_row_by_row(file, text_column, label_columns, separator, bad)
        if len(columns.rows):
            return columns
    raise UserError(f"{path}: there are no rows in it")


def _choose_label_columns(
    path: Path, header: list[str], text_column: str | None, label_columns: Sequence[str] | None
) -> Sequence[str]:
    """The label columns, by default the first of those that are usual; all columns must be there."""
    listed = ", ".join(map(repr, header))
    problem = f"there is no such column in {path}; there are {listed}"
    if text_column is not None and text_column not in header:
        raise UserError(problem, parameter="text_column", value=text_column)
    if label_columns is None:
        return []
    if not label_columns:
        label_columns = [name for name in DEFAULT_LABEL_COLUMNS if name in header][:1]
    if not label_columns:
        raise UserError(f"{path} has no column 'label' or 'labels'; name one of {listed}", parameter="label_column")
    for name in label_columns:
        if name not in header:
            raise UserError(problem, parameter="label_column", value=name)
    return list(dict.fromkeys(label_columns))


def _read_at_once(
    file: TableFile, text_column: str | None, label_columns: Sequence[str], separator: str | None, bad: BadLines
) -> _Columns | None:
    """None where something is wrong, which is for `_read_row_by_row` to say."""
    names = [name for name in (text_column, *label_columns) if name is not None]
    table = file.read_at_once(list(dict.fromkeys(names)))
    if table is None:
        return None
    texts: list[str] = [] if text_column is None else table[text_column].to_pylist()
    if not all(isinstance(text, str) and text.strip() for text in texts):
        return None
    try:
        labels = {name: _read_labels(table[name], separator) for name in label_columns}
    except TypeError:
        return None
    return _Columns(texts, labels, TableRows(np.arange(len(table))), bad)


def _read_labels(column: pa.ChunkedArray, separator: str | None) -> list[Label]:
    values = column.to_pylist()
    if not pa.types.is_string(column.type):
        return [read_label(value, separator) for value in values]
    label_of = {value: read_label(value, separator) for value in set(values)}
    return [label_of[value] for value in values]


def _read_row_by_row(
    file: TableFile, text_column: str | None, label_columns: Sequence[str], separator: str | None, bad: BadLines
) -> _Columns:
    texts: list[str] = []
    rows: list[int] = []
    labels: dict[str, list[Label]] = {name: [] for name in label_columns}
    names = [name for name in (text_column, *label_columns) if name is not None]
    for where, record in file.iterate_rows(list(dict.fromkeys(names)), bad):
        try:
            text = "" if text_column is None else _get_text(record, text_column)
            row_labels = [read_label(_get_cell(record, name), separator) for name in label_columns]
        except (KeyError, TypeError) as error:
            bad.report(where, str(error.args[0]))
            continue
        rows.append(len(rows) + bad.n_rows)
        texts.append(text)
        for name, label in zip(label_columns, row_labels, strict=True):
            labels[name].append(label)
    return _Columns(texts, labels, TableRows(np.array(rows, dtype=np.int64)), bad)


def _get_cell(record: Record, name: str) -> object:
    if name not in record:
        raise KeyError(f"there is no {name!r} on this line")
    return record[name]


def _get_text(record: Record, column: str) -> str:
    text = _get_cell(record, column)
    if not isinstance(text, str):
        raise TypeError(f"{column!r} is not a text but {text!r:.60}")
    if not text.strip():
        raise TypeError(f"{column!r} is empty")
    return text


def _build_concepts(path: Path, columns: _Columns) -> dict[str, DatasetRows]:
    for name, column in columns.labels.items():
        if is_binary(column) and None in column:
            row = columns.rows[column.index(None)]
            raise UserError(
                f"{path}: column {name!r} holds 0/1 labels, but row {row} (counted from 0) has none; "
                "give every row a label"
            )
    return build_concepts(columns.labels)
