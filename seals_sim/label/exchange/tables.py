"""Labels and scores as CSV, JSON Lines or Parquet."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, Literal, get_args

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from seals_sim.errors import UserError
from seals_sim.label.beginning import name_concept
from seals_sim.label.corpus import Corpus
from seals_sim.label.exchange.columns import name_columns
from seals_sim.label.session import Session
from seals_sim.label.state import Said, is_disputed

TableFormat = Literal["csv", "jsonl", "parquet"]
TABLE_FORMATS: tuple[TableFormat, ...] = get_args(TableFormat)

# Some spreadsheets also accept the full-width signs of East Asian keyboards, and skip control characters.
FORMULA = re.compile(r"'*[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\x00-\x1f\x7f\x85\u2028\u2029]")


def build_labels_table(session: Session) -> pd.DataFrame:
    """All answers, in order.

    Returns:
        row (of the user's table), text, answer (1, 0, or missing if skipped), is_control (drawn at random), who gave
        that answer and is_disputed (two people differ; both only if anyone gave a name), note (only if there is any),
        concept (only if it has a name), and the corpus's columns.
    """
    answers = session.answers
    rows = list(answers)
    numbers = [session.corpus.number_row(row) for row in rows]
    table = pd.DataFrame(
        {
            "row": pd.Series(numbers, dtype="int64"),
            "text": pd.Series([session.corpus.get_text(row) for row in rows], dtype="object"),
            "answer": pd.Series([answers[row] for row in rows], dtype="Int8"),
            "is_control": pd.Series([session.is_control(row) for row in rows], dtype="bool"),
        }
    )
    _add_names(table, [session.list_said(row) for row in rows])
    _add_notes(table, session, rows)
    if session.concept:
        table.insert(table.columns.get_loc("answer") + 1, "concept", session.concept)
    return _add_columns(table, session.corpus, rows)


def build_concepts_table(sessions: Iterable[Session]) -> pd.DataFrame:
    """The answers of several sessions over one corpus, each with its concept.

    Returns:
        The columns of `build_labels_table`, and concept.
    """
    return join_concepts({session.concept: build_labels_table(session) for session in sessions})


def join_concepts(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One table of the labels of several concepts, with the column concept after the answer."""
    joined = pd.concat([table.assign(concept=name_concept(name)) for name, table in tables.items()], ignore_index=True)
    joined.insert(joined.columns.get_loc("answer") + 1, "concept", joined.pop("concept"))
    return joined


def _add_names(table: pd.DataFrame, said: Sequence[Sequence[Said]]) -> None:
    if any(one.who for each in said for one in each):
        table["who"] = pd.Series([each[-1].who or None for each in said], dtype="object")
        table["is_disputed"] = pd.Series([is_disputed(each) for each in said], dtype="bool")


def _add_notes(table: pd.DataFrame, session: Session, rows: Sequence[int]) -> None:
    if session.list_noted():
        table["note"] = pd.Series([session.get_note(row) or None for row in rows], dtype="object")


def build_scores_table(session: Session) -> pd.DataFrame:
    """Scores of all rows of the table.

    Returns:
        row (of the user's table), text, score (of the model of all answers, from 0 to 1: it ranks rows and is not a
        probability), answer (1, 0, or missing), note (only if there is any), and the corpus's columns.

    Raises:
        UserError: While no model can be trained.
    """
    scores = session.compute_scores()
    texts = session.corpus.texts
    labels = {row: answer for row, answer in session.answers.items() if answer is not None}
    answer = pd.Series(pd.NA, index=range(len(scores)), dtype="Int8")
    answer.iloc[list(labels)] = pd.array(list(labels.values()), dtype="Int8")
    table = pd.DataFrame(
        {
            "row": pd.Series([session.corpus.number_row(row) for row in range(len(scores))], dtype="int64"),
            "text": pd.Series([None] * len(scores) if texts is None else list(texts), dtype="object"),
            "score": scores,
            "answer": answer,
        }
    )
    _add_notes(table, session, range(len(table)))
    return _add_columns(table, session.corpus, range(len(table)))


def _add_columns(table: pd.DataFrame, corpus: Corpus, rows: Sequence[int]) -> pd.DataFrame:
    """Put the id column after `row`, and the others at the end. The name `concept` is ours even if it is not in use."""
    for name, column in name_columns(corpus.columns, [*table.columns, "concept"]).items():
        cells = corpus.columns[column]
        values = pd.Series([cells[row] for row in rows], dtype="object")
        table.insert(1 if column == corpus.id_column else len(table.columns), name, values)
    return table


def write_table(table: pd.DataFrame, format: str, file: IO[bytes]) -> None:
    """Write a table.

    JSON Lines and Parquet hold every text exactly. In CSV, a text that a spreadsheet would run as a formula gets a
    leading apostrophe, as spreadsheets themselves write it. Such a text begins with = + - @, also in full width, or
    with a control character such as a line break, possibly after apostrophes. To read the exact texts, remove one
    apostrophe.

    Args:
        table: The table to write.
        format: One of TABLE_FORMATS.
        file: A file open for writing bytes.

    Raises:
        UserError: For another format, or a text that is not Unicode (half a surrogate pair), which only JSON can hold.
    """
    try:
        match format:
            case "csv":
                escaped = {name: table[name].map(_escape_formula) for name in table if table[name].dtype == "object"}
                table.assign(**escaped).to_csv(file, index=False, lineterminator="\r\n", encoding="utf-8")
            case "jsonl":
                _write_json_lines(table, file)
            case "parquet":
                alike = {name: _make_alike(table[name]) for name in table if table[name].dtype == "object"}
                table.assign(**alike).to_parquet(file, engine="pyarrow", index=False)
            case _:
                raise UserError(f"unknown; choose from {', '.join(TABLE_FORMATS)}", parameter="format", value=format)
    except UnicodeEncodeError as error:
        raise UserError(f"a text is not valid Unicode ({error.reason}); save it as JSONL instead") from error


def list_records(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The rows of a table, as values that JSON can hold, with None if one is missing."""
    columns = [
        list(map(_make_plain, table[name].astype("object").where(table[name].notna(), None))) for name in table.columns
    ]
    return (dict(zip(table.columns, values, strict=True)) for values in zip(*columns, strict=True))


def _make_plain(value: Any) -> Any:
    """A value that JSON can hold: a text for a date and the like, None for a number that is not finite."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case list() | tuple():
            return [_make_plain(part) for part in value]
        case dict():
            return {str(name): _make_plain(part) for name, part in value.items()}
        case _:
            return str(value)


def _write_json_lines(table: pd.DataFrame, file: IO[bytes]) -> None:
    for record in list_records(table):
        file.write(json.dumps(record).encode("ascii") + b"\n")


def _make_alike(column: pd.Series) -> pd.Series:
    """The column as it is if Parquet can hold it, otherwise as JSON texts (mixed types, very large integers)."""
    try:
        array = pa.array(column, from_pandas=True)
        pq.write_table(pa.table({"": array[:1]}), pa.BufferOutputStream())  # Parquet cannot hold objects without fields
    except (pa.ArrowException, OverflowError):
        return column.map(_write_as_json)
    return column


def _write_as_json(cell: Any) -> str | None:
    plain = _make_plain(cell)
    return None if plain is None else json.dumps(plain, ensure_ascii=False)


def _escape_formula(text: Any) -> Any:
    return f"'{text}" if isinstance(text, str) and FORMULA.match(text) else text
