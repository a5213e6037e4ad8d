"""Cost of looking up places in an array of all rows, and in a dict of those that entered, as the table grows.

100 random rows enter, 2,000 times, as in a run of 2,000 labels. Neighbors from one cluster share memory
pages if they lie side by side in the table, so the array takes less there. Each line is measured in a new process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.own_process import run_in_own_process
from seals_sim.cli.terminal import make_cli, run_cli
from seals_sim.disk.stages import measure_peak_bytes
from seals_sim.search.entries import DenseEntries, Entries, SparseEntries
from seals_sim.types import Rows

app = make_cli("python -m benchmarks.entries", __doc__)

_KINDS: dict[str, Callable[[int], Entries]] = {"array": DenseEntries, "dict": lambda n: SparseEntries()}
_SIZES = (10**6, 10**7, 10**8, 10**9)


def measure(kind: str, n: int) -> str:
    """Enter the rows, and return a line with the cost."""
    rng, n_entered = np.random.default_rng(0), 0
    picks = [Rows(np.unique(rng.integers(n, size=100))) for _ in range(2_000)]
    before, start = measure_peak_bytes(), time.process_time()
    entries = _KINDS[kind](n)
    for rows in picks:
        new = Rows(rows[entries.get(rows) == 0])
        entries.set(new, np.arange(n_entered + 1, n_entered + len(new) + 1))
        n_entered += len(new)
    milliseconds = 1e3 * (time.process_time() - start)
    return f"{n:>13,} rows, {kind:5}: {milliseconds:4.0f} ms, {(measure_peak_bytes() - before) / 1e6:6,.0f} MB"


@app.default
def benchmark_entries() -> None:
    """Measure both at every size."""
    for n in _SIZES:
        for kind in _KINDS:
            print(run_in_own_process(measure, kind, n))


def main(words: Sequence[str] | None = None) -> None:
    """Run the command."""
    run_cli(app, words)


if __name__ == "__main__":
    main()
