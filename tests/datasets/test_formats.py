"""Table formats are read alike, whether at once or row by row, and nothing is lost or shifted silently."""

from __future__ import annotations

import csv
import gzip
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seals_sim.datasets import read_text_table, read_texts
from seals_sim.datasets.arrow_tables import ParquetTable
from seals_sim.datasets.delimited import DelimitedTable
from seals_sim.datasets.formats import open_table
from seals_sim.datasets.json_tables import JsonTable
from seals_sim.datasets.labels import read_label
from seals_sim.datasets.lines import BadLines
from seals_sim.errors import UserError

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)
LABELS = st.one_of(
    st.lists(st.integers(-3, 10**6), min_size=1),
    st.lists(st.sampled_from([0, 1]), min_size=1),
    st.lists(st.sampled_from([-1, 1]), min_size=1),
    st.lists(st.booleans(), min_size=1),
    st.lists(st.floats(-1e6, 1e6), min_size=1),
    st.lists(TEXTS, min_size=1),
    st.lists(st.one_of(st.none(), st.sampled_from(["cat", "dog"])), min_size=1),
    st.lists(st.one_of(st.none(), st.floats(2, 9).map(float)), min_size=1),
)


def give_concepts(dataset):
    return {name: rows.tolist() for name, rows in dataset.concepts.items()}


def read_or_refuse(path):
    """The texts, rows and concepts, or the error in the table."""
    try:
        dataset = read_text_table(path)
    except UserError as error:
        return str(error).removeprefix(str(path))
    return list(dataset.texts), dataset.table_rows.tolist(), give_concepts(dataset)


def write_csv(path, rows, quoting=csv.QUOTE_ALL, **options):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=quoting, **options).writerows(rows)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tables")


@given(st.data(), LABELS)
def test_csv_json_lines_and_parquet_read_alike(folder, data, labels):
    texts = data.draw(st.lists(TEXTS, min_size=len(labels), max_size=len(labels)))
    lines = [json.dumps({"text": text, "label": label}) for text, label in zip(texts, labels, strict=True)]
    (folder / "t.jsonl").write_text("\n".join(lines), encoding="utf-8")
    write_csv(folder / "t.csv", [["text", "label"], *zip(texts, labels, strict=True)])
    pyarrow.parquet.write_table(pa.table({"text": texts, "label": labels}), folder / "t.parquet")
    expected = read_or_refuse(folder / "t.jsonl")
    assert expected == read_or_refuse(folder / "t.csv") == read_or_refuse(folder / "t.parquet")
    if isinstance(expected, str):
        assert "holds 0/1 labels, but row" in expected  # and another has none: a class of no printable letters
    else:
        assert expected[:2] == (texts, list(range(len(texts))))


CLASSES = TEXTS.filter(lambda text: text.isprintable() and ";" not in text)


@given(st.lists(st.lists(CLASSES, max_size=3), min_size=1, max_size=5))
def test_lists_of_labels_read_alike(folder, lists):
    """In CSV, lists are texts split at a separator."""
    lines = [json.dumps({"text": "a", "labels": labels}) for labels in lists]
    (folder / "l.jsonl").write_text("\n".join(lines), encoding="utf-8")
    write_csv(folder / "l.csv", [["text", "labels"], *(["a", ";".join(labels)] for labels in lists)])
    column = pa.array(lists, pa.list_(pa.string()))
    pyarrow.parquet.write_table(pa.table({"text": ["a"] * len(lists), "labels": column}), folder / "l.parquet")
    expected = give_concepts(read_text_table(folder / "l.jsonl"))
    assert give_concepts(read_text_table(folder / "l.csv", separator=";")) == expected
    assert give_concepts(read_text_table(folder / "l.parquet")) == expected
    assert sorted(row for rows in expected.values() for row in set(rows)) == sorted(
        row for row, labels in enumerate(lists) for _ in {read_label(label, None) for label in labels}
    )


CELLS = st.text(st.sampled_from('ab"\r\n,\t\\ \x00\x85\u2028é1.'), max_size=6)
TABLE = st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=6)


