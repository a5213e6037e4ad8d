"""Labels on their way to and from other programs: plain tables, Label Studio, Argilla.

Formats: the task JSON of Label Studio 1.x, as its guide "Label Studio JSON format of annotated tasks" has it (its page
as of version 1.23); the record dictionaries of Argilla 2.x, which its `Record.from_dict` reads (tried with 2.8).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import pandas as pd

from seals_sim.errors import UserError
from seals_sim.label.session import Session

Labels = list[tuple[int, int | None]]  # rows with 1, 0 or None (skipped), as `Session.tell` takes them

LABEL_STUDIO_CONFIG = """<View>
  <Text name="text" value="$text"/>
  <Choices name="answer" toName="text"><Choice value="yes"/><Choice value="no"/></Choices>
</View>"""
FORMATS = ("csv", "jsonl", "parquet")
_NOBODY = "00000000-0000-0000-0000-000000000000"
_WORDS = {1: "yes", 0: "no"}
_MEANING = {
    **dict.fromkeys(("yes", "1", "true", "positive"), 1),
    **dict.fromkeys(("no", "0", "false", "negative"), 0),
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def labels_table(session: Session) -> pd.DataFrame:
    """row, text, answer (1, 0, missing where skipped), is_control (drawn at random), in the order of the answers."""
    answers = session.answers
    rows = list(answers)
    return pd.DataFrame(
        {
            "row": pd.Series(rows, dtype="int64"),
            "text": pd.Series([session.corpus.text(row) for row in rows], dtype="object"),
            "answer": pd.Series([answers[row] for row in rows], dtype="Int8"),
            "is_control": pd.Series([session.is_control(row) for row in rows], dtype="bool"),
        }
    )


def scores_table(session: Session) -> pd.DataFrame:
    """row, text, p_positive (by the model of all answers), answer, for every row of the table. Raises UserError while
    there is no model.
    """
    p_positive = session.scores()
    texts = session.corpus.texts
    given = session.answers
    answer = pd.Series(pd.NA, index=range(len(p_positive)), dtype="Int8")
    rows = [row for row, value in given.items() if value is not None]
    answer.iloc[rows] = pd.array([given[row] for row in rows], dtype="Int8")
    return pd.DataFrame(
        {
            "row": pd.RangeIndex(len(p_positive)),
            "text": pd.Series([None] * len(p_positive) if texts is None else list(texts), dtype="object"),
            "p_positive": p_positive,
            "answer": answer,
        }
    )


def write_table(table: pd.DataFrame, kind: str, file: IO[bytes]) -> None:
    """kind: one of FORMATS. In CSV a text that a spreadsheet would take for a formula (it begins with = + - @, a tab or
    a carriage return) gets an apostrophe in front, which is what spreadsheets themselves use; the others are exact.
    """
    match kind:
        case "csv":
            table = table.assign(text=table["text"].map(_harmless))
            table.to_csv(file, index=False, lineterminator="\r\n", encoding="utf-8")
        case "jsonl":
            table.to_json(file, orient="records", lines=True, force_ascii=False, double_precision=15)
        case "parquet":
            table.to_parquet(file, engine="pyarrow", index=False)
        case _:
            raise UserError(f"{kind}: there is no such format; choose from {', '.join(FORMATS)}")


def to_label_studio(session: Session) -> list[dict[str, object]]:
    """Tasks with one annotation each, for a project with the labelling interface LABEL_STUDIO_CONFIG; a skipped row is
    a cancelled annotation, as Label Studio has it.
    """
    tasks: list[dict[str, object]] = []
    for row, answer in session.answers.items():
        result = []
        if answer is not None:
            value = {"choices": [_WORDS[answer]]}
            result = [{"from_name": "answer", "to_name": "text", "type": "choices", "value": value}]
        tasks.append(
            {
                "data": {"row": row, "text": session.corpus.text(row), "is_control": session.is_control(row)},
                "annotations": [{"result": result, "was_cancelled": answer is None}],
            }
        )
    return tasks


def from_label_studio(path: Path, texts: Sequence[str] | None = None) -> Labels:
    """Of Label Studio's export "JSON". A task's last annotation counts; tasks without one are left out.

    The row is `data.row`, or, where that is missing, the first row whose text is `data.text`. texts: of the table; with
    them, a row that has another text there is an error. Raises UserError that names file and task.
    """
    tasks = _json(path)
    if not isinstance(tasks, list):
        raise UserError(f"{path}: not a list of Label Studio's tasks; export as JSON")
    rows = _Rows(texts)
    labels: Labels = []
    for number, task in enumerate(tasks, start=1):
        where = f"{path}: task {number}"
        data, annotations = _part(task, "data", dict, where), _part(task, "annotations", list, where)
        if annotations:
            labels.append((rows.of(data, data.get("text"), where), _chosen(annotations[-1], where)))
    return labels


def to_argilla(session: Session, user_id: str = _NOBODY) -> list[dict[str, object]]:
    """Records for a dataset with the field `text` and the label question `answer` (yes, no); a skipped row is a
    discarded response. user_id: of the user of Argilla whose responses they become.
    """
    records: list[dict[str, object]] = []
    for row, answer in session.answers.items():
        said: dict[str, object] = {"value": None, "user_id": user_id, "status": "discarded"}
        if answer is not None:
            said.update(value=_WORDS[answer], status="submitted")
        records.append(
            {
                "id": str(row),
                "fields": {"text": session.corpus.text(row)},
                "metadata": {"row": row},
                "responses": {"answer": [said]},
            }
        )
    return records


def from_argilla(path: Path, texts: Sequence[str] | None = None) -> Labels:
    """Of a list of records (`dataset.records.to_json`), or of one record a line. The last response counts, to whatever
    question, of which there may be one; records without one are left out.

    The row is `metadata.row`, or, where that is missing, the first row whose text is `fields.text`; texts: as for
    `from_label_studio`. Raises UserError that names file and line or record.
    """
    rows = _Rows(texts)
    labels: Labels = []
    for where, record in _records(path):
        fields, responses = _part(record, "fields", dict, where), _part(record, "responses", dict, where)
        if len(responses) > 1:
            raise UserError(
                f"{where}: responses to {len(responses)} questions ({', '.join(responses)}) where one is meant"
            )
        given = [said for name in responses for said in _part(responses, name, list, where)]
        if not given:
            continue
        last = given[-1]
        if not isinstance(last, dict):
            raise UserError(f"{where}: the response is not an object with a value")
        if last.get("status") == "draft":
            continue
        is_skipped = last.get("status") == "discarded" or last.get("value") is None  # to_json tells no status
        answer = None if is_skipped else _meaning(last["value"], where)
        metadata = record.get("metadata") or {}
        labels.append((rows.of(metadata, fields.get("text"), where), answer))
    return labels


def tell(session: Session, labels: Labels) -> None:
    """Tell a session all of them, or none where one cannot be told. Raises UserError."""
    session.tell([row for row, _ in labels], [answer for _, answer in labels])


class _Rows:
    """Which row of the table a label is of."""

    def __init__(self, texts: Sequence[str] | None) -> None:
        self._texts = texts
        self._places: dict[str, int] | None = None

    def of(self, numbers: Mapping[str, Any], text: object, where: str) -> int:
        row = numbers.get("row")
        if row is None:
            return self._with(text, where)
        if isinstance(row, bool) or not isinstance(row, int) or row < 0:
            raise UserError(f"{where}: row {row!r} is no number of a row")
        if self._texts is not None:
            if row >= len(self._texts):
                raise UserError(f"{where}: row {row}: there is no such row; the table has {len(self._texts):,}")
            if text is not None and text != self._texts[row]:
                raise UserError(f"{where}: row {row} has another text in this table; was it labelled on another one?")
        return row

    def _with(self, text: object, where: str) -> int:
        if not isinstance(text, str):
            raise UserError(f"{where}: neither a row nor a text says which row it is")
        if self._texts is None:
            raise UserError(f"{where}: has no row, and this table has no texts to find it by")
        if self._places is None:
            self._places = {}
            for place, known in enumerate(self._texts):
                self._places.setdefault(known, place)
        if text not in self._places:
            raise UserError(f"{where}: no row of this table has the text {text!r:.60}")
        return self._places[text]


def _chosen(annotation: object, where: str) -> int | None:
    if not isinstance(annotation, dict):
        raise UserError(f"{where}: the annotation is not an object")
    if annotation.get("was_cancelled"):
        return None
    results = _part(annotation, "result", list, where)
    choices = [result for result in results if isinstance(result, dict) and result.get("type") == "choices"]
    if len(choices) != 1:
        raise UserError(f"{where}: {len(choices)} choices where one is meant, yes or no")
    chosen = _part(_part(choices[0], "value", dict, where), "choices", list, where)
    if len(chosen) != 1:
        raise UserError(f"{where}: {len(chosen)} choices where one is meant, yes or no")
    return _meaning(chosen[0], where)


def _meaning(value: object, where: str) -> int:
    answer = _MEANING.get(str(value).strip().lower())
    if answer is None:
        raise UserError(f"{where}: {value!r:.60} is no answer; yes, no, 1, 0, true, false, positive, negative are")
    return answer


def _part(thing: object, name: str, kind: type, where: str) -> Any:
    found = thing.get(name) if isinstance(thing, dict) else None
    if not isinstance(found, kind):
        raise UserError(f"{where}: {name!r} is not there, or not {'an object' if kind is dict else 'a list'}")
    return found


def _records(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    content = _content(path)
    if content.lstrip().startswith("["):
        yield from _objects(((f"{path}: record {n}", item) for n, item in enumerate(_json(path), start=1)))
        return
    lines = ((number, line) for number, line in enumerate(content.split("\n"), start=1) if line.strip())
    yield from _objects((f"{path}:{number}", _parsed(line, f"{path}:{number}")) for number, line in lines)


def _objects(items: Iterable[tuple[str, object]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for where, item in items:
        if not isinstance(item, dict):
            raise UserError(f"{where}: not an object")
        yield where, item


def _json(path: Path) -> Any:
    return _parsed(_content(path), str(path))


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 ({error.reason} at byte {error.start})") from error


def _parsed(content: str, where: str) -> Any:
    try:
        return json.loads(content)
    except (json.JSONDecodeError, RecursionError) as error:
        reason = f"{error.msg}, line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "too deep"
        raise UserError(f"{where}: not valid JSON ({reason})") from error


def _harmless(text: Any) -> Any:
    return f"'{text}" if isinstance(text, str) and text.startswith(_FORMULA) else text
