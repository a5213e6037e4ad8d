"""Excel workbooks, read by calamine: pandas would treat a cell with the text NA or null as empty."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook

from seals_sim.datasets.lines import BadLines
from seals_sim.datasets.protocol import Record, Where
from seals_sim.errors import UserError


class WorkbookTable:
    """One sheet with column names in the first row. All cells except true and false are texts."""

    def __init__(self, path: Path, sheet: str | None) -> None:
        self._path, self._sheet = path, sheet

    def read_header(self, bad: BadLines) -> list[str]:
        header = next(iter(self._read_cells()), [])
        for name in header:
            if name and header.count(name) > 1:
                raise UserError(f"{self._path}:1: two columns are called {name!r}")
        return [str(name) for name in header]

    def read_at_once(self, columns: Sequence[str]) -> pa.Table | None:
        """Always None: the cells are Python objects already, of several types."""
        return None

    def read_types(self, columns: Sequence[str]) -> dict[str, pa.DataType] | None:
        return None

    def iterate_rows(self, columns: Sequence[str], bad: BadLines) -> Iterator[tuple[Where, Record]]:
        header, *rows = self._read_cells()
        for number, cells in enumerate(rows, start=2):
            record = dict(zip(header, cells, strict=True))
            yield number, {name: record[name] for name in columns}

    def _read_cells(self) -> list[list[object]]:
        try:
            workbook = CalamineWorkbook.from_path(self._path)
            name = self._choose_sheet(workbook.sheet_names)
            cells = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
        except (CalamineError, OSError, ValueError) as error:
            if isinstance(error, UserError):
                raise
            raise UserError(f"{self._path}: not a readable workbook ({error})") from error
        return [[_read_cell(cell) for cell in row] for row in cells]

    def _choose_sheet(self, names: Sequence[str]) -> str:
        listed = ", ".join(map(repr, names))
        if self._sheet is None and len(names) == 1:
            return names[0]
        if self._sheet is None:
            raise UserError(f"{self._path} has {len(names)} sheets; name one of {listed}", parameter="sheet")
        if self._sheet not in names:
            raise UserError(f"no such sheet in {self._path}; it has {listed}", parameter="sheet", value=self._sheet)
        return self._sheet


def _read_cell(cell: object) -> object:
    """Convert a cell to its CSV form: Excel stores integers as floats."""
    if isinstance(cell, str | bool):
        return cell
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
