"""`row` is the user's own numbering: page, exports and imports use rows of the table, from which some were left out."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from seals_sim import ExactIndex, UserError
from seals_sim.label.corpus import Corpus
from seals_sim.label.exchange import (
    AnswerNames,
    build_argilla_records,
    build_label_studio_tasks,
    build_labels_table,
    build_scores_table,
    import_labels,
    read_label_file,
    read_label_studio,
    write_table,
)
from seals_sim.label.session import Session
from seals_sim.label.types import ImportReport
from seals_sim.label.web import make_app
from tests.label.small import CORPUS, PLAIN, VECTORS

LEFT_OUT = [0, 3, 4, 17]  # of a table of 404 rows
ROWS = np.setdiff1d(np.arange(404), LEFT_OUT)
TABLE_TEXTS = [f"text {n} of the table" for n in range(404)]
COLUMNS = {
    "id": [f"id{row}" for row in ROWS],
    "text": [f"=other {row}" for row in ROWS],
    "tags": [{"n": int(row)} if row % 2 else [int(row)] for row in ROWS],
}


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)


def encode(texts):
    return VECTORS[[int(text.split()[1]) for text in texts]]


GAPPED = Corpus(
    VECTORS, ExactIndex(VECTORS), "gaps", [TABLE_TEXTS[row] for row in ROWS], encode, table_rows=ROWS, columns=COLUMNS,
    id_column="id",
)  # fmt: skip


@pytest.fixture
def session(tmp_path):
    options = replace(PLAIN, control_every=3)
    with Session.begin(tmp_path / "s", GAPPED, ["text 5"], ["text 9"], options) as opened:
        yield opened


def answer(session, n=12):
    rows = [asked.row for asked in session.ask(n)]
    session.tell(rows, [row % 3 if row % 3 < 2 else None for row in rows])


def write(table, format):
    file = io.BytesIO()
    write_table(table, format, file)
    return file.getvalue()


def test_the_page_speaks_of_rows_of_the_table(session):
    client = TestClient(make_app(session, "token", "127.0.0.1:80", "s"), base_url="http://127.0.0.1:80")
    client.headers.update({"X-Token": "token"})
    for asked in client.get("/api/batch?n=9").json()["rows"]:
        assert asked["text"] == TABLE_TEXTS[asked["row"]]
        assert all(near["text"] == TABLE_TEXTS[near["row"]] for near in asked["neighbors"])
        because = asked["because"]
        assert because is None or because["row"] is None or because["text"] == TABLE_TEXTS[because["row"]]
        reply = client.post("/api/answer", json={"row": asked["row"], "answer": 1})
        assert reply.json()["row"] == asked["row"]
        similar = client.get(f"/api/similar?row={asked['row']}").json()["rows"]
        assert all(near["text"] == TABLE_TEXTS[near["row"]] for near in similar)
    assert client.post("/api/undo", json={}).json()["row"] == asked["row"]
    found = client.get("/api/find?text=text 3").json()["rows"]
    assert all(near["text"] == TABLE_TEXTS[near["row"]] for near in found)
    for path in ("/export/labels.jsonl", "/export/scores.jsonl", "/export/argilla.jsonl"):
        for line in client.get(path).text.splitlines():
            record = json.loads(line)
            row, text = record.get("row"), record.get("text")
            if row is None:
                row, text = record["metadata"]["row"], record["fields"]["text"]
                assert record["id"] == str(row)
            assert text == TABLE_TEXTS[row]
    for task in client.get("/export/labelstudio.json").json():
        assert task["data"]["text"] == TABLE_TEXTS[task["data"]["row"]]
    reply = client.post("/api/answer", json={"row": LEFT_OUT[1], "answer": 1})
    assert reply.json() == {"error": "row 3: no such row, or it was left out when the table was read"}


def test_exports_carry_the_columns(session):
    answer(session)
    for table in (build_labels_table(session), build_scores_table(session)):
        assert list(table.columns[:3]) == ["row", "id", "text"]
        assert list(table.columns[-2:]) == ["text_in_table", "tags"]
        assert table["id"].tolist() == [f"id{row}" for row in table["row"]]
        assert table["text_in_table"].tolist() == [f"=other {row}" for row in table["row"]]
        lines = [json.loads(line) for line in write(table, "jsonl").splitlines()]
        assert [line["tags"] for line in lines] == table["tags"].tolist()
        parquet = pd.read_parquet(io.BytesIO(write(table, "parquet")))
        assert [json.loads(tags) for tags in parquet["tags"]] == table["tags"].tolist()
        content = list(csv.DictReader(io.StringIO(write(table, "csv").decode(), newline="")))
        assert [line["text_in_table"] for line in content] == [f"'=other {row}" for row in table["row"]]
    assert '"id": "id' in json.dumps(build_label_studio_tasks(session)[0]["data"])
    assert '"id": "id' in json.dumps(build_argilla_records(session)[0]["metadata"])


def write_all(session, folder):
    """Write the answers in every form that can be read back."""
    for format in ("csv", "jsonl", "parquet"):
        (folder / f"labels.{format}").write_bytes(write(build_labels_table(session), format))
        yield "table", folder / f"labels.{format}"
    (folder / "ls.json").write_text(json.dumps(build_label_studio_tasks(session)))
    yield "label_studio", folder / "ls.json"
    (folder / "argilla.json").write_text(json.dumps(build_argilla_records(session)))
    yield "argilla", folder / "argilla.json"


def strip(path, keys):
    """Remove the rows' names from an export."""
    if path.suffix == ".json":
        items = json.loads(path.read_text())
        for item in items:
            for part in (item.get("data", {}), item.get("metadata", {})):
                for key in keys:
                    part.pop(key, None)
        path.write_text(json.dumps(items))
    elif path.suffix == ".csv":
        pd.read_csv(path, dtype=str, keep_default_na=False).drop(columns=keys).to_csv(path, index=False)
    elif path.suffix == ".jsonl":
        pd.read_json(path, lines=True, dtype=False).drop(columns=keys).to_json(path, orient="records", lines=True)
    else:
        pd.read_parquet(path).drop(columns=keys).to_parquet(path)


