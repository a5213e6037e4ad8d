"""Reading every kind of input. For bad input, the error gives the file, the line and what to do."""

from __future__ import annotations

import csv
import gzip
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from seals_sim.datasets import read_goodreads, read_icd10cm, read_text_table, read_vectors
from seals_sim.errors import UserError
from seals_sim.vectors.normalize import normalize

ROWS = [
    {"text": "a cat sleeps", "label": "cat", "tags": ["animal", "calm"], "good": 1},
    {"text": "a dog, barking", "label": "dog", "tags": ["animal"], "good": 0},
    {"text": 'a "quoted"\nline', "label": "cat", "tags": [], "good": 1},
]


def write_rows(path, rows=ROWS):
    """Write the same table in the format that the name asks for."""
    plain = path.with_suffix("") if path.suffix == ".gz" else path
    if plain.suffix == ".jsonl":
        text = "".join(json.dumps(row) + "\n" for row in rows)
    elif plain.suffix == ".parquet":
        pd.DataFrame(rows).to_parquet(path)
        return path
    else:
        flat = [{**row, "tags": "; ".join(row["tags"])} for row in rows]
        table = pd.DataFrame(flat)
        if plain.suffix == ".tsv":  # no quoting, so a cell cannot hold a line end
            text = table.replace("\n", " ", regex=True).to_csv(index=False, sep="\t", quoting=csv.QUOTE_NONE)
        else:
            text = table.to_csv(index=False, quoting=csv.QUOTE_ALL)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def _concepts(dataset):
    return {name: rows.tolist() for name, rows in dataset.concepts.items()}


@pytest.mark.parametrize("name", ["t.jsonl", "t.jsonl.gz", "t.csv", "t.csv.gz", "t.tsv", "t.parquet"])
def test_tables_of_every_format_read_alike(tmp_path, name):
    path = write_rows(tmp_path / name)
    dataset = read_text_table(path)
    assert dataset.name == "t"
    space = " " if name == "t.tsv" else "\n"
    assert list(dataset.texts) == [row["text"].replace("\n", space) for row in ROWS]
    assert _concepts(dataset) == {"cat": [0, 2], "dog": [1]}
    separator = ";" if ".csv" in name or ".tsv" in name else None
    if separator is None:
        assert _concepts(read_text_table(path, label_columns=["tags"])) == {"animal": [0, 1], "calm": [0]}
    else:
        by_tag = read_text_table(path, label_columns=["tags"], separator=separator)
        assert _concepts(by_tag) == {"animal": [0, 1], "calm": [0]}
    assert _concepts(read_text_table(path, label_columns=["good"])) == {"good": [0, 2]}
    both = read_text_table(path, label_columns=["label", "good"])
    assert _concepts(both) == {"label=cat": [0, 2], "label=dog": [1], "good": [0, 2]}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (['{"text": "a", "label": 1}', '{"text": "b", '], r"t.jsonl:2: not valid JSON"),
        (['{"text": "a", "label": 1}', "[1]"], r"t.jsonl:2: must be a JSON object"),
        (['{"text": "a", "label": 1}', '{"label": 1}'], r"t.jsonl:2: this line has no 'text'"),
        (['{"text": "a", "label": 1}', '{"text": 7, "label": 1}'], r"t.jsonl:2: 'text' must be text, not 7"),
        (['{"text": "a", "label": 1}', '{"text": "b", "label": {"x": 1}}'], r"t.jsonl:2: .* is not a label"),
        (['{"text": "a", "label": 1}', '{"text": "b", "label": null}'], r"'label' holds 0/1 labels, but row 1 "),
        (
            ['{"body": "a", "label": 1}'],
            r"text_column = 'text': no such column in .*t.jsonl; its columns are 'body', 'label'",
        ),
        (
            ['{"text": "a", "kind": 1}'],
            r"label_column = None: .* has no column 'label' or 'labels'; name one of 'text', 'kind'",
        ),
        ([], r"has no rows"),
    ],
)
def test_bad_json_lines(tmp_path, lines, message):
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join(lines))
    with pytest.raises(UserError, match=message):
        read_text_table(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"text,label\na,1\nb\n", r"t.csv:3: 1 fields, but the header has 2"),
        (b"text,label\na,1\nb,0,9\n", r"t.csv:3: 3 fields"),
        (b'text,label\na,1\n"b,0\n', r"t.csv:3: not valid CSV"),
        (b"text,label\na,1\n\xff,0\n", r"t.csv:3: not UTF-8"),
        (b"text,text,label\na,b,1\n", r"t.csv:1: two columns are called 'text'"),
        (b"body,label\na,1\n", r"text_column = 'text': no such column in .*t.csv; its columns are 'body', 'label'"),
        (b"", r"has no rows"),
    ],
)
def test_bad_csv(tmp_path, content, message):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_text_table(path)


