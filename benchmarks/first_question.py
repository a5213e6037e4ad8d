"""Time from a table of texts and an empty cache to the page and the first question, to the next ones, and to reopening.

The texts are real: the descriptions of ICD-10-CM. Beyond 74,731 they are REPEATED WITH CHANGES: one word in each is
replaced by a word drawn from all texts. `seals label` runs as a user starts it, in its own process. A simulated person
reads each text for a while and says yes if it contains a given word. CPU seconds are given next to seconds, since other
work on the machine affects the latter.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd

from benchmarks.options import FirstQuestionOptions
from benchmarks.served import ServedPage, read_cpu, read_peak, serving
from seals_sim.cli.terminal import flatten, make_cli, render_command, run_cli
from seals_sim.datasets import read_icd10cm
from seals_sim.randomness import make_generator
from seals_sim.replay.store import write_csv

FILE = "first_question.csv"
_GB = 2**30

app = make_cli("python -m benchmarks.first_question", __doc__)


@app.default
def benchmark_first_question(
    *, options: Annotated[FirstQuestionOptions, flatten("Options")] = FirstQuestionOptions()
) -> None:
    """Measure how long a person waits for the first question, and for the next ones."""
    print(render_command("python -m benchmarks.first_question", options))
    rows = []
    options.work.mkdir(parents=True, exist_ok=True)
    for n in options.n:
        with tempfile.TemporaryDirectory(dir=options.work) as folder:
            rows.append(_measure(n, options, Path(folder)))
        print(pd.DataFrame(rows[-1:]).to_string(index=False, float_format="%.2f"), flush=True)
    _write(options.out / FILE, pd.DataFrame(rows))


def main(words: Any = None) -> None:
    """Run the command."""
    run_cli(app, words)


def list_texts(n: int, seed: int = 0) -> Iterator[str]:
    """Give n texts: the real ones, then the same again with one word of each replaced.

    Examples:
        >>> texts = list(list_texts(80_000))
        >>> texts[0], texts[74_731 + 3] == texts[3], len(texts[74_731 + 3].split()) == len(texts[3].split())
        ('Cholera due to Vibrio cholerae 01, biovar cholerae', False, True)
    """
    texts = read_icd10cm().texts or []
    cut = [text.split() for text in texts]
    words = [word for some in cut for word in some]
    rng = make_generator(seed, "first question")
    drawn, places = rng.integers(len(words), size=n), rng.random(n)
    for number in range(n):
        text = texts[number % len(texts)]
        if number < len(texts):
            yield text
        else:
            changed = list(cut[number % len(texts)])
            changed[int(places[number] * len(changed))] = words[drawn[number]]
            yield " ".join(changed)


def _write(path: Path, rows: pd.DataFrame) -> None:
    """Replace earlier measurements of the same size and kind, and keep the others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        rows = pd.concat([pd.read_csv(path), rows]).drop_duplicates(["n", "embed"], keep="last")
    write_csv(path, rows.sort_values(["n", "embed"]))


def _measure(n: int, options: FirstQuestionOptions, folder: Path) -> dict[str, object]:
    table = folder / "table.jsonl"
    with table.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({"text": text}) + "\n" for text in list_texts(n))
    command = [sys.executable, "-m", "seals_sim.cli.main", "label", str(table), "--like", options.like, "--embed"]
    command += [options.embed, "--cache", str(folder / "cache"), "--no-browser", "--quiet"]
    load = os.getloadavg()[0]
    with serving(command) as (page, pid, start):
        page.open()
        opened = time.perf_counter() - start
        page.call("/api/batch?n=1")
        seconds, peak, processor_seconds = time.perf_counter() - start, read_peak(pid), read_cpu(pid)
        waits = [_answer(page, options) for _ in range(options.answers)]
        status = page.call("/api/status")
        peak_at_end = read_peak(pid)
    again_seconds, again_processor_seconds = _open_again(command)
    return {
        "n": n,
        "embed": options.embed,
        "page_seconds": opened,
        "first_question_seconds": seconds,
        "processor_seconds": processor_seconds,
        "peak_gb": peak / _GB,
        "answers": status["n_answered"],
        "positives": status["n_positive"],
        "next_median_ms": 1000 * float(np.median(waits)),
        "next_worst_ms": 1000 * max(waits),
        "embedded": status["n_embedded"],
        "peak_gb_at_end": peak_at_end / _GB,
        "load_before": load,
        "again_seconds": again_seconds,
        "again_processor_seconds": again_processor_seconds,
    }


def _open_again(command: Sequence[str]) -> tuple[float, float]:
    """Seconds, and CPU seconds, until the session is reopened and its waiting question is back."""
    with serving(command) as (page, pid, start):
        page.call("/api/batch?n=1")
        return time.perf_counter() - start, read_cpu(pid)


def _answer(page: ServedPage, options: FirstQuestionOptions) -> float:
    """Read the question, answer it, and wait for the next: seconds."""
    asked = page.call("/api/batch?n=1")["rows"][0]
    time.sleep(options.read_seconds)
    answer = int(options.positive in asked["text"].lower())
    start = time.perf_counter()
    page.call("/api/answer", {"row": asked["row"], "answer": answer})
    page.call("/api/batch?n=1")
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
