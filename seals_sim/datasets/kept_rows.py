"""Which rows of a table are kept, and with which contents: one by one, in the order of the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from seals_sim.datasets.labels import Label, read_label
from seals_sim.datasets.lines import BadLines
from seals_sim.datasets.protocol import Record, TableFile
from seals_sim.errors import UserError
from seals_sim.types import TableRow

DEFAULT_LABEL_COLUMNS = ("label", "labels")


@dataclass(frozen=True)
class Wanted:
    """The names of columns."""

    text: str | None
    labels: Sequence[str]
    others: Sequence[str]

    @property
    def all(self) -> list[str]:
        """All names, each once."""
        names = (self.text, *self.labels, *self.others)
        return list(dict.fromkeys(name for name in names if name is not None))


class KeptRow(NamedTuple):
    """A usable row: its position in the table, its text, its labels, and all its cells."""

    row: TableRow
    text: str
    labels: list[Label]
    record: Record


def choose_columns(
    path: Path,
    file: TableFile,
    bad: BadLines,
    text_column: str | None,
    label_columns: Sequence[str] | None,
    others: Sequence[str] | None,
) -> Wanted:
    """Check column names against the header and fill in the defaults.

    Args:
        path: Path of the table.
        file: The table.
        bad: Receives what cannot be read before the first row.
        text_column: Name of the text column; None for none.
        label_columns: Names of label columns; if empty, the first usual name that exists; None for none.
        others: Names of other columns; None for all.

    Raises:
        UserError: If there is no such column, or no rows.
    """
    header = file.read_header(bad)
    if not header:
        raise UserError(f"{path}: has no rows")
    labels = _choose_label_columns(path, header, text_column, label_columns)
    return Wanted(text_column, labels, _choose_others(path, header, text_column, others))


def explain_no_rows(path: Path, bad: BadLines) -> UserError:
    """Explain why a table without kept rows cannot be used."""
    if bad.left_out:
        return UserError(f"{path}: has no usable rows; the last problem: {bad.reports[-1]}")
    return UserError(f"{path}: has no rows")


def iterate_kept_rows(file: TableFile, wanted: Wanted, separator: str | None, bad: BadLines) -> Iterator[KeptRow]:
    """Read a table row by row.

    Args:
        file: The table.
        wanted: Its columns.
        separator: Splits a text cell into a list of labels.
        bad: Numbers the rows and receives those that cannot be used.

    Yields:
        The usable rows.

    Raises:
        UserError: For a row that cannot be read, unless such rows are skipped.
    """
    for where, record in file.iterate_rows(wanted.all, bad):
        if wanted.text is not None and _is_empty(record.get(wanted.text, ...)):
            bad.leave_out(where, f"{wanted.text!r} is empty")
            continue
        try:
            text = "" if wanted.text is None else _get_text(record, wanted.text)
            labels = [read_label(_get_cell(record, name), separator) for name in wanted.labels]
        except (KeyError, TypeError) as error:
            bad.report(where, str(error.args[0]))
            continue
        yield KeptRow(bad.keep(), text, labels, record)


def _choose_others(
    path: Path, header: list[str], text_column: str | None, names: Sequence[str] | None
) -> Sequence[str]:
    """By default all columns except the texts and those nested in another column."""
    if names is None:
        tops = [name for name in header if not any(name.startswith(f"{other}.") for other in header)]
        return [name for name in tops if name not in ("", text_column)]
    for name in names:
        if name not in header:
            listed = ", ".join(map(repr, header))
            problem = f"no such column in {path}; its columns are {listed}"
            raise UserError(problem, parameter="columns", value=name)
    return list(dict.fromkeys(names))


def _choose_label_columns(
    path: Path, header: list[str], text_column: str | None, label_columns: Sequence[str] | None
) -> Sequence[str]:
    """The label columns, by default the first usual name; all columns must exist."""
    listed = ", ".join(map(repr, header))
    problem = f"no such column in {path}; its columns are {listed}"
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


def _is_empty(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip()) or (isinstance(cell, float) and cell != cell)


def _get_cell(record: Record, name: str) -> object:
    if name not in record:
        raise KeyError(f"this line has no {name!r}")
    return record[name]


def _get_text(record: Record, column: str) -> str:
    text = _get_cell(record, column)
    if not isinstance(text, str):
        raise TypeError(f"{column!r} must be text, not {text!r:.60}")
    return text
