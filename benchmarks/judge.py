"""What a judge finds within a budget of calls, compared with one call for each row of the table.

The texts are real: the descriptions of ICD-10-CM. The judge is SIMULATED: a server on this machine that speaks the
protocol and answers by the true labels, with a fraction of its answers flipped, drawn once for each text. The person is
simulated too, and checks by the true labels the tenth of the answers that is put to them.
"""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import uvicorn
from fastapi import FastAPI, Request

from benchmarks.descriptions import read_concepts
from benchmarks.options import JudgeBenchOptions
from seals_sim.cli.terminal import flatten, make_cli, render_command, run_cli
from seals_sim.label.corpus import Corpus, build_corpus
from seals_sim.label.judge.client import Judge
from seals_sim.label.judge.judging import Judging
from seals_sim.label.judge.words import describe_judges
from seals_sim.label.options import SessionOptions
from seals_sim.label.session import Session
from seals_sim.randomness import make_generator

app = make_cli("python -m benchmarks.judge", __doc__)


@app.default
def benchmark_judge(*, options: Annotated[JudgeBenchOptions, flatten("Options")] = JudgeBenchOptions()) -> None:
    """Measure what a simulated judge finds."""
    print(render_command("python -m benchmarks.judge", options))
    texts, concepts = read_concepts(options.concepts)
    corpus = build_corpus(texts, "auto", options.cache, options.model, pool="auto")
    for title, rows in concepts.items():
        positive = {texts[row] for row in rows}
        found = pd.Series(_measure(corpus, title, positive, options))
        print(f"{title}\n{found.to_string(float_format='%.3f')}\n", flush=True)


def main(words: Sequence[str] | None = None) -> None:
    """Run the command."""
    run_cli(app, words)


def _measure(corpus: Corpus, title: str, positive: set[str], options: JudgeBenchOptions) -> dict[str, Any]:
    distinct = list(dict.fromkeys(corpus.texts or ()))
    is_wrong = make_generator(0, "noise of a judge", title).random(len(distinct)) < options.noise
    replies = {text: (text in positive) != wrong for text, wrong in zip(distinct, is_wrong.tolist(), strict=True)}
    with tempfile.TemporaryDirectory() as folder, _serving(replies) as url:
        session = Session.begin(Path(folder) / "session", corpus, [title], options=SessionOptions())
        with session:
            judging = Judging(session, Judge(url, "simulated", title), options.budget, options.parallel)
            start = time.perf_counter()
            judging.start()
            while not judging.wait(1.0):
                pass
            seconds = time.perf_counter() - start
            judging.stop()
            if judging.problem is not None:
                raise judging.problem
            found = {corpus.get_text(row): answer for row, answer in session.distinct_answers.items()}
            checked = [one.row for one in session.ask(session.count_for_people(), "person")]
            session.tell(checked, [int(corpus.get_text(row) in positive) for row in checked], "person")
            agreement = session.summarize_judges()[0].agreement
            assert agreement is not None
            print(describe_judges(session))
            corrected = {corpus.get_text(row): answer for row, answer in session.distinct_answers.items()}
    return {
        "positives": len(positive),
        "table": len(distinct),
        "calls": judging.n_calls,
        "said_yes": sum(answer == 1 for answer in found.values()),
        "true_yes": sum(answer == 1 and text in positive for text, answer in found.items()),
        "seen_positives": sum(text in positive for text in found),
        "checked": len(checked),
        "agreement": agreement.n_same / agreement.n,
        "low": agreement.low,
        "high": agreement.high,
        "kappa": agreement.kappa,
        "true_yes_checked": sum(answer == 1 and text in positive for text, answer in corrected.items()),
        "seconds": seconds,
    }


@contextmanager
def _serving(replies: Mapping[str, bool]) -> Iterator[str]:
    """Start a server that answers by text, and yield its address."""
    application = FastAPI()

    @application.post("/v1/chat/completions")
    async def complete(request: Request) -> dict[str, Any]:
        text = (await request.json())["messages"][-1]["content"]
        message = {"role": "assistant", "content": '{"answer": "%s"}' % ("yes" if replies[text] else "no")}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return {"id": "0", "object": "chat.completion", "created": 0, "model": "simulated", "choices": [choice]}

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(application, log_level="error", lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        server.should_exit = True
        thread.join()


if __name__ == "__main__":
    main()
