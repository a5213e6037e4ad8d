"""Tables of labels: those written by `write_table`, and any others with an answer in each row."""

from __future__ import annotations

import re
from pathlib import Path

from seals_sim.datasets.formats import open_table
from seals_sim.datasets.lines import BadLines, get_endings
from seals_sim.datasets.options import TableOptions
from seals_sim.errors import UserError
from seals_sim.label.corpus import Corpus
from seals_sim.label.exchange.reading import AnswerNames
from seals_sim.label.exchange.rows import GivenLabels, RowFinder
from seals_sim.label.exchange.tables import FORMULA


def read_label_file(path: Path, corpus: Corpus | None = None, names: AnswerNames | None = None) -> GivenLabels:
    """Read the labels of a table with the column `answer`, in any table format.

    `RowFinder` finds the row by the corpus's id column, by the column `row`, or by `text`. An empty answer is a skip;
    `is_control` marks rows that were drawn at random. A .tsv whose header is quoted has quoted cells.

    Args:
        path: Path of the table.
        corpus: The corpus that the labels are for; rows are checked against it.
        names: How the file names its answers.

    Returns:
        A label for each row.

    Raises:
        UserError: With file and line.
    """
    names = names or AnswerNames()
    file, field = open_table(path), names.field or "answer"
    header = file.read_header(BadLines(path, skip=None))
    if f'"{field}"' in header and get_endings(path)[0] == ".tsv":  # as Label Studio writes it
        file = open_table(path, TableOptions(quoting="double"))
        header = file.read_header(BadLines(path, skip=None))
    if field not in header:
        listed = ", ".join(map(repr, header))
        raise UserError(f"{path}: has no column {field!r}; name the column of the answer as answer_field: {listed}")
    rows, given = RowFinder(corpus), GivenLabels()
    is_escaped = ".csv" in path.suffixes
    wanted = {"row", "text", "is_control", field, None if corpus is None else corpus.id_column}
    for place, record in file.iterate_rows([name for name in header if name in wanted], BadLines(path, skip=None)):
        where = f"{path}:{place}"
        if isinstance(row := record.get("row"), str | float):
            record["row"] = _read_number(row, where)
        text, value = record.get("text"), record.get(field)
        if is_escaped and isinstance(text, str) and text.startswith("'") and FORMULA.match(text):
            text = text[1:]
        is_skip = value is None or value != value or value == ""
        answer = None if is_skip else names.read(value, where)
        given.add(rows.find(record, text, where), answer, record.get("is_control"))
    return given


def _read_number(row: str | float, where: str) -> int | None:
    """Parse a row number from a CSV; pandas may have written it as 7.0."""
    text = str(row).strip()
    if not text or text == "nan":
        return None
    if not re.fullmatch(r"[0-9]+(\.0+)?", text):
        raise UserError(f"{where}: {row!r} is not a row; rows are integers from 0")
    return int(text.partition(".")[0])