@given(TABLE, st.sampled_from(["\n", "\r\n", "\r"]))
def test_csv_is_read_at_once_as_it_is_row_by_row(folder, rows, end):
    path = folder / "x.csv"
    write_csv(path, [["text", "label"], *rows], lineterminator=end)
    require_same_at_once(path, rows)


@given(st.text(st.sampled_from('ab",\n\r'), max_size=40))
def test_what_is_no_proper_csv_is_not_read_at_once_otherwise(folder, text):
    path = folder / "y.csv"
    path.write_bytes(f"text,label\n{text}".encode())
    require_same_at_once(path)


@given(st.text(st.sampled_from('ab"\t\n\r'), max_size=40))
def test_tsv_is_read_at_once_as_it_is_row_by_row(folder, text):
    path = folder / "y.tsv"
    path.write_bytes(f"text\tlabel\n{text}".encode())
    require_same_at_once(path)


def require_same_at_once(path, rows=None):
    file, bad = open_table(path), BadLines(path, skip=True)
    one_by_one = [list(record.values()) for _, record in file.iterate_rows(["text", "label"], bad)]
    table = file.read_at_once(["text", "label"])
    if table is None:
        assert rows is None
    else:
        assert not bad.reports
        assert [list(row) for row in zip(*table.to_pydict().values(), strict=True)] == one_by_one
    assert rows is None or one_by_one == rows


@given(st.lists(TEXTS, min_size=1, max_size=8), st.booleans())
def test_json_texts_are_read_at_once(folder, texts, is_ascii):
    path = folder / "w.jsonl"
    records = [{"n": [n], "text": text, "more": {"x": None}} for n, text in enumerate(texts)]
    path.write_text("\n".join(json.dumps(record, ensure_ascii=is_ascii) for record in records) + "\n", encoding="utf-8")
    assert JsonTable(path).read_at_once(["text"])["text"].to_pylist() == texts
    assert [record["text"] for _, record in JsonTable(path).iterate_rows(["text"], BadLines(path))] == texts


@given(st.lists(st.sampled_from(['{"text": "a"}', '{"text": null}', "{}", "", '{"text":', '"b"}', "7", '{"text": 7}'])))
def test_json_is_read_at_once_as_it_is_row_by_row(folder, lines):
    path = folder / "z.jsonl"
    path.write_text("\n".join(lines))
    table, bad = JsonTable(path).read_at_once(["text"]), BadLines(path, skip=True)
    if table is not None:
        one_by_one = [record["text"] for _, record in JsonTable(path).iterate_rows(["text"], bad)]
        assert table["text"].to_pylist() == one_by_one
        assert not bad.reports


def test_good_files_are_read_at_once(tmp_path):
    """Ensures that the comparisons above compare two different readers."""
    write_csv(tmp_path / "t.csv", [["id", "text", "label"], [1, 'a "b"\nc', "x"]])
    (tmp_path / "t.tsv").write_text('id\ttext\tlabel\n1\t"b\tx\n')
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress((tmp_path / "t.csv").read_bytes()))
    for name, text in (("t.csv", 'a "b"\nc'), ("t.tsv", '"b'), ("t.csv.gz", 'a "b"\nc')):
        assert open_table(tmp_path / name).read_at_once(["label", "text"]).to_pydict() == {
            "label": ["x"],
            "text": [text],
        }
    (tmp_path / "t.jsonl").write_text('{"text": "a", "n": 1}\n\n{"n": "x", "text": "b"}')
    assert JsonTable(tmp_path / "t.jsonl").read_at_once(["text"]).to_pydict() == {"text": ["a", "b"]}


