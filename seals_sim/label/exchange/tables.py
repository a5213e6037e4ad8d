"""Labels and scores as CSV, JSON Lines or Parquet."""

from __future__ import annotations

import json
import re
from typing import IO, Any

import pandas as pd

from seals_sim.errors import UserError
from seals_sim.label.session import Session

TABLE_FORMATS = ("csv", "jsonl", "parquet")

# Some spreadsheets take the full-width signs of East Asian keyboards for signs too, and skip control characters.
_FORMULA = re.compile(r"'*[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\x00-\x1f\x7f\x85\u2028\u2029]")


def build_labels_table(session: Session) -> pd.DataFrame:
    """All answers, in order.

    Returns:
        row, text, answer (1, 0, or missing where skipped) and is_control (drawn at random).
    """
    answers = session.answers
    rows = list(answers)
    return pd.DataFrame(
        {
            "row": pd.Series(rows, dtype="int64"),
            "text": pd.Series([session.corpus.get_text(row) for row in rows], dtype="object"),
            "answer": pd.Series([answers[row] for row in rows], dtype="Int8"),
            "is_control": pd.Series([session.is_control(row) for row in rows], dtype="bool"),
        }
    )


def build_scores_table(session: Session) -> pd.DataFrame:
    """Scores of all rows of the table.

    Returns:
        row, text, p_positive (under the model of all answers) and answer (1, 0, or missing).

    Raises:
        UserError: While no model can be trained.
    """
    p_positive = session.compute_scores()
    texts = session.corpus.texts
    labels = {row: answer for row, answer in session.answers.items() if answer is not None}
    answer = pd.Series(pd.NA, index=range(len(p_positive)), dtype="Int8")
    answer.iloc[list(labels)] = pd.array(list(labels.values()), dtype="Int8")
    return pd.DataFrame(
        {
            "row": pd.RangeIndex(len(p_positive)),
            "text": pd.Series([None] * len(p_positive) if texts is None else list(texts), dtype="object"),
            "p_positive": p_positive,
            "answer": answer,
        }
    )


def write_table(table: pd.DataFrame, format: str, file: IO[bytes]) -> None:
    """Write a table with a column `text`.

    JSON Lines and Parquet hold every text exactly. In CSV a text that a spreadsheet would run as a formula (it begins
    with = + - @, in full width too, or a control character such as a line end) gets an apostrophe in front, as
    spreadsheets themselves write it, and so does one that begins with apostrophes before one of these: to read the
    exact texts, take one apostrophe off.

    Args:
        table: To write.
        format: One of TABLE_FORMATS.
        file: Open for bytes.

    Raises:
        UserError: For another format, or a text that is not Unicode (half a surrogate pair), which only JSON can hold.
    """
    try:
        match format:
            case "csv":
                table = table.assign(text=table["text"].map(_escape_formula))
                table.to_csv(file, index=False, lineterminator="\r\n", encoding="utf-8")
            case "jsonl":
                _write_json_lines(table, file)
            case "parquet":
                table.to_parquet(file, engine="pyarrow", index=False)
            case _:
                raise UserError(f"unknown; choose from {', '.join(TABLE_FORMATS)}", parameter="format", value=format)
    except UnicodeEncodeError as error:
        raise UserError(f"a text is not valid Unicode ({error.reason}); save it as JSONL instead") from error


def _write_json_lines(table: pd.DataFrame, file: IO[bytes]) -> None:
    columns = [table[name].astype("object").where(table[name].notna(), None).tolist() for name in table.columns]
    for values in zip(*columns, strict=True):
        file.write(json.dumps(dict(zip(table.columns, values, strict=True))).encode("ascii") + b"\n")


def _escape_formula(text: Any) -> Any:
    return f"'{text}" if isinstance(text, str) and _FORMULA.match(text) else text
