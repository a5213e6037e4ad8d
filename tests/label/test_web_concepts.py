"""The page's calls in a session with several concepts, and notes."""

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


def add(client, **new):
    return client.post("/api/concepts", content=json.dumps(new), headers={"Content-Type": "application/json"})


def test_a_concept_is_added_on_the_page(tmp_path, concepts):
    client = call_page(concepts)
    assert client.get("/api/status").json()["can_add"]
    reply = client.post("/api/concepts", json={"name": "  the  third ", "words": " text 3 ", "row": 9},
                        headers={"X-Person": "Ada"}).json()  # fmt: skip
    assert reply == {"place": 2, "concepts": [*NAMES, "the third"]}
    session = concepts.sessions["the third"]
    assert [seed.text for seed in session.seeds] == ["text 3"]
    assert session.list_said(9) == [("Ada", 1)]
    item, *_ = client.get("/concept/2/api/batch?n=2").json()["rows"]
    client.post("/concept/2/api/answer", json={"row": item["row"], "answer": 0})
    for prefix in ("", "/concept/1", "/concept/2", "/concept/all"):
        assert client.get(f"{prefix}/api/status").json()["concepts"] == reply["concepts"]
    lines = read_lines(client, "/concept/all/export/labels.jsonl")
    assert {(one["row"], one["answer"], one["concept"]) for one in lines} == {
        (9, 1, "the third"), (item["row"], 0, "the third"),
    }  # fmt: skip
    answers = {"0": 0, "1": 1, "2": 1}
    status = client.post("/concept/all/api/answer", json={"row": 20, "answer": answers}).json()["status"]
    assert status["each"][2] == "the third: 2 positive of 3 answered"
    assert add(client, name="empty").json()["place"] == 3
    assert len(client.get("/concept/3/api/batch?n=2").json()["rows"]) == 2  # at random


@pytest.mark.parametrize(
    ("new", "problem"),
    [
        ({"name": ""}, "a concept needs a name"),
        ({"name": " \t\n"}, "a concept needs a name"),
        ({"name": "one"}, "the name 'one' is taken; choose another name"),
        ({"name": " one "}, "the name 'one' is taken; choose another name"),
        ({"name": "all"}, "the name 'all' is taken; choose another name"),
        (
            {"name": "a=b"},
            "the name 'a=b' is not allowed: a name has at most 100 characters, no = and no control characters",
        ),
        ({"name": "a\x07"}, "no control characters"),
        ({"name": "a\u202e"}, "no control characters"),
        ({"name": "\ud800"}, "name: Input should be a valid string"),
        ({"name": "two", "words": "text 3 \ud800"}, "words: Input should be a valid string"),
        ({"name": "x" * 101}, "a name has at most 100 characters"),
        ({"name": "x" * 1001}, "name: String should have at most 1000 characters"),
        ({"name": "two", "row": 10**6}, "row 1000000: no such row"),
        ({"name": "two", "row": "3"}, "row: "),
        ({"words": "text 3"}, "name: Field required"),
    ],
)
def test_a_concept_that_cannot_be_added_is_one_line(concepts, new, problem):
    client = call_page(concepts)
    said = add(client, **new)
    assert said.status_code == 400
    assert problem in said.json()["error"]
    assert "\n" not in said.json()["error"]
    assert list(concepts.sessions) == NAMES
    assert client.get("/concept/2/api/status").status_code == 404


def test_a_concept_is_renamed_on_the_page(concepts):
    client = call_page(concepts)
    client.post("/concept/1/api/answer", json={"row": 3, "answer": 1})
    reply = client.post("/api/concepts/name", json={"place": 1, "name": "<b>two</b>"})
    assert reply.json() == {"place": 1, "concepts": ["zero", "<b>two</b>"]}
    (line,) = read_lines(client, "/concept/1/export/labels.jsonl")
    assert line["concept"] == "<b>two</b>"
    assert client.get("/concept/all/api/status").json()["each"][1] == "<b>two</b>: 1 positive of 1 answered"
    for wrong, problem in [
        ({"place": 2, "name": "x"}, "there is no such concept"), ({"place": -1, "name": "x"}, "no such concept"),
        ({"place": 0, "name": "<b>two</b>"}, "is taken"), ({"place": 0, "name": " "}, "needs a name"),
    ]:  # fmt: skip
        said = client.post("/api/concepts/name", json=wrong)
        assert (said.status_code, problem in said.json()["error"]) == (400, True)


def test_a_session_of_one_concept_gets_others_on_its_page(tmp_path):
    with Session.begin(tmp_path / "s", CORPUS, ["text 0"], options=OPTIONS) as session:
        client = call_page(session)
        client.post("/api/answer", json={"row": 3, "answer": 1})
        assert add(client, name="one", row=5).json() == {"place": 1, "concepts": ["unnamed", "one"]}
        assert session.answers == {3: 1}
        client.post("/api/answer", json={"row": 4, "answer": 0})  # from another tab, which knows of none yet
        assert session.answers == {3: 1, 4: 0}
        renamed = client.post("/api/concepts/name", json={"place": 0, "name": "zero"})
        assert renamed.json()["concepts"] == ["zero", "one"]
        lines = read_lines(client, "/concept/all/export/labels.jsonl")
        assert [(one["row"], one["concept"]) for one in lines] == [(3, "zero"), (4, "zero"), (5, "one")]
    with Concepts.open(tmp_path / "s", CORPUS) as again:
        assert {name: one.answers for name, one in again.sessions.items()} == {"zero": {3: 1, 4: 0}, "one": {5: 1}}


def test_what_can_only_be_read_gets_no_concepts(tmp_path, monkeypatch):
    Session.begin(tmp_path / "s", CORPUS, ["text 0"], options=OPTIONS).close()
    monkeypatch.setattr("seals_sim.label.journal_file.is_writable", lambda _: False)
    with Session.open(tmp_path / "s", CORPUS) as session:
        client = call_page(session)
        assert not client.get("/api/status").json()["can_add"]
        for reply in (add(client, name="one"), client.post("/api/concepts/name", json={"place": 0, "name": "x"})):
            assert reply.status_code == 400
            assert "is read-only" in reply.json()["error"]


def test_one_of_several_served_alone_gets_no_others(concepts):
    client = call_page(concepts.sessions["one"])
    status = client.get("/concept/0/api/status").json()
    assert (status["concepts"], status["can_add"]) == (["one"], False)
    assert add(client, name="two").status_code in (404, 405)


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
