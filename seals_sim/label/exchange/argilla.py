"""Argilla 2.x: the record dictionaries that its `Record.from_dict` reads (tried with 2.8)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from seals_sim.errors import UserError
from seals_sim.label.corpus import Corpus
from seals_sim.label.exchange.reading import ANSWER_WORDS, AnswerNames, get_part, read_records
from seals_sim.label.exchange.rows import GivenLabels, RowFinder
from seals_sim.label.exchange.tables import build_labels_table, list_records
from seals_sim.label.session import Session

_MARKS = ("is_control", "is_disputed")  # metadata is numbers and words
_NOBODY = "00000000-0000-0000-0000-000000000000"


def build_argilla_records(answers: Session | pd.DataFrame, user_id: str = _NOBODY) -> list[dict[str, object]]:
    """Records for a dataset with the field `text` and the label question `answer` (yes, no).

    A skipped row becomes a discarded response.

    Args:
        answers: A session, or its `build_labels_table`.
        user_id: The Argilla user whose responses they become.
    """
    records: list[dict[str, object]] = []
    for data in list_records(answers if isinstance(answers, pd.DataFrame) else build_labels_table(answers)):
        response: dict[str, object] = {"value": None, "user_id": user_id, "status": "discarded"}
        if data["answer"] is not None:
            response.update(value=ANSWER_WORDS[data["answer"]], status="submitted")
        metadata = {name: value for name, value in data.items() if name not in ("text", "answer")}
        metadata |= {name: str(data[name]).lower() for name in _MARKS if name in data}
        records.append(
            {
                "id": str(data["row"]),
                "fields": {"text": data["text"]},
                "metadata": metadata,
                "responses": {"answer": [response]},
            }
        )
    return records


def read_argilla(path: Path, corpus: Corpus | None = None, names: AnswerNames | None = None) -> GivenLabels:
    """Read the labels of a list of records (`dataset.records.to_json`), or of one record on each line.

    A record's row is `metadata.row`; where that is missing, it is found by `fields.text`, as `RowFinder` does. There
    may be one question, of any name; of its responses the last counts.

    Args:
        path: The file.
        corpus: What the labels are for; rows are checked against it.
        names: How the file names its answers.

    Returns:
        A label for each record that has a response, drafts aside, in order.

    Raises:
        UserError: With file and line or record.
    """
    rows, given, names = RowFinder(corpus), GivenLabels(), names or AnswerNames()
    for where, record in read_records(path):
        text, metadata = get_part(record, "fields", dict, where).get("text"), record.get("metadata") or {}
        response = _get_last_response(record, where)
        if response is None or response.get("status") == "draft":
            rows.skip(metadata, text)
            continue
        is_skipped = response.get("status") == "discarded" or response.get("value") is None  # to_json has no status
        answer = None if is_skipped else names.read(response["value"], where)
        given.add(rows.find(metadata, text, where), answer, metadata.get("is_control"))
    return given


def _get_last_response(record: dict[str, Any], where: str) -> dict[str, Any] | None:
    responses = get_part(record, "responses", dict, where)
    if len(responses) > 1:
        raise UserError(f"{where}: has responses to {len(responses)} questions ({', '.join(responses)}); expected one")
    last = [response for name in responses for response in get_part(responses, name, list, where)][-1:]
    if not last:
        return None
    if not isinstance(last[0], dict):
        raise UserError(f"{where}: the response is not an object")
    return last[0]