def test_other_bad_files(tmp_path):
    with pytest.raises(UserError, match=r"no\.csv: no such file"):
        read_text_table(tmp_path / "no.csv")
    with pytest.raises(UserError, match=r"has no \.txt files"):
        read_text_table(tmp_path)
    (tmp_path / "t.doc").write_text("x")
    with pytest.raises(UserError, match=r"must end in \.jsonl"):
        read_text_table(tmp_path / "t.doc")
    (tmp_path / "t.parquet").write_text("x")
    with pytest.raises(UserError, match="not a readable Parquet file"):
        read_text_table(tmp_path / "t.parquet")
    (tmp_path / "t.csv.gz").write_text("text,label\n")
    with pytest.raises(UserError, match=r"t.csv.gz:1: the gzip data is damaged"):
        read_text_table(tmp_path / "t.csv.gz")


def test_bad_lines_can_be_skipped_and_are_reported(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_bytes(
        b'{"text": "a", "label": "x"}\nnonsense\n{"text": "", "label": "x"}\n\xff\n{"text": "b", "label": "y"}'
    )
    with pytest.raises(UserError, match=r"t.jsonl:2: not valid JSON .*; skip_bad_lines skips such lines$"):
        read_text_table(path)
    dataset = read_text_table(path, skip_bad_lines=True)
    assert list(dataset.texts) == ["a", "b"]
    assert [report.split(":")[1] for report in dataset.bad_lines] == ["2", "3", "4"]
    path = tmp_path / "t.csv"
    path.write_text('text,label\na,x\nb\nc,y\n"d')
    dataset = read_text_table(path, skip_bad_lines=True)
    assert list(dataset.texts) == ["a", "c"]
    assert len(dataset.bad_lines) == 2


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("\ufefftext,label\na,x\n".encode())
    assert list(read_text_table(path).texts) == ["a"]


# Written by hand in the published schema; no line is from the real file.
REVIEWS = [
    {
        "user_id": "u1", "timestamp": "2017-08-30", "rating": 5, "has_spoiler": True, "book_id": "1", "review_id": "r1",
        "review_sentences": [[0, "A fine start."], [1, "The butler is the ghost."]],
    },
    {
        "user_id": "u2", "timestamp": "2016-01-02", "rating": 2, "has_spoiler": False, "book_id": "2",
        "review_id": "r2",
        "review_sentences": [[0, "Too long for me."]],
    },
]  # fmt: skip


def _reviews(path, *changes):
    lines = [json.dumps(review) for review in REVIEWS]
    for number, line in changes:
        lines.insert(number - 1, line)
    content = ("\n".join(lines) + "\n").encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize("name", ["reviews.json", "reviews.json.gz"])
def test_goodreads_sentences_are_the_examples(tmp_path, name):
    dataset = read_goodreads(_reviews(tmp_path / name))
    assert list(dataset.texts) == ["A fine start.", "The butler is the ghost.", "Too long for me."]
    assert _concepts(dataset) == {"spoiler": [1]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.pop("book_id"), r":2: a review needs the key 'book_id'"),
        (lambda r: r.update(review_sentences="x"), r":2: 'review_sentences' must be a list"),
        (lambda r: r.update(review_sentences=[[0]]), r":2: sentence 1 must be"),
        (lambda r: r.update(review_sentences=[[0, "a"], [2, "b"]]), r":2: the label of sentence 2 must be 0 or 1"),
        (lambda r: r.update(review_sentences=[[True, "a"]]), r":2: the label of sentence 1"),
        (lambda r: r.update(review_sentences=[[0, ""]]), r":2: the text of sentence 1 is empty"),
        (lambda r: r.update(review_sentences=[[0, None]]), r":2: the text of sentence 1"),
    ],
)
def test_bad_reviews(tmp_path, change, message):
    bad = json.loads(json.dumps(REVIEWS[0]))
    change(bad)
    path = _reviews(tmp_path / "r.json", (2, json.dumps(bad)))
    with pytest.raises(UserError, match=message):
        read_goodreads(path)
    dataset = read_goodreads(path, skip_bad_lines=True)
    assert len(dataset) == 3
    assert len(dataset.bad_lines) == 1


