"""A judge in a session with several concepts: an instruction each, one budget, one call for each row and concept."""

from __future__ import annotations

from collections import Counter

import pytest

from seals_sim import UserError
from seals_sim.label.concepts import Concepts
from seals_sim.label.exchange import SessionFile
from seals_sim.label.exchange.growth import carry_over, match_session
from seals_sim.label.judge.checks import is_drawn
from seals_sim.label.judge.judging import Judging
from seals_sim.label.judge.words import describe_each, describe_judges
from tests.label.judge_server import NO, YES, JudgeServer, number
from tests.label.small import CLUSTER, CORPUS, TEXTS
from tests.label.test_concepts import EXAMPLES, OPTIONS, WANTED
from tests.label.test_judge import WHO, at_page, judge_at, run

pytest.importorskip("openai", reason="the extra [judge] is not installed")
INSTRUCTIONS = {name: f"Is this of cluster {cluster}?" for name, cluster in WANTED.items()}


class TwoConceptServer(JudgeServer):
    """Answers by the number in the instruction, and counts the calls for each instruction and text."""

    def __init__(self, **more):
        super().__init__(self._judge, **more)
        self.asked: Counter[tuple[int, str]] = Counter()

    def _judge(self, text):
        body = next(body for body in reversed(self.requests) if body["messages"][-1]["content"] == text)
        cluster = number(body["messages"][0]["content"])
        self.asked[cluster, text] += 1
        return YES if CLUSTER[number(text)] == cluster else NO


@pytest.fixture
def concepts(tmp_path):
    with Concepts.begin(tmp_path / "s", CORPUS, EXAMPLES, OPTIONS) as opened:
        yield opened


def by_cluster(rows, name):
    return {row: int(CLUSTER[row] == WANTED[name]) for row in rows}


def is_right(concepts):
    return all(one.answers == by_cluster(one.answers, name) for name, one in concepts.sessions.items())


def test_each_concept_has_its_instruction_and_the_budget_is_over_all(tmp_path, concepts):
    with TwoConceptServer() as server:  # one call at a time: the server knows what each text was asked for
        judging = run(concepts, judge_at(server.url, instruction=INSTRUCTIONS), budget=41, n_parallel=1)
        assert judging.lines == [f"{WHO} has spent its budget of 41 calls"]
        assert len(server.requests) == judging.n_calls == 41
        assert [len(one.answers) for one in concepts.sessions.values()] == [21, 20]
        assert is_right(concepts)
        assert all(sum(one.answers.values()) > 5 for one in concepts.sessions.values())
        concepts.close()
        with Concepts.open(tmp_path / "s", CORPUS) as again:
            judging = run(again, judge_at(server.url, instruction=INSTRUCTIONS), budget=41)
            assert judging.lines == [f"{WHO} has spent its budget of 41 calls"]
            assert len(server.requests) == 41
            run(again, judge_at(server.url, instruction=INSTRUCTIONS), budget=90, n_parallel=1)
            assert len(server.requests) == 90
            assert [len(one.answers) for one in again.sessions.values()] == [45, 45]
            assert is_right(again)
    assert set(server.asked.values()) == {1}  # nothing was paid for twice
    assert sum(server.asked.values()) == 90


def test_several_calls_at_once_share_the_concepts(concepts):
    with TwoConceptServer(seconds=0.02) as server:
        run(concepts, judge_at(server.url, instruction=INSTRUCTIONS), budget=60, n_parallel=6)
    assert [len(one.answers) for one in concepts.sessions.values()] == [30, 30]
    assert 3 <= server.most <= 6
    systems = Counter(body["messages"][0]["content"].splitlines()[0] for body in server.requests)
    assert systems == dict.fromkeys(INSTRUCTIONS.values(), 30)
    pairs = Counter((body["messages"][0]["content"], body["messages"][1]["content"]) for body in server.requests)
    assert set(pairs.values()) == {1}


def test_where_one_concept_has_no_row_left_the_others_go_on(concepts):
    rows = range(30, len(TEXTS))
    concepts.sessions["zero"].tell(rows, list(by_cluster(rows, "zero").values()))
    with TwoConceptServer() as server:
        judging = run(concepts, judge_at(server.url, instruction=INSTRUCTIONS), budget=80, n_parallel=1)
    assert judging.n_calls == 80
    said = [sum(one.list_said(row)[0].who == WHO for row in one.answers) for one in concepts.sessions.values()]
    assert said == [30, 50]


