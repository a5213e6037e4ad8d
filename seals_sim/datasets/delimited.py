"""CSV, TSV, and any other format that separates cells by a single character."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from seals_sim.datasets.lines import BadLines, decodes_lines, explain_decoding, read_bytes, read_raw_lines
from seals_sim.datasets.protocol import UNREADABLE_AT_ONCE, Record, Where, require_utf8
from seals_sim.errors import UserError

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LONE_RETURN = re.compile(r"\r(?!\n|\Z)")
_HIDDEN_RETURN = "\udc0d"  # a lone surrogate, which no decoded text contains: `csv` would end a line at a real return


class DelimitedTable:
    """CSV as in RFC 4180, or without quoting, so that a quote is a character like any other. All cells are texts."""

    def __init__(self, path: Path, delimiter: str | None, is_quoted: bool, encoding: str = "utf-8") -> None:
        """Store how to read the file.

        Args:
            path: Path of the file.
            delimiter: One ASCII character; None to detect it from the header.
            is_quoted: Whether quotes are special.
            encoding: Encoding of the file.
        """
        self._path, self._is_quoted, self._encoding = path, is_quoted, encoding
        self._given_delimiter = delimiter

    @cached_property
    def _first_line(self) -> str:
        """The first line, without its quoted parts."""
        lines = read_raw_lines(self._path, BadLines(self._path, True), encoding=self._encoding)
        first = next((line for _, line in lines), b"").decode(self._encoding_of_lines, "replace")
        return re.sub(r'"[^"]*"', "", first)

    @property
    def _encoding_of_lines(self) -> str:
        return self._encoding if decodes_lines(self._encoding) else "utf-8"

    @cached_property
    def _delimiter(self) -> str:
        if self._given_delimiter is not None:
            return self._given_delimiter
        return next((mark for mark in ",;\t" if mark in self._first_line), ",")

    @cached_property
    def _ends_in_return(self) -> bool:
        """Whether a lone carriage return ends a line, as on old machines; elsewhere it is an ordinary character."""
        return bool(_LONE_RETURN.search(self._first_line))

    def read_header(self, bad: BadLines) -> list[str]:
        never_skip = BadLines(self._path, skip=None)  # a table cannot be read without its header
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
            data = read_bytes(self._path, self._encoding)
            require_utf8(data)
            if not self._is_read_well(data):
                return None
            return pyarrow.csv.read_csv(pa.BufferReader(data), parse_options=parsing, convert_options=conversion)
        except UNREADABLE_AT_ONCE:
            return None

    def read_types(self, columns: Sequence[str]) -> dict[str, pa.DataType] | None:
        return None

    def iterate_rows(self, columns: Sequence[str], bad: BadLines) -> Iterator[tuple[Where, Record]]:
        records = self._iterate_records(bad)
        _, header = next(records, (1, []))
        for number, fields in records:
            if len(fields) == len(header):
                yield number, dict(zip(header, fields, strict=True))
            else:
                bad.report(number, f"{len(fields)} fields, but the header has {len(header)}")

    def _iterate_records(self, bad: BadLines) -> Iterator[tuple[int, list[str]]]:
        """The fields of each record, from the header on, with the number of its first line."""
        csv.field_size_limit(sys.maxsize)
        number = 0
        undecoded: tuple[int, str] | None = None
        of_lines = self._encoding_of_lines

        def iterate_lines() -> Iterator[str]:
            nonlocal number, undecoded
            for number, line in read_raw_lines(self._path, bad, encoding=self._encoding):
                for piece in line.splitlines(keepends=True) if self._ends_in_return else [line]:
                    try:
                        text = piece.decode(of_lines)
                    except UnicodeDecodeError as error:
                        undecoded = number, explain_decoding(error, self._encoding)
                        text = piece.decode(of_lines, errors="replace")  # so that the record ends where it should
                    yield text if self._ends_in_return else _LONE_RETURN.sub(_HIDDEN_RETURN, text)

        reader = csv.reader(
            iterate_lines(),
            delimiter=self._delimiter,
            quoting=csv.QUOTE_MINIMAL if self._is_quoted else csv.QUOTE_NONE,
            strict=True,
        )
        while True:
            first, undecoded = number + 1, None
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if number > first:
                    reason = f"a quote that opens here is not closed properly (line {number}: {error})"
                    bad.report(first, f"not valid CSV, {reason}; an unknown number of rows is lost", is_row=False)
                    return
                bad.report(number, f"not valid CSV ({error})")
                continue
            if undecoded:
                bad.report(*undecoded)
            elif fields:
                yield min(first, number), [field.replace(_HIDDEN_RETURN, "\r") for field in fields]

    def _is_read_well(self, data: bytes) -> bool:
        """Whether pyarrow, which is lenient, would read the same as the careful reader."""
        unquoted = data.removeprefix(_BYTE_ORDER_MARK)
        if self._is_quoted and b'"' in data:
            ends = b"[^" + re.escape(self._delimiter.encode()) + rb"\r\n]"
            unquoted = re.sub(rb'(?<!%b)"[^"]*+(?:""[^"]*+)*+"(?!%b)' % (ends, ends), b"", unquoted)
            if re.search(rb'(?<!%b)"' % ends, unquoted):
                return False
        return self._ends_in_return or not re.search(rb"\r(?!\n)", unquoted)