def test_a_truncated_gzip_names_the_line(tmp_path):
    path = tmp_path / "r.json.gz"
    rng = np.random.default_rng(0)
    lines = [json.dumps({**REVIEWS[0], "review_id": str(rng.integers(2**60))}) for _ in range(2000)]
    whole = gzip.compress("\n".join(lines).encode())
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"r.json.gz:\d{3,}: the gzip data is damaged or truncated"):
        read_goodreads(path)
    dataset = read_goodreads(path, skip_bad_lines=True)
    assert 100 < len(dataset) < 4000
    assert len(dataset.bad_lines) == 1


def test_icd10cm_concepts_are_blocks_and_categories():
    dataset = read_icd10cm()
    assert 74_000 < len(dataset) < 76_000
    sizes = {name: len(rows) for name, rows in dataset.concepts.items()}
    assert min(sizes.values()) >= 20
    assert max(sizes.values()) <= 1000
    assert len(sizes) > 500
    assert dataset.titles["A00-A09"] == "Intestinal infectious diseases (A00-A09)"
    assert "Cholera, unspecified" in [dataset.texts[row] for row in dataset.concepts["A00-A09"]]
    assert len({rows.tobytes() for rows in dataset.concepts.values()}) == len(dataset.concepts)


def test_a_sample_keeps_texts_and_concepts_together():
    dataset = read_icd10cm()
    part = dataset.sample(5000, np.random.default_rng(0))
    assert len(part) == 5000
    assert list(part.texts) == [dataset.texts[row] for row in part.table_rows]
    for name in dataset.concepts:
        assert np.array_equal(part.is_positive(name), dataset.is_positive(name)[part.table_rows])
    assert part.fingerprint() != dataset.sample(5000, np.random.default_rng(1)).fingerprint()
    assert part.fingerprint() == dataset.sample(5000, np.random.default_rng(0)).fingerprint()


def _arrays(tmp_path, vectors, labels):
    np.save(tmp_path / "x.npy", vectors)
    np.save(tmp_path / "y.npy", labels)
    return tmp_path / "x.npy", tmp_path / "y.npy"


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8])
def test_vectors_with_class_ids(tmp_path, dtype):
    vectors = np.array([[3, 4], [0, 2], [-1, 0]], dtype=dtype)
    dataset = read_vectors(*_arrays(tmp_path, vectors, np.array([7, 3, 7])))
    np.testing.assert_allclose(dataset.vectors, [[0.6, 0.8], [0, 1], [-1, 0]], atol=1e-6)
    assert dataset.vectors.dtype == np.float32
    assert _concepts(dataset) == {"7": [0, 2], "3": [1]}


