"""The theory bench, from its options to the report."""

from __future__ import annotations

import concurrent.futures
import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd
from pebble import ProcessExpired, ProcessPool
from tqdm import tqdm

from experiments.theory_bounds.grid import Job, list_jobs
from experiments.theory_bounds.jobs import (
    BOUND_COLUMNS,
    CHECK_COLUMNS,
    DIVERSITY_COLUMNS,
    ROUND_COLUMNS,
    STEP_COLUMNS,
    JobRows,
    make_stopped_job,
    run_job,
)
from experiments.theory_bounds.options import TheoryExecution, TheoryOptions
from experiments.theory_bounds.plugins import compute_fingerprint, load_plugins
from experiments.theory_bounds.report import list_findings, write_report
from experiments.theory_bounds.rows import RUN_FILES
from seals_sim.disk.files import replacing, require_writable
from seals_sim.replay.seal import sealing
from seals_sim.replay.store import RunFolder, RunIdentity, RunStore, get_versions, to_json, write_csv
from seals_sim.runtime import end_with_parent

_VERSIONS = ("seals-sim", "numpy", "scipy", "cvxpy", "clarabel", "quadprog", "faiss-cpu", "pandas")


def run_bench(options: TheoryOptions, execution: TheoryExecution, command: str = "") -> list[str]:
    """Run the bench and write its rows and report.

    Args:
        options: What to run.
        execution: Where and how to run it.
        command: The command line, for the report.

    Returns:
        The findings, one paragraph each.

    Raises:
        UserError: If the folder holds another run or anything else, or if a name or a plugin is unknown.
    """
    load_plugins(options)
    out = execution.out
    about = {"command": command, "execution": to_json(execution), "versions": get_versions(_VERSIONS)}
    folder = RunFolder(out, RunIdentity("theory_bounds", options, compute_fingerprint(options)), about)
    require_writable(out, "out")
    folder.begin()
    store = RunStore(out)
    todo, finished = list_jobs(options), store.finished()
    missing = [job for job in todo if job.key not in finished]
    stopped = _run_all(missing, options, execution, store)
    rows = [stopped[job] if job in stopped else _restore(store, job) for job in todo]
    with sealing(out, RUN_FILES):
        _write_rows(out, rows)
    store.remove()
    page = write_report(out)
    if not execution.quiet:
        print(page, file=sys.stderr)
    return list_findings(out)


def _run_all(
    todo: Sequence[Job], options: TheoryOptions, execution: TheoryExecution, store: RunStore
) -> dict[Job, JobRows]:
    """Run jobs and keep each finished one at once; return the rows of the stopped ones, which are not kept.

    Each job has a process that can be killed: a solver that hangs does not react.
    """
    stopped: dict[Job, JobRows] = {}
    if not todo:
        return stopped
    n_workers, watching = min(execution.jobs, len(todo)), {"initializer": end_with_parent, "initargs": (os.getpid(),)}
    with ProcessPool(max_workers=n_workers, **watching) as pool:
        jobs = {pool.schedule(run_job, args=(job, options), timeout=execution.time_limit): job for job in todo}
        try:
            done = concurrent.futures.as_completed(jobs)
            for future in tqdm(done, total=len(todo), desc="runs", disable=execution.quiet):
                job = jobs[future]
                try:
                    _keep(store, job, future.result())
                    continue
                except concurrent.futures.TimeoutError:
                    status = "timeout"
                except ProcessExpired:
                    status = "crashed"
                print(f"{job.problem}, algorithm {job.algorithm}, d = {job.dim}: {status}", file=sys.stderr)
                stopped[job] = make_stopped_job(job, options, status)
        except BaseException:
            pool.stop()
            raise
    return stopped


def _keep(store: RunStore, job: Job, rows: JobRows) -> None:
    """Keep a finished job as JSON, which keeps every number exactly."""
    text = json.dumps(asdict(rows), default=lambda value: value.item())
    store.save(job.key, {"rows": pd.DataFrame({"json": [text]})})


def _restore(store: RunStore, job: Job) -> JobRows:
    return JobRows(**json.loads(store.read(job.key, "rows")["json"].iloc[0]))


def _write_rows(folder: Path, rows: Sequence[JobRows]) -> None:
    _write_lines(folder / "problems.jsonl", (json.dumps(job.problem) for job in rows))
    _write_lines(folder / "queries.jsonl", (line for job in rows for line in job.queries))
    for name, columns in (
        ("rounds", ROUND_COLUMNS),
        ("bounds", BOUND_COLUMNS),
        ("checks", CHECK_COLUMNS),
        ("steps", STEP_COLUMNS),
        ("diversity", DIVERSITY_COLUMNS),
    ):
        table = pd.DataFrame([row for job in rows for row in getattr(job, name)], columns=list(columns))
        for column in table.columns[table.columns.str.startswith("queries_")]:
            table[column] = table[column].astype("Int64")
        write_csv(folder / f"{name}.csv", table)


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
