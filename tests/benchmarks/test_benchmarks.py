"""The benchmarks run and compare like with like. Their times are not checked."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from benchmarks import graph_join, large, precision, rounds, session, whole_graph
from benchmarks.clans import ClanIndex, ClanTable
from benchmarks.tables import SimulatedTable
from seals_sim.evaluate.structure import compute_average_cosine


@pytest.mark.slow
def test_every_method_at_two_sizes(tmp_path, capsys):
    strategies = "maxent,most_likely_positive"
    rounds.main(["--n", "2000,5000", "--dimensions", "16", "--k", "10", "--budget", "200", "--concepts", "1",
                 "--strategies", strategies, "--methods", "all,all-int8,retrieval,seals-ivf-sq,seals-graph,seals-lsh",
                 "--graph-rows", "3000", "--slow-rows", "3000",
                 "--work", str(tmp_path / "w"), "--out", str(tmp_path / "o"), "--quiet"])  # fmt: skip
    table = pd.read_csv(tmp_path / "o" / "summary.csv").set_index(["n", "strategy", "method"])
    assert len(table) == 2 * (4 + 5) + 2  # 8-bit codes are for one strategy; lsh is for few rows
    assert (table.xs("all", level="method")[["speedup", "search_speedup"]] == 1).all(axis=None)
    seals, graph = (table.xs(name, level="method").loc[5000] for name in ("seals-ivf-sq", "seals-graph"))
    pd.testing.assert_frame_equal(seals[["recall", "n_candidates"]], graph[["recall", "n_candidates"]])
    best = table.xs("most_likely_positive", level="strategy")["recall"]
    assert (best.xs("all", level="method") == best.xs("all-int8", level="method")).all()
    assert best.loc[5000, "retrieval"] >= 0.9 * best.loc[5000, "all"]
    indexes = pd.read_csv(tmp_path / "o" / "indexes.csv")
    assert list(zip(indexes["n"], indexes["index"], strict=True)) == [
        (2000, "ivf-sq"), (2000, "graph"), (2000, "lsh"), (5000, "ivf-sq"),
    ]  # fmt: skip
    by_round = pd.read_csv(tmp_path / "o" / "rounds.csv")
    assert sorted(by_round["n_labeled"].unique()) == [100, 200]
    said = capsys.readouterr().out
    assert re.match(r"python -m benchmarks\.rounds .*--n 2000,5000 ", said)
    page = (tmp_path / "o" / "index.html").read_text()
    assert "SIMULATED" in page
    assert (tmp_path / "o" / "rounds.png").stat().st_size > 10_000


def test_waiting_time_is_measured(tmp_path, capsys):
    session.main(["--n", "2000", "--dimensions", "16", "--k", "10", "--answers", "40", "--work", str(tmp_path)])
    command, waiting, opening = capsys.readouterr().out.splitlines()
    assert re.match(r"python -m benchmarks\.session .*--n 2000 ", command)
    line = r"answers 10 to 40, ([\d,]+) candidates: .* (\d+) ms \(median\), (\d+) \(95 %\), (\d+) \(worst\)"
    n_candidates, *milliseconds = (int(number.replace(",", "")) for number in re.fullmatch(line, waiting).groups())
    assert 40 <= n_candidates <= 2000
    assert 0 < milliseconds[0] <= milliseconds[1] <= milliseconds[2]
    assert re.fullmatch(r"opened with 40 answers: [1-9]\d* ms", opening)


def test_simulated_clusters_have_the_stated_cosine():
    table = SimulatedTable(20_000, 64, cosine=0.4)
    clusters = table.draw_clusters()
    vectors = table.make_row_function(clusters)(0, 20_000)
    sizes = np.bincount(clusters)
    assert sizes[:-1].min() >= 100
    largest = int(sizes.argmax())
    assert compute_average_cosine(vectors[clusters == largest]) == pytest.approx(0.4, abs=0.05)
    assert all(300 <= len(rows) <= 3000 for rows in table.draw_concepts(clusters, 3))


@pytest.mark.slow
def test_the_walk_is_measured_beside_seals_and_the_scan(tmp_path, capsys):
    large.main(["--n", "80000", "--dimensions", "32", "--k", "20", "--budget", "130", "--concepts", "1",
                "--repeats", "1", "--scan-budget", "110", "--work", str(tmp_path / "w"), "--out", str(tmp_path),
                "--quiet"])  # fmt: skip
    table = pd.read_csv(tmp_path / "large.csv").set_index("method")
    assert table["n_labeled"].to_dict() == {"all": 110, "seals": 130, "walk": 130}
    assert table["n_candidates"].idxmax() == "all"
    assert table["n_candidates"]["all"] == 79_900
    assert table["index_recall"]["walk"] > 0.9
    assert (table["table"] == "SIMULATED").all()
    assert "SIMULATED" in capsys.readouterr().out
    runs = pd.read_csv(tmp_path / "large_runs.csv")
    runs["seconds"] = runs["method"].map({"all": 8.0, "seals": 2.0, "walk": 3.0})
    slower = runs.assign(n=10 * runs["n"], seconds=2 * runs["seconds"])
    table = large.summarize(pd.concat([runs, slower])).set_index(["n", "method"])
    assert table.loc[800_000, "seconds_growth"].tolist() == [2, 2, 2]
    assert table.loc[800_000, "seconds_over_seals"].to_dict() == {"all": 4, "seals": 1, "walk": 1.5}


def test_clans_hold_what_is_near():
    table = ClanTable(80_000, 64)
    clusters = table.draw_clusters()
    concept = table.draw_concept(clusters, 0)
    assert 300 <= len(concept.rows) <= 900
    assert len({cluster // 8 for cluster in concept.parts.tolist()}) == 1
    assert all(cluster % 2 == 0 for cluster in concept.parts.tolist())
    seeds = concept.draw_seeds(80_000, (5, 95), np.random.default_rng(0))
    assert len(set(clusters[seeds.rows[seeds.labels == 1]].tolist())) == 1
    assert not np.isin(seeds.rows[seeds.labels == 0], concept.rows).any()


def test_neighbors_are_the_nearest_of_the_clan(tmp_path):
    table = ClanTable(40_000, 32)
    clusters = table.draw_clusters()
    vectors = np.asarray(table.store_vectors(clusters, tmp_path, quiet=True), dtype=np.float32)
    families = [compute_average_cosine(vectors[clusters // 8 == number]) for number in range(3)]
    assert all(0.15 < cosine < 0.5 for cosine in families)
    clans = clusters // 64
    for row, near in zip((5, 39_000), ClanIndex(clusters, vectors).neighbors(np.array([5, 39_000]), 10), strict=True):
        members = np.flatnonzero(clans == clans[row])
        expected = members[np.argsort(-(vectors[members] @ vectors[row]), kind="stable")[:10]]
        assert near.tolist() == expected.tolist()
        assert near[0] == row


def test_graphs_built_both_ways_are_compared(tmp_path, capsys):
    vectors = np.repeat(
        SimulatedTable(1_500, 16).make_row_function(np.arange(1_500, dtype=np.int32) // 100)(0, 1_500), 2, 0
    )
    np.save(tmp_path / "vectors.npy", vectors)
    graph_join.main(["--vectors", str(tmp_path / "vectors.npy"), "--out", str(tmp_path / "graph.csv"), "--k", "10",
                     "--probes", "1", "--cells", "8", "--joined", "2", "--clusterings", "3"])  # fmt: skip
    table = pd.read_csv(tmp_path / "graph.csv")
    assert (table["vectors"] == "1500 x 16").all()  # equal rows count once
    assert table["how"].iloc[0].startswith("united, ")
    assert table["recall"].iloc[0] > 0.9
    assert table["recall"].iloc[0] >= table["recall"].iloc[1]  # what it would be, had none heard of others
    assert table["recall"].iloc[2] > 0.9  # one cell has all rows, by 8-bit codes
    joined = table["recall"].iloc[3:].tolist()
    assert joined == sorted(joined)
    assert joined[-1] > joined[0] > 0.3
    assert "joined, 3 x 8 cells with 2" in capsys.readouterr().out
    graph_join.main(["--vectors", str(tmp_path / "vectors.npy"), "--out", str(tmp_path / "all.csv"), "--k", "10",
                     "--probes", "1", "--cells", "8", "--joined", "8", "--clusterings", "2"])  # fmt: skip
    assert (pd.read_csv(tmp_path / "all.csv")["recall"].iloc[3:] > 0.999).all()  # every cell with every one


def test_what_a_benchmark_cannot_measure_is_refused(tmp_path, refused):
    np.save(tmp_path / "long.npy", np.full((20, 4), 1, np.float32))
    words = ["--vectors", tmp_path / "long.npy", "--out", tmp_path / "graph.csv"]
    assert "not of unit length" in refused(graph_join.main, words)
    assert not (tmp_path / "graph.csv").exists()
    assert "--n 20: too few" in refused(precision.main, ["--n", "20"])


def test_a_graph_of_all_rows_is_built_and_measured(tmp_path, capsys):
    whole_graph.main(["--n", "2000,1000", "--dimensions", "16", "--k", "10", "--work", str(tmp_path / "w"),
                      "--out", str(tmp_path / "graph.csv")])  # fmt: skip
    table = pd.read_csv(tmp_path / "graph.csv").set_index("n")
    assert table["recall"].to_dict() == {2000: 1, 1000: 1}  # with so few rows, all are compared
    assert (table["seconds"] > 0).all()
    assert (table["with_mapped_gb"] > table["memory_gb"]).all()
    assert (tmp_path / "w" / "n-2000" / "graph-10" / "array.npy").stat().st_size > 4 * 10 * 2000
    assert "SIMULATED" in capsys.readouterr().out