@pytest.mark.parametrize("without", [[], ["id"], ["row"], ["id", "row"]], ids=["both", "row", "id", "text"])
def test_answers_and_marks_survive_the_round_trip(session, tmp_path, without):
    answer(session)
    controls = {row for row in session.answers if session.is_control(row)}
    assert 2 < len(controls) < 6
    for format, path in write_all(session, tmp_path):
        if without:
            strip(path, without)
        with Session.begin(tmp_path / f"{path.name}.seals", GAPPED, options=PLAIN) as other:
            report = import_labels(other, path, format)
            assert report == ImportReport(len(session.answers), 0)
            assert other.answers == session.answers
            assert {row for row in other.answers if other.is_control(row)} == controls
            assert other.status().n_control == session.status().n_control
        with Session.open(tmp_path / f"{path.name}.seals", GAPPED) as other:
            assert {row for row in other.answers if other.is_control(row)} == controls
            assert other.undo() is None


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip), min_size=1, max_size=5)
)
def test_any_text_is_found_again_in_our_own_tables(tmp_path_factory, texts):
    folder = tmp_path_factory.mktemp("own")
    corpus = replace(CORPUS, texts=[*texts, *CORPUS.texts[len(texts) :]])
    with Session.begin(folder / "s", corpus, options=PLAIN) as session:
        session.tell(list(range(len(texts))), [1] * len(texts))
        for format in ("csv", "jsonl", "parquet"):
            path = folder / f"labels.{format}"
            path.write_bytes(write(build_labels_table(session), format))
            assert dict(read_label_file(path, corpus).labels) == session.answers


@settings(max_examples=30, deadline=None)
@given(st.sets(st.integers(0, 25), max_size=8), st.data())
def test_whatever_rows_are_left_out_the_others_keep_their_numbers(tmp_path_factory, left_out, data):
    folder = tmp_path_factory.mktemp("gaps")
    rows = np.setdiff1d(np.arange(26), sorted(left_out))
    texts = data.draw(st.lists(ANY_TEXT, min_size=26, max_size=26))  # some of them equal
    vectors = VECTORS[: len(rows)]
    corpus = Corpus(vectors, ExactIndex(vectors), "", [texts[row] for row in rows], table_rows=rows)
    with Session.begin(folder / "s", corpus, options=PLAIN) as session:
        answered = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=6, unique=True))
        session.tell(answered, [1] * len(answered))
        answers = session.answers
        table, written = build_labels_table(session), dict(map(reversed, write_all(session, folder)))
    assert table["text"].tolist() == [texts[row] for row in table["row"]]
    assert set(table["row"]) == {int(rows[row]) for row in answers}
    for path, format in written.items():
        with Session.begin(folder / f"{path.name}.seals", corpus, options=PLAIN) as other:
            import_labels(other, path, format)
            assert other.answers.keys() == answers.keys()


