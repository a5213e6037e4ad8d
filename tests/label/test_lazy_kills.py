"""Sessions killed while a thread embeds the rest: no answer is lost, and the questions are the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from contextlib import closing
from dataclasses import replace

import pytest

from seals_sim.label.journal import Journal
from seals_sim.label.options import GROWTH
from seals_sim.label.session import Session
from tests.label.small import IS_POSITIVE, forget_options
from tests.label.small_lazy import LIKE, OPTIONS, N, open_corpus
from tests.label.test_lazy import search

KILLED = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from seals_sim.label.session import Session
    from tests.label.small import answer_by_cluster
    from tests.label.small_lazy import LIKE, OPTIONS, Model, open_corpus
    folder = Path(sys.argv[1])
    corpus, path = open_corpus(folder / "store", Model(seconds=0.005)), folder / "s"
    session = Session.open(path, corpus) if path.exists() else Session.begin(path, corpus, LIKE, [], OPTIONS)
    print(corpus.lazy.n_embedded, flush=True)
    session.embed_in_background()
    while True:
        print(*answer_by_cluster(session, 1), flush=True)
    """
)


@pytest.mark.slow
def test_a_kill_while_the_rest_is_embedded_loses_no_answer_and_changes_no_question(tmp_path):
    acknowledged, n_embedded = [], []
    for n_answers in (1, 6, 9):
        command = [sys.executable, "-c", KILLED, str(tmp_path / "killed")]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=os.getcwd())
        n_embedded.append(int(process.stdout.readline()))
        acknowledged += [int(process.stdout.readline()) for _ in range(n_answers)]
        process.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in process.stdout.read().splitlines()]  # printed before the kill came
        process.wait()
        process.stdout.close()
    corpus = open_corpus(tmp_path / "killed" / "store")
    assert n_embedded[0] < n_embedded[-1] <= corpus.lazy.n_embedded < N
    with Session.open(tmp_path / "killed" / "s", corpus) as session:
        given = list(session.distinct_answers)
    corpus.lazy.close()
    assert set(acknowledged) <= set(given), "an answer that was acknowledged is there"
    other = open_corpus(tmp_path / "store")
    assert search(tmp_path / "s", other, len(given)) == given
    other.lazy.close()


def test_an_early_session_brings_as_many_as_it_did(tmp_path):
    corpus = open_corpus(tmp_path / "store")
    with Session.begin(tmp_path / "s", corpus, LIKE, [], replace(OPTIONS, k=10)) as session:
        assert session.options.widening == OPTIONS.widening
    forget_options(tmp_path / "s", "widening")
    with Session.open(tmp_path / "s", corpus) as session:
        assert [session.options.count_neighbors(n) for n in (0, 300, 1000, 5000)] == [20, 26, 40, 40]
    corpus.lazy.close()


def test_the_later_a_positive_is_found_the_more_neighbors_it_brings(tmp_path):
    options = replace(OPTIONS, k=10, control_every=0)
    corpus = open_corpus(tmp_path / "store")
    with Session.begin(tmp_path / "s", corpus, LIKE, [], options) as session:
        session.tell([int(IS_POSITIVE.nonzero()[0][-1])], [1])
        others = [row for row in range(N) if not IS_POSITIVE[row]][:150]
        session.tell(others, [0] * len(others))
        session.tell([int(IS_POSITIVE.nonzero()[0][-2])], [1])
    with closing(Journal(tmp_path / "s")) as journal:
        brought = [len(event.neighbors) for event in journal.read_events() if event.neighbors is not None]
    assert brought == [50, 50 + 50 * 151 // GROWTH]
    with Session.open(tmp_path / "s", corpus) as session:
        assert session.status().n_answered == 152
    corpus.lazy.close()
