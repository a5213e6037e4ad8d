"""The formats of a table: columns read at once by pyarrow, or row by row where something has to be said of a row.

pyarrow is several times as fast, but it does not say in which line an error is, and it forgives quotes that swallow
rows. So it reads the files in which nothing is wrong, and the rest are read again, by the careful reader.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from seals_sim.datasets.lines import (
    UNREADABLE,
    BadLines,
    explain_decoding,
    read_bytes,
    read_json_lines,
    read_raw_lines,
)
from seals_sim.errors import UserError

_UNREADABLE = (pa.ArrowException, ValueError, OverflowError, *UNREADABLE)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_QUOTED_FIELD = re.compile(rb'(?<![^,\r\n])"[^"]*+(?:""[^"]*+)*+"(?![^,\r\n])')
_OPENING_QUOTE = re.compile(rb'(?<![^,\r\n])"')

Where = int | str  # the number of a line, or the name of another place
Record = dict[str, object]


class TableFile(Protocol):
    """A table in one of the formats."""

    def read_header(self, bad: BadLines) -> list[str]:
        """Read the names of the columns.

        Args:
            bad: Gets what cannot be read before the first row.

        Returns:
            The names in their order; none where there are no rows.

        Raises:
            UserError: Where two columns have the same name, or the file cannot be read.
        """

    def read_at_once(self, columns: Sequence[str]) -> pa.Table | None:
        """Read some columns, without a word about errors.

        Args:
            columns: Their names, which are in the header.

        Returns:
            These columns; None where something is wrong with the file, or may be.
        """

    def iterate_rows(self, columns: Sequence[str], bad: BadLines) -> Iterator[tuple[Where, Record]]:
        """Read row by row.

        Args:
            columns: Those that are needed; a row may have others, or lack some.
            bad: Gets what cannot be read.

        Yields:
            The place of each row, for errors, and its cells by the names of their columns.

        Raises:
            UserError: For a row that cannot be read, unless these are skipped.
        """


def open_table(path: Path) -> TableFile:
    """Choose the format by the name of the file.

    Args:
        path: .jsonl (or .ndjson, .json), .csv, .tsv, each also with .gz, or .parquet.

    Returns:
        The table, of which nothing is read yet.

    Raises:
        UserError: For any other name.
    """
    match path.name.removesuffix(".gz").rpartition(".")[2].lower():
        case "jsonl" | "ndjson" | "json":
            return JsonTable(path)
        case "csv":
            return DelimitedTable(path, ",", is_quoted=True)
        case "tsv":
            return DelimitedTable(path, "\t", is_quoted=False)
        case "parquet":
            return ParquetTable(path)
    raise UserError(f"{path}: the name must end in .jsonl, .csv, .tsv (or these with .gz) or .parquet")


class JsonTable:
    """JSON Lines; a column is a key."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read_header(self, bad: BadLines) -> list[str]:
        return next((list(record) for _, record in read_json_lines(self._path, bad)), [])

    def read_at_once(self, columns: Sequence[str]) -> pa.Table | None:
        """Read a single column of texts; labels come in more types than pyarrow would keep apart."""
        if len(columns) != 1:
            return None
        schema = pa.schema([(columns[0], pa.string())])
        options = pyarrow.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
        try:
            data = read_bytes(self._path)
            _require_utf8(data)
            table = pyarrow.json.read_json(pa.BufferReader(data), parse_options=options)
        except _UNREADABLE:
            return None
        n_lines = sum(1 for line in io.BytesIO(data) if line.strip())  # pyarrow takes an object of several lines
        return None if table.column(0).null_count or len(table) != n_lines else table

    def iterate_rows(self, columns: Sequence[str], bad: BadLines) -> Iterator[tuple[Where, Record]]:
        return iter(read_json_lines(self._path, bad))


