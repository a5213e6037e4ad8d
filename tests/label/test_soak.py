"""Two people use one session at once, doing anything in any order, while the server is killed now and then."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from urllib.parse import quote

import httpx
import pytest

from seals_sim.label.session import Session
from tests.label.small import CORPUS

SERVER = """
import sys
from pathlib import Path
from seals_sim.label.session import Session
from seals_sim.label.web import serve
from tests.label.small import CORPUS, PLAIN
path = Path(sys.argv[1])
session = Session.open(path, CORPUS) if path.exists() else Session.begin(path, CORPUS, ["text 3"], options=PLAIN)
serve(session, open_browser=False, quiet=True, token_beside=path)
"""
N_KILLS, N_ACTIONS = 2, 30


def start(path):
    process = subprocess.Popen([sys.executable, "-c", SERVER, str(path)], stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().strip()


class Person(threading.Thread):
    """Answers, skips, undoes, searches and exports. An answer is resent until a reply comes, as the page does."""

    def __init__(self, name, url, seed):
        super().__init__()
        address, _, token = url.partition("/?token=")
        self.client = httpx.Client(base_url=address, headers={"X-Token": token, "X-Person": quote(name)}, timeout=5)
        self.who, self.rng, self.given, self.problems = name, random.Random(seed), [], []

    def run(self):
        for number in range(N_ACTIONS):
            try:
                self.act(number)
            except AssertionError as error:
                self.problems.append(str(error))

    def call(self, method, path, body=None):
        for attempt in range(400):
            try:
                sent = body and {**body, "is_again": attempt > 0}
                reply = self.client.request(method, path, json=sent)
            except httpx.HTTPError:
                time.sleep(0.1)
                continue
            assert reply.status_code == 200, reply.text
            return reply
        raise AssertionError("the server did not come back")

    def act(self, number):
        action = self.rng.choices(("answer", "undo", "find", "export"), (10, 2, 1, 1))[0]
        if action == "answer":
            row = self.call("GET", "/api/batch?n=2").json()["rows"][0]["row"]
            answer = self.rng.choice((1, 0, 0, None))
            self.call("POST", "/api/answer", {"row": row, "answer": answer, "id": f"{self.who}-{number}"})
            self.given.append((row, answer))
        elif action == "undo":
            try:
                reply = self.client.post("/api/undo", json={})
            except httpx.HTTPError:  # it may have been carried out: the page leaves that to the person
                self.look()
                return
            taken = self.given.pop()[0] if self.given else None
            assert reply.json()["row"] == taken, f"{self.who} took back {reply.json()['row']}, not {taken}"
        elif action == "find":
            self.call("GET", "/api/find?text=text 7")
        else:
            self.call("GET", "/export/labels.csv")

    def look(self):
        """Whether an undo without a reply was carried out."""
        if self.given:
            listed = self.call("GET", "/api/answers?n=100").json()["rows"]
            theirs = {one["row"] for one in listed for said in one["said"] if said["who"] == self.who}
            if self.given[-1][0] not in theirs:
                self.given.pop()


@pytest.mark.slow
def test_nothing_is_lost_and_each_takes_back_their_own(tmp_path):
    path = tmp_path / "s"
    process, url = start(path)
    people = [Person(name, url, seed) for seed, name in enumerate(("Ada", "Bób"))]
    for person in people:
        person.start()
    for _ in range(N_KILLS):
        time.sleep(1)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process, again = start(path)
        assert again == url
    for person in people:
        person.join()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    assert [person.problems for person in people] == [[], []]
    ada, bob = people
    assert not {row for row, _ in ada.given} & {row for row, _ in bob.given}  # they had different rows
    with Session.open(path, CORPUS) as session:
        assert session.answers == dict(ada.given + bob.given)
        for person in people:
            said = [(row, [(one.who, one.answer) for one in session.list_said(row)]) for row, _ in person.given]
            assert said == [(row, [(person.who, answer)]) for row, answer in person.given]  # none twice
