"""Indexes in the cache: damaged files are noticed and rebuilt, and two processes take turns."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from seals_sim.errors import DamagedError
from seals_sim.indexes import IndexOptions, build_index, fingerprint
from seals_sim.indexes.cached import build_cached_index
from tests.conftest import clustered

VECTORS, _ = clustered(3000, 16, 20)
OPTIONS = IndexOptions(k=10)


def open_index(name, folder):
    return build_index(name, VECTORS, folder, OPTIONS, np.random.default_rng(0))


def make_a_hole(path):
    """Spoil some bytes in the second half without changing the size."""
    middle = path.stat().st_size // 2
    with path.open("r+b") as file:
        file.seek(middle)
        file.write(b"\x5a" * min(4096, middle))


@pytest.mark.parametrize(
    ("name", "pattern"),
    [("lsh", "index.faiss"), ("hnsw", "index.faiss"), ("ivf-pq", "index-lists-pq/index.faiss"),
     ("ivf-sq", "centroids.npy"), ("ivf-sq", "index-cells/array.npy"), ("graph", "array.npy")],
)  # fmt: skip
def test_a_hole_in_a_file_is_noticed(name, pattern, tmp_path):
    rows = np.arange(50)
    before = [some.tolist() for some in open_index(name, tmp_path).neighbors(rows, 5)]
    again = [some.tolist() for some in open_index(name, tmp_path).neighbors(rows, 5)]
    assert again == before
    (path,) = (path for path in tmp_path.rglob(pattern.split("/")[-1]) if str(path).endswith(pattern))
    make_a_hole(path)
    with pytest.raises(DamagedError, match=rf"{path.name}: is damaged; remove .* to rebuild it"):
        open_index(name, tmp_path)


def test_a_damaged_index_of_the_cache_is_built_again(tmp_path, capsys):
    digest, rows = fingerprint(VECTORS), np.arange(50)

    def build():
        return build_cached_index("ivf-sq", VECTORS, digest, tmp_path, OPTIONS, np.random.default_rng(0), True)

    before = [some.tolist() for some in build().neighbors(rows, 5)]
    for path in [*tmp_path.rglob("index.faiss"), *tmp_path.rglob("centroids.npy")]:
        make_a_hole(path)
    assert [some.tolist() for some in build().neighbors(rows, 5)] == before
    assert "is damaged; rebuilding it" in capsys.readouterr().err
    build()
    assert capsys.readouterr().err == ""


def test_a_file_that_is_touched_is_compared_once(tmp_path, monkeypatch):
    open_index("lsh", tmp_path)
    (path,) = tmp_path.rglob("index.faiss")
    os.utime(path, ns=(0, 0))
    open_index("lsh", tmp_path)
    monkeypatch.setattr("seals_sim.disk.stages.compute_sha256", lambda path: pytest.fail("read again"))
    open_index("lsh", tmp_path)


def test_two_processes_build_one_index_in_turn(tmp_path):
    script = (
        "import sys, numpy as np; from pathlib import Path\n"
        "from tests.indexes.test_damage import VECTORS, OPTIONS\n"
        "from seals_sim.indexes import fingerprint\n"
        "from seals_sim.indexes.cached import build_cached_index\n"
        "index = build_cached_index('ivf-sq', VECTORS, fingerprint(VECTORS), Path(sys.argv[1]), OPTIONS,\n"
        "                           np.random.default_rng(0), True)\n"
        "print(np.concatenate(index.neighbors(np.arange(50), 5)).tolist())\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    ended = [process.communicate() for process in processes]
    assert all(process.returncode == 0 for process in processes), ended
    assert len({out for out, _ in ended}) == 1
