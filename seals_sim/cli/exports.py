"""`seals export`, `seals model` and `seals score`: outputs of a session, without its page and its table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from tqdm import tqdm

from seals_sim.cli.options import ColumnOptions, ExportFormat, TableTextOptions
from seals_sim.cli.tables import name_session, read_table
from seals_sim.disk.files import replacing, require_writable_file
from seals_sim.embed.blocks import BLOCK
from seals_sim.errors import UserError
from seals_sim.label.beginning import UNNAMED
from seals_sim.label.exchange.argilla import build_argilla_records
from seals_sim.label.exchange.classifier import load_classifier, save_classifier
from seals_sim.label.exchange.columns import name_columns
from seals_sim.label.exchange.label_studio import build_label_studio_tasks
from seals_sim.label.exchange.postgres import require_postgres, upsert_labels
from seals_sim.label.exchange.session_file import SessionFile
from seals_sim.label.exchange.tables import TABLE_FORMATS, TableFormat, join_concepts, write_table


def export(
    session: Path, out: Path | None, format: ExportFormat | None, concept: str | None, to: str | None, into: str
) -> None:
    """Write the answers of a session, by default for all its concepts."""
    if to is not None:
        if out is not None or format is not None:
            raise UserError("cannot be combined with out or format", parameter="to")
        require_postgres(to)
        table = _build_labels_table(session, concept)
        upsert_labels(table, to, into)
        print(f"{len(table):,} answers written to the table {into}")
        return
    if out is None:
        raise UserError("is required, unless you name a database (to)", parameter="out")
    format = format or _get_format(out)
    require_writable_file(out, "out")
    _refuse_to_replace(session, out)
    table = _build_labels_table(session, concept)
    with replacing(out) as temporary, temporary.open("wb") as file:
        match format:
            case "labelstudio":
                file.write(json.dumps(build_label_studio_tasks(table), indent=1, default=str).encode("ascii"))
            case "argilla":
                records = build_argilla_records(table)
                file.writelines(json.dumps(record, default=str).encode("ascii") + b"\n" for record in records)
            case _:
                write_table(table, format, file)
    print(f"{len(table):,} answers written to {out}")


def _build_labels_table(session: Path, concept: str | None) -> pd.DataFrame:
    files = SessionFile.read_all(session) if concept is None else [_read(session, concept)]
    tables = {file.concept: file.build_labels_table() for file in files}
    return join_concepts(tables) if any(tables) else tables[""]


def _read(session: Path, concept: str | None) -> SessionFile:
    return SessionFile.read(session, "" if concept == UNNAMED else concept)


def save_model(session: Path, out: Path, concept: str | None) -> None:
    """Train the classifier of a session, and save it."""
    contents = _read(session, concept)
    pipeline, n_positive, n_negative = contents.train()
    assert contents.space is not None
    save_classifier(pipeline, out, contents.space.digest, n_positive, n_negative)
    print(f"a classifier trained on {n_positive:,} positives and {n_negative:,} negatives, saved to {out}")


def score(
    source: Path,
    table: Path,
    out: Path,
    text: TableTextOptions,
    columns: ColumnOptions,
    quiet: bool,
    concept: str | None,
) -> None:
    """Write the scores of a table's texts, with its columns."""
    format = _get_format(out)
    require_writable_file(out, "out")
    for given in (source, table):
        _refuse_to_replace(given, out)
    pipeline = load_classifier(source) if source.is_dir() else _read(source, concept).train()[0]
    read = read_table(table, text, out.with_name(f"{out.name}.left-out.csv"), columns)
    texts = pd.Series(read.texts, dtype="object")
    scores = pd.DataFrame({"row": read.rows, "text": texts, "score": _score(pipeline, read.texts, quiet)})
    for name, column in name_columns(read.columns, list(scores.columns)).items():
        cells = pd.Series(read.columns[column], dtype="object")
        scores.insert(1 if column == columns.id_column else len(scores.columns), name, cells)
    with replacing(out) as temporary, temporary.open("wb") as file:
        write_table(scores, format, file)
    print(f"{len(scores):,} scores written to {out}")


def _score(pipeline: Pipeline, texts: Sequence[str], quiet: bool) -> NDArray[np.float64]:
    blocks = []
    with tqdm(total=len(texts), desc="scoring", unit="text", disable=quiet) as bar:
        for first in range(0, len(texts), BLOCK):
            block = texts[first : first + BLOCK]
            blocks.append(pipeline.predict_proba(block)[:, 1])
            bar.update(len(block))
    return np.concatenate(blocks)


def _get_format(out: Path) -> TableFormat:
    for format in TABLE_FORMATS:
        if out.name.endswith(f".{format}"):
            return format
    listed = ", ".join(f".{format}" for format in TABLE_FORMATS)
    raise UserError(f"must end in {listed}", parameter="out", value=str(out))


def _refuse_to_replace(read: Path, out: Path) -> None:
    if read.exists() and out.exists() and out.samefile(read):
        raise UserError("is the input file; name another", parameter="out", value=str(out))
    if out.exists() and name_session(out).absolute() == read.absolute():
        problem = "already exists and may be the table of this session; name another file, or remove it"
        raise UserError(problem, parameter="out", value=str(out))
