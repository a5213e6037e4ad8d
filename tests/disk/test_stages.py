"""Stages: they resume from what a kill leaves, redo what is damaged, and refuse what belongs to another."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import numpy as np
import pytest

from seals_sim.disk.arrays import ArrayStage
from seals_sim.disk.stages import Stage, measure_peak_bytes
from seals_sim.errors import DamagedError, UserError


def square(start, end):
    return np.arange(start, end, dtype=np.float32)[:, None] ** 2 * [1, 2]


WHOLE = square(0, 10)


def array_stage(folder, made_from="a"):
    return ArrayStage(folder, "squares", {"x": made_from}, (10, 2), np.float32)


def test_filled_in_blocks(tmp_path):
    stage = array_stage(tmp_path)
    assert np.array_equal(stage.fill(square, 4), WHOLE)
    assert [block["end"] for block in stage.stage.blocks] == [4, 8, 10]
    again = array_stage(tmp_path)
    assert again.stage.is_finished
    assert again.stage.digest == stage.stage.digest
    assert np.array_equal(again.fill(lambda start, end: pytest.fail("done already"), 4), WHOLE)


def test_a_stopped_stage_goes_on_after_its_last_block(tmp_path):
    calls = []

    def stopping(start, end):
        calls.append(start)
        if start == 8:
            raise KeyboardInterrupt
        return square(start, end)

    with pytest.raises(KeyboardInterrupt):
        array_stage(tmp_path).fill(stopping, 4)
    with (tmp_path / "squares" / "journal.jsonl").open("a") as journal:
        journal.write('{"block": {"start": 8, "en')  # killed while writing
    assert np.array_equal(array_stage(tmp_path).fill(square, 4), WHOLE)
    assert calls == [0, 4, 8]


def test_damaged_blocks_are_done_again(tmp_path):
    first = array_stage(tmp_path)
    for start in (0, 4):
        first.write(square(start, start + 4))
    raw = bytearray(first.path.read_bytes())
    raw[-10 * 8 + 4 * 8] ^= 1  # the first byte of row 4
    first.path.write_bytes(raw)
    assert array_stage(tmp_path).n_done == 4
    assert np.array_equal(array_stage(tmp_path).fill(square, 4), WHOLE)


def test_of_another_origin_or_damaged(tmp_path):
    array_stage(tmp_path).fill(square, 4)
    with pytest.raises(UserError, match=r"squares: was made with a different x \('a', now 'b'\)"):
        array_stage(tmp_path, "b")
    array = tmp_path / "squares" / "array.npy"
    array.write_bytes(array.read_bytes()[:-50])
    with pytest.raises(UserError, match=r"array.npy: is missing or cut off"):
        array_stage(tmp_path)
    array.unlink()
    with pytest.raises(UserError, match=r"array.npy: is missing or cut off"):
        array_stage(tmp_path)
    (tmp_path / "squares" / "journal.jsonl").write_text("{}\nnonsense\n")
    with pytest.raises(UserError, match=r"journal.jsonl: is damaged"):
        array_stage(tmp_path)


@pytest.mark.parametrize("place", [0, 30, 63])
def test_a_refusal_shows_where_long_values_differ(tmp_path, place):
    one = "7" * 64
    other = f"{one[:place]}8{one[place + 1 :]}"
    Stage(tmp_path, "s", {"digest": one})
    with pytest.raises(UserError, match="was made with a different digest") as error:
        Stage(tmp_path, "s", {"digest": other})
    before, now = re.search(r"\((.*), now (.*)\)", str(error.value)).groups()
    assert before != now
    assert max(len(before), len(now)) < 60
    assert str(error.value).endswith("; remove this folder to rebuild it, or use another one")


def test_a_disk_that_is_too_small_is_known_at_once(tmp_path):
    with pytest.raises(UserError, match=r"array.npy: needs 4,000,000,000.0 MB, but only"):
        ArrayStage(tmp_path, "vast", {}, (10**15, 1), np.float32)


def test_rows_that_do_not_fit(tmp_path):
    with pytest.raises(ValueError, match="do not fit"):
        array_stage(tmp_path).write(np.zeros((3, 5)))
    with pytest.raises(ValueError, match="0 of 10 rows"):
        array_stage(tmp_path).finish()


def test_the_journal_tells_time_and_memory(tmp_path):
    stage = Stage(tmp_path, "s", {})
    stage.record({"n": 1})
    stage.finish({"n": 1})
    lines = [json.loads(line) for line in (tmp_path / "s" / "journal.jsonl").read_text().splitlines()]
    assert [set(line) for line in lines[1:]] == [
        {"block", "seconds", "peak_bytes", "check"},
        {"finished", "seconds", "peak_bytes", "check"},
    ]
    again = Stage(tmp_path, "s", {})
    assert again.seconds == stage.seconds > 0
    assert again.peak_bytes == stage.peak_bytes > 10_000_000


def test_a_file_that_is_cut_off_is_not_used(tmp_path):
    stage = Stage(tmp_path, "s", {})
    path = stage.folder / "x"
    path.write_bytes(b"12345")
    stage.finish_with(path, {})
    Stage(tmp_path, "s", {}).require_whole(path)
    path.write_bytes(b"1234")
    with pytest.raises(UserError, match="is missing or cut off"):
        Stage(tmp_path, "s", {}).require_whole(path)


@pytest.mark.parametrize("line", ["[]", "3", '{"block": 1}', '{"finished": {}}', "null"])
def test_a_journal_of_another_form_is_damaged(line, tmp_path):
    Stage(tmp_path, "s", {"of": 1}).record({"rows": 1})
    journal = tmp_path / "s" / "journal.jsonl"
    journal.write_text(journal.read_text() + line + "\n")
    with pytest.raises(DamagedError, match=r"journal\.jsonl: is damaged"):
        Stage(tmp_path, "s", {"of": 1})
    journal.write_text(line + "\n")
    with pytest.raises(DamagedError, match=r"journal\.jsonl: is damaged"):
        Stage(tmp_path, "s", {"of": 1})


def test_the_peak_of_a_child_is_its_own():
    held = np.ones(40_000_000)  # 320 MB
    code = "from seals_sim.disk.stages import measure_peak_bytes; print(measure_peak_bytes())"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(ended.stdout) < held.nbytes
    assert measure_peak_bytes() > held.nbytes
