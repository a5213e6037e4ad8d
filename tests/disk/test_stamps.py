"""Recorded digests: used while a file is unchanged, and never for other content."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

from seals_sim.disk import cache
from seals_sim.disk.cache import load_or_compute
from seals_sim.disk.files import compute_sha256
from seals_sim.disk.stamps import digest_once, note_digest


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "vectors"
    path.write_bytes(b"one")
    return path


def digest(path):
    """The digest, and whether the file was read for it."""
    read = []

    def compute():
        read.append(path)
        return compute_sha256(path)

    digest = digest_once(path, path.with_name("note"), compute)
    assert digest == compute_sha256(path)
    return bool(read)


def change(path):
    """Write other content of the same size and with the same file time, as a careful copy has it."""
    before = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace(path):
    before, other = path.stat(), path.with_name("other")
    other.write_bytes(b"two")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


def test_a_file_that_has_settled_is_read_once(path):
    assert digest(path)
    assert digest(path)  # just written: a change at the same moment might go unseen
    time.sleep(2.1)
    assert digest(path)
    assert not digest(path)
    assert not digest(path)


@pytest.mark.parametrize("change", [change, replace, lambda path: path.touch()])
def test_a_file_that_has_changed_is_read_again(path, change):
    note_digest(path, path.with_name("note"), compute_sha256(path))
    assert not digest(path)
    change(path)
    assert digest(path)


@pytest.mark.parametrize("content", [b"", b"{", b'{"stamp": [1], "digest": "d"}', b"\xff\x00"])
def test_a_damaged_note_is_no_note(path, content):
    path.with_name("note").write_bytes(content)
    assert digest(path)


def test_a_file_that_changes_while_it_is_read_is_not_noted(path):
    os.utime(path, (0, 0))
    digest_once(path, path.with_name("note"), lambda: (change(path), "of both")[1])
    assert digest(path)


def test_an_array_of_the_cache_is_compared_again_once_it_has_changed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(cache, "_NOTED_FROM", 0)
    load_or_compute(tmp_path, "key", lambda: np.ones(3, dtype=np.float32))
    with monkeypatch.context() as patched:
        patched.setattr(cache, "compute_sha256", lambda _: pytest.fail("again"))
        load_or_compute(tmp_path, "key", lambda: pytest.fail("computed again"))
    (path,) = tmp_path.glob("*.npy")
    content, before = bytearray(path.read_bytes()), path.stat()
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    array, _ = load_or_compute(tmp_path, "key", lambda: np.full(3, 2, dtype=np.float32))
    assert array.tolist() == [2, 2, 2]
    assert "is damaged; recomputing it" in capsys.readouterr().err
