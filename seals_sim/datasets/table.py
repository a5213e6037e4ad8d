"""The user's own table: JSON Lines, CSV, TSV or Parquet, with a text column and label columns."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.compute
import pyarrow.json
import pyarrow.parquet

from seals_sim.datasets.dataset import Dataset
from seals_sim.datasets.labels import Label, concepts_of, is_binary, read_label
from seals_sim.datasets.lines import BadLines, read_json_lines, read_lines, require_file
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

    path: .jsonl (or .ndjson, .json), .csv, .tsv, each also with .gz, or .parquet.
    label_columns: by default the column `label` or `labels`. separator: cuts a text cell into a list of labels.
    What the values mean is said at `concepts_of`. Raises UserError.
    """
    texts, columns, rows, bad = _read_columns(path, text_column, label_columns, separator, skip_bad_lines)
    concepts = _concepts(path, columns)
    return Dataset(stem(path), concepts, texts=texts, table_rows=TableRows(np.array(rows)), bad_lines=bad.reports)


def read_texts(
    path: Path, text_column: str = "text", skip_bad_lines: bool = False
) -> tuple[list[str], TableRows, BadLines]:
    """Texts of a table that need not have labels, their rows in the file, and lines left out. Raises UserError."""
    require_file(path)
    fast = _read_json_at_once(path, text_column)
    if fast is not None:
        return fast, TableRows(np.arange(len(fast))), BadLines(path, skip_bad_lines)
    texts, _, rows, bad = _read_columns(path, text_column, None, None, skip_bad_lines)
    return texts, TableRows(np.array(rows)), bad


def _read_json_at_once(path: Path, text_column: str) -> list[str] | None:
    """The texts of a JSON Lines file in which nothing is wrong, ten times as fast as line by line; None for any other,
    which is then read so that what is wrong can be said.
    """
    if path.name.rpartition(".")[2].lower() not in ("jsonl", "ndjson", "json"):
        return None
    schema = pyarrow.schema([(text_column, pyarrow.string())])
    options = pyarrow.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    try:
        column = pyarrow.json.read_json(path, parse_options=options).column(text_column)
    except (pyarrow.ArrowException, OSError, KeyError):
        return None
    blank = pyarrow.compute.equal(pyarrow.compute.utf8_length(pyarrow.compute.utf8_trim_whitespace(column)), 0)
    if column.null_count or not len(column) or pyarrow.compute.any(blank).as_py():
        return None
    texts: list[str] = column.to_pylist()
    return texts


def read_label_table(
    path: Path, label_columns: Sequence[str], separator: str | None
) -> tuple[int, dict[str, DatasetRows]]:
    """The number of rows and the concepts of a table that holds labels alone. A bad line is always an error."""
    _, columns, _, _ = _read_columns(path, None, label_columns, separator, skip_bad_lines=False)
    return len(next(iter(columns.values()))), _concepts(path, columns)


def stem(path: Path) -> str:
    """The file's name without its endings, in printable characters."""
    return "".join(letter if letter.isprintable() else "_" for letter in path.name.split(".")[0] or path.name)


def _concepts(path: Path, columns: dict[str, list[Label]]) -> dict[str, DatasetRows]:
    for name, column in columns.items():
        if is_binary(column) and None in column:
            row = column.index(None)
            raise UserError(
                f"{path}: column {name!r} holds 0/1 labels, but row {row} (counted from 0) has none; "
                "give every row a label"
            )
    return concepts_of(columns)


def _read_columns(
    path: Path,
    text_column: str | None,
    label_columns: Sequence[str] | None,
    separator: str | None,
    skip_bad_lines: bool,
) -> tuple[list[str], dict[str, list[Label]], list[int], BadLines]:
    require_file(path)
    bad = BadLines(path, skip_bad_lines)
    texts: list[str] = []
    rows: list[int] = []  # where each stands in the table; lines left out count
    columns: dict[str, list[Label]] = {}
    is_first = True
    for where, record in _records(path, bad):
        if is_first:
            is_first = False
            if label_columns is not None:
                columns = {name: [] for name in label_columns or _default_label_columns(path, record)}
            for name in (text_column, *columns):
                if name is not None and name not in record:
                    parameter = "text_column" if name == text_column else "label_column"
                    raise UserError(f"{path} has only {_listed(record)}", parameter=parameter, value=name)
        try:
            text = _text(record, text_column) if text_column is not None else ""
            labels = [read_label(_cell(record, name), separator) for name in columns]
        except (KeyError, TypeError) as error:
            bad.report(where, str(error.args[0]))
            continue
        rows.append(len(texts) + bad.n_rows)
        texts.append(text)
        for column, label in zip(columns.values(), labels, strict=True):
            column.append(label)
    if not texts:
        raise UserError(f"{path}: there are no rows in it")
    return texts, columns, rows, bad


def _default_label_columns(path: Path, record: dict[str, object]) -> list[str]:
    found = [name for name in DEFAULT_LABEL_COLUMNS if name in record]
    if not found:
        raise UserError(
            f"{path} has no column 'label' or 'labels'; name one of {_listed(record)}", parameter="label_column"
        )
    return found[:1]


def _listed(record: dict[str, object]) -> str:
    return ", ".join(repr(name) for name in record)


def _cell(record: dict[str, object], name: str) -> object:
    if name not in record:
        raise KeyError(f"there is no {name!r} on this line")
    return record[name]


def _text(record: dict[str, object], column: str) -> str:
    text = _cell(record, column)
    if not isinstance(text, str):
        raise TypeError(f"{column!r} is not a text but {text!r:.60}")
    if not text.strip():
        raise TypeError(f"{column!r} is empty")
    return text


def _records(path: Path, bad: BadLines) -> Iterator[tuple[int | str, dict[str, object]]]:
    match path.name.removesuffix(".gz").rpartition(".")[2].lower():
        case "jsonl" | "ndjson" | "json":
            yield from read_json_lines(path, bad)
        case "csv":
            yield from _read_csv(path, bad, ",")
        case "tsv":
            yield from _read_csv(path, bad, "\t")
        case "parquet":
            yield from _read_parquet(path)
        case _:
            raise UserError(f"{path}: the name must end in .jsonl, .csv, .tsv (or these with .gz) or .parquet")


def _read_csv(path: Path, bad: BadLines, delimiter: str) -> Iterator[tuple[int, dict[str, object]]]:
    csv.field_size_limit(sys.maxsize)
    number = 0

    def lines() -> Iterator[str]:
        nonlocal number
        for number, line in read_lines(path, bad):  # noqa: B007 (read below)
            yield line

    reader = csv.reader(lines(), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            bad.report(number, f"not valid CSV ({error})")
            continue
        if not fields:
            continue
        if header is None:
            header = fields
            if len(set(header)) < len(header):
                raise UserError(f"{path}:1: two columns have the same name")
        elif len(fields) != len(header):
            bad.report(number, f"{len(fields)} fields where the header has {len(header)}")
        else:
            yield number, dict(zip(header, fields, strict=True))


def _read_parquet(path: Path) -> Iterator[tuple[str, dict[str, object]]]:
    try:
        file = pyarrow.parquet.ParquetFile(path)
        row = 0
        for batch in file.iter_batches():
            for record in batch.to_pylist():
                yield f"row {row}", record
                row += 1
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        raise UserError(f"{path}: not a readable Parquet file ({str(error).splitlines()[0]})") from error
