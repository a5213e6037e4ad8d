"""What a SEALS run costs on tables of up to 10^10 rows and more. The tables are SIMULATED: computed, never stored.

The loop, pool, selectors and learner are those of every other run. Vectors and exact neighbors come from
`benchmarks.procedural_table`. So this measures what grows with the table apart from the index: time, memory and picks.
It says little about how hard a search is. A concept is every second cluster of one topic. The clusters between are
confusers, and the way to the next part of the concept leads through them. All seed positives are in the first part.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.options import ProceduralOptions
from benchmarks.own_process import run_in_own_process
from benchmarks.procedural_table import BLOCK, ProceduralIndex, ProceduralTable
from seals_sim import ArgMax, LabeledRows, LogisticLearner, build_seals_pool, max_entropy, most_likely_positive, run
from seals_sim.cli.terminal import flatten, make_cli, render_command, run_cli
from seals_sim.disk.stages import measure_peak_bytes
from seals_sim.errors import UserError
from seals_sim.evaluate.metrics import count_positives
from seals_sim.randomness import make_generator
from seals_sim.replay.store import write_csv
from seals_sim.types import Row, Rows

_SCORES = {"most_likely_positive": most_likely_positive, "maxent": max_entropy}
_SEEDS = (5, 95)  # 5.1
_TOPIC_ROWS = (2_000, 3_000)

app = make_cli("python -m benchmarks.procedural", __doc__)


@app.default
def benchmark_procedural(
    *,
    options: Annotated[ProceduralOptions, flatten("Options")] = ProceduralOptions(),
) -> None:
    """Run both strategies at every size."""
    if options.k > _TOPIC_ROWS[0] // 5:
        raise UserError("must be at most 400", parameter="k", value=options.k)
    for n in options.n:
        ProceduralTable(n, options.seed)  # rejects invalid sizes before anything runs
    print(render_command("python -m benchmarks.procedural", options))
    runs = []
    for n in options.n:
        for strategy in _SCORES:
            for number in range(options.concepts):
                runs.append(asdict(run_in_own_process(run_search, n, strategy, number, options)))
                write_csv(options.out / "procedural_runs.csv", pd.DataFrame(runs))
    summary = summarize(pd.DataFrame(runs))
    write_csv(options.out / "procedural.csv", summary)
    print("SIMULATED rows, computed by a hash; medians over concepts, the largest peak\n")
    print(summary.to_string(index=False, float_format="%.3g"))


def main(words: Sequence[str] | None = None) -> None:
    """Run the command."""
    run_cli(app, words)


@dataclass(frozen=True)
class SimulatedRun:
    """One search. picks is a digest of the labeled rows, in order; peak_bytes is that of its process, libraries
    included.
    """

    n: int
    strategy: str
    concept: int
    n_labeled: int
    seconds: float
    cpu_seconds: float
    select_seconds: float
    neighbor_seconds: float
    train_seconds: float
    n_candidates: int
    n_positives: int
    recall: float
    n_parts: int
    parts_found: int
    peak_bytes: int
    picks: str


class SimulatedConcept:
    """Every second cluster of a topic.

    Args:
        table: The table.
        number: Which concept.

    Attributes:
        rows: Its rows, sorted.
        parts: The cluster of each row.

    Raises:
        UserError: If no topic has 2,000 to 3,000 rows.
    """

    def __init__(self, table: ProceduralTable, number: int) -> None:
        rows = self._find_topic(table, number)
        cluster = np.floor(table.locate(rows)[2]).astype(np.int64)
        self.rows, self.parts = Rows(rows[cluster % 2 == 0]), cluster[cluster % 2 == 0]
        self._positives = set(self.rows.tolist())

    @staticmethod
    def _find_topic(table: ProceduralTable, number: int) -> Rows:
        n_blocks = table.n // BLOCK
        first = int(make_generator(table.seed, "concept", table.n, number).integers(n_blocks))
        for step in range(min(n_blocks, 1_000)):
            rows = Rows(np.arange(BLOCK) + (first + step) % n_blocks * BLOCK)
            sizes = table.locate(rows)[0]
            fits = np.flatnonzero((sizes >= _TOPIC_ROWS[0]) & (sizes <= _TOPIC_ROWS[1]))
            if len(fits):
                return table.find_topic_rows(int(rows[fits[0]]))
        problem = "no topic of the simulation has the right size for a concept; choose a larger n"
        raise UserError(problem, parameter="n", value=table.n)

    def label(self, query: Row) -> int:
        """The oracle's answer."""
        return int(query in self._positives)

    def draw_seeds(self, table: ProceduralTable, rng: np.random.Generator) -> LabeledRows:
        """Draw positives from the first part, and negatives from anywhere."""
        positives = rng.choice(self.rows[self.parts == 0], _SEEDS[0], replace=False)
        drawn = np.unique(rng.integers(table.n, size=2 * _SEEDS[1]))
        negatives = rng.permutation(np.setdiff1d(drawn, self.rows))[: _SEEDS[1]]
        return LabeledRows(np.concatenate([positives, negatives]), np.repeat([1, 0], [_SEEDS[0], len(negatives)]))


def run_search(n: int, strategy: str, number: int, options: ProceduralOptions) -> SimulatedRun:
    """Search for one concept. Only what the search has reached is held in memory."""
    table = ProceduralTable(n, options.seed)
    concept = SimulatedConcept(table, number)
    seeds = concept.draw_seeds(table, make_generator(options.seed, "seeds", n, number))
    vectors: Any = table  # the loop uses only those parts of an array that the table has
    with threadpool_limits(options.threads):
        start, start_cpu = time.perf_counter(), time.process_time()
        selector = ArgMax(_SCORES[strategy])
        pool = build_seals_pool(seeds, vectors, ProceduralIndex(table), options.k, selector)
        before = time.perf_counter() - start
        learner = LogisticLearner(vectors, n_threads=options.threads)
        rounds = list(run(seeds, pool, learner, selector, concept, options.batch, options.budget))
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - start_cpu
    last = rounds[-1]
    found = last.labeled.rows[last.labeled.labels == 1]
    return SimulatedRun(
        n, strategy, number, len(last.labeled), seconds, cpu_seconds,
        sum(state.seconds.select for state in rounds),
        before + sum(state.seconds.neighbor for state in rounds),
        sum(state.seconds.train for state in rounds),
        last.n_candidates, len(concept.rows), count_positives(last.labeled) / len(concept.rows),
        len(np.unique(concept.parts)), len(np.unique(concept.parts[np.isin(concept.rows, found)])),
        measure_peak_bytes(), hashlib.sha256(last.labeled.rows.tobytes()).hexdigest()[:12],
    )  # fmt: skip


def summarize(runs: pd.DataFrame) -> pd.DataFrame:
    """Medians by size and strategy. growth is the ratio of seconds to those at the first size. The table itself says
    SIMULATED.
    """
    by = runs.groupby(["strategy", "n"], sort=False)
    names = ["seconds", "cpu_seconds", "select_seconds", "neighbor_seconds", "train_seconds", "n_candidates", "recall"]
    table = by[names].median()
    table["parts_found"] = by["parts_found"].sum() / by["n_parts"].sum()
    table["slowest_run"] = by["seconds"].max()
    table["peak_GB"] = by["peak_bytes"].max() / 1e9
    first = table["seconds"].groupby(level="strategy", sort=False).transform("first")
    table["growth"] = table["seconds"] / first
    table = table.reset_index()
    table.insert(0, "data", "SIMULATED")
    return table


if __name__ == "__main__":
    main()
