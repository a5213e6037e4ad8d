"""Columns of the table in exports, whatever their cells are."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from seals_sim.label.exchange import read_label_file, read_labels
from seals_sim.label.session import Session
from seals_sim.label.web import make_app
from tests.label.small import CORPUS, PLAIN

CELLS = {
    "date": date(2024, 1, 2),
    "moment": datetime(2024, 1, 2, 3, 4, tzinfo=UTC),
    "time": time(3, 4),
    "span": timedelta(seconds=5),
    "decimal": Decimal("1.50"),
    "bytes": b"\x00\xff",
    "list": [1, 2],
    "object": {"when": date(2024, 1, 2), "share": float("nan")},
    "nothing": {},
    "infinite": float("inf"),
    "missing": None,
    "large": 2**64,
}
EXPORTS = ("labels.csv", "labels.jsonl", "labels.parquet", "labelstudio.json", "argilla.jsonl")


def export(session, folder, *files):
    """Download exports from the session's page."""
    app = make_app(session, "token", "127.0.0.1", "s")
    client = TestClient(app, base_url="http://127.0.0.1:80", headers={"X-Token": "token"})
    for file in files:
        (folder / file).write_bytes(client.get(f"/export/{file}").raise_for_status().content)


@pytest.mark.parametrize("name", CELLS)
def test_a_column_of_any_kind_is_exported(tmp_path, name):
    corpus = replace(CORPUS, columns={name: [CELLS[name]] * 400})
    with Session.begin(tmp_path / "s", corpus, options=PLAIN) as session:
        session.tell([3, 4], [1, 0])
        export(session, tmp_path, *EXPORTS, "scores.jsonl", "scores.parquet")
    for file in ("labels.jsonl", "argilla.jsonl", "scores.jsonl"):
        for line in (tmp_path / file).read_text().splitlines():
            json.loads(line, parse_constant=pytest.fail)
    json.loads((tmp_path / "labelstudio.json").read_text(), parse_constant=pytest.fail)
    assert len(pd.read_parquet(tmp_path / "scores.parquet")[name]) == 400
    for file in ("labels.csv", "labels.jsonl", "labels.parquet"):
        assert read_label_file(tmp_path / file, corpus).labels == [(3, 1), (4, 0)]
    for file, kind in (("labelstudio.json", "label_studio"), ("argilla.jsonl", "argilla")):
        assert read_labels(tmp_path / file, kind, corpus)[1].labels == [(3, 1), (4, 0)]


def test_a_large_number_as_id_is_found_again(tmp_path):
    corpus = replace(CORPUS, columns={"id": [2**64 + row for row in range(400)]}, id_column="id")
    with Session.begin(tmp_path / "s", corpus, options=PLAIN) as session:
        session.tell([3, 4], [1, 0])
        export(session, tmp_path, "labels.csv", "labels.parquet")
        for file in ("labels.csv", "labels.parquet"):
            assert read_label_file(tmp_path / file, corpus).labels == [(3, 1), (4, 0)]


def test_cells_of_mixed_kinds_are_json_in_parquet(tmp_path):
    cells = ["a", 1, {"share": float("inf")}, float("nan"), None]
    corpus = replace(CORPUS, columns={"mixed": cells * 80})
    with Session.begin(tmp_path / "s", corpus, options=PLAIN) as session:
        session.tell([0, 1, 2, 3, 4], [1, 0, 0, 0, 0])
        export(session, tmp_path, "labels.parquet")
    written = pd.read_parquet(tmp_path / "labels.parquet")["mixed"]
    assert written.dropna().tolist() == ['"a"', "1", '{"share": null}']
