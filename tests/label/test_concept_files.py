"""Files with the answers of several concepts, on their way out and back in."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from seals_sim import UserError
from seals_sim.label.concepts import Concepts
from seals_sim.label.exchange import (
    build_argilla_records,
    build_concepts_table,
    build_label_studio_tasks,
    build_labels_table,
    read_label_file,
    read_labels,
    write_table,
)
from seals_sim.label.session import Session
from tests.label.small import CORPUS, PLAIN

OPTIONS = replace(PLAIN, control_every=2, pool="all")
FORMATS = {
    "labels.csv": "table",
    "labels.jsonl": "table",
    "labels.parquet": "table",
    "tasks.json": "label_studio",
    "records.jsonl": "argilla",
}


@pytest.fixture
def files(tmp_path):
    """What a session saves whose two concepts disagree on every row, and the rows drawn at random for each."""
    with Concepts.begin(tmp_path / "s", CORPUS, {"rude": ((), ()), "opened": ((), ())}, OPTIONS) as concepts:
        rows = [asked.row for asked in concepts.sessions["rude"].ask(6)]
        for row in rows:
            concepts.tell(row, {"rude": 1, "opened": 0})
        table = build_concepts_table(concepts.sessions.values())
        controls = {name: {row for row in rows if one.is_control(row)} for name, one in concepts.sessions.items()}
    for name in ("csv", "jsonl", "parquet"):
        with (tmp_path / f"labels.{name}").open("wb") as file:
            write_table(table, name, file)
    (tmp_path / "tasks.json").write_text(json.dumps(build_label_studio_tasks(table)))
    (tmp_path / "records.jsonl").write_text("\n".join(map(json.dumps, build_argilla_records(table))))
    return rows, controls


@pytest.mark.parametrize("name", FORMATS)
def test_a_concept_takes_its_own_answers_from_a_file_of_several(tmp_path, files, name):
    rows, controls = files
    assert controls["rude"] != controls["opened"]
    for concept, answer in (("rude", 1), ("opened", 0)):
        _, given = read_labels(tmp_path / name, FORMATS[name], CORPUS, concept=concept)
        assert given.labels == [(row, answer) for row in rows]
        assert given.controls == controls[concept]


@pytest.mark.parametrize("name", FORMATS)
def test_answers_of_several_concepts_are_not_mixed(tmp_path, files, name):
    for concept in ("", "late"):
        with pytest.raises(UserError, match=rf"{name}: has answers about several concepts \('rude', 'opened'\), none"):
            read_labels(tmp_path / name, FORMATS[name], CORPUS, concept=concept)
    renamed = {"rude": "impolite"}
    _, given = read_labels(
        tmp_path / name, FORMATS[name], CORPUS, concept="impolite", find_name=lambda one: renamed.get(one, one)
    )
    assert dict(given.labels) == dict.fromkeys(files[0], 1)


def test_answers_about_one_concept_are_for_any(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("row,answer,concept\n3,1,rude\n4,0,rude\n")
    assert read_labels(path, "table", CORPUS, concept="other")[1].labels == [(3, 1), (4, 0)]


def test_a_record_of_argilla_is_known_by_its_concept_too(tmp_path, files):
    records = [json.loads(line) for line in (tmp_path / "records.jsonl").read_text().splitlines()]
    assert len({record["id"] for record in records}) == len(records) == 12


def test_an_id_that_a_spreadsheet_would_run_is_found_again(tmp_path):
    ids = ["@ada", "-7", "'=x", *map(str, range(3, 400))]
    corpus = replace(CORPUS, columns={"id": ids}, id_column="id")
    with Session.begin(tmp_path / "s", corpus, options=PLAIN) as session:
        session.tell([0, 1, 2, 3], [1, 0, 1, 0])
        with (tmp_path / "labels.csv").open("wb") as file:
            write_table(build_labels_table(session), "csv", file)
        assert dict(read_label_file(tmp_path / "labels.csv", corpus).labels) == session.answers


def test_a_column_of_the_table_is_not_taken_for_the_concept(tmp_path):
    corpus = replace(CORPUS, columns={"concept": [f"c{row}" for row in range(400)]})
    with Session.begin(tmp_path / "s", corpus, options=PLAIN) as session:
        session.tell([0, 1], [1, 0])
        table = build_labels_table(session)
        with (tmp_path / "labels.csv").open("wb") as file:
            write_table(table, "csv", file)
        assert table["concept_in_table"].tolist() == ["c0", "c1"]
        assert dict(read_labels(tmp_path / "labels.csv", "table", corpus)[1].labels) == session.answers
    with Concepts.begin(tmp_path / "t", corpus, {"": ((), ()), "rude": ((), ())}, OPTIONS) as concepts:
        concepts.tell(5, {"": 1, "rude": 0})
        joined = build_concepts_table(concepts.sessions.values())
        assert joined[["concept", "concept_in_table"]].values.tolist() == [["unnamed", "c5"], ["rude", "c5"]]