class DelimitedTable:
    """CSV as in RFC 4180, or TSV, in which a quote is a character like any other. All cells are texts."""

    def __init__(self, path: Path, delimiter: str, is_quoted: bool) -> None:
        self._path, self._delimiter, self._is_quoted = path, delimiter, is_quoted

    def read_header(self, bad: BadLines) -> list[str]:
        never_skip = BadLines(self._path, skip=None)  # without its header a table cannot be read
        number, header = next(self._iterate_records(never_skip), (1, []))
        for name in header:
            if name and header.count(name) > 1:
                raise UserError(f"{self._path}:{number}: two columns are called {name!r}")
        return header

    def read_at_once(self, columns: Sequence[str]) -> pa.Table | None:
        parsing = pyarrow.csv.ParseOptions(
            delimiter=self._delimiter,
            quote_char='"' if self._is_quoted else False,
            newlines_in_values=self._is_quoted,
        )
        types = dict.fromkeys(columns, pa.string())
        conversion = pyarrow.csv.ConvertOptions(
            include_columns=list(columns), column_types=types, strings_can_be_null=False
        )
        try:
            data = read_bytes(self._path)
            _require_utf8(data)
            if self._is_quoted and not _is_quoted_well(data):
                return None
            return pyarrow.csv.read_csv(pa.BufferReader(data), parse_options=parsing, convert_options=conversion)
        except _UNREADABLE:
            return None

    def iterate_rows(self, columns: Sequence[str], bad: BadLines) -> Iterator[tuple[Where, Record]]:
        records = self._iterate_records(bad)
        _, header = next(records, (1, []))
        for number, fields in records:
            if len(fields) == len(header):
                yield number, dict(zip(header, fields, strict=True))
            else:
                bad.report(number, f"{len(fields)} fields where the header has {len(header)}")

    def _iterate_records(self, bad: BadLines) -> Iterator[tuple[int, list[str]]]:
        """The fields of each record, from the header on, with the number of the line that it begins in."""
        csv.field_size_limit(sys.maxsize)
        number = 0
        not_utf8: tuple[int, str] | None = None

        def iterate_lines() -> Iterator[str]:
            nonlocal number, not_utf8
            for number, line in read_raw_lines(self._path, bad):
                for piece in line.splitlines(keepends=True):  # cut at a lone carriage return too
                    try:
                        text = piece.decode()
                    except UnicodeDecodeError as error:
                        not_utf8 = number, explain_decoding(error)
                        text = piece.decode(errors="replace")  # so that the record ends where it should
                    yield text

        reader = csv.reader(
            iterate_lines(),
            delimiter=self._delimiter,
            quoting=csv.QUOTE_MINIMAL if self._is_quoted else csv.QUOTE_NONE,
            strict=True,
        )
        while True:
            first, not_utf8 = number + 1, None
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if number > first:
                    reason = f"a quote opens here that is not closed properly (line {number}: {error})"
                    bad.report(first, f"not valid CSV, {reason}; an unknown number of rows is lost", is_row=False)
                    return
                bad.report(number, f"not valid CSV ({error})")
                continue
            if not_utf8:
                bad.report(*not_utf8)
            elif fields:
                yield min(first, number), fields


class ParquetTable:
    """Parquet, of which only the columns that are asked for are read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read_header(self, bad: BadLines) -> list[str]:
        try:
            names: list[str] = pyarrow.parquet.read_schema(self._path).names
        except _UNREADABLE as error:
            raise self._explain(error) from error
        return names

    def read_at_once(self, columns: Sequence[str]) -> pa.Table | None:
        try:
            with self._path.open("rb") as file:
                table = pyarrow.parquet.ParquetFile(file).read(list(columns))
            table.validate(full=True)
            return table
        except _UNREADABLE:
            return None

    def iterate_rows(self, columns: Sequence[str], bad: BadLines) -> Iterator[tuple[Where, Record]]:
        row = 0
        try:
            with self._path.open("rb") as file:
                for batch in pyarrow.parquet.ParquetFile(file).iter_batches(columns=list(columns)):
                    for record in batch.to_pylist():
                        yield f"row {row}", record
                        row += 1
        except _UNREADABLE as error:
            raise self._explain(error) from error

    def _explain(self, error: Exception) -> UserError:
        return UserError(f"{self._path}: not a readable Parquet file ({(str(error).splitlines() or [''])[0]})")


def _require_utf8(data: bytes) -> None:
    """Raise ArrowInvalid where it is not; nothing is copied."""
    ends = pa.py_buffer(np.array([0, len(data)], dtype=np.int64))
    pa.Array.from_buffers(pa.large_string(), 1, [None, ends, pa.py_buffer(data)]).validate(full=True)


def _is_quoted_well(data: bytes) -> bool:
    """Whether every field of a CSV that begins with a quote ends with one."""
    return b'"' not in data or not _OPENING_QUOTE.search(_QUOTED_FIELD.sub(b"", data.removeprefix(_BYTE_ORDER_MARK)))
