"""A program as the judge: asked by its protocol, marked as a program, paid once, checked by a person."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from contextlib import closing

import pytest
from fastapi.testclient import TestClient

from seals_sim import UserError
from seals_sim.evaluate.agreement import compare_answers
from seals_sim.label.events import ImportedFile
from seals_sim.label.exchange import SessionFile, build_labels_table
from seals_sim.label.judge.checks import is_drawn
from seals_sim.label.judge.client import Judge
from seals_sim.label.judge.judging import MAX_UNABLE, Judging
from seals_sim.label.judge.words import describe_judges
from seals_sim.label.session import Session
from seals_sim.label.web import make_app
from tests.label.judge_server import KEY, MODEL, NO, YES, JudgeServer, complete, fail, number, page
from tests.label.small import CORPUS, IS_POSITIVE, PLAIN, TEXTS

pytest.importorskip("openai", reason="the extra [judge] is not installed")
FIRST = int(IS_POSITIVE.argmax())
WHO = f"judge:{MODEL}"
INSTRUCTION = "Is this of cluster 0?"


def by_cluster(text):
    return YES if IS_POSITIVE[number(text)] else NO


@pytest.fixture
def session(tmp_path):
    with Session.begin(tmp_path / "s", CORPUS, [f"text {FIRST}"], options=PLAIN) as opened:
        yield opened


def judge_at(url, n_retries=2, **changes):
    return Judge(**{"url": url, "model": MODEL, "instruction": INSTRUCTION, "n_retries": n_retries, **changes})


def run(session, judge, budget=40, n_parallel=4):
    """Judge to the end, and return what was reported."""
    lines = []
    judging = Judging(session, judge, budget, n_parallel, lines.append)
    judging.start()
    assert judging.wait(30)
    judging.stop()
    judging.lines = lines
    return judging


def ask_once(judge, text="text 0"):
    async def call():
        async with judge.connect() as line:
            return await line.ask(text, judge.instruction)

    return asyncio.run(call())


def at_page(session, name="", judging=None):
    app = make_app(session, "t", "127.0.0.1", "s", judging=judging)
    return TestClient(app, base_url="http://127.0.0.1:80", headers={"X-Token": "t", "X-Person": name})


def test_it_answers_within_its_budget_and_is_told_what_to_do(session):
    with JudgeServer(by_cluster, seconds=0.02) as server:
        judging = run(session, judge_at(server.url), budget=40, n_parallel=4)
    assert judging.lines == [f"{WHO} has spent its budget of 40 calls"]
    assert judging.problem is None
    assert len(server.requests) == len(session.answers) == 40
    assert session.answers == {row: int(IS_POSITIVE[row]) for row in session.answers}
    assert sum(session.answers.values()) > 10
    assert 2 <= server.most <= 4
    assert set(server.calls.values()) == {1}
    body = server.requests[0]
    assert body["messages"][0]["content"].startswith(INSTRUCTION)
    assert body["messages"][1]["content"] in TEXTS
    assert body["response_format"]["json_schema"]["schema"]["properties"]["answer"]["enum"] == ["yes", "no"]
    assert set(build_labels_table(session)["who"]) == {WHO}
    assert f"{WHO} has answered 40 rows in 40 calls" in judging.summary


def test_no_person_can_have_its_name(session):
    for name in (WHO, "Judge: x", "judge\uff1ax", " JUDGE :x"):
        client = at_page(session, name.encode().decode("latin-1") if name.isascii() else "judge%EF%BC%9Ax")
        assert client.get("/api/batch").status_code == 400
    assert at_page(session, "Judge Judy").get("/api/batch").status_code == 200


def test_what_is_answered_is_not_paid_again(tmp_path, session):
    with JudgeServer(by_cluster) as server:
        run(session, judge_at(server.url), budget=25)
        session.close()
        with Session.open(tmp_path / "s", CORPUS) as again:
            assert run(again, judge_at(server.url), budget=25).lines == [f"{WHO} has spent its budget of 25 calls"]
            assert len(server.requests) == 25
            judging = run(again, judge_at(server.url), budget=60)
            assert judging.n_calls == 60 == len(server.requests) == len(again.answers)
    assert set(server.calls.values()) == {1}


def test_it_stops_where_no_row_is_left(session):
    session.tell(range(60, len(TEXTS)), [int(positive) for positive in IS_POSITIVE[60:]], "Ada")
    with JudgeServer(by_cluster) as server:
        judging = run(session, judge_at(server.url), budget=10**6, n_parallel=64)
    assert judging.lines == [f"{WHO} has no row left to answer"]
    assert len(session.answers) == len(TEXTS)


def test_calls_that_fail_for_a_while_are_repeated(session):
    faults = [
        fail(429, "slow down", retry_after="0.05"),
        fail(500, "out of order"),
        fail(503, "busy", retry_after="0.05"),
        fail(408, "timeout", retry_after="0.05"),
    ]

    def reply(text):
        return faults.pop() if faults else by_cluster(text)

    with JudgeServer(reply) as server:
        judging = run(session, judge_at(server.url, n_retries=5), budget=10, n_parallel=1)
        assert judging.problem is None
        assert len(session.answers) == 10
        assert len(server.requests) == 14
        assert judging.n_calls == 10  # a call that the server deferred counts once


FATAL = [
    (lambda text: fail(429, "slow\ndown\x1b[31m", retry_after="0.01"), {}, "accepts no more calls for now (429: slow"),
    (
        lambda text: fail(500, "broken", retry_after="0.01"),
        {},
        "failed (500: broken) after 2 retries; rerun",
    ),
    (by_cluster, {"model": "large-model"}, "judge_model = 'large-model': was not found at http://127.0.0.1"),
]


@pytest.mark.parametrize(("reply", "changes", "line"), FATAL, ids=["429", "500", "404"])
def test_what_fails_for_good_is_one_line_and_what_was_answered_stays(session, reply, changes, line):
    def some(text):
        return by_cluster(text) if len(server.requests) <= 6 and not changes else reply(text)

    with JudgeServer(some) as server:
        judging = run(session, judge_at(server.url, **changes), n_parallel=2)
    assert line in str(judging.problem)
    assert str(judging.problem).isprintable()
    assert judging.lines == [f"judge:{changes.get('model', MODEL)} has stopped: {judging.problem}"]
    assert len(session.answers) == (0 if changes else 6)


def test_a_wrong_key_and_a_server_that_is_away_are_found_before_the_work(monkeypatch):
    with JudgeServer(by_cluster, key=KEY) as server:
        with pytest.raises(UserError, match=r"rejected the key \(401: Incorrect API key provided\); set SEALS"):
            asyncio.run(judge_at(server.url).check())
        monkeypatch.setenv("SEALS_JUDGE_KEY", KEY)
        asyncio.run(judge_at(server.url).check())
        assert ask_once(judge_at(server.url)) in (0, 1)
    with pytest.raises(UserError, match=r"cannot be reached \(.*\); is it running\?"):
        asyncio.run(judge_at(server.url).check())
    with pytest.raises(UserError, match="cannot be reached"):
        ask_once(judge_at(server.url, n_retries=0))


def test_the_key_of_openai_goes_to_openai_alone(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("SEALS_JUDGE_KEY", raising=False)
    with JudgeServer(by_cluster, key=KEY) as server, pytest.raises(UserError, match="rejected the key"):
        ask_once(judge_at(server.url))


def test_to_this_machine_nothing_goes_through_a_proxy_or_is_sent_on(monkeypatch):
    with JudgeServer(by_cluster) as elsewhere:
        monkeypatch.setenv("HTTP_PROXY", elsewhere.url)
        monkeypatch.setenv("ALL_PROXY", elsewhere.url)
        moved = fail(307, "moved", location=f"{elsewhere.url}/chat/completions")
        with JudgeServer(lambda text: moved) as server, pytest.raises(UserError, match=r"failed \(307"):
            ask_once(judge_at(server.url))
        assert len(server.requests) == 1
        assert not elsewhere.requests


def test_a_slow_server_is_given_up(session):
    with JudgeServer(by_cluster, seconds=1.0) as server:
        judge = judge_at(server.url, n_retries=1, timeout_seconds=0.2)
        with pytest.raises(UserError, match=r"did not reply within 0.2 s after 1 retries"):
            ask_once(judge)
        assert len(server.requests) == 2


ODD = ["perhaps", "", None, '{"answer": "maybe"}', page("<html>busy</html>"), {"choices": []}]


@pytest.mark.parametrize("odd", ODD, ids=map(str, range(len(ODD))))
def test_a_reply_that_is_neither_is_asked_again_once_and_then_left_to_the_person(tmp_path, session, odd):
    wanted = []

    def reply(text):
        wanted.append(text)
        return odd if text == wanted[0] else by_cluster(text)

    with JudgeServer(reply) as server:
        judging = run(session, judge_at(server.url), budget=12, n_parallel=1)
        assert server.calls[wanted[0]] == 2
        assert sum(server.calls.values()) == judging.n_calls == 12
        row = number(wanted[0])
        assert session.answers[row] is None
        session.close()
        with Session.open(tmp_path / "s", CORPUS) as again:
            run(again, judge_at(server.url), budget=20)
            assert server.calls[wanted[0]] == 2
            given = at_page(again).get("/api/batch?n=20").json()["rows"]
            assert next(one for one in given if one["row"] == row)["purpose"] == "unable"
            again.tell([row], [1])
            assert again.answers[row] == 1
            assert not again.needs_person(row)


def test_a_server_that_never_makes_sense_is_not_paid_for_long(session):
    with JudgeServer(lambda text: "perhaps") as server:
        judging = run(session, judge_at(server.url), budget=1000, n_parallel=1)
        assert len(server.requests) == 2 * MAX_UNABLE
    assert "it replied neither yes nor no" in str(judging.problem)


def test_a_text_that_is_refused_is_left_to_the_person_and_the_rest_goes_on(session):
    def reply(text):
        return fail(400, "too many tokens") if number(text) % 5 == 0 else by_cluster(text)

    with JudgeServer(reply) as server:
        judging = run(session, judge_at(server.url), budget=40)
    assert judging.problem is None
    assert {row for row, answer in session.answers.items() if answer is None} == {
        row for row in session.answers if number(TEXTS[row]) % 5 == 0
    }
    assert len(session.answers) == 40


def test_a_server_without_forms_is_asked_in_words(session):
    def reply(text):
        return fail(400, "unknown field response_format") if "response_format" in server.requests[-1] else "No."

    with JudgeServer(reply) as server:
        assert run(session, judge_at(server.url), budget=8, n_parallel=1).problem is None
        assert set(session.answers.values()) == {0}
        assert len(server.requests) == 9  # this is detected once


def test_odd_texts_can_be_sent():
    with JudgeServer(lambda text: YES) as server:
        for text in ("half \ud800 a pair", "\x00", "", "{instruction}", "long " * 50_000):
            assert ask_once(judge_at(server.url), text) == 1
        assert "half ? a pair" in server.calls


def judged(session, n=60, wrong=lambda row: False):
    """Rows that a judge has answered, wrongly if so instructed."""
    rows = [asked.row for asked in session.ask(n, WHO)]
    session.tell(rows, [int(IS_POSITIVE[row] != wrong(row)) for row in rows], WHO)
    return rows


def test_a_tenth_of_its_answers_is_put_to_people_who_do_not_see_them(session):
    rows = judged(session, 300)
    drawn = [row for row in rows if is_drawn(0, row)]
    assert 15 <= len(drawn) <= 45
    client = at_page(session, "Ada")
    given = client.get("/api/batch?n=100").json()["rows"]
    assert [one["row"] for one in given if one["purpose"]] == drawn
    assert {one["purpose"] for one in given[: len(drawn)]} == {"check"}
    shown = client.get("/api/answers?n=100").json()
    assert shown["n_found"] == 300 - len(drawn)
    listed = [one for answer in given for one in answer["neighbors"] if one["row"] in drawn]
    assert listed
    assert not any(one["is_answered"] or one["said"] for one in listed)
    others = at_page(session, "Bob").get("/api/batch?n=20").json()["rows"]
    assert not {one["row"] for one in others} & set(drawn)  # these are Ada's now


def test_where_a_person_differs_the_person_is_right(tmp_path, session):
    rows = judged(session, 100, wrong=lambda row: row % 7 == 0)
    session.tell(rows, [int(IS_POSITIVE[row]) for row in rows], "Ada")
    assert session.answers == {row: int(IS_POSITIVE[row]) for row in rows}
    judged_again = rows[:10]
    session.tell(judged_again, [int(not IS_POSITIVE[row]) for row in judged_again], WHO)  # a call that was under way
    assert session.answers == {row: int(IS_POSITIVE[row]) for row in rows}
    assert session.disputed == []
    assert set(build_labels_table(session)["who"]) == {"Ada"}
    assert not session.add_import(ImportedFile("d", "n"), [(rows[0], int(not IS_POSITIVE[rows[0]]))]).n_applied
    for _ in rows:
        session.undo("Ada")
    wrong = {row: int(IS_POSITIVE[row] != (row % 7 == 0)) for row in rows[10:]}
    assert {row: session.answers[row] for row in rows[10:]} == wrong
    report = session.add_import(ImportedFile("e", "n"), [(rows[50], 1 - wrong[rows[50]])])
    assert report.n_overruled == 1  # Ada has undone hers
    session.close()
    assert set(SessionFile.read(tmp_path / "s").build_labels_table()["who"]) == {WHO}


def test_a_file_is_right_against_a_judge(session):
    rows = judged(session, 10)
    report = session.add_import(ImportedFile("d", "n"), [(row, int(not IS_POSITIVE[row])) for row in rows])
    assert report.n_applied == 10
    assert session.answers == {row: int(not IS_POSITIVE[row]) for row in rows}


def test_the_agreement_is_that_of_the_rows_drawn(tmp_path, session):
    rows = judged(session, 300, wrong=lambda row: row % 7 == 0)
    drawn = [row for row in rows if is_drawn(0, row)]
    session.tell(rows, [int(IS_POSITIVE[row]) for row in rows], "Ada")  # more than she was asked for
    session.tell(drawn[:1], [None], "Ada")
    pairs = [(int(IS_POSITIVE[row] != (row % 7 == 0)), int(IS_POSITIVE[row])) for row in drawn[1:]]
    (summary,) = session.summarize_judges()
    assert summary.agreement == compare_answers(pairs)
    assert 0 < summary.agreement.n_same < summary.agreement.n == len(drawn) - 1
    words = describe_judges(session)
    assert f"you agree with {summary.agreement.n_same}: " in words
    assert f"Cohen's kappa: {summary.agreement.kappa:.2f}" in words
    assert at_page(session).get("/api/status").json()["judge_words"] == words
    session.close()
    with Session.open(tmp_path / "s", CORPUS) as again:
        assert describe_judges(again) == words


def test_kappa_is_that_of_scikit_learn():
    from sklearn.metrics import cohen_kappa_score

    pairs = [(1, 1)] * 7 + [(0, 0)] * 80 + [(1, 0)] * 3 + [(0, 1)] * 2
    assert compare_answers(pairs).kappa == pytest.approx(cohen_kappa_score(*zip(*pairs, strict=True)))
    assert compare_answers([(0, 0)] * 5).kappa is None
    assert compare_answers([(0, 0)] * 5).low < 0.6
    assert compare_answers([]) is None


def test_a_person_labels_beside_it(session):
    with JudgeServer(by_cluster, seconds=0.01) as server:
        judging = Judging(session, judge_at(server.url), 100, 4)
        client = at_page(session, "Ada", judging)
        judging.start()
        mine = []
        while not judging.wait(0.02):
            for one in client.get("/api/batch?n=3").json()["rows"]:
                client.post("/api/answer", json={"row": one["row"], "answer": int(IS_POSITIVE[one["row"]])})
                mine += [] if one["purpose"] else [one["row"]]
        judging.stop()
    assert len(mine) > 5
    assert not any(TEXTS[row] in server.calls for row in mine)
    assert len(session.answers) == 100 + len(mine)
    assert {said.who for row in session.answers for said in session.list_said(row)} == {WHO, "Ada"}


def test_stopped_it_saves_what_is_under_way(session):
    with JudgeServer(by_cluster, seconds=0.5) as server:
        judging = Judging(session, judge_at(server.url), 100, 8)
        judging.start()
        while len(server.requests) < 8:
            time.sleep(0.01)
        judging.stop()
        assert len(session.answers) == len(server.requests) == 8
        assert judging.problem is None


def test_stopped_it_waits_for_no_server_that_is_stuck(session, monkeypatch):
    monkeypatch.setattr("seals_sim.label.judge.judging.GRACE_SECONDS", 0.3)
    with JudgeServer(by_cluster, seconds=60) as server:
        judging = Judging(session, judge_at(server.url), 100, 8)
        judging.start()
        while len(server.requests) < 8:
            time.sleep(0.01)
        began = time.monotonic()
        judging.stop()
        assert time.monotonic() - began < 3
        assert session.answers == {}


def test_another_instruction_is_noticed_and_a_damaged_record_refused(tmp_path, session):
    with JudgeServer(by_cluster) as server:
        run(session, judge_at(server.url), budget=3)
        other = Judging(session, judge_at(server.url, instruction="Is it new?"), 3)
        assert other.other_instructions == {"": INSTRUCTION}
        assert Judging(session, judge_at(server.url), 3).other_instructions == {}
    session.close()
    with closing(sqlite3.connect(tmp_path / "s")) as database, database:
        database.execute("UPDATE about SET value = '{\"n_calls\": -1}' WHERE name LIKE 'judge:%'")
    with (
        Session.open(tmp_path / "s", CORPUS) as again,
        pytest.raises(UserError, match=r"is damaged \(judge:small"),
    ):
        again.read_judge(WHO)


def test_the_answers_of_a_judge_go_on_in_a_table_that_has_grown(tmp_path, session):
    from dataclasses import replace

    from seals_sim.label.exchange.growth import carry_over, match_session

    rows = judged(session, 20)
    session.add_import(ImportedFile("d", "n"), [(rows[0], int(not IS_POSITIVE[rows[0]]))])
    session.tell(rows[1:2], [int(not IS_POSITIVE[rows[1]])], "Ada")
    with JudgeServer(by_cluster) as server:
        run(session, judge_at(server.url), budget=5)
    answers = session.answers
    session.close()
    now = replace(CORPUS, texts=["another", *TEXTS[1:]], fingerprint="now")
    carry_over(match_session([SessionFile.read(tmp_path / "s")], now.texts, None), now)
    with Session.open(tmp_path / "s", now) as again:
        assert again.answers == {row: answer for row, answer in answers.items() if row}
        assert again.read_judge(WHO).n_calls == 5
        assert again.ask(50)


def test_threads_end(session):
    with JudgeServer(by_cluster) as server:
        run(session, judge_at(server.url), budget=5)
    assert not [thread for thread in threading.enumerate() if thread.name == "judge"]
    assert complete("x")["choices"]


def test_a_page_that_is_shown_before_the_judge_begins_asks_how_far_it_is(session):
    with JudgeServer(by_cluster) as server:
        for begins in (True, False):
            judging = Judging(session, judge_at(server.url), 5)
            client = at_page(session, "Ada", judging)
            assert client.get("/api/status").json()["judge_works"]
            if begins:
                judging.start()
                assert judging.wait(30)
            judging.stop()
            assert not client.get("/api/status").json()["judge_works"]
