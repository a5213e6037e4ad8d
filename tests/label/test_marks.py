"""What exports say about a row besides its answer (drawn at random, disputed), and what imports make of it."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from seals_sim.label.exchange import (
    SessionFile,
    build_argilla_records,
    build_label_studio_tasks,
    build_labels_table,
    import_labels,
    write_table,
)
from seals_sim.label.session import Session
from tests.label.small import CORPUS, IS_POSITIVE, PLAIN

OPTIONS = replace(PLAIN, control_every=3)


@pytest.fixture
def session(tmp_path):
    """Ada and Bob differ on one row. A third of the rows were drawn at random, one of which is skipped."""
    with Session.begin(tmp_path / "s", CORPUS, ["text 3"], options=OPTIONS) as opened:
        for _ in range(8):
            for asked in opened.ask(3, "Ada"):
                opened.tell([asked.row], [int(IS_POSITIVE[asked.row])], "Ada")
        rows = list(opened.distinct_answers)
        opened.tell([rows[0]], [1 - opened.answers[rows[0]]], "Bob")
        drawn = [row for row in rows if opened.is_control(row)]
        opened.tell([drawn[0]], [None], "Ada")
        opened.tell([drawn[1]], [opened.answers[drawn[1]]], "Bob")  # who agrees
        yield opened


def export(session, form, path):
    if form == "label_studio":
        path.write_text(json.dumps(build_label_studio_tasks(session)))
    elif form == "argilla":
        path.write_text("".join(json.dumps(record) + "\n" for record in build_argilla_records(session)))
    else:
        with path.open("wb") as file:
            write_table(build_labels_table(session), path.suffix[1:], file)


FORMS = [("label_studio", "json"), ("argilla", "jsonl"), ("table", "csv"), ("table", "jsonl"), ("table", "parquet")]


@pytest.mark.parametrize(("form", "ending"), FORMS)
def test_rows_drawn_at_random_count_as_such_where_they_are_taken_in(tmp_path, session, form, ending):
    path = tmp_path / f"labels.{ending}"
    export(session, form, path)
    with Session.begin(tmp_path / "other", CORPUS, options=OPTIONS) as other:
        import_labels(other, path, form)
        assert other.distinct_answers == session.distinct_answers
        drawn = [{row for row in one.distinct_answers if one.is_control(row)} for one in (session, other)]
        assert drawn[0] == drawn[1]
        assert len(drawn[0]) == 8
        assert [one.status().n_control for one in (session, other)] == [7, 7]  # without the skip


@pytest.mark.parametrize(("form", "ending"), FORMS)
def test_rows_on_which_two_people_differ_are_marked(tmp_path, session, form, ending):
    path = tmp_path / f"labels.{ending}"
    export(session, form, path)
    if ending == "parquet":
        records = pd.read_parquet(path).to_dict("records")
    elif ending == "csv":
        header, *lines = [line.split(",") for line in path.read_text().splitlines()]
        records = [dict(zip(header, line, strict=True)) for line in lines]
    else:
        content = path.read_text()
        records = json.loads(content) if content[0] == "[" else [json.loads(line) for line in content.splitlines()]
        records = [record.get("data") or record.get("metadata") or record for record in records]
    marked = [int(record["row"]) for record in records if str(record["is_disputed"]).lower() == "true"]
    said = {str(record["is_disputed"]).lower() for record in records}
    assert said == {"true", "false"}
    disputed = session.disputed
    assert marked == [row for row, first in product(session.answers, disputed) if row in session.list_copies(first)]
    assert len(disputed) == 1
    table = build_labels_table(session)
    session.close()
    assert_frame_equal(SessionFile.read(tmp_path / "s").build_labels_table(), table, check_dtype=False)


def test_without_names_nothing_is_said_of_disputes(tmp_path):
    with Session.begin(tmp_path / "s", CORPUS, options=OPTIONS) as session:
        session.tell([3], [1])
        session.tell([3], [0])
        assert "is_disputed" not in build_labels_table(session).columns
    assert "is_disputed" not in SessionFile.read(tmp_path / "s").build_labels_table().columns
