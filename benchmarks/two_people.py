"""How long people wait when they label one table together: from an answer to the next question, and to reopen the
table.

The data are SIMULATED vectors, served by `seals label --vectors` in its own process over real HTTP. Each person is a
thread that answers without a pause, which no person does, so they wait for each other as often as possible. A start is
measured from the command until the session is open, and until the first question.
"""

from __future__ import annotations

import csv
import hashlib
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from benchmarks.options import TwoPeopleOptions
from benchmarks.served import ServedPage, read_cpu, read_peak, serving
from benchmarks.tables import SimulatedTable
from seals_sim.cli.terminal import flatten, make_cli, render_command, run_cli

_BATCH = 4  # rows that the page keeps ready
_GB = 2**30

app = make_cli("python -m benchmarks.two_people", __doc__)


@app.default
def benchmark_two_people(*, options: Annotated[TwoPeopleOptions, flatten("Options")]) -> None:
    """Measure how long people wait."""
    print(render_command("python -m benchmarks.two_people", options), flush=True)
    table, vectors, is_positive = _write_table(options)
    session = options.work / "two-people.seals"
    session.unlink(missing_ok=True)
    command = [sys.executable, "-m", "seals_sim.cli.main", "label", str(table), "--vectors", str(vectors), "--session"]
    command += [
        str(session),
        "--cache",
        str(options.work / "cache"),
        "--text-column",
        "title",
        "--no-browser",
        "--quiet",
    ]
    people = ["Ada", "Bob", *(f"Person {number}" for number in range(3, options.people + 1))][: options.people]
    load = os.getloadavg()[0]
    with serving(command) as (page, pid, start):
        seconds = _wait_for_session(page, start)
        print(f"a new session: {seconds:.1f} s until it is open (load {load:.1f})", flush=True)
        _answer_first(page, is_positive)
        cpu = read_cpu(pid)
        with ThreadPoolExecutor(len(people)) as threads:
            given = [threads.submit(_answer, page, who, is_positive, options.answers) for who in people]
            waits, asked = zip(*(one.result() for one in given), strict=True)
        cpu = (read_cpu(pid) - cpu) / (len(people) * options.answers)
    half, most = 1000 * np.percentile(np.concatenate(waits), [50, 95])
    worst = 1000 * max(map(max, waits))
    print(
        f"{len(people)} people, {options.answers} answers each: from an answer to the next question {half:.0f} ms "
        f"(median), {most:.0f} (95 %), {worst:.0f} (worst), "
        f"{1000 * cpu:.0f} of a processor (load {os.getloadavg()[0]:.1f})"
    )
    if len(people) == 1:  # with several people, the questions depend on who is first
        print(f"what was asked: {hashlib.sha256(repr(asked).encode()).hexdigest()[:16]}")
    for _ in range(options.starts):
        load = os.getloadavg()[0]
        with serving(command) as (page, pid, start):
            seconds = _wait_for_session(page, start)
            page.call(f"/api/batch?n={_BATCH}", who=people[0])
            first = time.perf_counter() - start
            cpu, peak = read_cpu(pid), read_peak(pid) / _GB
        print(
            f"opened again: {seconds:.2f} s, {first:.2f} to the first question, "
            f"{cpu:.2f} of processors, {peak:.2f} GB (load {load:.1f})",
            flush=True,
        )


def main(words: Sequence[str] | None = None) -> None:
    """Run the command."""
    run_cli(app, words)


def _write_table(options: TwoPeopleOptions) -> tuple[Path, Path, NDArray[np.bool_]]:
    """Write a table of titles and its vectors. Also return which rows are positive."""
    simulated = SimulatedTable(options.n, options.dimensions)
    clusters = simulated.draw_clusters()
    stem = f"two-people-{options.n}-{options.dimensions}"
    options.work.mkdir(parents=True, exist_ok=True)
    table, array = options.work / f"{stem}.csv", options.work / f"{stem}.npy"
    if not array.exists():
        vectors, _ = simulated.store_vectors(clusters, np.float16, options.work / stem, quiet=True)
        np.save(array, vectors)
        with table.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["title"])
            writer.writerows([f"SIMULATED title of row {row}"] for row in range(options.n))
    return table, array, simulated.mark_positives(clusters, 0)


def _wait_for_session(page: ServedPage, start: float) -> float:
    """Seconds from the start until the session is open; the page is available before."""
    page.call("/api/status")
    return time.perf_counter() - start


def _answer_first(page: ServedPage, is_positive: NDArray[np.bool_]) -> None:
    """Give a few answers of each kind, as after a search for rows similar to one."""
    for row in [*np.flatnonzero(is_positive)[:5].tolist(), *np.flatnonzero(~is_positive)[:5].tolist()]:
        page.call("/api/answer", {"row": row, "answer": int(is_positive[row])})


def _answer(page: ServedPage, who: str, is_positive: NDArray[np.bool_], n: int) -> tuple[list[float], list[int]]:
    """Answer n questions. Return the seconds from each answer to the next question, and the rows asked about."""
    waits, asked = [], []
    rows = page.call(f"/api/batch?n={_BATCH}", who=who)["rows"]
    for _ in range(n):
        row = rows[0]["row"]
        asked.append(row)
        start = time.perf_counter()
        page.call("/api/answer", {"row": row, "answer": int(is_positive[row])}, who)
        rows = page.call(f"/api/batch?n={_BATCH}", who=who)["rows"]
        waits.append(time.perf_counter() - start)
    return waits, asked


if __name__ == "__main__":
    main()