def test_a_table_of_labels_by_hand(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("text;verdict\ntext 1 of the table;spam\ntext 2 of the table;ham\ntext 5 of the table;\n")
    names = AnswerNames(("spam",), field="verdict")
    assert read_label_file(path, GAPPED, names).labels == [(0, 1), (1, 0), (2, None)]
    with pytest.raises(UserError, match=r"mine.csv:3: 'ham' is not one of the named labels, 'spam', 'eggs'"):
        read_label_file(path, GAPPED, AnswerNames(("spam",), ("eggs",), "verdict"))
    with pytest.raises(UserError, match=r"mine.csv:2: 'spam' is not an answer; .* or name your positive_label"):
        read_label_file(path, GAPPED, AnswerNames(field="verdict"))
    with pytest.raises(UserError, match=r"mine.csv: has no column 'answer'; .* answer_field: 'text', 'verdict'"):
        read_label_file(path, GAPPED)
    path.write_text("row,answer\n3,yes\n")
    with pytest.raises(UserError, match=r"mine.csv:2: row 3: no such row, or it was left out"):
        read_label_file(path, GAPPED)
    path.write_text("row,answer\nx,yes\n")
    with pytest.raises(UserError, match=r"mine.csv:2: 'x' is not a row"):
        read_label_file(path, GAPPED)
    path.write_text("id,answer\nid1,1.0\nid99999,0\n")
    with pytest.raises(UserError, match=r"mine.csv:3: no row of this table has the id 'id99999'"):
        read_label_file(path, GAPPED)


MINIMAL = {"annotator": 1, "annotation_id": 7, "created_at": "2024-01-01", "lead_time": 2.5}


def test_label_studio_minimal(tmp_path):
    """As its converter writes JSON_MIN: a single choice is a text, several are in `choices`."""
    tasks = [
        {"text": TABLE_TEXTS[1], "id": "id1", "kind": "spam", **MINIMAL},
        {"text": TABLE_TEXTS[2], "row": 2, "id": None, "kind": {"choices": ["spam", "urgent"]}, **MINIMAL},
        {"text": TABLE_TEXTS[5], "id": None, "kind": "ham", "is_control": True, **MINIMAL},
    ]
    path = tmp_path / "min.json"
    path.write_text(json.dumps(tasks))
    given = read_label_studio(path, GAPPED, AnswerNames(("spam",), field="kind"))
    assert (given.labels, given.controls) == ([(0, 1), (1, 1), (2, 0)], {2})
    with pytest.raises(UserError, match=r"min.json: task 1: has no 'answer'; name the field .* as answer_field"):
        read_label_studio(path, GAPPED, AnswerNames(("spam",)))
    path.write_text(json.dumps([{**tasks[0], "kind": "yes"}, tasks[1]]))
    with pytest.raises(UserError, match=r"min.json: task 2: has 2 choices; expected one, yes or no"):
        read_label_studio(path, GAPPED, AnswerNames(field="kind"))


def test_several_choices_of_a_task_are_told_apart_by_their_field(tmp_path):
    def choose(field, *choices):
        return {"from_name": field, "to_name": "text", "type": "choices", "value": {"choices": list(choices)}}

    results = [choose("kind", "spam", "urgent"), choose("language", "en")]
    path = tmp_path / "ls.json"
    path.write_text(json.dumps([{"data": {"row": 1}, "annotations": [{"result": results}]}]))
    assert read_label_studio(path, GAPPED, AnswerNames(("spam",), field="kind")).labels == [(0, 1)]
    with pytest.raises(UserError, match="task 1: has 2 choices"):
        read_label_studio(path, GAPPED, AnswerNames(("spam",)))


@pytest.mark.parametrize("quoting", [csv.QUOTE_NONNUMERIC, csv.QUOTE_ALL])
def test_a_table_of_tabs_with_quotes_as_label_studio_exports_it(tmp_path, quoting):
    texts = ['line one\nline\ttwo, "three"', "=plain", '"quoted"']
    corpus = Corpus(VECTORS[:3], ExactIndex(VECTORS[:3]), "", texts)
    for header in (["id", "text", "answer", "annotator"], ["id", "row", "answer", "annotator"]):
        with (tmp_path / "export.tsv").open("w", newline="") as file:
            writer = csv.writer(file, "excel-tab", quoting=quoting)
            writer.writerow(header)
            for row, answer in ((2, "no"), (0, "yes"), (1, "yes")):
                writer.writerow([row + 7, row if "row" in header else texts[row], answer, "ada@example.org"])
        assert read_label_file(tmp_path / "export.tsv", corpus).labels == [(2, 0), (0, 1), (1, 1)]


def test_a_table_of_tabs_without_quotes_in_its_header_has_none(tmp_path):
    path = tmp_path / "mine.tsv"
    path.write_text('text\tanswer\n"quoted"\tno\n5" nails\tyes\n')
    corpus = Corpus(VECTORS[:2], ExactIndex(VECTORS[:2]), "", ['"quoted"', '5" nails'])
    assert read_label_file(path, corpus).labels == [(0, 0), (1, 1)]
