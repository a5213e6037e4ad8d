"""JSON Lines, and arrays of JSON objects."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.json

from seals_sim.datasets.fields import list_names, pick_fields
from seals_sim.datasets.lines import (
    UNREADABLE,
    BadLines,
    decodes_lines,
    find_problem,
    read_bytes,
    read_json_lines,
    read_raw_lines,
)
from seals_sim.datasets.protocol import UNREADABLE_AT_ONCE, Record, Where, require_utf8
from seals_sim.errors import UserError

_N_FOR_HEADER = 100  # objects that are looked through for the names of columns


class JsonTable:
    """JSON Lines, or one array; a column is a key, or keys with points between them."""

    def __init__(self, path: Path, encoding: str = "utf-8", may_be_array: bool = False) -> None:
        self._path, self._encoding, self._may_be_array = path, encoding, may_be_array

    def read_header(self, bad: BadLines) -> list[str]:
        names: dict[str, None] = {}
        for _, record in islice(self._iterate_records(bad), _N_FOR_HEADER):
            names.update(dict.fromkeys(list_names(record)))
        return list(names)

    def read_at_once(self, columns: Sequence[str]) -> pa.Table | None:
        """Read a single column of texts; labels come in more types than pyarrow would keep apart."""
        if len(columns) != 1 or "." in columns[0] or self._is_array():
            return None
        schema = pa.schema([(columns[0], pa.string())])
        options = pyarrow.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
        try:
            data = read_bytes(self._path, self._encoding)
            require_utf8(data)
            table = pyarrow.json.read_json(pa.BufferReader(data), parse_options=options)
        except UNREADABLE_AT_ONCE:
            return None
        n_lines = sum(1 for line in io.BytesIO(data) if line.strip())  # pyarrow takes an object of several lines
        return None if table.column(0).null_count or len(table) != n_lines else table

    def read_types(self, columns: Sequence[str]) -> dict[str, pa.DataType] | None:
        return None

    def iterate_rows(self, columns: Sequence[str], bad: BadLines) -> Iterator[tuple[Where, Record]]:
        for where, record in self._iterate_records(bad):
            yield where, pick_fields(record, columns)

    def _is_array(self) -> bool:
        if not self._may_be_array:
            return False
        of_lines = self._encoding if decodes_lines(self._encoding) else "utf-8"
        for _, line in read_raw_lines(self._path, BadLines(self._path, skip=True), encoding=self._encoding):
            text = line.decode(of_lines, "replace").lstrip()
            if text:
                return text.startswith("[")
        return False

    def _iterate_records(self, bad: BadLines) -> Iterator[tuple[Where, dict[str, object]]]:
        if not self._is_array():
            yield from read_json_lines(self._path, bad, encoding=self._encoding)
            return
        for number, item in enumerate(self._read_array(), start=1):
            if (problem := find_problem(item)) is None:
                assert isinstance(item, dict)
                yield f"object {number}", item
            else:
                bad.report(f"object {number}", problem)

    def _read_array(self) -> list[object]:
        """An array that breaks off cannot be read in part: where its next object would begin is not known."""
        try:
            items: list[object] = json.loads(read_bytes(self._path, self._encoding).decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            what = f"not {self._encoding.upper()} text ({error.reason} at byte {error.start})"
            raise UserError(f"{self._path}: {what}; name its encoding") from error
        except json.JSONDecodeError as error:
            raise UserError(
                f"{self._path}:{error.lineno}: not valid JSON ({error.msg}, column {error.colno})"
            ) from error
        except RecursionError as error:
            raise UserError(f"{self._path}: JSON nested too deeply") from error
        except (*UNREADABLE, ValueError) as error:
            raise UserError(f"{self._path}: cannot be read ({error})") from error
        return items
