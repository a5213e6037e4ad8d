"""Asking, answering, undoing, importing and reopening in any order, checked against a dictionary of answers."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from seals_sim.indexes import ExactIndex
from seals_sim.label.corpus import Corpus
from seals_sim.label.events import ImportedFile
from seals_sim.label.options import SessionOptions
from seals_sim.label.session import Session
from seals_sim.label.types import ImportReport
from tests.conftest import clustered

N_ROWS, N_DISTINCT = 40, 36
VECTORS, _ = clustered(N_ROWS, 6, 4)
CORPUS = Corpus(VECTORS, ExactIndex(VECTORS), "fingerprint", encode=lambda texts: VECTORS[[int(t) for t in texts]])

ROWS, ANSWERS = st.integers(0, N_ROWS - 1), st.sampled_from([1, 0, None])


class SessionMachine(RuleBasedStateMachine):
    """The model: answers by row, latest last; their order; the rows asked; those that the person has decided.

    The last four rows are copies of the first four. When copies are answered together, the model knows only the
    originals.
    """

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "t.seals"
        self.answers, self.order, self.asked, self.decided, self.imported = {}, [], [], set(), set()

    @initialize(
        control_every=st.integers(0, 3),
        strategy=st.sampled_from(["maxent", "most_likely_positive"]),
        copies=st.sampled_from(["together", "apart"]),
        pool=st.sampled_from(["all", "walk", "seals"]),
    )
    def begin(self, control_every, strategy, copies, pool):
        options = SessionOptions(strategy, k=6, control_every=control_every, copies=copies, pool=pool)
        self.n_rows = N_DISTINCT if copies == "together" else N_ROWS
        self.session = Session.begin(self.path, CORPUS, ["3"], options=options)

    def teardown(self):
        if hasattr(self, "session"):
            self.session.close()
        shutil.rmtree(self.folder)

    @property
    def waiting(self):
        return {row for row in self.asked if row not in self.answers}

    def first(self, row):
        return row % self.n_rows

    def ask(self, n):
        rows = [asked.row for asked in self.session.ask(n)]
        seen = set(self.asked) | self.answers.keys()
        assert len(rows) == min(n, len(self.waiting) + self.n_rows - len(seen))
        assert len(set(rows)) == len(rows)
        assert self.waiting <= set(rows) or len(rows) == n <= len(self.waiting)
        self.asked += [row for row in rows if row not in self.waiting]
        assert len(set(self.asked)) == len(self.asked)
        return rows

    def model_answer(self, row, answer):
        self.answers.setdefault(row, []).append(answer)
        self.order.append(row)

    @rule(n=st.integers(0, 5))
    def ask_some(self, n):
        self.ask(n)

    @rule(answer=ANSWERS)
    def answer_next(self, answer):
        for row in self.ask(1):
            self.session.tell([row], [answer])
            self.model_answer(row, answer)
            self.decided.add(row)

    @rule(row=ROWS, answer=ANSWERS)
    def answer_any(self, row, answer):
        self.session.tell([row], [answer])
        self.model_answer(self.first(row), answer)
        self.decided.add(self.first(row))

    @rule()
    def undo(self):
        row = self.order.pop() if self.order else None
        assert self.session.undo() == row
        if row is not None:
            self.decided.add(row)
            self.answers[row].pop()
            if not self.answers[row]:
                del self.answers[row]

    @rule(digest=st.sampled_from("abc"), labels=st.lists(st.tuples(ROWS, ANSWERS), max_size=5))
    def add_import(self, digest, labels):
        report = self.session.add_import(ImportedFile(digest, "labels.json"), labels)
        if digest in self.imported:
            assert report == ImportReport(0, 0, is_repeated=True)
            return
        self.imported.add(digest)
        given = [(self.first(row), answer) for row, answer in labels]
        last = dict(given)
        changes = {
            row: answer for row, answer in last.items() if row not in self.answers or self.answers[row][-1] != answer
        }
        n_mixed = len({row for row, answer in given if answer != last[row]})
        n_decided = len(changes.keys() & self.decided)
        assert report == ImportReport(len(changes) - n_decided, n_decided, n_mixed=n_mixed)
        for row, answer in changes.items():
            if row not in self.decided:
                self.answers.setdefault(row, []).append(answer)

    @rule()
    def reopen(self):
        before = self.session.ask(0), self.session.status()
        self.session.close()
        assert [file.name for file in self.folder.iterdir()] == ["t.seals"]
        self.session = Session.open(self.path, CORPUS)
        assert str((self.session.ask(0), self.session.status())) == str(before)

    @precondition(lambda self: len(self.asked) < self.n_rows)
    @rule()
    def ask_a_reopened_copy_the_same(self):
        copy = self.folder / "copy"
        shutil.copy(self.path, copy)
        n = len(self.waiting) + 3
        with Session.open(copy, CORPUS) as opened:
            asked = opened.ask(n)
        copy.unlink()
        assert [item.row for item in asked] == self.ask(n)
        assert asked == self.session.ask(n)

    @invariant()
    def answers_and_status_agree(self):
        if not hasattr(self, "session"):
            return
        answers = {row: given[-1] for row, given in self.answers.items()}
        labels = {row: answer for row, answer in answers.items() if answer is not None}
        status = self.session.status()
        assert list(self.session.distinct_answers.items()) == list(answers.items())
        copies = {row: answers[self.first(row)] for row in range(N_ROWS) if self.first(row) in answers}
        assert self.session.answers == copies
        assert {asked.row for asked in self.session.ask(status.n_waiting)} == self.waiting
        assert status.n_waiting == len(self.waiting)
        assert (status.n_answered, status.n_positive) == (len(labels), sum(labels.values()))
        assert status.n_skipped == len(answers) - len(labels)
        assert len(status.curve) == sum(row in self.asked for row in labels)
        assert (status.explanation == "") == (0 in labels.values())  # the seed is a positive


TestSession = SessionMachine.TestCase
TestSession.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
