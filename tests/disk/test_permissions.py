"""Who else on the machine can read the files: those with texts are private, results follow the umask."""

from __future__ import annotations

import os
import stat

import numpy as np
import platformdirs
import pytest

from seals_sim.cli.main import main
from seals_sim.disk.arrays import ArrayStage
from seals_sim.disk.cache import get_default_folder, load_or_compute
from seals_sim.disk.files import replacing, write_text
from seals_sim.label.session import Session
from tests.label.small import CORPUS, PLAIN


@pytest.fixture(autouse=True)
def umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def get_mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def list_modes(folder):
    return {get_mode(path) for path in folder.rglob("*") if path.is_file()}


def test_sessions_and_what_lies_beside_them_are_private(tmp_path):
    with Session.begin(tmp_path / "new" / "s", CORPUS, ["text 3"], options=PLAIN) as session:
        session.tell([5], [1])
        assert get_mode(tmp_path / "new") == 0o700
        assert list_modes(tmp_path) == {0o600}


def test_the_cache_is_private_and_results_are_not(tmp_path):
    table, cache, out = tmp_path / "t.csv", tmp_path / "cache", tmp_path / "out" / "x.npy"
    table.write_text("text\n" + "".join(f"a text about {word}\n" for word in ("cats", "dogs", "rain", "snow", "tea")))
    options = [str(table), "--model", "wordllama", "--cache", str(cache), "--quiet"]
    main(["embed", *options, "--out", str(out)])
    main(["index", *options, "--index", "ivf-flat", "--k", "2"])
    assert {get_mode(path) for path in (cache, *cache.rglob("*")) if path.is_dir()} == {0o700}
    assert list_modes(cache / "indexes") - {0o644} == {0o600}  # the lock, in a private folder, is empty
    assert {get_mode(path) for path in cache.glob("*.npy")} == {0o600}
    assert (get_mode(out.parent), get_mode(out)) == (0o755, 0o644)
    out.chmod(0o640)
    main(["embed", *options, "--out", str(out)])
    assert get_mode(out) == 0o640


def test_stages_are_private(tmp_path):
    ArrayStage(tmp_path / "work", "a", {}, (3,), np.int32).fill(lambda start, end: np.arange(start, end), 2)
    assert get_mode(tmp_path / "work") == get_mode(tmp_path / "work" / "a") == 0o700
    assert list_modes(tmp_path) == {0o600}


def test_a_folder_that_was_there_keeps_its_permissions(tmp_path):
    (tmp_path / "shared").mkdir(0o755)
    load_or_compute(tmp_path / "shared", "key", lambda: np.zeros(3, dtype=np.float32))
    assert get_mode(tmp_path / "shared") == 0o755
    assert list_modes(tmp_path) == {0o600}


def test_the_default_cache_of_an_earlier_version_is_closed(tmp_path, monkeypatch):
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: tmp_path / name)
    assert not get_default_folder().exists()
    (tmp_path / "seals-sim").mkdir(0o755)
    assert get_mode(get_default_folder()) == 0o700


def test_a_replaced_file_keeps_its_permissions_and_a_new_one_has_those_of_the_umask(tmp_path):
    write_text(tmp_path / "a", "1")
    assert get_mode(tmp_path / "a") == 0o644
    (tmp_path / "a").chmod(0o664)
    write_text(tmp_path / "a", "2", is_private=True)
    assert get_mode(tmp_path / "a") == 0o664
    with replacing(tmp_path / "b", is_private=True) as temporary:
        assert get_mode(temporary) == 0o600
