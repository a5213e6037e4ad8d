"""Export labels to other formats, and import them."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seals_sim import ExactIndex, UserError
from seals_sim.label.corpus import Corpus
from seals_sim.label.exchange import (
    build_argilla_records,
    build_label_studio_tasks,
    build_labels_table,
    import_labels,
    read_argilla,
    read_label_studio,
    write_table,
)
from seals_sim.label.session import Session
from seals_sim.label.types import ImportReport
from tests.label.small import CORPUS, PLAIN, TEXTS

ANY_TEXT = st.text(min_size=1, max_size=30)
RUN_BY_SPREADSHEETS = "[=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\x00-\x1f\x7f\x85\u2028\u2029]"
TEXT_OF_JSON = st.text(st.characters(), min_size=1, max_size=30)  # with lone surrogates
ANSWERS = st.sampled_from([1, 0, None])


@contextmanager
def labeled(folder, labels):
    """A session with these texts in its first rows, answered from last to first."""
    texts = [text for text, _ in labels] + TEXTS[len(labels) :]
    (folder / "s").unlink(missing_ok=True)
    apart = replace(PLAIN, copies="apart")
    with Session.begin(folder / "s", replace(CORPUS, texts=texts), options=apart) as session:
        rows = list(range(len(labels)))[::-1]
        session.tell(rows, [labels[row][1] for row in rows])
        yield session, [(row, labels[row][1]) for row in rows]


def write(session, format):
    file = io.BytesIO()
    write_table(build_labels_table(session), format, file)
    return file.getvalue()


ROUND_TRIP = settings(max_examples=40, deadline=None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("exchange")


@pytest.mark.parametrize(
    "text", ["=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff20SUM(A1)", "\n=1", "\r\n+1", "\t@", "\v=1", "'\uff1d1"]
)
def test_a_spreadsheet_takes_no_text_for_a_formula(folder, text):
    with labeled(folder, [(text, 1)]) as (session, _):
        content = write(session, "csv").decode("utf-8")
    _, (_, cell, *_) = csv.reader(io.StringIO(content, newline=""), strict=True)
    assert cell == f"'{text}"


@ROUND_TRIP
@given(
    st.lists(
        st.tuples(ANY_TEXT | st.text("'=+-@\uff1d\uff20\t\r\n\", \0", min_size=1), ANSWERS), min_size=1, max_size=5
    )
)
def test_csv_round_trip(folder, labels):
    with labeled(folder, labels) as (session, expected):
        content = write(session, "csv").decode("utf-8")
    header, *lines = csv.reader(io.StringIO(content, newline=""), strict=True)
    assert header == ["row", "text", "answer", "is_control"]
    assert [(int(row), int(answer) if answer else None) for row, _, answer, _ in lines] == expected
    assert not [text for _, text, _, _ in lines if re.match(RUN_BY_SPREADSHEETS, text)]
    texts = [re.sub(f"^'(?='*{RUN_BY_SPREADSHEETS})", "", text) for _, text, _, _ in lines]
    assert texts == [labels[row][0] for row, _ in expected]


@ROUND_TRIP
@given(st.lists(st.tuples(TEXT_OF_JSON, ANSWERS), min_size=1, max_size=5))
def test_json_lines_round_trip(folder, labels):
    with labeled(folder, labels) as (session, expected):
        records = [json.loads(line) for line in write(session, "jsonl").splitlines()]
    assert records == [
        {"row": row, "text": labels[row][0], "answer": answer, "is_control": False} for row, answer in expected
    ]


@ROUND_TRIP
@given(st.lists(st.tuples(ANY_TEXT, ANSWERS), min_size=1, max_size=5))
def test_parquet_round_trip(folder, labels):
    with labeled(folder, labels) as (session, expected):
        table = pd.read_parquet(io.BytesIO(write(session, "parquet")))
    assert table["row"].tolist() == [row for row, _ in expected]
    assert table["text"].tolist() == [labels[row][0] for row, _ in expected]
    assert [None if pd.isna(answer) else answer for answer in table["answer"]] == [answer for _, answer in expected]


@ROUND_TRIP
@given(st.lists(st.tuples(TEXT_OF_JSON, ANSWERS), min_size=1, max_size=5), st.booleans())
def test_label_studio_round_trip(folder, labels, has_rows):
    """Without row numbers, the tasks, in the order of the table, are found by their texts, including equal ones."""
    path = folder / "tasks.json"
    with labeled(folder, labels) as (session, expected):
        tasks, corpus = build_label_studio_tasks(session), session.corpus
    if not has_rows:
        tasks, expected = tasks[::-1], expected[::-1]
        for task in tasks:
            del task["data"]["row"]
    path.write_text(json.dumps(tasks))
    assert read_label_studio(path, corpus).labels == expected


@ROUND_TRIP
@given(st.lists(st.tuples(TEXT_OF_JSON, ANSWERS), min_size=1, max_size=5), st.booleans(), st.booleans())
def test_argilla_round_trip(folder, labels, has_rows, is_list):
    path = folder / "records.json"
    with labeled(folder, labels) as (session, expected):
        records, corpus = build_argilla_records(session), session.corpus
    if not has_rows:
        records, expected = records[::-1], expected[::-1]
        for record in records:
            del record["metadata"]
    path.write_text(json.dumps(records) if is_list else "".join(json.dumps(record) + "\n" for record in records))
    assert read_argilla(path, corpus).labels == expected


def task(*choices, text=None, row=None, is_skipped=False):
    """A Label Studio task; if there are no choices, it has no annotation."""
    data = {name: value for name, value in (("text", text), ("row", row)) if value is not None}
    results = [
        {"result": [{"from_name": "x", "to_name": "y", "type": "choices", "value": {"choices": [choice]}}]}
        for choice in choices
    ]
    return {"data": data, "annotations": results + [{"result": [], "was_cancelled": True}] * is_skipped}


PRIZE = ["you have won a prize", "hello friend", "you have won a prize", "good morning", "you have won a prize"]


@pytest.mark.parametrize(
    ("tasks", "labels"),
    [
        ([task("yes", text=PRIZE[0])] * 3, [(0, 1), (2, 1), (4, 1)]),
        (
            [task("yes", text=PRIZE[0]), task("no", text=PRIZE[0]), task(text=PRIZE[0], is_skipped=True)],
            [(0, 1), (2, 0), (4, None)],
        ),
        ([task(text=PRIZE[0]), task("yes", text=PRIZE[0]), task("no", text=PRIZE[1])], [(2, 1), (1, 0)]),
        ([task("yes", text=PRIZE[0], row=4), task("no", text=PRIZE[0])], [(4, 1), (0, 0)]),
        ([task("yes", text=PRIZE[1]), task("no", text=PRIZE[1])], [(1, 1), (1, 0)]),
        ([task("yes", "no", text=PRIZE[1])], [(1, 0)]),
    ],
    ids=["all alike", "all different", "one not annotated", "one with its row", "one text twice", "two annotations"],
)
def test_equal_texts_match_successive_rows(tmp_path, tasks, labels):
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps(tasks))
    vectors = CORPUS.vectors[: len(PRIZE)]
    assert read_label_studio(path, Corpus(vectors, ExactIndex(vectors), "", PRIZE)).labels == labels


@pytest.fixture
def session(tmp_path):
    with Session.begin(tmp_path / "s", CORPUS, options=PLAIN) as opened:
        yield opened


@pytest.fixture
def import_tasks(tmp_path, session):
    def run(*tasks):
        (tmp_path / "tasks.json").write_text(json.dumps(tasks))
        return import_labels(session, tmp_path / "tasks.json", "label_studio")

    return run


def test_the_same_file_is_imported_once_and_corrections_stand(tmp_path, session, import_tasks):
    tasks = [task("yes", row=7), task("no", row=8), task("yes", row=9)]
    assert import_tasks(*tasks) == ImportReport(3, 0)
    session.tell([7], [0])
    session.tell([9], [1])
    assert session.undo() == 9
    assert session.undo() == 7
    session.tell([7], [0])
    session.close()
    with Session.open(tmp_path / "s", CORPUS) as session:
        assert import_labels(session, tmp_path / "tasks.json", "label_studio") == ImportReport(0, 0, is_repeated=True)
        assert session.answers == {7: 0, 8: 0, 9: 1}


def test_changed_import_skips_rows_that_the_person_decided(session, import_tasks):
    import_tasks(task("yes", row=7), task("yes", row=8), task("yes", row=9))
    assert session.undo() is None
    session.tell([7, 9], [0, 0])
    assert session.undo() == 9
    report = import_tasks(task("yes", row=7), task("no", row=8), task("yes", row=9), task("no", row=10))
    assert report == ImportReport(n_applied=2, n_overruled=1)
    assert session.answers == {7: 0, 8: 0, 9: 1, 10: 0}


def test_an_undo_takes_back_nothing_from_a_file_but_where_an_early_session_did(tmp_path, session, import_tasks):
    session.tell([6], [1])
    import_tasks(task("yes", row=6), task("no", row=7), task("yes", row=8))
    assert session.undo() == 6
    assert session.undo() is None
    assert session.answers == {7: 0, 8: 1}
    session.close()
    with closing(sqlite3.connect(tmp_path / "s")) as database, database:
        database.execute("INSERT INTO events (kind, row) VALUES ('undo', 8)")
    with Session.open(tmp_path / "s", CORPUS) as session:
        assert session.answers == {7: 0}


def test_last_answer_for_a_row_in_a_file_counts(tmp_path, session, import_tasks):
    assert import_tasks(task("yes", row=2), task("no", row=5), task("yes", row=5)) == ImportReport(2, 0, n_mixed=1)
    assert session.answers == {2: 1, 5: 1}
    (tmp_path / "records.jsonl").write_text(json.dumps(build_argilla_records(session)[0]).replace("yes", "no"))
    assert import_labels(session, tmp_path / "records.jsonl", "argilla") == ImportReport(1, 0)
    assert session.answers == {2: 0, 5: 1}


def test_the_annotation_changed_last_counts_wherever_it_stands(tmp_path):
    """Label Studio's exports list later annotations before earlier ones, or after them."""
    both = task("yes", "no", row=3)
    times = ["2026-01-01T10:00:00.5Z", "2026-01-01T09:00:00.5Z"]
    for annotation, time in zip(both["annotations"], times, strict=True):
        annotation["updated_at"] = time
    minimal = [{"row": 3, "answer": answer, "annotation_id": number, "updated_at": time}
               for number, (answer, time) in enumerate(zip(("yes", "no"), times, strict=True))]  # fmt: skip
    for tasks in ([both], minimal, minimal[::-1]):
        (tmp_path / "tasks.json").write_text(json.dumps(tasks))
        assert dict(read_label_studio(tmp_path / "tasks.json", CORPUS).labels) == {3: 1}


