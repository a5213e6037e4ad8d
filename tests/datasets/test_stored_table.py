"""A table stored on disk has the same rows as in memory, and one that cannot be stored leaves nothing behind."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seals_sim.datasets import stored_table
from seals_sim.datasets.json_tables import JsonTable
from seals_sim.datasets.lines import BadLines
from seals_sim.datasets.stored_table import read_stored_table
from seals_sim.datasets.stored_texts import digest_texts, find_equal_texts, find_first_rows, iterate_longer
from seals_sim.datasets.table import read_text_columns
from seals_sim.errors import UserError
from seals_sim.label.phrases import find_texts
from tests.conftest import limited_files

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(stored_table, "BATCH", 3)


def require_same(path, cache, columns=(), **options):
    plain = read_text_columns(path, "text", True, columns=columns, **options)
    for _ in range(2):  # the second time from the cache
        stored = read_stored_table(path, cache, "text", True, columns=columns, **options)
        assert list(stored.texts) == plain.texts
        assert stored.texts[:] == plain.texts
        assert [stored.texts[row] for row in range(len(plain.texts))] == plain.texts
        assert stored.texts[1:-1] == plain.texts[1:-1]
        assert stored.rows.tolist() == plain.rows.tolist()
        assert stored.bad.left_out == plain.bad.left_out
        assert {name: list(cells) for name, cells in stored.columns.items()} == plain.columns
        for name, cells in stored.columns.items():
            assert [cells[row] for row in range(len(cells))] == plain.columns[name]
        assert digest_texts(stored.texts) == digest_texts(plain.texts)
        assert stored.texts.lengths.tolist() == list(map(len, plain.texts))
        copies, expected = find_equal_texts(stored.texts), find_equal_texts(plain.texts)
        assert (copies is None) == (expected is None)
        if copies is not None:
            assert copies.first.tolist() == expected.first.tolist()
            assert copies.number.tolist() == expected.number.tolist()
        longer = [text for some in iterate_longer(stored.texts, 3) for text in some]
        assert longer == [text for text in plain.texts if len(text.encode()) > 3]
        some = list(dict.fromkeys(plain.texts))[::-1]
        assert find_first_rows(stored.texts, some).tolist() == [plain.texts.index(text) for text in some]
    return stored


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(TEXT, st.none(), st.integers()), max_size=11))
def test_json_lines_have_the_same_rows(tmp_path_factory, cells):
    folder = tmp_path_factory.mktemp("table")
    path = folder / "t.jsonl"
    lines = [json.dumps({"text": cell, "n": [place]}) for place, cell in enumerate([*cells, "a"])]
    path.write_text("\n".join([*lines, "", "{broken", '{"n": 1}']))
    require_same(path, folder / "cache", columns=["n"])


def test_every_format_has_the_same_rows(tmp_path):
    texts = ["b", "a b", "", "b", 'with "quotes"\nand lines', "end", "\u00e9", "b"]
    frame = pd.DataFrame({
        "text": texts,
        "when": [datetime.datetime(2020, 1, day + 1) for day in range(8)],
        "price": [Decimal("1.50")] * 8,
        "of": [{"by": name} for name in "abcdefgh"],
    })  # fmt: skip
    frame.to_parquet(tmp_path / "t.parquet")
    pyarrow.feather.write_feather(pa.Table.from_pandas(frame), tmp_path / "t.feather", "uncompressed")
    frame.to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "t.csv").write_bytes((tmp_path / "t.csv").read_bytes() + b"too,few\n\xff,1,2,3\n")
    frame[["text"]].to_json(tmp_path / "t.jsonl.gz", orient="records", lines=True)
    (tmp_path / "t.json").write_text(json.dumps([{"text": text, "n": None} for text in texts]))
    for name in ("t.parquet", "t.feather", "t.csv", "t.jsonl.gz", "t.json"):
        stored = require_same(tmp_path / name, tmp_path / "cache", columns=None)
        assert [one.row for one in stored.bad.left_out][:1] == [2], name
    nested = require_same(tmp_path / "t.parquet", tmp_path / "cache", columns=["of.by"])
    assert nested.columns["of.by"][1] == "b"


def test_words_are_found_as_in_a_list(tmp_path):
    texts = [
        "Kiss",
        "\u212aiss a gnu",
        "kI\u017fs",
        "a K\u0130SS",
        "seal, seals",
        "SEAL of a \u00e9clair",
        "\u5370\u7ae0",
    ]
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    stored = read_stored_table(path, tmp_path / "cache").texts
    for words in ("kiss", "seal", '"of a" \u00e9clair', "\u00c9CLAIR", "\u5370", "c++", "gnu KISS", '"a gnu"'):
        assert find_texts(stored, words) == find_texts(texts, words), words


def write_lines(path, n, start=0):
    path.write_text("".join(json.dumps({"text": f"text {start + row}"}) + "\n" for row in range(n)))


def test_a_table_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch):
    path, before = tmp_path / "t.jsonl", stored_table.iterate_kept_rows
    write_lines(path, 10)

    def change(*arguments):
        yield from before(*arguments)
        with path.open("a") as file:
            file.write('{"text": "one more"}\n')

    monkeypatch.setattr(stored_table, "iterate_kept_rows", change)
    with pytest.raises(UserError, match=r"t\.jsonl: changed while it was being read; rerun"):
        read_stored_table(path, tmp_path / "cache")
    assert not list(tmp_path.rglob("*.arrow"))
    monkeypatch.undo()
    assert len(read_stored_table(path, tmp_path / "cache").texts) == 11


def test_a_table_that_is_changed_is_read_again_and_who_has_the_old_one_keeps_it(tmp_path):
    path, cache = tmp_path / "t.jsonl", tmp_path / "cache"
    write_lines(path, 10)
    old = read_stored_table(path, cache).texts
    write_lines(path, 20, start=100)
    new = read_stored_table(path, cache).texts
    assert (len(new), new[0], len(list(cache.rglob("*.arrow")))) == (20, "text 100", 1)
    assert (old[9], list(old)[9], old[8:]) == ("text 9", "text 9", ["text 8", "text 9"])


def test_a_damaged_copy_is_read_again(tmp_path):
    path, cache = tmp_path / "t.jsonl", tmp_path / "cache"
    write_lines(path, 10)
    read_stored_table(path, cache)
    (copy,) = cache.rglob("*.arrow")
    for content in (copy.read_bytes()[:-9], b"", copy.read_bytes().replace(b"text 4", b"text 5")):
        copy.write_bytes(content)
        assert list(read_stored_table(path, cache).texts) == [f"text {row}" for row in range(10)]


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    """A file size limit stands in for a full disk: the same call fails."""
    path, cache = tmp_path / "t.jsonl", tmp_path / "cache"
    write_lines(path, 5_000)
    with limited_files(50_000), pytest.raises(UserError, match=r"rows\.arrow: cannot be written: File too large$"):
        read_stored_table(path, cache)
    assert not [file for file in cache.rglob("*") if file.suffix == ".arrow"]
    assert len(read_stored_table(path, cache).texts) == 5_000


def test_memory_does_not_grow_with_the_texts(tmp_path, monkeypatch):
    monkeypatch.undo()  # batches unchanged
    path = tmp_path / "t.jsonl"
    with path.open("w") as file:
        for row in range(60_000):
            file.write(json.dumps({"text": f"{row} " + 1_000 * "x"}) + "\n")
    code = (
        "import sys; from pathlib import Path; from seals_sim.datasets.stored_table import read_stored_table\n"
        "from seals_sim.disk.stages import measure_peak_bytes\n"
        "before = measure_peak_bytes(); table = read_stored_table(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "assert sum(map(len, table.texts)) > 60_000_000; print(measure_peak_bytes() - before)"
    )
    command = [sys.executable, "-c", code, str(path), str(tmp_path / "cache")]
    ended = subprocess.run(command, cwd=os.getcwd(), capture_output=True, text=True, timeout=120, check=True)
    assert int(ended.stdout) < 150_000_000, "60 MB of texts, in batches of 16"


STRANGE = [
    '{"text":"a","text":"b"}',
    '{"text":"a"} {"text":"b"}',
    '{"text":"a","x":' + 2_000 * "[" + 2_000 * "]" + "}",
    '{"text":"a"}\x0b',
    '{"text":"a"}\u00a0',
    '{"text":"\\ud800"}',
    '{"text":"a","x":"\\ud800"}',
    '{"text":"\\u0000 \\ud83d\\ude00"}',
    '{"text":"a","x":NaN}',
    '{"text":"a","x":1e999}',
    '{"text":"a",}',
    '{"te\\u0078t":" a"}',
    '{"text":"2020-01-01"}',
    '{"text":1}',
    '{"text":null}',
    '{"other":1}',
    '["text"]',
    '{"text":\n"a"}',
    "  ",
    "\u2003",
]


@pytest.mark.parametrize("strange", STRANGE)
def test_a_strange_line_is_read_the_same_quickly_and_carefully(tmp_path, strange):
    path, lines = tmp_path / "t.jsonl", [f'{{"text": "line {n}"}}' for n in range(5)]
    path.write_text("\n".join([*lines, strange, *lines]) + "\n")
    quick = read_stored_table(path, tmp_path / "cache", skip_bad_lines=True)
    bad = BadLines(path, skip=True)
    kept = list(JsonTable(path)._iterate_records(bad))
    texts = [(where, record.get("text")) for where, record in kept]
    usable = [text for _, text in texts if isinstance(text, str) and text.strip()]
    assert list(quick.texts) == read_text_columns(path, skip_bad_lines=True).texts == usable
    assert quick.rows.tolist() == [*range(5), *range(quick.rows[-1] - 4 - (len(usable) - 10), quick.rows[-1] + 1)]
    assert quick.rows[-1] == len(kept) + len(bad.left_out) - 1
