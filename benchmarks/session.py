"""How long a person waits: from an answer to the next rows, and for a session to reopen.

Uses SIMULATED vectors and the neighbor index of benchmarks.rounds in the same work folder. The calls are those of the
page, but without a network: an answer, on which a model is trained, and then the next ten rows in JSON.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from benchmarks.options import SessionBenchOptions
from benchmarks.tables import SimulatedTable
from seals_sim.cli.terminal import flatten, make_cli, render_command, run_cli
from seals_sim.label.corpus import Corpus
from seals_sim.label.options import SessionOptions
from seals_sim.label.session import Session
from seals_sim.label.web.app import make_app

_BATCH = 10


app = make_cli("python -m benchmarks.session", __doc__)


@app.default
def benchmark_session(*, options: Annotated[SessionBenchOptions, flatten("Options")]) -> None:
    """Measure how long a person waits."""
    with tempfile.TemporaryDirectory() as folder:
        print(render_command("python -m benchmarks.session", options))
        corpus, is_positive = _build_corpus(options)
        path = Path(folder) / "session"
        Session.begin(path, corpus, options=SessionOptions(k=options.k)).close()
        for n_answers in sorted(set(options.answers)):
            _measure(path, corpus, is_positive, n_answers)


def main(words: Sequence[str] | None = None) -> None:
    """Run the command."""
    run_cli(app, words)


def _build_corpus(options: SessionBenchOptions) -> tuple[Corpus, np.ndarray[Any, np.dtype[np.bool_]]]:
    """The table, and which of its rows are positive."""
    table = SimulatedTable(options.n, options.dimensions)
    clusters = table.draw_clusters()
    index = table.build_index(clusters, options.work / f"n-{options.n}", quiet=True)
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
    """Return a function that makes the page's calls in this process."""
    from fastapi.testclient import TestClient  # imported here: httpx is a dependency of the tests only

    client = TestClient(make_app(session, "token", "127.0.0.1", "benchmark"), base_url="http://127.0.0.1")

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
