"""Argilla 2.x: the record dictionaries that its `Record.from_dict` reads and its exports write (tested with 2.8)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from seals_sim.errors import UserError
from seals_sim.label.corpus import Corpus
from seals_sim.label.exchange.reading import ANSWER_WORDS, AnswerNames, get_part, read_records
from seals_sim.label.exchange.rows import GivenLabels, RowFinder
from seals_sim.label.exchange.tables import build_labels_table, list_records
from seals_sim.label.session import Session

_MARKS = ("is_control", "is_disputed")  # metadata values are numbers and words
_FLAT = ".responses"  # after the name of a question, in flat records
_NOBODY = "00000000-0000-0000-0000-000000000000"


def build_argilla_records(answers: Session | pd.DataFrame, user_id: str = _NOBODY) -> list[dict[str, object]]:
    """Records for a dataset with the field `text` and the label question `answer` (yes, no).

    A skipped row becomes a discarded response.

    Args:
        answers: A session, or its `build_labels_table`.
        user_id: The Argilla user to whom the responses belong.
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
    """Read the labels of a list of records, nested or flat, or of one record on each line.

    `dataset.records.to_json` writes nested records, which have only the value of a response, even if it was discarded.
    Flat records (`to_list(flatten=True)` and `to_datasets`) also have its status. A record's row is `metadata.row` or
    `row`; if that is missing, `RowFinder` finds it by `fields.text` or `text`. Of the responses to one question, of any
    name, the last one submitted counts.

    Args:
        path: The file.
        corpus: The corpus that the labels are for; rows are checked against it.
        names: How the file names its answers; its field is the question.

    Returns:
        A label for each record that has a response, in order. Drafts do not count, nor do responses without a status in
        a record that Argilla calls pending.

    Raises:
        UserError: With file and line or record; also if responses differ and have no status.
    """
    rows, given, names = RowFinder(corpus), GivenLabels(), names or AnswerNames()
    for where, record in read_records(path):
        is_flat = "fields" not in record and any(key.endswith(_FLAT) for key in record)
        named = record if is_flat else record.get("metadata") or {}
        text = (record if is_flat else get_part(record, "fields", dict, where)).get("text")
        response = _choose(_list_responses(record, is_flat, names.field, where), record.get("status"), where)
        if response is None:
            rows.skip(named, text)
            continue
        value = None if response.status == "discarded" else response.value
        answer = None if value is None else names.read(value, where)
        given.add(rows.find(named, text, where), answer, named.get("is_control"))
    return given


@dataclass(frozen=True)
class _Response:
    value: object
    status: object = None


def _list_responses(record: dict[str, Any], is_flat: bool, question: str | None, where: str) -> list[_Response]:
    """The responses of a record to its only question, or to the named one."""
    if is_flat:
        by_question = {key.removesuffix(_FLAT): record[key] or [] for key in record if key.endswith(_FLAT)}
        by_question = {name: responses for name, responses in by_question.items() if responses}
    else:
        by_question = get_part(record, "responses", dict, where)
    if question is None and len(by_question) > 1:
        listed = ", ".join(by_question)
        problem = f"has responses to {len(by_question)} questions ({listed}); name one as answer_field"
        raise UserError(f"{where}: {problem}")
    for name in by_question if question is None else [question]:
        if name not in by_question:
            return []
        responses = get_part(by_question, name, list, where)
        if not is_flat:
            if not all(isinstance(response, dict) for response in responses):
                raise UserError(f"{where}: the response is not an object")
            return [_Response(response.get("value"), response.get("status")) for response in responses]
        states = record.get(f"{name}{_FLAT}.status") or [None] * len(responses)
        if not isinstance(states, list) or len(states) != len(responses):
            raise UserError(f"{where}: the numbers of statuses and responses to {name!r} differ")
        return [_Response(value, status) for value, status in zip(responses, states, strict=True)]
    return []


def _choose(responses: list[_Response], record_status: object, where: str) -> _Response | None:
    """The response that counts; None if there is none, or it was not submitted."""
    for status in ("submitted", "discarded"):
        if settled := [response for response in responses if response.status == status]:
            return settled[-1]
    unknown = [response for response in responses if response.status is None]
    if not unknown:  # drafts
        return None
    if all(response.value is None for response in unknown):
        return unknown[-1]
    if record_status == "pending":  # Argilla completes a record once it has as many submitted responses as it requires
        return None
    if any(response.value != unknown[-1].value for response in unknown):
        problem = "has conflicting responses, but not which were submitted; save records.to_list(flatten=True)"
        raise UserError(f"{where}: {problem}")
    return unknown[-1]
