"""Whole runs and sessions on 10^10 SIMULATED rows, in a process that may not use even one byte of memory per row."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.procedural import SimulatedConcept
from benchmarks.procedural_table import ProceduralIndex, ProceduralTable
from seals_sim import (
    ArgMax,
    LabelTable,
    LogisticLearner,
    RandomPool,
    WalkPool,
    build_seals_pool,
    draw_seeds,
    max_entropy,
    most_likely_positive,
    run,
)
from seals_sim.evaluate.forecast import forecast_remaining
from seals_sim.evaluate.remaining import compute_p_missing, estimate_remaining
from seals_sim.label.copies import draw_unseen
from seals_sim.label.corpus import Corpus
from seals_sim.label.options import SessionOptions
from seals_sim.label.session import Session
from seals_sim.search.kcenters import KCenters
from seals_sim.search.learners import PresumingLearner
from seals_sim.search.seeds import draw_seeds_by_rows
from seals_sim.search.strategies import build_selector

N = 10**10
LIMIT = 2 << 30  # one bit per row would be 1.25 GB; the libraries alone take .6 GB
WAYS = ["maxent", "walk", "random pool", "random", "k-centers", "presuming"]


def test_no_part_holds_anything_of_the_size_of_the_table(tmp_path):
    words = [sys.executable, "-m", "tests.search.test_memory", str(tmp_path)]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=240)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert ended.stdout.splitlines() == [*WAYS, "estimates", "session"]


class _Index(ProceduralIndex):
    def __init__(self, table):
        super().__init__(table)
        self.vectors = table


def _label(part, table, concept):
    """120 labels with the parts of Algorithm 2."""
    rng = np.random.default_rng(0)
    oracle = LabelTable.from_rows(concept.rows)
    seeds = draw_seeds_by_rows(concept.rows, N, 5, 15, rng)
    index = ProceduralIndex(table)
    selector: Any = ArgMax(most_likely_positive)
    learner: Any = LogisticLearner(table)
    pool: Any
    match part:
        case "walk":
            pool = WalkPool(seeds, table, index, 20)
        case "random pool":
            pool = RandomPool(seeds, table, 5_000, rng)
        case _:
            if part == "maxent":
                selector = ArgMax(max_entropy)
            elif part == "random":
                selector = build_selector("random", beta=1.0, rng=rng, n_rows=N, centers=table[seeds.rows])
            elif part == "k-centers":
                selector = KCenters(table[seeds.rows])
            elif part == "presuming":
                learner = PresumingLearner(table, 100)
            pool = build_seals_pool(seeds, table, index, 20, selector)
    *_, last = run(seeds, pool, learner, selector, oracle, 20, 120)
    assert len(last.labeled) == 120


def _estimate():
    labels = [1] * 100 + [0] * 200
    assert compute_p_missing(labels, N) == pytest.approx(1, abs=1e-6)
    assert estimate_remaining(N, 30, 1).high > estimate_remaining(N, 30, 0).high
    assert forecast_remaining(labels, estimate_remaining(N, 30, 0)) is not None
    assert draw_unseen(N, set(range(100)), np.random.default_rng(0)) not in range(100)


def _ask(table, concept, folder):
    """A session that is reopened."""
    corpus, options = Corpus(table, _Index(table), "SIMULATED"), SessionOptions(copies="apart", pool="walk", k=20)
    with Session.begin(folder / "s.session", corpus, options=options) as session:
        session.tell([int(concept.rows[0])], [1])
        for _ in range(10):
            rows = [asked.row for asked in session.ask(5)]
            session.tell(rows, [concept.label(row) for row in rows])
        assert session.status().n_positive > 20
        expected = [asked.row for asked in session.ask(5)]
    with Session.open(folder / "s.session", corpus) as session:
        assert [asked.row for asked in session.ask(5)] == expected


def test_seeds_by_rows_are_those_of_a_table():
    is_positive = np.random.default_rng(0).random(5_000) < 0.3
    for seed in range(20):
        rng = np.random.default_rng(seed)
        expected = [rng.choice(np.flatnonzero(is_positive), 5, replace=False)]
        expected.append(rng.choice(np.flatnonzero(~is_positive), 95, replace=False))
        seeds = draw_seeds(is_positive, 5, 95, np.random.default_rng(seed))
        assert seeds.rows.tolist() == np.concatenate(expected).tolist()
        assert is_positive[seeds.rows].tolist() == [True] * 5 + [False] * 95


def main(folder):
    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT, LIMIT))
    with pytest.raises(MemoryError):
        np.ones(N, dtype=np.bool_)
    table = ProceduralTable(N)
    concept = SimulatedConcept(table, 0)
    for way in WAYS:
        _label(way, table, concept)
        print(way)
    _estimate()
    print("estimates")
    _ask(table, concept, folder)
    print("session")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
