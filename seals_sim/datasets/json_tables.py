"""JSON Lines, and arrays of JSON objects."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.json

from seals_sim.datasets.fields import list_names, pick_fields
from seals_sim.datasets.lines import (
    UNREADABLE,
    BadLines,
    decode_lines,
    decodes_lines,
    find_problem,
    parse_json_lines,
    read_bytes,
    read_json_lines,
    read_raw_lines,
)
from seals_sim.datasets.protocol import UNREADABLE_AT_ONCE, Record, Where, require_utf8
from seals_sim.errors import UserError

_N_AT_ONCE, _BYTES_AT_ONCE = 4096, 2**22  # maximum number of lines, and of bytes, apart from the last line's
_MOST_NESTED = 500  # objects and arrays per line that pyarrow may read; it does not limit how deep they are
_WHITE = b" \t\r\n"  # white space in JSON
_N_FOR_HEADER = 100  # objects searched for column names


class JsonTable:
    """JSON Lines, or one array. A column is a key, or several keys joined by dots."""

    def __init__(self, path: Path, encoding: str = "utf-8", may_be_array: bool = False) -> None:
        self._path, self._encoding, self._may_be_array = path, encoding, may_be_array

    def read_header(self, bad: BadLines) -> list[str]:
        names: dict[str, None] = {}
        for _, record in islice(self._iterate_records(bad), _N_FOR_HEADER):
            names.update(dict.fromkeys(list_names(record)))
        return list(names)

    def read_at_once(self, columns: Sequence[str]) -> pa.Table | None:
        """Read a single column of texts; labels have more types than pyarrow would keep apart."""
        if len(columns) != 1 or "." in columns[0] or self._starts_as_array:
            return None
        try:
            data = read_bytes(self._path, self._encoding)
        except UNREADABLE_AT_ONCE:
            return None
        return _read_block([line for line in io.BytesIO(data) if line.strip()], columns[0], use_threads=True)

    def read_types(self, columns: Sequence[str]) -> dict[str, pa.DataType] | None:
        return None

    def iterate_rows(self, columns: Sequence[str], bad: BadLines) -> Iterator[tuple[Where, Record]]:
        if len(columns) == 1 and "." not in columns[0] and decodes_lines(self._encoding) and not self._starts_as_array:
            yield from self._iterate_quickly(columns[0], bad)
            return
        for where, record in self._iterate_records(bad):
            yield where, pick_fields(record, columns)

    def _iterate_quickly(self, column: str, bad: BadLines) -> Iterator[tuple[Where, Record]]:
        """The same for a single column: pyarrow reads the blocks of lines that have no errors."""
        lines = read_raw_lines(self._path, bad, encoding=self._encoding)
        while block := _take_block(lines):
            table = _read_block([line for _, line in block], column) if self._encoding == "utf-8" else None
            if table is None:
                for where, record in parse_json_lines(decode_lines(block, bad, self._encoding), bad):
                    yield where, pick_fields(record, [column])
            else:
                for (number, _), text in zip(block, table[column].to_pylist(), strict=True):
                    yield number, {column: text}

    @cached_property
    def _starts_as_array(self) -> bool:
        if not self._may_be_array:
            return False
        of_lines = self._encoding if decodes_lines(self._encoding) else "utf-8"
        for _, line in read_raw_lines(self._path, BadLines(self._path, skip=True), encoding=self._encoding):
            text = line.decode(of_lines, "replace").lstrip()
            if text:
                return text.startswith("[")
        return False

    def _iterate_records(self, bad: BadLines) -> Iterator[tuple[Where, dict[str, object]]]:
        if not self._starts_as_array:
            yield from read_json_lines(self._path, bad, encoding=self._encoding)
            return
        for number, item in enumerate(self._read_array(), start=1):
            if (problem := find_problem(item)) is None:
                assert isinstance(item, dict)
                yield f"object {number}", item
            else:
                bad.report(f"object {number}", problem)

    def _read_array(self) -> list[object]:
        """Read the whole array. A truncated one cannot be read in part: the start of its next object is unknown."""
        try:
            items: list[object] = json.loads(read_bytes(self._path, self._encoding).decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            what = f"not {self._encoding.upper()} text ({error.reason} at byte {error.start})"
            raise UserError(f"{self._path}: {what}; specify its encoding") from error
        except json.JSONDecodeError as error:
            raise UserError(
                f"{self._path}:{error.lineno}: not valid JSON ({error.msg}, column {error.colno})"
            ) from error
        except RecursionError as error:
            raise UserError(f"{self._path}: JSON nested too deeply") from error
        except (*UNREADABLE, ValueError) as error:
            raise UserError(f"{self._path}: cannot be read ({error})") from error
        return items


def _take_block(lines: Iterator[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """The next lines that are not blank; empty at the end of the file."""
    block, n_bytes = [], 0
    for number, line in lines:
        if line.strip():
            block.append((number, line))
            n_bytes += len(line)
            if len(block) == _N_AT_ONCE or n_bytes >= _BYTES_AT_ONCE:
                break
    return block


def _read_block(lines: Sequence[bytes], column: str, use_threads: bool = False) -> pa.Table | None:
    """The texts of a column in non-blank lines; None if a line may not be an object with such a text.

    pyarrow accepts an object that spans lines, or several on one line, so each line must start and end like an object.
    """
    stripped = [line.strip(_WHITE) for line in lines]
    if not all(line.startswith(b"{") and line.endswith(b"}") for line in stripped):
        return None
    if any(line.count(b"[") + line.count(b"{") > _MOST_NESTED for line in stripped):
        return None
    data, schema = b"\n".join(stripped), pa.schema([(column, pa.string())])
    parsing = pyarrow.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    reading = pyarrow.json.ReadOptions(use_threads) if use_threads else pyarrow.json.ReadOptions(False, len(data) + 1)
    try:
        require_utf8(data)
        table = pyarrow.json.read_json(pa.BufferReader(data), read_options=reading, parse_options=parsing)
    except UNREADABLE_AT_ONCE:
        return None
    return None if len(table) != len(lines) or table.column(0).null_count else table