def test_vectors_with_a_table_of_labels(tmp_path):
    path, _ = _arrays(tmp_path, np.eye(3), np.zeros(3))
    labels = write_rows(tmp_path / "labels.jsonl")
    assert _concepts(read_vectors(path, labels, ["tags"])) == {"animal": [0, 1], "calm": [0]}
    assert _concepts(read_vectors(path, _arrays(tmp_path, np.eye(3), np.array([True, False, True]))[1])) == {
        "y": [0, 2]
    }


@pytest.mark.parametrize(
    ("vectors", "labels", "message"),
    [
        (np.ones(3), np.ones(3), r"x.npy: must be an \(n, d\) array .* shape \(3,\)"),
        (np.ones((3, 2)), np.ones(4), r"4 labels for the 3 vectors"),
        (np.ones((3, 2)), np.ones((3, 2)), r"y.npy: .* one class id per row"),
        (np.array([[1, 1], [np.nan, 1]]), np.ones(2), r"row 1 \(counted from 0\) has a NaN"),
        (np.array([[np.inf, 1], [1, 1]]), np.ones(2), r"row 0 .* infinite"),
        (np.array([[1, 1], [0, 0]]), np.ones(2), r"row 1 .* is zero"),
        (np.ones((2, 2)), np.array([1, np.nan]), r"y.npy: row 1 .* NaN"),
        (np.ones((2, 2), dtype=complex), np.ones(2), r"complex128"),
        (np.array([["a"]]), np.ones(1), r"array of numbers"),
    ],
)
def test_bad_vectors(tmp_path, vectors, labels, message):
    with pytest.raises(UserError, match=message):
        read_vectors(*_arrays(tmp_path, vectors, labels))


def test_no_pickle_is_loaded(tmp_path):
    np.save(tmp_path / "x.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "y.npy", np.ones(1))
    with pytest.raises(UserError, match=r"x.npy: is not a readable \.npy file"):
        read_vectors(tmp_path / "x.npy", tmp_path / "y.npy")
    (tmp_path / "z.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(UserError, match="not a readable"):
        read_vectors(tmp_path / "z.npy", tmp_path / "y.npy")
    np.savez(tmp_path / "w.npz", np.ones((1, 1)))
    with pytest.raises(UserError, match=r"\.npz archive"):
        read_vectors(tmp_path / "w.npz", tmp_path / "y.npy")


@given(st.lists(st.floats(-1e300, 1e300, allow_subnormal=False), min_size=2, max_size=6))
def test_normalized_rows_have_unit_length_at_any_scale(values):
    row = np.array([values])
    assume(np.abs(row).max() > 1e-300)
    assert np.linalg.norm(normalize(row, "x").astype(np.float64)) == pytest.approx(1, abs=1e-6)


def test_codes_that_look_like_numbers_stay_as_they_are_written(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("text,label\na,250\nb,250.0\nc,250.01\n")
    assert set(read_text_table(path).concepts) == {"250", "250.0", "250.01"}
    path.write_text("text,label\na,1.0\nb,\nc,+3\n")
    assert set(read_text_table(path).concepts) == {"1", "3"}


def test_rows_without_a_label_can_be_left_out(tmp_path):
    path = write_rows(tmp_path / "t.csv")
    tags = {"label_columns": ["tags"], "separator": ";"}
    assert len(read_text_table(path, **tags)) == 3
    dataset = read_text_table(path, **tags, labeled_only=True)
    assert list(dataset.texts) == ["a cat sleeps", "a dog, barking"]
    assert _concepts(dataset) == {"animal": [0, 1], "calm": [0]}
    (tmp_path / "gaps.csv").write_text("text,label\na,\nb,1\nc,0\n")
    dataset = read_text_table(tmp_path / "gaps.csv", labeled_only=True)
    assert (list(dataset.texts), dataset.table_rows.tolist(), _concepts(dataset)) == (
        ["b", "c"],
        [1, 2],
        {"label": [0]},
    )
    (tmp_path / "none.csv").write_text("text,label\na,\n")
    with pytest.raises(UserError, match="no row has a label"):
        read_text_table(tmp_path / "none.csv", labeled_only=True)
