"""Reading files: damage is reported in one line that names the file."""

from __future__ import annotations

import json

import numpy as np
import pytest

from seals_sim.disk.cache import load_or_compute
from seals_sim.disk.reading import parse_parquet, read_array, read_arrays, read_csv, read_json, read_json_lines
from seals_sim.disk.stages import Stage
from seals_sim.errors import DamagedError, UserError
from seals_sim.replay.seal import require_sealed, sealing


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"[" * 100_000, b"{}", b'{"a": "x"}', b'{"a": 1', b"3", b'{"a": 1e400}']
)
def test_json_of_another_form(content, tmp_path):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.json: cannot be read"):
        read_json(tmp_path / "a.json", tuple[int, int])
    (tmp_path / "a.json").write_bytes(b"[1, 2]\n" + content + b"\n")
    with pytest.raises(UserError, match=r"a\.json: cannot be read \(line 2"):
        read_json_lines(tmp_path / "a.json", tuple[int, int])


def test_arrays_and_tables(tmp_path):
    path = tmp_path / "a"
    for content in (b"", b"\x93NUMPY\x01\x00", b"\x93NUMPY\x01\x00\x05\x00{[(((", b"PK\x03\x04", b"\x00" * 300):
        path.write_bytes(content)
        for read in (read_array, lambda path: read_arrays(path, ["a"])):
            with pytest.raises(UserError, match="a: is not a readable"):
                read(path)
        with pytest.raises(UserError, match="cannot be read"):
            parse_parquet(content, UserError)
    path.write_bytes(b"a,b\n1,2\n3,4")
    with pytest.raises(UserError, match="a: is cut off within its last line"):
        read_csv(path)


@pytest.mark.parametrize("name", ["npy", "sha256"])
def test_a_cached_array_that_is_damaged_is_computed_again_with_a_line(name, tmp_path, capsys):
    load_or_compute(tmp_path, "key", lambda: np.ones(3, dtype=np.float32))
    (path,) = tmp_path.glob(f"*.{name}")
    path.write_bytes(b"\xff\xfe\x00")
    array, _ = load_or_compute(tmp_path, "key", lambda: np.full(3, 2, dtype=np.float32))
    assert array.tolist() == [2, 2, 2]
    assert "is damaged; recomputing it" in capsys.readouterr().err
    load_or_compute(tmp_path, "key", lambda: pytest.fail("computed again"))


def test_a_line_of_a_journal_that_has_changed_is_noticed(tmp_path):
    Stage(tmp_path, "s", {"of": 1}).record({"rows": 512})
    journal = tmp_path / "s" / "journal.jsonl"
    text = journal.read_text()
    for before, after in (("512", "513"), ('"of": 1', '"of": 2')):
        journal.write_text(text.replace(before, after))
        with pytest.raises(DamagedError, match="its checksum is wrong"):
            Stage(tmp_path, "s", {"of": 1})
    lines = [json.loads(line) for line in text.splitlines()]  # as early versions wrote them
    journal.write_text("".join(json.dumps({k: v for k, v in line.items() if k != "check"}) + "\n" for line in lines))
    assert Stage(tmp_path, "s", {"of": 1}).blocks == [{"rows": 512}]


def test_a_seal_vouches_for_what_was_written(tmp_path):
    assert not require_sealed(tmp_path, ["a.csv"])
    with sealing(tmp_path, ["a.csv"]):
        (tmp_path / "a.csv").write_text("x\n1\n2\n")
    assert require_sealed(tmp_path, ["a.csv"])
    (tmp_path / "a.csv").write_text("x\n1\n")
    with pytest.raises(UserError, match=r"a\.csv: differs from what the run wrote"):
        require_sealed(tmp_path, ["a.csv"])
    with pytest.raises(KeyboardInterrupt), sealing(tmp_path, ["a.csv"]):
        raise KeyboardInterrupt
    assert not require_sealed(tmp_path, ["a.csv"])


def test_a_number_that_is_not_whole_is_refused(tmp_path):
    """pandas raises TypeError, not ValueError, for such a cell."""
    path = tmp_path / "rounds.csv"
    path.write_text("k\n5\n0.5\n")
    with pytest.raises(UserError, match=r"rounds\.csv: cannot be read"):
        read_csv(path, dtype={"k": "Int64"})
