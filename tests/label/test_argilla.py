"""Records as the client of Argilla 2.8 writes them, handmade. Nested records lack the status of a response."""

from __future__ import annotations

import json
import re

import pytest

from seals_sim.errors import UserError
from seals_sim.label.exchange import read_argilla
from seals_sim.label.exchange.reading import AnswerNames
from tests.label.small import CORPUS, TEXTS

USERS = [f"00000000-0000-0000-0000-00000000000{number}" for number in range(3)]


def describe(row, status, *responses):
    """A record on the server, with the value and status of its responses."""
    return {"row": row, "status": status, "responses": responses}


RECORDS = [
    describe(0, "completed", ("yes", "submitted")),
    describe(1, "pending", ("no", "discarded")),  # by a person who had chosen before
    describe(2, "pending", ("no", "draft")),
    describe(3, "pending"),
    describe(4, "pending", (None, "discarded")),
    describe(5, "completed", ("no", "submitted"), ("no", "submitted")),
]
MIXED = [
    describe(6, "completed", ("no", "discarded"), ("yes", "submitted")),
    describe(7, "completed", ("yes", "submitted"), ("no", "draft")),
    describe(8, "completed", ("yes", "submitted"), ("no", "submitted")),
]


def write_nested(record):
    """A record as `dataset.records.to_json` writes it."""
    given = [{"value": value, "user_id": user} for (value, _), user in zip(record["responses"], USERS, strict=False)]
    return {"id": str(record["row"]), "fields": {"text": TEXTS[record["row"]]}, "metadata": {"row": record["row"]},
            "suggestions": {"answer": {"value": "no", "score": 0.5, "agent": "m"}}, "vectors": {}, "status":
            record["status"], "responses": {"answer": given} if given else {}, "_server_id": USERS[0]}  # fmt: skip


def write_flat(record):
    """A record as `dataset.records.to_list(flatten=True)` makes it, and as in the lines of `to_datasets().to_json`."""
    values, states = zip(*record["responses"], strict=True) if record["responses"] else (None, None)
    return {"id": str(record["row"]), "status": record["status"], "_server_id": USERS[0], "text": TEXTS[record["row"]],
            "row": record["row"], "answer.responses": values, "answer.responses.users": values and USERS[: len(values)],
            "answer.responses.status": states, "answer.suggestion": "no", "answer.suggestion.score": 0.5,
            "answer.suggestion.agent": None}  # fmt: skip


def read(folder, records, is_list=True, **options):
    path = folder / "records.json"
    path.write_text(json.dumps(records) if is_list else "".join(json.dumps(record) + "\n" for record in records))
    return read_argilla(path, CORPUS, **options).labels


def test_nested_records_whose_responses_have_no_status(tmp_path):
    """A response in a pending record may be discarded or a draft, so the row is asked again."""
    assert read(tmp_path, list(map(write_nested, RECORDS))) == [(0, 1), (4, None), (5, 0)]


@pytest.mark.parametrize("is_list", [True, False])
def test_flat_records_say_what_was_submitted(tmp_path, is_list):
    expected = [(0, 1), (1, None), (4, None), (5, 0), (6, 1), (7, 1), (8, 0)]
    assert read(tmp_path, list(map(write_flat, RECORDS + MIXED)), is_list) == expected


def test_a_row_is_found_by_its_text_in_flat_records(tmp_path):
    records = list(map(write_flat, RECORDS))
    for record in records:
        del record["row"]
    assert read(tmp_path, records) == [(0, 1), (1, None), (4, None), (5, 0)]


@pytest.mark.parametrize("record", MIXED)
def test_responses_that_differ_without_a_status_are_refused(tmp_path, record):
    problem = "record 2: has conflicting responses, but not which were submitted; save records.to_list(flatten"
    with pytest.raises(UserError, match=re.escape(problem)):
        read(tmp_path, [write_nested(RECORDS[0]), write_nested(record)])


def test_one_of_several_questions_may_be_named(tmp_path):
    flat, nested = write_flat(RECORDS[0]), write_nested(RECORDS[0])
    flat |= {"tone.responses": ["no"], "tone.responses.status": ["submitted"]}
    nested["responses"]["tone"] = [{"value": "no"}]
    for record in (flat, nested):
        with pytest.raises(UserError, match=re.escape("has responses to 2 questions (")):
            read(tmp_path, [record])
        assert read(tmp_path, [record], names=AnswerNames(field="tone")) == [(0, 0)]
        assert read(tmp_path, [record], names=AnswerNames(field="none")) == []


def test_flat_records_that_are_damaged_are_named(tmp_path):
    record = write_flat(RECORDS[0]) | {"answer.responses.status": ["submitted", "draft"]}
    with pytest.raises(UserError, match="record 1: the numbers of statuses and responses to 'answer' differ"):
        read(tmp_path, [record])
    with pytest.raises(UserError, match="record 1: 'answer' is missing, or not a list"):
        read(tmp_path, [write_flat(RECORDS[0]) | {"answer.responses": "yes"}])
