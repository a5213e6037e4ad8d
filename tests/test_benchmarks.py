"""The benchmark runs, and compares like with like. Its times are not looked at."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks import rounds
from benchmarks.tables import SimulatedTable
from seals_sim.structure import average_cosine


def test_every_method_at_two_sizes(tmp_path, capsys):
    rounds.main(["--n", "5000", "9000", "--dimensions", "16", "--k", "10", "--budget", "200", "--concepts", "1",
                 "--work", str(tmp_path / "w"), "--out", str(tmp_path / "o"), "--quiet"])  # fmt: skip
    table = pd.read_csv(tmp_path / "o" / "summary.csv").set_index(["n", "strategy", "method"])
    assert len(table) == 2 * (3 + 5)
    assert (table.xs("all", level="method")["speedup"] == 1).all()
    seals, graph = (table.xs(name, level="method")[["recall", "n_candidates"]] for name in ("seals-ivf", "seals-graph"))
    pd.testing.assert_frame_equal(seals, graph)
    best = table.xs("most_likely_positive", level="strategy")["recall"]
    assert (best.xs("all", level="method") == best.xs("all-int8", level="method")).all()
    said = capsys.readouterr().out
    assert "exponent" in said
    assert said.startswith("python -m benchmarks.rounds --n 5000 9000")


def test_simulated_clusters_have_the_promised_cosine():
    table = SimulatedTable(20_000, 64, cosine=0.4)
    clusters = table.clusters()
    vectors = table.rows_of(clusters)(0, 20_000)
    sizes = np.bincount(clusters)
    assert sizes[:-1].min() >= 100
    largest = int(sizes.argmax())
    assert average_cosine(vectors[clusters == largest]) == pytest.approx(0.4, abs=0.05)
    assert all(300 <= len(rows) <= 3000 for rows in table.concepts(clusters, 3))