def test_only_the_asked_columns_of_a_parquet_file_are_read(tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    table = pa.table({"text": ["a", "b"], "tags": [["x"], ["x", "y"]], "vector": [[0.5], [1.5]]})
    pyarrow.parquet.write_table(table, path)
    assert ParquetTable(path).read_at_once(["text", "tags"]).column_names == ["text", "tags"]
    rows = list(ParquetTable(path).iterate_rows(["tags"], BadLines(path)))
    assert rows == [("row 0", {"tags": ["x"]}), ("row 1", {"tags": ["x", "y"]})]
    raw = path.read_bytes()  # columns that are not asked for may even be damaged
    start = pyarrow.parquet.ParquetFile(path).metadata.row_group(0).column(2).data_page_offset
    path.write_bytes(raw[:start] + b"\xff" * 8 + raw[start + 8 :])
    assert give_concepts(read_text_table(path, label_columns=["tags"])) == {"x": [0, 1], "y": [1]}
    with pytest.raises(UserError, match=r"t.parquet: not a readable Parquet file"):
        read_text_table(path, label_columns=["vector"])


def test_a_quote_that_stays_open_is_named_by_its_line(tmp_path):
    path = tmp_path / "t.csv"
    good = [f"text {number},a" for number in range(50)]
    path.write_text("\n".join(["text,label", *good, '"He said hi and left,a', *good]))
    with pytest.raises(UserError, match=r"t.csv:52: not valid CSV, .*line 102: .* an unknown number of rows is lost"):
        read_text_table(path)
    dataset = read_text_table(path, skip_bad_lines=True)
    assert len(dataset) == 50
    assert len(dataset.bad_lines) == 1
    path.write_text("\n".join(["text,label", *good, '"He said hi and left,a', *good, '"Again" she said,b', *good]))
    with pytest.raises(UserError, match=r"t.csv:52: not valid CSV, .*line 103: "):
        read_text_table(path)
    assert len(read_text_table(path, skip_bad_lines=True)) == 50  # the positions of the following rows are unknown


def test_a_quote_in_a_tsv_is_a_plain_character(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text('text\tlabel\na\tx\n"Never again\tx\nb\ty\nso he said "\ty\n')
    assert list(read_text_table(path).texts) == ["a", '"Never again', "b", 'so he said "']
    path.write_text('text\tlabel\na\tx\n"Never again\tx\nb\nso he said "\ty\n')
    dataset = read_text_table(path, skip_bad_lines=True)
    assert list(dataset.texts) == ["a", '"Never again', 'so he said "']
    assert dataset.table_rows.tolist() == [0, 1, 3]


@pytest.mark.parametrize("cells", [["1.0", "0.0", "1.0"], ["+1", "-1", "+1"], ["1", "0.00", "+1.0"]])
@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.jsonl"])
def test_numbers_in_texts_are_numbers(tmp_path, name, cells):
    path = tmp_path / name
    delimiter = "\t" if name == "t.tsv" else ","
    if name == "t.jsonl":
        path.write_text("".join(json.dumps({"text": "a", "label": cell}) + "\n" for cell in cells))
    else:
        path.write_text("\n".join(delimiter.join(row) for row in (["text", "label"], *(["a", cell] for cell in cells))))
    assert give_concepts(read_text_table(path)) == {"label": [0, 2]}


def test_a_gap_in_a_column_of_numbers_is_refused_in_every_format(tmp_path):
    table = pd.DataFrame({"text": ["alpha", "beta", "gamma"], "label": [1, 0, None]})
    table.to_csv(tmp_path / "t.csv", index=False)
    table.to_parquet(tmp_path / "t.parquet")
    table.to_json(tmp_path / "t.jsonl", orient="records", lines=True)
    for name in ("t.csv", "t.parquet", "t.jsonl"):
        with pytest.raises(UserError, match=r"'label' holds 0/1 labels, but row 2 \(counted from 0\) has none"):
            read_text_table(tmp_path / name)


def test_rows_keep_their_positions_in_the_file(tmp_path):
    rows = [None, "one", "two", "three", "", "five", "six", "seven", "eight", None, "ten"]
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps({"text": text, "label": 0}) + "\n" for text in rows))
    pd.DataFrame({"text": rows, "label": 0}).to_parquet(tmp_path / "t.parquet")
    write_csv(tmp_path / "t.csv", [["text", "label"], *([text, 0] for text in rows)])
    for name in ("t.jsonl", "t.parquet", "t.csv"):
        texts, table_rows, bad = read_texts(tmp_path / name)
        assert table_rows.tolist() == [1, 2, 3, 5, 6, 7, 8, 10]
        assert texts == [rows[row] for row in table_rows]
        assert [one.row for one in bad.left_out] == [0, 4, 9]
        assert bad.reports[0].endswith("'text' is empty")
        assert read_text_table(tmp_path / name, skip_bad_lines=True).table_rows.tolist() == table_rows.tolist()


