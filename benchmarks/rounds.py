"""What a run of 5.1 costs as the pool grows: the full scan, SEALS with each kind of neighbours, and retrieval by w.

All of a size are measured in one process on the same SIMULATED vectors, seeds and threads; ratios between them mean
something, seconds alone do not. Neighbours for seals-graph are those that the same run has asked of the index before,
read from disk: a look-up costs the same whether the other rows of the graph are there or not.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.tables import SimulatedTable
from experiments.command import Parser, errors_for_people, parse
from experiments.options import names
from experiments.store import write_csv
from seals_sim import (
    AllPool,
    ArgMax,
    LabeledRows,
    LabelTable,
    LinearModel,
    LogisticLearner,
    NeighborIndex,
    Round,
    SealsPool,
    draw_seeds,
    max_entropy,
    most_likely_positive,
    run,
)
from seals_sim.candidates import Rows, StoredVectors
from seals_sim.errors import UserError
from seals_sim.graph import StoredGraph
from seals_sim.ivf import N_PROBE, IVFIndex, build_ivf, measured_recall
from seals_sim.metrics import n_positive
from seals_sim.randomness import generator
from seals_sim.retrieval import CodedSearch, CodedTable
from seals_sim.stages import peak_bytes

METHODS = ("seals-ivf", "seals-graph", "all", "all-int8", "retrieval")
_OF_MLP_ALONE = ("all-int8", "retrieval")
_STRATEGIES = {"maxent": max_entropy, "most_likely_positive": most_likely_positive}
_SEEDS = (5, 95)  # 5.1


@dataclass(frozen=True)
class Timing:
    """One run: seconds in all, positives found as a part of those there are."""

    n: int
    method: str
    strategy: str
    concept: int
    repeat: int
    select_seconds: float
    neighbor_seconds: float
    train_seconds: float
    recall: float
    n_candidates: int
    peak_bytes: int


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m benchmarks.rounds", description=__doc__)
    parser.add_argument("--n", type=int, nargs="+", default=[100_000, 1_000_000], help="sizes of the pool")
    parser.add_argument("--dimensions", type=int, default=256, metavar="D")
    parser.add_argument("--k", type=int, default=100)
    parser.add_argument("--budget", type=int, default=2_000, metavar="T")
    parser.add_argument("--batch", type=int, default=100, metavar="b")
    parser.add_argument("--concepts", type=int, default=3, metavar="N")
    parser.add_argument("--repeats", type=int, default=1, metavar="N")
    parser.add_argument("--methods", type=names, default=METHODS, metavar="NAMES", help=f"of {', '.join(METHODS)}")
    parser.add_argument("--n-probe", type=int, default=N_PROBE, metavar="N")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="for vectors and indexes")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="for rounds.csv and summary.csv")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    arguments = parse(_parser(), argv)
    with errors_for_people():
        for name in arguments.methods:
            if name not in METHODS:
                raise UserError(f"--methods {name}: there is no such method; choose from {', '.join(METHODS)}")
        rows, indexes = [], []
        for n in arguments.n:
            timings, index = _measured(n, arguments)
            rows += timings
            indexes.append(index)
        table = pd.DataFrame([asdict(row) for row in rows])
        write_csv(arguments.out / "rounds.csv", table)
        write_csv(arguments.out / "indexes.csv", pd.DataFrame(indexes))
        summary = summarized(table)
        write_csv(arguments.out / "summary.csv", summary)
        print(f"python -m benchmarks.rounds {arguments.command}\n{pd.DataFrame(indexes).to_string(index=False)}")
        print(f"{summary.to_string(index=False, float_format='%.3f')}\n{exponents(summary).to_string(name=True)}")


def _measured(n: int, arguments: argparse.Namespace) -> tuple[list[Timing], dict[str, object]]:
    table = SimulatedTable(n, arguments.dimensions, seed=arguments.seed)
    folder, quiet = arguments.work / f"n-{n}", arguments.quiet
    clusters = table.clusters()
    vectors, stored = table.stored(clusters, np.float16, folder, quiet)
    rng = generator(arguments.seed, "index", n)
    index, _ = build_ivf(vectors, stored.stage.digest, folder, rng, arguments.n_probe, quiet)
    some = generator(arguments.seed, "measured").choice(n, 200, replace=False)
    recall, milliseconds = measured_recall(index, vectors, some, arguments.k)
    measured = {"build_seconds": index.build_seconds, "recall": recall, "milliseconds": milliseconds}
    about: dict[str, object] = {"n": n, **measured}

    scanned, _ = table.stored(clusters, np.float32, folder, quiet)
    bench = _Bench(vectors, scanned, index, folder, arguments)
    concepts = []
    for positives in table.concepts(clusters, arguments.concepts):
        concepts.append(np.zeros(n, dtype=np.bool_))
        concepts[-1][positives] = True
    timings = []
    for method in arguments.methods:
        bench.timed(method, "most_likely_positive", 0, 0, concepts[0])  # not counted: the first finds no page in memory
        for number, repeat, strategy in itertools.product(range(len(concepts)), range(arguments.repeats), _STRATEGIES):
            if method in _OF_MLP_ALONE and strategy != "most_likely_positive":
                continue
            timings.append(bench.timed(method, strategy, number, repeat, concepts[number]))
            if not quiet:
                print(timings[-1], file=sys.stderr)
    return timings, about


class _Remembering:
    """An index whose answers are kept."""

    build_seconds = 0.0

    def __init__(self, index: NeighborIndex) -> None:
        self._index = index
        self.answers: dict[int, Rows] = {}

    def neighbors(self, rows: Rows, k: int) -> list[Rows]:
        found = self._index.neighbors(rows, k)
        self.answers.update(zip(rows.tolist(), found, strict=True))
        return found

    def graph(self, k: int, path: Path) -> StoredGraph:
        """All answers so far, on disk."""
        rows = np.array(sorted(self.answers))
        found = np.full((len(rows), k), -1, dtype=np.int32)
        for place, row in enumerate(rows.tolist()):
            found[place, : len(self.answers[row])] = self.answers[row]
        np.save(path, found)
        return StoredGraph(rows, np.load(path, mmap_mode="r"))


class _Bench:
    """One table with its index, and the codes of all its rows when they are first needed."""

    def __init__(
        self,
        vectors: StoredVectors,
        scanned: StoredVectors,
        index: IVFIndex,
        folder: Path,
        arguments: argparse.Namespace,
    ) -> None:
        self._vectors, self._scanned, self._index, self._folder = vectors, scanned, index, folder
        self._arguments = arguments
        self._coded = functools.cache(lambda: CodedTable(vectors, arguments.threads))

    def timed(self, method: str, strategy: str, concept: int, repeat: int, is_positive: NDArray[np.bool_]) -> Timing:
        """One run of the loop, from its seeds to the budget."""
        rng = generator(self._arguments.seed, "seeds", len(is_positive), concept, repeat)
        seeds = draw_seeds(is_positive, *_SEEDS, rng)
        index: NeighborIndex = self._index
        if method == "seals-graph":
            remembering = _Remembering(index)
            self._last(self._parts("seals-ivf", strategy, seeds, remembering), seeds, is_positive)
            index = remembering.graph(self._arguments.k, self._folder / "asked.npy")
        seconds, last = self._last(self._parts(method, strategy, seeds, index), seeds, is_positive)
        return Timing(
            len(is_positive), method, strategy, concept, repeat, *seconds,
            n_positive(last.labeled) / int(is_positive.sum()), last.n_candidates, peak_bytes(),
        )  # fmt: skip

    def _parts(self, method: str, strategy: str, seeds: LabeledRows, index: NeighborIndex) -> tuple[Any, Any]:
        """Pool and selector; made anew for each run, within its time."""
        ranked = ArgMax(_STRATEGIES[strategy])
        match method:
            case "seals-ivf":
                return lambda: SealsPool(seeds, self._vectors, index, self._arguments.k, ranked.likely), ranked
            case "seals-graph":
                return lambda: SealsPool(seeds, self._vectors, index, self._arguments.k), ranked
            case "all":
                return lambda: AllPool(seeds, self._scanned), ranked
            case "all-int8":
                return lambda: AllPool(seeds, self._vectors), CodedSearch(self._coded())
            case "retrieval":
                return lambda: AllPool(seeds, self._vectors), CodedSearch(self._index)
        raise AssertionError(method)

    def _last(
        self, parts: tuple[Any, Any], seeds: LabeledRows, is_positive: NDArray[np.bool_]
    ) -> tuple[tuple[float, float, float], Round[LabeledRows, LinearModel]]:
        """Seconds (selection, neighbours with those of the seeds, training) and the last round."""
        make_pool, selector = parts
        options = self._arguments
        with threadpool_limits(options.threads):
            start = time.perf_counter()
            pool = make_pool()
            before = time.perf_counter() - start
            learner = LogisticLearner(self._vectors, n_threads=options.threads)
            rounds = list(run(seeds, pool, learner, selector, LabelTable(is_positive), options.batch, options.budget))
        spent = [(state.seconds.select, state.seconds.neighbor, state.seconds.train) for state in rounds]
        select, neighbor, train = np.sum(spent, axis=0).tolist()
        return (select, neighbor + before, train), rounds[-1]


def summarized(table: pd.DataFrame) -> pd.DataFrame:
    """Medians by size, method and strategy. speedup: the full scan's total over this one's, of the same strategy."""
    seconds = ["select_seconds", "neighbor_seconds", "train_seconds"]
    table = table.assign(total_seconds=table[seconds].sum(axis=1))
    by = ["n", "strategy", "method"]
    measured = [*seconds, "total_seconds", "recall", "n_candidates"]
    found = table.groupby(by, sort=False)[measured].median()
    found["peak_GB"] = table.groupby(by, sort=False)["peak_bytes"].max() / 1e9
    found = found.reset_index()
    scans = found[found["method"] == "all"].set_index(["n", "strategy"])["total_seconds"]
    keys = pd.MultiIndex.from_frame(found[["n", "strategy"]])
    return found.assign(speedup=scans.reindex(keys).to_numpy() / found["total_seconds"])


def exponents(summary: pd.DataFrame) -> pd.Series:
    """The a of total seconds ~ n^a, fitted by method and strategy; nan where there is one size."""

    def slope(part: pd.DataFrame) -> float:
        if part["n"].nunique() < 2:
            return np.nan
        return float(np.polyfit(np.log(part["n"]), np.log(part["total_seconds"]), 1)[0])

    return pd.Series({names: slope(part) for names, part in summary.groupby(["method", "strategy"])}, name="exponent")


if __name__ == "__main__":
    main()
