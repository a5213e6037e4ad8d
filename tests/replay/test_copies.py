"""Copies of a row do not trap the search, and are never split between the pool and the test rows."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from tests.replay.commands import replay


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Simulated: 3,000 rows in 30 clusters, and the same rows with 150 negatives replaced by copies of one positive."""
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


NOISE = ["--seed-positives", "5", "--seed-negatives", "5", "--budget", "300", "--batch", "290", "--pools", "all",
         "--strategies", "random", "--repeats", "3", "--quiet"]  # fmt: skip


def test_what_a_model_knows_by_heart_is_not_measured_as_skill(tmp_path, capsys):
    """Simulated: noise with random labels, four copies of each row. Copies among the test rows gave an AUC of 0.8."""
    rng = np.random.default_rng(0)
    vectors, labels = rng.normal(size=(150, 64)).astype(np.float32), np.arange(150) % 2
    order = rng.permutation(600)
    np.save(tmp_path / "x.npy", np.tile(vectors, (4, 1))[order])
    np.save(tmp_path / "y.npy", np.tile(labels, 4)[order])
    data = ["--vectors", str(tmp_path / "x.npy"), "--labels", str(tmp_path / "y.npy")]
    replay([*data, *NOISE, "--out", str(tmp_path / "o")])
    rounds = pd.read_csv(tmp_path / "o" / "rounds.csv")
    assert rounds.groupby("repeat")["auc"].last().mean() < 0.6
    assert "450 rows repeat an earlier one" in capsys.readouterr().err
    split = pd.read_csv(tmp_path / "o" / "split.csv")
    number = pd.Series(np.tile(np.arange(150), 4)[order])
    assert split["split"].groupby(number[split["row"]].to_numpy()).nunique().max() == 1
    assert 80 < (split["split"] == "test").sum() < 160
    config = json.loads((tmp_path / "o" / "config.json").read_text())
    assert config["n_copies"] == 450
    replay([*data, *NOISE, "--out", str(tmp_path / "o")])
    config["data_fingerprint"] = config["data_fingerprint"].split()[0]  # as a run before copies were kept together
    (tmp_path / "o" / "config.json").write_text(json.dumps(config))
    with pytest.raises(SystemExit):
        replay([*data, *NOISE, "--out", str(tmp_path / "o")])
    assert "holds a run with a different data" in capsys.readouterr().err


def test_copies_with_different_labels_stay_together(tmp_path):
    rows = [{"text": f"text {n // 2} of many", "label": "ab"[n % 2]} for n in range(300)]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    replay(["--texts", str(tmp_path / "t.jsonl"), "--model", "wordllama", "--dimensions", "8", "--k", "5",
            "--seed-positives", "3", "--seed-negatives", "5", "--budget", "40", "--batch", "10", "--repeats", "1",
            "--cache", str(tmp_path / "cache"), "--quiet", "--out", str(tmp_path / "o")])  # fmt: skip
    split = pd.read_csv(tmp_path / "o" / "split.csv")
    assert split["split"].groupby(split["row"] // 2).nunique().max() == 1


def test_a_table_without_copies_has_the_split_it_always_had(tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(500, 4)).astype(np.float32))
    np.save(tmp_path / "y.npy", np.arange(500) % 3)
    data = ["--vectors", str(tmp_path / "x.npy"), "--labels", str(tmp_path / "y.npy")]
    replay([*data, *NOISE, "--out", str(tmp_path / "o")])
    split = pd.read_csv(tmp_path / "o" / "split.csv")
    assert split["row"][split["split"] == "test"].tolist()[:6] == [12, 18, 22, 23, 28, 30]
