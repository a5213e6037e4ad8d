"""Faults found by attacking the commands. Each test has the input that caused one."""

from __future__ import annotations

import json
import sys

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest

from experiments.goodreads import __main__ as goodreads
from seals_sim.datasets import read_text_table
from seals_sim.errors import UserError
from seals_sim.replay import report
from tests.conftest import clustered, limited_files
from tests.replay.commands import replay

FAST = ["--seed-negatives", "15", "--k", "6", "--budget", "45", "--batch", "10", "--concepts", "2", "--repeats", "1",
        "--strategies", "maxent", "--quiet"]  # fmt: skip


def test_rows_of_a_sample_are_positions_in_the_whole_table(vectors_and_labels, tmp_path):
    replay([*vectors_and_labels, *FAST, "--sample", "200", "--out", str(tmp_path / "o")])
    cluster = np.load(tmp_path / "y.npy").astype(str)
    picks = pd.read_csv(tmp_path / "o" / "picks.csv", dtype={"concept": str})
    assert ((cluster[picks["row"]] == picks["concept"]) == (picks["label"] == 1)).all()
    split = pd.read_csv(tmp_path / "o" / "split.csv").set_index("row")["split"]
    assert len(split) == 200
    assert split.index.max() >= 200
    assert set(split[picks["row"].unique()]) == {"pool"}


@pytest.mark.parametrize("name", ["t.jsonl", "t.csv"])
def test_rows_after_a_skipped_line_keep_their_positions(tmp_path, name):
    path = tmp_path / name
    lines = ['{"text": "a", "label": "x"}', "{", '{"text": "b", "label": "x"}', '{"text": "c", "label": "y"}']
    path.write_text("\n".join(lines if name == "t.jsonl" else ["text,label", "a,x", "b", "b,x", "c,y"]))
    dataset = read_text_table(path, skip_bad_lines=True)
    assert list(dataset.texts) == ["a", "b", "c"]
    assert dataset.table_rows.tolist() == [0, 2, 3]
    assert dataset.sample(2, np.random.default_rng(1)).table_rows.tolist() in ([0, 2], [0, 3], [2, 3])


@pytest.mark.parametrize("bad", ['{"text": "a \\ud800", "label": "x"}', '{"text": "a", "label": "\\udfff"}'])
def test_lone_surrogates_are_a_bad_line(tmp_path, bad):
    path = tmp_path / "t.jsonl"
    path.write_text('{"text": "a", "label": "x"}\n' + bad)
    with pytest.raises(UserError, match=r"t.jsonl:2: .*surrogate"):
        read_text_table(path)
    assert len(read_text_table(path, skip_bad_lines=True)) == 1


def test_lone_surrogates_in_a_review(tmp_path, refused):
    path = tmp_path / "r.json"
    path.write_text('{"user_id": "u", "timestamp": "", "review_sentences": [[0, "\\ud800"]], "rating": 1, '
                    '"has_spoiler": false, "book_id": "1", "review_id": "1"}')  # fmt: skip
    said = refused(goodreads.main, ["--reviews", path, "--quiet", "--out", tmp_path / "o"])
    assert "r.json:1: " in said


@pytest.mark.parametrize("label", ["a\rb", "a\nb", 'a",b', " a ", "a\x00b", "NA"])
def test_any_label_survives_the_tables(tmp_path, label):
    np.save(tmp_path / "x.npy", clustered(200, 6, 4)[0])
    labels = [label if row % 4 == 0 else "other" for row in range(200)]
    (tmp_path / "y.jsonl").write_text("".join(json.dumps({"label": value}) + "\n" for value in labels))
    arguments = ["--vectors", str(tmp_path / "x.npy"), "--labels", str(tmp_path / "y.jsonl"), *FAST]
    replay([*arguments, "--out", str(tmp_path / "o")])
    report.write_report(tmp_path / "o")
    config = json.loads((tmp_path / "o" / "config.json").read_text())
    rounds = pd.read_csv(tmp_path / "o" / "rounds.csv", keep_default_na=False)
    assert set(rounds["concept"]) == set(config["concepts"])


def test_damaged_parquet_and_numbers(tmp_path):
    invalid = pyarrow.Array.from_buffers(
        pyarrow.string(), 1, [None, pyarrow.py_buffer(np.array([0, 2], np.int32)), pyarrow.py_buffer(b"\xff\xfe")]
    )
    pyarrow.parquet.write_table(pyarrow.table({"text": invalid, "label": ["x"]}), tmp_path / "t.parquet")
    with pytest.raises(UserError, match="not a readable Parquet file"):
        read_text_table(tmp_path / "t.parquet")
    (tmp_path / "t.jsonl").write_text('{"text": "a", "label": ' + "7" * 400 + "}")
    assert list(read_text_table(tmp_path / "t.jsonl").concepts) == ["7" * 400]


@pytest.mark.parametrize(
    "header", [b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 3), }", b"{'descr': '<f4' (", b"\x00\xff"]
)
def test_damaged_npy_headers(tmp_path, refused, vectors_and_labels, header):
    header = header.ljust(117) + b"\n"
    path = tmp_path / "bad.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(24))
    said = refused(replay, ["--vectors", path, *vectors_and_labels[2:], *FAST, "--out", tmp_path / "o"])
    assert "bad.npy: " in said
    said = refused(replay, [*vectors_and_labels[:2], "--labels", path, *FAST, "--out", tmp_path / "o"])
    assert "bad.npy: " in said


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--label-separator", ""], "--label-separator"),
        (["--lsh-bits", "1000000000"], "--lsh-bits 1000000000"),
        (["--label-column", "kind"], "--label-column kind"),
        (["--out", "a" * 300], "--out aaa"),
        (["--k", "many"], "--k many: must be a whole number"),
        (["--sample", "0"], "--sample 0"),
    ],
)
def test_more_bad_options(vectors_and_labels, tmp_path, refused, monkeypatch, more, message):
    monkeypatch.chdir(tmp_path)
    said = refused(replay, [*vectors_and_labels, *FAST, "--out", tmp_path / "o", *more])
    assert message in said
    assert not (tmp_path / "o").exists()


