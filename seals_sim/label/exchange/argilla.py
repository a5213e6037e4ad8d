"""Argilla 2.x: the record dictionaries that its `Record.from_dict` reads (tried with 2.8)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seals_sim.errors import UserError
from seals_sim.label.exchange.reading import ANSWER_WORDS, get_part, read_answer, read_records
from seals_sim.label.exchange.rows import RowFinder
from seals_sim.label.session import Session
from seals_sim.label.types import Label

_NOBODY = "00000000-0000-0000-0000-000000000000"


def build_argilla_records(session: Session, user_id: str = _NOBODY) -> list[dict[str, object]]:
    """Records for a dataset with the field `text` and the label question `answer` (yes, no).

    A skipped row becomes a discarded response.

    Args:
        session: Whose answers to export.
        user_id: The Argilla user whose responses they become.
    """
    records: list[dict[str, object]] = []
    for row, answer in session.answers.items():
        response: dict[str, object] = {"value": None, "user_id": user_id, "status": "discarded"}
        if answer is not None:
            response.update(value=ANSWER_WORDS[answer], status="submitted")
        records.append(
            {
                "id": str(row),
                "fields": {"text": session.corpus.get_text(row)},
                "metadata": {"row": row},
                "responses": {"answer": [response]},
            }
        )
    return records


def read_argilla(path: Path, texts: Sequence[str] | None = None) -> list[Label]:
    """Read the labels of a list of records (`dataset.records.to_json`), or of one record on each line.

    A record's row is `metadata.row`; where that is missing, it is found by `fields.text`, as `RowFinder` does. There
    may be one question, of any name; of its responses the last counts.

    Args:
        path: The file.
        texts: Of the table; rows are checked against them.

    Returns:
        A label for each record that has a response, drafts aside, in order.

    Raises:
        UserError: With file and line or record.
    """
    rows = RowFinder(texts)
    labels: list[Label] = []
    for where, record in read_records(path):
        text, metadata = get_part(record, "fields", dict, where).get("text"), record.get("metadata") or {}
        response = _get_last_response(record, where)
        if response is None or response.get("status") == "draft":
            rows.skip(metadata, text)
            continue
        is_skipped = response.get("status") == "discarded" or response.get("value") is None  # to_json has no status
        answer = None if is_skipped else read_answer(response["value"], where)
        labels.append((rows.find(metadata, text, where), answer))
    return labels


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
