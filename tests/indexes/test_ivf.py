"""The inverted file: what it finds, its limits, and that a stopped build resumes to the same index."""

from __future__ import annotations

import numpy as np
import pytest

from seals_sim.disk.arrays import ArrayStage
from seals_sim.indexes import build_ivf, measure_index
from seals_sim.indexes.ivf import choose_n_cells
from tests.conftest import clustered


@pytest.fixture(autouse=True)
def cells_for_few_rows(monkeypatch):
    monkeypatch.setattr("seals_sim.indexes.ivf._READ_WHOLE", 255)


@pytest.fixture(scope="module")
def vectors():
    return clustered(3000, 16, 30)[0].astype(np.float16)


def built(vectors, folder, **options):
    return build_ivf(vectors, "digest", folder, np.random.default_rng(0), **options)[0]


def test_all_cells_looked_into_miss_only_what_the_codes_confuse(vectors, tmp_path):
    index = built(vectors, tmp_path, n_probe=choose_n_cells(3000))
    recall = measure_index(index, vectors, np.arange(0, 3000, 30), 20).recall
    assert recall > 0.95
    few = measure_index(built(vectors, tmp_path, n_probe=1), vectors, np.arange(0, 3000, 30), 20).recall
    assert 0.2 < few < recall


def test_a_stopped_build_goes_on_to_the_same_index(vectors, tmp_path, monkeypatch):
    whole = built(vectors, tmp_path / "whole")
    write, calls = ArrayStage.write, []

    def stopping(self, rows):
        calls.append(len(rows))
        if len(calls) == 2:
            raise KeyboardInterrupt
        write(self, rows)

    monkeypatch.setattr("seals_sim.indexes.ivf._BLOCK", 1000)
    with monkeypatch.context() as context:
        context.setattr(ArrayStage, "write", stopping)
        with pytest.raises(KeyboardInterrupt):
            built(vectors, tmp_path / "stopped")
    again = built(vectors, tmp_path / "stopped")
    rows = np.arange(0, 3000, 100)
    for one, other in zip(whole.neighbors(rows, 20), again.neighbors(rows, 20), strict=True):
        assert np.array_equal(one, other)