def test_a_row_with_a_line_that_is_not_utf8_is_left_out_whole(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b'text,label\na,x\n"b\n\xff\nc",x\nd,y\n')
    with pytest.raises(UserError, match=r"t.csv:4: not UTF-8 text"):
        read_text_table(path)
    dataset = read_text_table(path, skip_bad_lines=True)
    assert list(dataset.texts) == ["a", "d"]
    assert dataset.table_rows.tolist() == [0, 2]
    path.write_bytes(b'text,label\n"\xff"a,x\nb,y\n')  # wrong in two ways, but still one row
    dataset = read_text_table(path, skip_bad_lines=True)
    assert list(dataset.texts) == ["b"]
    assert dataset.table_rows.tolist() == [1]
    assert len(dataset.bad_lines) == 1
    path.write_bytes(b"text,label\ra,x\rb\xff,y\rc,z\r")
    dataset = read_text_table(path, skip_bad_lines=True)
    assert list(dataset.texts) == ["a", "c"]
    assert dataset.table_rows.tolist() == [0, 2]
    path.write_bytes(b"text,l\xffbel\na,x\nb,y\n")
    with pytest.raises(UserError, match=r"t.csv:1: not UTF-8 text"):
        read_text_table(path, skip_bad_lines=True)  # the next line is not a header


@pytest.mark.parametrize("content", [b"text,label\ra,x\rb,y\r", b"\xef\xbb\xbftext,label,,\r\na,x,,\r\nb,y,,\r\n"])
def test_old_line_ends_and_trailing_commas(tmp_path, content):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    at_once = read_text_table(path)
    path.write_bytes(content + b",x")
    row_by_row = read_text_table(path, skip_bad_lines=True)
    for dataset in (at_once, row_by_row):
        assert give_concepts(dataset) == {"x": [0], "y": [1]}
        assert list(dataset.texts) == ["a", "b"]


def test_a_pipe_is_no_folder(tmp_path):
    os.mkfifo(tmp_path / "t.jsonl")
    with pytest.raises(UserError, match="a pipe or a device; save it to a file"):
        read_text_table(tmp_path / "t.jsonl")


def test_a_folder_that_changes_while_it_is_listed_is_named(tmp_path, monkeypatch):
    def list_with_error(folder, pattern):
        yield folder / "a.txt"
        raise FileNotFoundError(2, "No such file or directory", str(folder / "gone"))

    monkeypatch.setattr(Path, "rglob", list_with_error)
    with pytest.raises(UserError) as error:
        read_text_table(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}: cannot be searched for .txt files ({tmp_path / 'gone'}: No such file or directory); "
        "give a folder that holds only the texts"
    )


def test_a_large_cell_is_no_obstacle(tmp_path):
    """The cell is larger than the block that pyarrow reads at a time."""
    write_csv(tmp_path / "t.csv", [["text", "label"], ["a" * 3_000_000, "x"], ["b", "y"]])
    assert [len(text) for text in read_text_table(tmp_path / "t.csv").texts] == [3_000_000, 1]
    assert DelimitedTable(tmp_path / "t.csv", ",", is_quoted=True).read_header(BadLines(tmp_path)) == ["text", "label"]


def test_a_column_named_twice_is_one_column(tmp_path):
    write_csv(tmp_path / "t.csv", [["text", "label"], ["a", "1"], ["b", "0"]])
    dataset = read_text_table(tmp_path / "t.csv", label_columns=["label", "label"])
    assert np.array_equal(dataset.concepts["label"], [0])


def test_two_objects_on_a_line_are_called_that(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"text": "a"}{"text": "b"}\n{"text": "c"}\n')
    with pytest.raises(UserError, match=r"t\.jsonl:1: not valid JSON \(more than one value on the line: "):
        read_texts(path)