def test_imported_labels_do_not_count_for_stopping(session, import_tasks):
    """60 positives and then 300 negatives: if the search had asked for them, it would be over."""
    import_tasks(*(task("yes", row=row) for row in range(60)), *(task("no", row=row) for row in range(60, 360)))
    status = session.status()
    assert (status.n_answered, status.n_positive, status.curve, status.p_missing) == (360, 60, (), 1.0)


def test_a_file_with_one_bad_label_changes_nothing(session, import_tasks):
    with pytest.raises(UserError, match="task 2: row 400: no such row; the table has 400"):
        import_tasks(task("yes", row=1), task("yes", row=400))
    assert session.answers == {}
    assert import_tasks(task("yes", row=1)) == ImportReport(1, 0)
    with pytest.raises(UserError, match="format = 'prodigy': unknown; choose from label_studio, argilla"):
        import_labels(session, "tasks.json", "prodigy")


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("{", "x.json: not valid JSON (Expecting property name enclosed in double quotes, line 1)"),
        ("[" * 100_000, "x.json: not valid JSON (nested too deeply)"),
        ({}, "x.json: not a list of Label Studio tasks; export it in the format JSON"),
        ([task("yes", row=1), 5], "task 2: 'data' is missing, or not an object"),
        ([{"data": {"row": 1}}], "task 1: 'annotations' is missing, or not a list"),
        ([task("yes", row=1), task("perhaps", row=2)], "task 2: 'perhaps' is not an answer"),
        ([{"data": {"row": 1}, "annotations": [{"result": []}]}], "task 1: has 0 choices; expected one, yes or no"),
        ([task("yes", row=400)], "task 1: row 400: no such row; the table has 400"),
        ([task("yes", row="1")], "task 1: '1' is not a row"),
        ([task("yes", row=1, text="of another table")], "task 1: row 1 has a different text in this table"),
        ([task("yes", text="of another table")], "task 1: no row of this table has the text"),
        ([task("yes")], "task 1: has neither a row nor a text"),
    ],
)
def test_bad_label_studio_files_are_named(tmp_path, content, error):
    path = tmp_path / "x.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(UserError, match=re.escape(error)):
        read_label_studio(path, CORPUS)


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        (['{"fields": {}, "responses": {}}', "{"], "x.jsonl:2: not valid JSON"),
        (["5"], "x.jsonl:1: not an object"),
        (['{"fields": {"text": "t"}}'], "x.jsonl:1: 'responses' is missing"),
        (['{"fields": {}, "responses": {"a": [], "b": []}}'], "x.jsonl:1: has responses to 2 questions (a, b)"),
        (['{"fields": {}, "responses": {"a": [{"value": "maybe"}]}}'], "x.jsonl:1: 'maybe' is not an answer"),
        (['[{"fields": {}, "responses": {"a": [3]}}]'], "x.jsonl: record 1: the response is not an object"),
    ],
)
def test_bad_argilla_files_are_named(tmp_path, lines, error):
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(lines))
    with pytest.raises(UserError, match=re.escape(error)):
        read_argilla(path, CORPUS)
    with pytest.raises(UserError, match="none: cannot be read"):
        read_argilla(tmp_path / "none")
