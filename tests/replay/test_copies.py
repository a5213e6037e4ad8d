"""Copies of a row do not trap the search: k neighbors are k distinct vectors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.replay.commands import replay


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Simulated: 3,000 rows in 30 clusters, and the same with 150 negatives replaced by copies of one positive."""
    folder = tmp_path_factory.mktemp("copies")
    rng = np.random.default_rng(0)
    centers, cluster = rng.normal(size=(30, 24)), rng.integers(0, 30, 3000)
    vectors = (centers[cluster] + 0.5 * rng.normal(size=(3000, 24))).astype(np.float32)
    labels = (cluster == 0).astype(np.int64)
    np.save(folder / "x.npy", vectors)
    np.save(folder / "y.npy", labels)
    rows = rng.choice(np.flatnonzero(labels == 0), 150, replace=False)
    vectors[rows], labels[rows] = vectors[np.flatnonzero(labels)[0]], 1
    np.save(folder / "xd.npy", vectors)
    np.save(folder / "yd.npy", labels)
    return folder


@pytest.mark.parametrize("index", ["exact", "graph", "ivf-sq", "hnsw"])
def test_recall_with_copies_is_within_a_point_of_that_without(tables, index, tmp_path):
    recall = {}
    for kind in ("", "d"):
        out = tmp_path / f"o{kind}"
        replay(["--vectors", str(tables / f"x{kind}.npy"), "--labels", str(tables / f"y{kind}.npy"),
                "--k", "20", "--budget", "300", "--batch", "20", "--seed-positives", "3", "--seed-negatives", "20",
                "--repeats", "3", "--pools", "seals", "--strategies", "most_likely_positive", "--index", index,
                "--cache", str(tmp_path / "cache"), "--quiet", "--out", str(out)])  # fmt: skip
        rounds = pd.read_csv(out / "rounds.csv")
        recall[kind] = rounds.groupby("repeat")["recall"].last()
    assert recall["d"].mean() > recall[""].mean() - 0.01
    assert recall["d"].min() > 0.9
