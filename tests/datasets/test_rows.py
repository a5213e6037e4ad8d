"""No row of a table is lost, merged or misnumbered, whatever its texts and format."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
from collections.abc import Callable

import openpyxl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from seals_sim.datasets.options import TableOptions
from seals_sim.datasets.table import read_text_columns, read_text_table
from seals_sim.errors import UserError

BAD = "\ue000"  # stands for a byte that is not UTF-8
PIECES = ['"', '""', ",", ";", "\n", "\r\n", "\r", "\t", "a", "b c", "é", "\u2028", "\x85", "'", "\\", "["]
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=BAD))
TEXTS = st.lists(st.sampled_from(PIECES), max_size=6).map("".join) | ANY_TEXT
SPOILT = st.one_of(TEXTS, st.just(""), st.just(BAD), TEXTS.map(lambda text: text + BAD))
CELLS = st.lists(SPOILT, min_size=1, max_size=9)
CLEAN = st.lists(TEXTS | st.none(), min_size=1, max_size=9)
ONE_LINE = CELLS.map(lambda cells: ["".join(cell.split("\t")).replace("\n", " ").replace("\r", " ") for cell in cells])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("rows")


def to_bytes(text):
    return text.encode().replace(BAD.encode(), b"\xff")


def require_numbered(path, cells, **options):
    """Require that every row read is where its number says, and that every other row is listed."""
    cells = [cell or "" for cell in cells]
    good = [row for row, cell in enumerate(cells) if cell.strip() and BAD not in cell]
    if not good:
        return
    table = read_text_columns(path, "text", True, TableOptions(**options), columns=["id"])
    assert table.rows.tolist() == good
    assert [text.rstrip("\r") for text in table.texts] == [cells[row].rstrip("\r") for row in good]
    assert [str(id) for id in table.columns["id"]] == [str(row) for row in good]
    assert [one.row for one in table.bad.left_out] == [row for row in range(len(cells)) if row not in good]


def make_csv(cells, end, **options):
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator=end, **options)
    writer.writerows([["id", "text"], *enumerate(cells)])
    return to_bytes(file.getvalue())


ENDS = st.sampled_from(["\n", "\r\n"])


@given(CELLS, ENDS, st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), st.sampled_from(",;\t|"))
def test_csv(folder, cells, end, quoting, delimiter):
    (folder / "t.csv").write_bytes(make_csv(cells, end, quoting=quoting, delimiter=delimiter))
    require_numbered(folder / "t.csv", cells, delimiter=None if delimiter != "|" else "|")


@given(ONE_LINE, ENDS)
def test_tsv_has_no_quoting(folder, cells, end):
    lines = [f"{row}\t{cell}" for row, cell in enumerate(cells)]
    (folder / "t.tsv").write_bytes(to_bytes(end.join(["id\ttext", *lines, ""])))
    require_numbered(folder / "t.tsv", cells)


@given(ONE_LINE)
def test_csv_without_quoting_and_tsv_with(folder, cells):
    lines = [f"{row}|{cell.replace('|', '')}" for row, cell in enumerate(cells)]
    (folder / "n.csv").write_bytes(to_bytes("\n".join(["id|text", *lines, ""])))
    require_numbered(folder / "n.csv", [cell.replace("|", "") for cell in cells], delimiter="|", quoting="none")
    (folder / "q.tsv").write_bytes(make_csv(cells, "\n", delimiter="\t"))
    require_numbered(folder / "q.tsv", cells, quoting="double")


def encode_json(row, cell):
    return to_bytes(json.dumps({"id": row, "text": cell}, ensure_ascii=False))


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": lambda data: pa.Codec("zstd").compress(data, asbytes=True),
}


@given(CELLS, st.sampled_from(list(PACKINGS)))
def test_json_lines_plain_and_packed(folder, cells, ending):
    path = folder / f"t.jsonl{ending}"
    path.write_bytes(PACKINGS[ending](b"\n".join(encode_json(*pair) for pair in enumerate(cells))))
    require_numbered(path, cells)


@given(CLEAN, st.integers(0, 3), st.booleans())
def test_json_array(folder, cells, indent, has_mark):
    records = [{"id": row, "text": cell} for row, cell in enumerate(cells)]
    mark = b"\xef\xbb\xbf" if has_mark else b""
    (folder / "t.json").write_bytes(mark + json.dumps(records, indent=indent or None).encode())
    require_numbered(folder / "t.json", cells)


@given(CLEAN)
def test_nested_fields(folder, cells):
    records = [{"id": row, "doc": None if cell is None else {"text": cell}} for row, cell in enumerate(cells)]
    (folder / "n.jsonl").write_text("\n".join(map(json.dumps, records)))
    kind = pa.struct([("text", pa.string()), ("n", pa.int64())])
    columns = {"id": range(len(cells)), "doc": pa.array([record["doc"] for record in records], kind)}
    pyarrow.parquet.write_table(pa.table(columns), folder / "n.parquet")
    good = [row for row, cell in enumerate(cells) if cell and cell.strip()]
    for name in ("n.jsonl", "n.parquet"):
        if good:
            table = read_text_columns(folder / name, "doc.text", columns=["id"])
            assert table.rows.tolist() == table.columns["id"] == good
            assert table.texts == [cells[row] for row in good]


@given(CLEAN, st.integers(1, 4), st.integers(1, 3))
def test_parquet_and_arrow(folder, cells, n_in_batch, n_files):
    table = pa.table({"id": range(len(cells)), "text": pa.array(cells, pa.string())})
    pyarrow.parquet.write_table(table, folder / "t.parquet", row_group_size=n_in_batch)
    pyarrow.feather.write_feather(table, folder / "t.feather", chunksize=n_in_batch)
    saved = folder / f"saved{n_files}"
    saved.mkdir(exist_ok=True)
    per_file = -(-len(cells) // n_files)
    names = [f"data-{number:05}-of-{n_files:05}.arrow" for number in range(n_files)]
    for number, name in enumerate(names):  # as `datasets` does
        part = table.slice(number * per_file, per_file)
        with pa.ipc.new_stream(saved / name, table.schema) as writer:
            writer.write_table(part, max_chunksize=n_in_batch)
    (saved / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))
    for path in (folder / "t.parquet", folder / "t.feather", saved, saved / names[0] if n_files == 1 else saved):
        require_numbered(path, cells)


@given(st.lists(st.text(st.sampled_from("aé\"',;\n =NA"), max_size=5), min_size=1, max_size=9))
def test_excel(folder, cells):
    book = openpyxl.Workbook()
    book.active.append(["id", "text"])
    for row, cell in enumerate(cells):
        book.active.append([row, cell])
        book.active.cell(row + 2, 2).data_type = "s"
    book.save(folder / "t.xlsx")
    require_numbered(folder / "t.xlsx", cells)


@given(CELLS)
def test_a_folder_of_texts(tmp_path_factory, cells):
    folder = tmp_path_factory.mktemp("texts")
    for row, cell in enumerate(cells):
        path = folder / str(row // 4) / f"{row}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(to_bytes(cell))
    (folder / "notes.md").write_text("no text of the table")
    good = [row for row, cell in enumerate(cells) if cell.strip() and BAD not in cell]
    if good:
        table = read_text_columns(folder, skip_bad_lines=True, columns=None)
        assert table.rows.tolist() == good
        assert [text.encode() for text in table.texts] == [to_bytes(cells[row]) for row in good]
        assert table.columns["file"] == [f"{row // 4}/{row}.txt" for row in good]


@given(CELLS, st.sampled_from(["cp1252", "utf-16", "utf-16-le", "utf-32", "gb18030", "shift_jis", "utf-8-sig"]), ENDS)
def test_other_encodings(folder, cells, encoding, end):
    cells = [cell.replace(BAD, "").encode(encoding, "ignore").decode(encoding) for cell in cells]
    mark = "\ufeff" if encoding == "utf-16-le" else ""
    (folder / "e.csv").write_bytes((mark + make_csv(cells, end).decode()).encode(encoding))
    require_numbered(folder / "e.csv", cells, encoding=encoding)
    records = [json.dumps({"id": row, "text": cell}, ensure_ascii=False) for row, cell in enumerate(cells)]
    (folder / "e.jsonl").write_bytes("\n".join(records).encode(encoding))
    require_numbered(folder / "e.jsonl", cells, encoding=encoding)


def test_carriage_returns_are_letters_unless_the_header_ends_in_one(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"id,text\n0,a\rb\n1,c\n2,d\r")
    table = read_text_columns(path, columns=["id"])
    assert (table.texts, table.columns["id"]) == (["a\rb", "c", "d"], ["0", "1", "2"])
    path.write_bytes(b"id,text\r0,a\r1,c")
    assert read_text_columns(path).texts == ["a", "c"]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("t.csv", {"sheet": "a"}, r"sheet = 'a': does not apply to .*t.csv"),
        ("t.parquet", {"encoding": "cp1252"}, r"encoding = 'cp1252': does not apply to"),
        ("t.jsonl", {"delimiter": ";"}, r"delimiter = ';': does not apply to"),
        ("t.xlsx", {"sheet": "c"}, r"sheet = 'c': no such sheet in .*t.xlsx; it has 'a', 'b'"),
        ("t.xlsx", {}, r"t.xlsx has 2 sheets; name one of 'a', 'b'"),
        ("bad.xlsx", {}, r"bad.xlsx: not a readable workbook"),
        ("bad.arrow", {}, r"bad.arrow: not a readable Arrow file"),
        ("bad.json", {}, r"bad.json:2: not valid JSON"),
        ("short.csv.zst", {}, r"short.csv.zst:\d+: the zstd data is damaged or truncated here; an unknown number"),
        ("wide.csv", {}, r"wide.csv:1: not UTF-8 text .*; specify its encoding"),
        ("t.csv", {"encoding": "utf-16"}, r"t.csv:1: not utf-16 text from here on; an unknown number of rows is lost"),
        ("latin.csv", {"encoding": "ascii"}, r"latin.csv:2: not ASCII text .*; specify its encoding"),
        ("splits", {}, r"splits: has 2 splits; name one of .*train, .*test"),
        ("none", {}, r"none: has no .txt files"),
    ],
)
def test_what_is_refused(tmp_path, name, options, message):
    for plain in ("t.csv", "t.parquet", "t.jsonl"):
        (tmp_path / plain).write_text("text\na")
    book = openpyxl.Workbook()
    book.active.title = "a"
    book.create_sheet("b")
    book.save(tmp_path / "t.xlsx")
    for bad in ("bad.xlsx", "bad.arrow"):
        (tmp_path / bad).write_text("no such thing")
    (tmp_path / "bad.json").write_text('[{"text": "a"},\n{"text"}]')
    (tmp_path / "short.csv.zst").write_bytes(PACKINGS[".zst"](b"text\n" + b"abc\n" * 1000)[:-3])
    (tmp_path / "wide.csv").write_bytes("text\né".encode("utf-16"))
    (tmp_path / "latin.csv").write_bytes("text\né".encode("latin-1"))
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits/dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    (tmp_path / "none").mkdir()
    with pytest.raises(UserError, match=message):
        read_text_columns(tmp_path / name, options=TableOptions(**options))


@pytest.mark.parametrize(
    "options", [{"delimiter": ""}, {"delimiter": "ab"}, {"delimiter": '"'}, {"encoding": "klingon"}]
)
def test_options_that_cannot_be(options):
    with pytest.raises(ValidationError, match=f"{next(iter(options))} = "):
        TableOptions(**options)


def test_a_semicolon_is_taken_where_the_header_has_no_comma(tmp_path):
    (tmp_path / "t.csv").write_text('id;text\n1;"a, b; c"\n2;1,5\n')
    assert read_text_columns(tmp_path / "t.csv").texts == ["a, b; c", "1,5"]
    (tmp_path / "u.csv").write_text('"id; of it",text\n1,a;b\n')
    assert read_text_columns(tmp_path / "u.csv").texts == ["a;b"]


def test_excel_sheets_and_numbers(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "a"
    sheet = book.create_sheet("b")
    for cells in (["text", "label"], [1984, True], [2.5, False], ["NA", True]):
        sheet.append(cells)
    book.save(tmp_path / "t.xlsx")
    dataset = read_text_table(tmp_path / "t.xlsx", options=TableOptions(sheet="b"))
    assert list(dataset.texts) == ["1984", "2.5", "NA"]
    assert dataset.concepts["label"].tolist() == [0, 2]
