"""How long a person waits: from an answer to the next rows to be answered, and for a session to open again.

SIMULATED vectors and the neighbor index of benchmarks.rounds, in the same work folder. The calls are those of the
page, without the network between: an answer, on which a model is trained, and then the next ten rows in JSON.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.tables import SimulatedTable
from seals_sim.cli.terminal import Parser, errors_for_people, parse
from seals_sim.label.corpus import Corpus
from seals_sim.label.session import Session
from seals_sim.label.types import SessionOptions
from seals_sim.label.web.app import make_app

_BATCH = 10


def main(argv: Sequence[str] | None = None) -> None:
    parser = Parser(prog="python -m benchmarks.session", description=__doc__)
    parser.add_argument("--n", type=int, default=1_000_000)
    parser.add_argument("--dimensions", type=int, default=256, metavar="D")
    parser.add_argument("--k", type=int, default=100)
    parser.add_argument("--answers", type=int, nargs="+", default=[200, 2_000], help="to measure up to")
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="of benchmarks.rounds, or a new one")
    arguments = parse(parser, argv)
    with errors_for_people(), tempfile.TemporaryDirectory() as folder:
        print(f"python -m benchmarks.session {arguments.command}")
        corpus, is_positive = _build_corpus(arguments)
        path = Path(folder) / "session"
        Session.begin(path, corpus, options=SessionOptions(k=arguments.k)).close()
        for n_answers in sorted(arguments.answers):
            _measure(path, corpus, is_positive, n_answers)


def _build_corpus(arguments: argparse.Namespace) -> tuple[Corpus, np.ndarray[Any, np.dtype[np.bool_]]]:
    """The table, and which of its rows are positive."""
    table = SimulatedTable(arguments.n, arguments.dimensions)
    clusters = table.draw_clusters()
    index = table.build_index(clusters, arguments.work / f"n-{arguments.n}", quiet=True)
    return Corpus(index.vectors, index, index.digest), table.mark_positives(clusters, 0)


def _measure(path: Path, corpus: Corpus, is_positive: np.ndarray[Any, np.dtype[np.bool_]], n_answers: int) -> None:
    with Session.open(path, corpus) as session:
        if not session.answers:
            first = np.concatenate([np.flatnonzero(is_positive)[:5], np.flatnonzero(~is_positive)[:5]])
            session.tell(first.tolist(), is_positive[first].astype(int).tolist())
        n_before = len(session.answers)
        call = _make_call(session)
        waiting: list[float] = []
        call("GET", f"/api/batch?n={_BATCH}")
        while len(session.answers) < n_answers:
            rows = [item["row"] for item in call("GET", f"/api/batch?n={_BATCH}")["rows"]]
            for row in rows:

                def answer_and_next(row: int = row) -> object:
                    call("POST", "/api/answer", {"row": row, "answer": int(is_positive[row])})
                    return call("GET", f"/api/batch?n={_BATCH}")

                waiting.append(_time(answer_and_next))
        half, most = 1000 * np.percentile(waiting, [50, 95])
        print(
            f"answers {n_before:,} to {len(session.answers):,}, {session.status().n_candidates:,} candidates: from an "
            f"answer to the next rows {half:.0f} ms (median), {most:.0f} (95 %), {1000 * max(waiting):.0f} (worst)"
        )
    print(f"opened with {n_answers:,} answers: {1000 * _time(lambda: Session.open(path, corpus).close()):.0f} ms")


def _make_call(session: Session) -> Callable[..., Any]:
    """The page's calls, in this process."""
    from fastapi.testclient import TestClient  # of the tests: httpx is no dependency of the library

    client = TestClient(make_app(session, "token", "127.0.0.1", 80, "benchmark"), base_url="http://127.0.0.1")

    def call(method: str, path: str, content: object = None) -> Any:
        reply = client.request(method, path, json=content, headers={"X-Token": "token"})
        reply.raise_for_status()
        return reply.json()

    return call


def _time(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