def test_a_concept_without_an_instruction_is_left_to_the_person(concepts):
    with TwoConceptServer() as server:
        only = {"one": INSTRUCTIONS["one"]}
        judging = run(concepts, judge_at(server.url, instruction=only), budget=10, n_parallel=1)
        assert judging.left_out == ["zero"]
        assert [len(one.answers) for one in concepts.sessions.values()] == [0, 10]
        with pytest.raises(UserError, match="has no instruction for a concept of this session"):
            Judging(concepts, judge_at(server.url, instruction={"two": "Is it?"}), 10)
        again = Judging(concepts, judge_at(server.url, instruction={**INSTRUCTIONS, "one": "Another?"}), 10)
        assert again.other_instructions == {"one": INSTRUCTIONS["one"]}
        assert again.n_calls == 10


def test_the_agreement_is_shown_for_each_concept(tmp_path, concepts):
    with TwoConceptServer() as server:
        run(concepts, judge_at(server.url, instruction=INSTRUCTIONS), budget=80, n_parallel=1)
    client = at_page(concepts, "Ada")
    checked = {}
    for place, (name, session) in enumerate(concepts.sessions.items()):
        drawn = [row for row in session.answers if is_drawn(0, row)]
        wrong = drawn[0] if name == "one" else None
        for row in drawn:
            answer = int((CLUSTER[row] == WANTED[name]) != (row == wrong))
            client.post(f"/concept/{place}/api/answer", json={"row": row, "answer": answer})
        checked[name] = len(drawn)
        assert f"you agree with {len(drawn) - (name == 'one')}: " in describe_judges(session)
    words = client.get("/concept/all/api/status").json()["judge_words"]
    assert words == describe_each(concepts.sessions.values())
    for name, n in checked.items():
        assert f"{name}: {WHO} has answered 40 rows in 40 calls, " in words
        assert f"Of the {n:,} answers drawn at random that you checked" in words
    assert client.get("/concept/1/api/status").json()["judge_words"] == describe_judges(concepts.sessions["one"])
    concepts.rename("one", "first")
    concepts.close()
    with Concepts.open(tmp_path / "s", CORPUS) as again:
        assert describe_each(again.sessions.values()) == words.replace("one: judge", "first: judge")


def test_where_all_concepts_are_asked_what_is_to_be_checked_is_not_shown(concepts):
    with TwoConceptServer() as server:
        run(concepts, judge_at(server.url, instruction=INSTRUCTIONS), budget=80, n_parallel=1)
    client = at_page(concepts, "Ada")
    first = concepts.sessions["zero"]
    drawn = [row for row in first.answers if is_drawn(0, row)]
    items = {one["row"]: one for one in client.get("/concept/all/api/batch?n=100").json()["rows"]}
    assert set(drawn) <= set(items)
    assert {items[row]["purpose"] for row in drawn if items[row]["concept"] == "zero"} == {"check"}
    assert not any("0" in items[row]["marks"] for row in drawn)
    others = [row for row in first.answers if row in items and row not in drawn]
    assert all(items[row]["marks"]["0"] == first.answers[row] for row in others)


def test_what_is_kept_of_it_goes_on_in_a_table_that_has_grown(tmp_path, concepts):
    from dataclasses import replace

    with TwoConceptServer() as server:
        run(concepts, judge_at(server.url, instruction=INSTRUCTIONS), budget=20, n_parallel=1)
        answers = {name: one.answers for name, one in concepts.sessions.items()}
        concepts.close()
        now = replace(CORPUS, texts=["another", *TEXTS[1:]], fingerprint="now")
        carry_over(match_session(SessionFile.read_all(tmp_path / "s"), now.texts, None), now)
        with Concepts.open(tmp_path / "s", now) as again:
            for name, one in again.sessions.items():
                assert one.answers == {row: answer for row, answer in answers[name].items() if row}
                assert one.read_judge(WHO).instruction == INSTRUCTIONS[name]
            judging = run(again, judge_at(server.url, instruction=INSTRUCTIONS), budget=20)
            assert judging.n_calls == 20 == len(server.requests)
