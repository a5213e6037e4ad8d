"""Other libraries at the same task: how long a run of 5.1 takes them, and what they find.

small-text (its SEALS and its AnchorSubsampling, which is AnchorAL), modAL and scikit-activeml (uncertainty sampling
over the whole pool) run on the same task as our MaxEnt-SEALS and MaxEnt-All: the same SIMULATED vectors, seeds, budget,
batches, threads and learner (scikit-learn's logistic regression with its defaults, max_iter=1000). Each runs in its own
process and environment, on the fast path that its documentation gives (see peer_scripts). With two classes the least
confident rows are those with the highest entropy.

The total is the time to choose rows and to train. Loading data and building indexes are timed separately, for us as for
them, and are not part of it. Ratios come from a single run of this command; seconds alone mean little.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd

from benchmarks import ours
from benchmarks.options import PeersOptions
from benchmarks.peer_environments import MODAL, SCIKIT_ACTIVEML, SMALL_TEXT, Environment, PeerError, prepare_python
from benchmarks.peer_figure import draw_bars
from benchmarks.peer_process import Limits, Outcome, run_watched
from seals_sim.cli.terminal import flatten, make_cli, render_command, run_cli
from seals_sim.disk.files import require_writable
from seals_sim.errors import UserError
from seals_sim.replay.store import write_csv

FIRST = "seals-ivf"  # the baseline of the ratios
_EVERYTHING = "all"


@dataclass(frozen=True)
class Peer:
    """One library's way to do the task: its environment, the command that runs it, and a description."""

    environment: Environment
    command: tuple[str, ...]
    does: str


_SMALL_TEXT = ("-m", "benchmarks.peer_scripts.small_text")
_SCIKIT_ACTIVEML = ("-m", "benchmarks.peer_scripts.scikit_activeml")
PEERS = {
    "small-text-seals": Peer(SMALL_TEXT, _SMALL_TEXT, "small-text SEALS, HNSW index"),
    "small-text-anchoral": Peer(SMALL_TEXT, _SMALL_TEXT, "small-text AnchorSubsampling, HNSW index"),
    "modal": Peer(MODAL, ("-m", "benchmarks.peer_scripts.modal"), "modAL, whole pool"),
    "scikit-activeml": Peer(SCIKIT_ACTIVEML, _SCIKIT_ACTIVEML, "scikit-activeml, whole pool"),
    "scikit-activeml-utilities": Peer(SCIKIT_ACTIVEML, _SCIKIT_ACTIVEML, "scikit-activeml, by its utilities"),
}


app = make_cli("python -m benchmarks.peers", __doc__)


@app.default
def benchmark_peers(*, options: Annotated[PeersOptions, flatten("Options")]) -> None:
    """Measure our methods and the peers, and write the table and figure."""
    _require_sensible(options)
    rows: list[dict[str, object]] = []
    for n in options.n:
        rows += _measure_method(n, options)
        write_csv(options.out / "peers.csv", add_ratios(pd.DataFrame(rows)))
    table = add_ratios(pd.DataFrame(rows))
    draw_bars(table, options.out / "peers.png")
    print(f"{render_command('python -m benchmarks.peers', options)}\n{format_table(table)}")


def main(words: Sequence[str] | None = None) -> None:
    """Run the command."""
    run_cli(app, words)


def _require_sensible(options: PeersOptions) -> None:
    if not ours.N_SEEDS < options.budget <= min(options.n):
        problem = f"must be above the {ours.N_SEEDS} seeds and at most n"
        raise UserError(problem, parameter="budget", value=options.budget)
    require_writable(options.work, "work")
    require_writable(options.out, "out")


def _measure_method(n: int, options: PeersOptions) -> list[dict[str, object]]:
    """One row per method, ours first. If a method fails, its row gives the reason."""
    numbers = {name: getattr(options, name) for name in ("k", "budget", "batch", "threads")}
    work = options.work.absolute()
    task = ours.prepare_task(n, options.dimensions, options.seed, work, options.quiet, **numbers)
    limits = Limits(options.ready_timeout, options.timeout)
    rows = []
    labeled: dict[str, set[int]] = {}
    for method in (*ours.METHODS, *options.peers):
        outcome = _run_method(method, task.write_job(method), work, limits)
        labeled[method] = set(outcome.result.get("rows", ()))
        rows.append({"n": n, "method": method, **_make_row(method, outcome, task.n_positive)})
        if not options.quiet:
            print(f"n = {n}, {method}: {outcome.error or f'{outcome.seconds:.2f} s'}", file=sys.stderr)
    shared = {
        method: len(rows_of_method & labeled[_EVERYTHING])
        for method, rows_of_method in labeled.items()
        if rows_of_method
    }
    return [{**row, "shared_with_all": shared.get(str(row["method"]), np.nan)} for row in rows]


def _run_method(method: str, job_file: Path, work: Path, limits: Limits) -> Outcome:
    if method in ours.METHODS:
        return run_watched((sys.executable, "-m", "benchmarks.ours"), job_file, limits)
    peer = PEERS[method]
    try:
        python = prepare_python(peer.environment, work)
    except PeerError as error:
        return Outcome({}, 0.0, str(error))
    return run_watched((str(python), *peer.command), job_file, limits)


def _make_row(method: str, outcome: Outcome, n_positive: int) -> dict[str, object]:
    result: Any = outcome.result
    copied = ("rounds", "n_rounds", "select_seconds", "train_seconds", "index_seconds", "n_labeled", "n_positive")
    return {
        "does": ours.METHODS.get(method) or PEERS[method].does,
        "version": result.get("version", ""),
        "is_finished": not outcome.error,
        "is_timed_out": outcome.is_timed_out,
        **{name: result.get(name, np.nan) for name in copied},
        "total_seconds": outcome.seconds if result else np.nan,
        "recall": result["n_positive"] / n_positive if result else np.nan,
        "peak_bytes": result.get("peak_bytes", np.nan),
        "error": outcome.error,
    }


def add_ratios(table: pd.DataFrame) -> pd.DataFrame:
    """Add `ratio`: total seconds divided by those of our MaxEnt-SEALS at the same n.

    If a run timed out, its ratio is a lower bound; if it failed, it has none.
    """
    first = table[(table["method"] == FIRST) & table["is_finished"]].set_index("n")["total_seconds"]
    ratio = table["total_seconds"] / first.reindex(table["n"]).to_numpy()
    return table.assign(ratio=ratio.where(table["is_finished"] | table["is_timed_out"]))


def format_table(table: pd.DataFrame) -> str:
    """Format the table for printing. A lower bound on a total or ratio is marked with >."""
    lines = []
    for row in table.to_dict("records"):
        bound = ">" if row["is_timed_out"] else ""
        lines.append(
            {
                "n": row["n"],
                "method (SIMULATED data)": row["does"],
                "version": row["version"],
                "select s": _format_number(row["select_seconds"], 2),
                "train s": _format_number(row["train_seconds"], 2),
                "total s": bound + _format_number(row["total_seconds"], 2),
                "ratio": bound + _format_number(row["ratio"], 2),
                "recall": _format_number(row["recall"], 3),
                "as MaxEnt-All": _format_number(row["shared_with_all"], 0),
                "index s": _format_number(row["index_seconds"], 0),
                "peak GB": _format_number(row["peak_bytes"] / 1e9, 1),
                "error": row["error"],
            }
        )
    return str(pd.DataFrame(lines).to_string(index=False))


def _format_number(value: float, digits: int) -> str:
    return "" if np.isnan(value) else f"{value:,.{digits}f}"


if __name__ == "__main__":
    main()
