"""The calls of the page where a session has several concepts, and notes."""

from __future__ import annotations

import json

import pytest
from fastapi.testclient import TestClient

from seals_sim.label.concepts import Concepts
from seals_sim.label.session import Session
from seals_sim.label.web import make_app
from tests.label.small import CORPUS
from tests.label.test_concepts import EXAMPLES, OPTIONS, judge

NAMES = list(EXAMPLES)


def call_page(session):
    return TestClient(
        make_app(session, "t", "127.0.0.1", "s"), base_url="http://127.0.0.1:80", headers={"X-Token": "t"}
    )


@pytest.fixture
def concepts(tmp_path):
    with Concepts.begin(tmp_path / "s", CORPUS, EXAMPLES, OPTIONS) as opened:
        yield opened


def read_lines(client, path):
    return [json.loads(line) for line in client.get(path).text.splitlines()]


def test_each_concept_has_a_page(concepts):
    client = call_page(concepts)
    assert client.get("/api/status").json()["concepts"] == NAMES
    for place, (name, session) in enumerate(concepts.sessions.items()):
        (row,) = (item["row"] for item in client.get(f"/concept/{place}/api/batch").json()["rows"])
        client.post(f"/concept/{place}/api/answer", json={"row": row, "answer": 1})
        assert session.answers == {row: 1}
        (line,) = read_lines(client, f"/concept/{place}/export/labels.jsonl")
        assert (line["row"], line["answer"], line["concept"]) == (row, 1, name)
    assert client.get("/concept/2/api/status").status_code == 404
    assert client.get("/concept/0/api/status", headers={"X-Token": "u"}).status_code == 403


def test_all_concepts_are_answered_together(concepts):
    client = call_page(concepts)
    given = {}
    for place in range(4):
        item, *_ = client.get("/concept/all/api/batch?n=3").json()["rows"]
        answers = {str(NAMES.index(name)): value for name, value in judge(item["row"]).items()}
        assert item["concept"] in NAMES
        for is_again in (False, True):  # its reply was lost
            body = {"row": item["row"], "answer": answers, "id": str(place), "is_again": is_again}
            status = client.post("/concept/all/api/answer", json=body).json()["status"]
        given[item["row"]] = answers
    assert status["each"][1].startswith("one: ")
    assert status["each"][1].endswith("of 4 answered")
    assert [len(concepts.sessions[name].list_said(item["row"])) for name in NAMES] == [1, 1]
    listed = client.get("/concept/all/api/answers").json()["rows"]
    assert {one["row"]: one["marks"] for one in listed} == given
    lines = read_lines(client, "/concept/all/export/labels.jsonl")
    assert {(one["row"], str(NAMES.index(one["concept"]))): one["answer"] for one in lines} == {
        (row, place): value for row, answers in given.items() for place, value in answers.items()
    }
    assert client.get("/concept/all/export/labels.csv").text.startswith("row,text,answer,concept,is_control")
    assert len(client.get("/concept/all/export/labelstudio.json").json()) == len(lines)
    assert len(read_lines(client, "/concept/all/export/argilla.jsonl")) == len(lines)
    assert client.get("/concept/all/export/scores.csv").status_code == 400
    assert client.post("/concept/all/api/undo").json()["row"] == item["row"]
    assert all(item["row"] not in session.answers for session in concepts.sessions.values())
    partly = {"row": 7, "answer": {"1": None}}
    assert client.post("/concept/all/api/answer", json=partly).status_code == 200
    assert concepts.sessions["one"].answers[7] is None
    for wrong in ({}, {"2": 1}, {"0": 2}, {"x": 1}, 1):
        assert client.post("/concept/all/api/answer", json={"row": 7, "answer": wrong}).status_code == 400
    assert client.get("/concept/all/api/find?text=text%203").json()["rows"][0]["marks"] == {}


def test_a_session_of_one_concept_has_its_page_alone(tmp_path):
    with Session.begin(tmp_path / "s", CORPUS, ["text 0"], options=OPTIONS) as session:
        client = call_page(session)
        assert client.get("/api/status").json()["concepts"] == []
        assert client.get("/concept/0/api/status").status_code == 404
        client.post("/api/answer", json={"row": 3, "answer": 1})
        (line,) = read_lines(client, "/export/labels.jsonl")
        assert set(line) == {"row", "text", "answer", "is_control"}


def test_notes_are_kept_listed_and_saved(tmp_path):
    with Session.begin(tmp_path / "s", CORPUS, ["text 0"], options=OPTIONS) as session:
        client = call_page(session)
        item, *_ = client.get("/api/batch").json()["rows"]
        assert item["note"] == ""
        reply = client.post("/api/note", json={"row": item["row"], "text": " <b>odd</b>\n"}).json()
        assert reply == {"row": item["row"], "note": "<b>odd</b>"}
        assert client.get("/api/batch").json()["rows"][0]["note"] == "<b>odd</b>"
        client.post("/api/note", json={"row": 7, "text": "not answered"})
        client.post("/api/answer", json={"row": item["row"], "answer": 1})
        assert [one["row"] for one in client.get("/api/answers?answer=noted").json()["rows"]] == [7, item["row"]]
        assert [one["note"] for one in client.get("/api/answers").json()["rows"]] == ["<b>odd</b>"]
        assert [line["note"] for line in read_lines(client, "/export/labels.jsonl")] == ["<b>odd</b>"]
        client.post("/api/answer", json={"row": 9, "answer": 0})
        notes = {line["row"]: line["note"] for line in read_lines(client, "/export/scores.jsonl")}
        assert {row: note for row, note in notes.items() if note} == {item["row"]: "<b>odd</b>", 7: "not answered"}
        assert client.post("/api/note", json={"row": 7, "text": "x" * 10_001}).status_code == 400
