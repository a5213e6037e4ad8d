"""Theorems 1-3 checked: Algorithms 3 and 4 on separable problems with known answers (sections 4, 7.2, 7.3).

Without --problem, --algorithm, --dim and --gamma-over-delta the whole bench runs: every dimension at gamma / delta = 20
and every gamma / delta in 10 dimensions, on three kinds of problems, the pool-based case, and the studies. With any of
them, the product of what is given.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import pandas as pd
from pebble import ProcessExpired, ProcessPool
from tqdm import tqdm

from experiments.theory_bounds.grid import ALGORITHMS, DIMS, PROBLEMS, RATIOS, STUDIES, Job, TheoryOptions, jobs
from experiments.theory_bounds.jobs import (
    BOUND_COLUMNS,
    CHECK_COLUMNS,
    ROUND_COLUMNS,
    STEP_COLUMNS,
    JobRows,
    run_job,
    stopped_job,
)
from experiments.theory_bounds.report import list_findings, write_report
from seals_sim.cli.terminal import Parser, errors_for_people, parse
from seals_sim.disk.files import replacing, require_writable, write_text
from seals_sim.errors import UserError
from seals_sim.replay.options import names
from seals_sim.replay.store import RunFolder, write_csv
from theory.separators import SOLVERS

Value = TypeVar("Value", int, float)
_VERSIONS = ("seals-sim", "numpy", "scipy", "cvxpy", "clarabel", "quadprog", "faiss-cpu", "pandas")


def _list_of(kind: Callable[[str], Value]) -> Callable[[str], tuple[Value, ...]]:
    def parse_list(text: str) -> tuple[Value, ...]:
        try:
            return tuple(kind(part.strip()) for part in text.split(",") if part.strip())
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no comma-separated list of numbers") from None

    return parse_list


def _parser() -> argparse.ArgumentParser:
    default = TheoryOptions()
    parser = Parser(
        prog="python -m experiments.theory_bounds",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    group = parser.add_argument_group("what to run (lists are comma-separated)")
    add = group.add_argument
    whole, real = _list_of(int), _list_of(float)
    add("--problem", type=names, metavar="NAMES", help=f"of {', '.join(PROBLEMS)} (default: all)")
    add("--algorithm", type=names, metavar="NAMES", help=f"of {', '.join(ALGORITHMS)} (default: all)")
    add("--study", type=names, metavar="NAMES",
        help=f"of {', '.join(STUDIES)}: how often searches meet, and what wrong labels do (default: both in the whole "
        "bench, else none)")  # fmt: skip
    add("--dim", type=whole, metavar="D", help=f"dimensions (default: {','.join(map(str, DIMS))})")
    add("--gamma-over-delta", type=real, metavar="RATIOS",
        help=f"distance to the other class, in delta (default: {','.join(f'{r:g}' for r in RATIOS)})")  # fmt: skip
    add("--delta", type=float, default=default.delta, help="radius of a neighbourhood (default: %(default)s)")
    add("--opposite", type=float, default=default.opposite, metavar="C",
        help="Example 1: opposite points at -C e_1 to seeds at e_1 (default: %(default)s)")  # fmt: skip
    add(
        "--margin-scale",
        type=float,
        metavar="M",
        help="Example 1: M (default: 3 gamma sqrt(d-1), 6 sqrt(d-1) at the paper's gamma = 2)",
    )
    add("--rotate", action="store_true", help="Example 1: turn it by a random rotation")
    add("--epsilon", type=real, default=default.epsilon, metavar="EPS", help="errors to reach (default: 1e-2 to 1e-12)")
    add("--noise", type=float, default=0.0, metavar="P", help="flip each label with this probability")
    add("--noise-band", type=float, default=0.0, metavar="W", help="labels are coin tosses within W of the boundary")
    add("--pool-size", type=whole, default=default.pool_size, metavar="N",
        help="points of --algorithm pool (default: 1000,10000,100000)")  # fmt: skip
    add("--passive-queries", type=int, default=default.passive_queries, metavar="N",
        help="labels of --algorithm passive (default: %(default)s)")  # fmt: skip
    add("--seeds", type=int, default=default.seeds, metavar="N", help="random problems a cell (default: %(default)s)")
    group = parser.add_argument_group("run")
    add = group.add_argument
    add("--solver", default=default.solver, metavar="NAME", help=f"of {', '.join(SOLVERS)} (default: %(default)s)")
    add("--seed", type=int, default=default.seed, help="of every random choice (default: %(default)s)")
    add("--jobs", type=int, default=os.cpu_count() or 1, metavar="J", help="processes (default: %(default)s)")
    add("--time-limit", type=float, default=600.0, metavar="SECONDS",
        help="a run that takes longer is stopped and marked (default: %(default)g)")  # fmt: skip
    add("--quiet", action="store_true", help="no progress bar")
    add("--out", type=Path, required=True, metavar="DIR", help="folder for the results")
    return parser


def _options(arguments: argparse.Namespace) -> TheoryOptions:
    given = {field.name: getattr(arguments, field.name) for field in fields(TheoryOptions)}
    chosen = ("problem", "algorithm", "dim", "gamma_over_delta")
    is_whole = all(given[name] is None for name in chosen)
    options = TheoryOptions(**{name: value for name, value in given.items() if value is not None})
    return replace(options, study=STUDIES) if is_whole and arguments.study is None else options


def main(argv: Sequence[str] | None = None) -> None:
    with errors_for_people():
        arguments = parse(_parser(), argv)
        options = _options(arguments)
        for name in ("jobs", "time_limit"):
            if not getattr(arguments, name) > 0:
                raise UserError(f"--{name.replace('_', '-')} {getattr(arguments, name):g}: must be above 0")
        config: dict[str, object] = {
            "experiment": "theory_bounds",
            "command": f"python -m experiments.theory_bounds {arguments.command}",
            "options": asdict(options),
            "versions": {package: version(package) for package in _VERSIONS},
            "data_fingerprint": None,
        }
        RunFolder(arguments.out, config)
        require_writable(arguments.out, "--out")
        todo = jobs(options)
        rows = list(_run_all(todo, options, int(arguments.jobs), arguments.time_limit, arguments.quiet))
        _write(arguments.out, config, rows)
        write_report(arguments.out)
        for line in list_findings(arguments.out):
            print(line)
        if not arguments.quiet:
            print(arguments.out / "index.html", file=sys.stderr)


def _run_all(todo: Sequence[Job], options: TheoryOptions, n_jobs: int, limit: float, quiet: bool) -> Iterator[JobRows]:
    """Rows of all jobs in their order. Each has a process that can be stopped: a solver that hangs does not hear."""
    with ProcessPool(max_workers=min(n_jobs, len(todo))) as pool:
        futures = [pool.schedule(run_job, args=(job, options), timeout=limit) for job in todo]
        try:
            for _ in tqdm(concurrent.futures.as_completed(futures), total=len(todo), desc="runs", disable=quiet):
                pass
        except BaseException:
            pool.stop()
            raise
        for job, future in zip(todo, futures, strict=True):
            try:
                yield future.result()
            except concurrent.futures.TimeoutError:
                status = "timeout"
            except ProcessExpired:
                status = "crashed"
            else:
                continue
            print(f"{job.name}, algorithm {job.algorithm}, d = {job.dim}: {status}", file=sys.stderr)
            yield stopped_job(job, options, status)


def _write(folder: Path, config: dict[str, object], rows: Sequence[JobRows]) -> None:
    write_text(folder / "config.json", json.dumps(config, indent=1) + "\n")
    _write_lines(folder / "problems.jsonl", (json.dumps(job.problem) for job in rows))
    _write_lines(folder / "queries.jsonl", (line for job in rows for line in job.queries))
    for name, columns in (
        ("rounds", ROUND_COLUMNS),
        ("bounds", BOUND_COLUMNS),
        ("checks", CHECK_COLUMNS),
        ("steps", STEP_COLUMNS),
    ):
        table = pd.DataFrame([row for job in rows for row in getattr(job, name)], columns=list(columns))
        for column in table.columns[table.columns.str.startswith("queries_")]:
            table[column] = table[column].astype("Int64")
        write_csv(folder / f"{name}.csv", table)


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


if __name__ == "__main__":
    main()