def test_a_missing_option_is_one_line(refused):
    assert "Parameter --out requires an argument" in refused(goodreads.main, ["--simulate", "9"])


def test_a_concept_named_twice_is_run_once(vectors_and_labels, tmp_path):
    replay([*vectors_and_labels, *FAST, "--concept", "3", "--concept", "3", "--out", str(tmp_path / "o")])
    config = json.loads((tmp_path / "o" / "config.json").read_text())
    assert list(config["concepts"]) == ["3"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
@pytest.mark.parametrize("n_bytes", [4_000, 30_000], ids=["at its start", "in the middle of the runs"])
def test_a_disk_that_fills_up_is_one_line_and_loses_nothing(vectors_and_labels, tmp_path, refused, n_bytes):
    out = tmp_path / "o"
    with limited_files(n_bytes):
        said = refused(replay, [*vectors_and_labels, *FAST, "--out", out])
    assert str(out) in said
    assert not (out / "rounds.csv").exists()
    replay([*vectors_and_labels, *FAST, "--out", str(out)])
    assert (out / "index.html").exists()


def test_minus_one_and_one_are_binary(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"text": "a", "label": -1}\n{"text": "b", "label": 1}')
    assert {name: rows.tolist() for name, rows in read_text_table(path).concepts.items()} == {"label": [1]}


def test_line_numbers_after_a_skipped_line(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"text,label\na,x\nb,x\n\xff,x\nb\nc,y\n")
    dataset = read_text_table(path, skip_bad_lines=True)
    assert [report.split(":")[1] for report in dataset.bad_lines] == ["4", "5"]


def _damage_column(folder):
    path = folder / "rounds.csv"
    path.write_text(path.read_text().replace("n_labeled", "n_labelled", 1))


def _cut(name):
    def damage(folder):
        path = folder / name
        path.write_text(path.read_text()[: path.stat().st_size // 2])

    return damage


def _keep_header(folder):
    path = folder / "rounds.csv"
    path.write_text(path.read_text().splitlines()[0] + "\n")


def _unknown_strategy(folder):
    path = folder / "rounds.csv"
    path.write_text(path.read_text().replace("maxent", "bald"))


def _config(content):
    def damage(folder):
        (folder / "config.json").write_text(content)

    return damage


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_damage_column, "rounds.csv: "),
        (_cut("rounds.csv"), "rounds.csv: "),
        (_cut("picks.csv"), "picks.csv: "),
        (_keep_header, "rounds.csv: "),
        (_unknown_strategy, "rounds.csv: "),
        (_config("{}"), "config.json: "),
        (_config('{"options": 3}'), "config.json: "),
    ],
)
def test_reports_of_damaged_runs(vectors_and_labels, tmp_path, damage, message):
    out = tmp_path / "o"
    replay([*vectors_and_labels, *FAST, "--out", str(out)])
    page = (out / "index.html").read_bytes()
    damage(out)
    with pytest.raises(UserError, match=message):
        report.write_report(out)
    assert (out / "index.html").read_bytes() == page


def test_lines_left_out_are_said_on_the_terminal_and_a_broken_file_is_a_warning(tmp_path, capsys):
    import gzip

    rng = np.random.default_rng(0)
    rows = [{"text": f"row {n} {rng.integers(2**60)}", "label": "xy"[n % 4 == 0]} for n in range(2000)]
    whole = gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode())
    path = tmp_path / "t.jsonl.gz"
    path.write_bytes(whole[: len(whole) // 3])
    np.save(tmp_path / "x.npy", np.ones((3, 2)))
    dataset = read_text_table(path, skip_bad_lines=True)
    assert "unknown number of rows is lost" in dataset.bad_lines[-1]
    replay(["--texts", str(path), "--skip-bad-lines", *FAST, "--sample", "200", "--dimensions", "5",
                        "--cache", str(tmp_path / "cache"), "--out", str(tmp_path / "o")])  # fmt: skip
    assert "unknown number of rows is lost" in capsys.readouterr().err
    page = " ".join((tmp_path / "o" / "index.html").read_text().split())
    assert "Warning: 1 line of the input" in page


def test_a_leftover_of_a_killed_write_does_not_bar_the_folder(vectors_and_labels, tmp_path):
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / ".config-abc.json").write_text("{")
    replay([*vectors_and_labels, *FAST, "--out", str(tmp_path / "o")])
    assert (tmp_path / "o" / "index.html").exists()


def test_few_distinct_texts_are_whitened_to_what_they_span(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text(
        "".join(json.dumps({"text": f"text number {n % 15}", "label": n % 15 % 2}) + "\n" for n in range(300))
    )
    replay(["--texts", str(path), *FAST, "--cache", str(tmp_path / "cache"), "--out", str(tmp_path / "o")])
    assert json.loads((tmp_path / "o" / "config.json").read_text())["protocol"]["dimensions"] == 14


def test_many_single_row_concepts_are_refused_quickly(tmp_path, refused):
    """The work is proportional to the labels: 20,000 concepts took a minute when each was compared with the whole
    table.
    """
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(60_000, 2)))
    np.save(tmp_path / "y.npy", np.arange(60_000))
    said = refused(replay, ["--vectors", tmp_path / "x.npy", "--labels", tmp_path / "y.npy", *FAST,
                                                 "--out", tmp_path / "o"])  # fmt: skip
    assert "no concept of x can be run" in said
