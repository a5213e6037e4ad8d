"""Events and examples as stored in the journal's tables, in files of any version."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from seals_sim.label.events import Event, ImportedFile, Seed
from seals_sim.types import Rows

WITH_IMPORTS, WITH_NAMES, WITH_CONCEPTS = 2, 4, 5  # the versions of files that have them
INSERT_EVENT = (
    "INSERT INTO events (kind, row, answer, is_control, score, neighbors, import_id, who, concept) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
INSERT_SEED = "INSERT INTO seeds (text, label, vector, neighbors, concept) VALUES (?, ?, ?, ?, ?)"


def select_events(version: int) -> str:
    """The query for `RawEvent`s in a file of a version."""
    import_id = "import_id" if version >= WITH_IMPORTS else "NULL"
    who = "who" if version >= WITH_NAMES else "''"
    concept = "concept" if version >= WITH_CONCEPTS else "''"
    return (
        f"SELECT id, kind, row, answer, is_control, score, neighbors, {import_id}, {who}, {concept} "
        "FROM events ORDER BY id"
    )


def select_seeds(version: int) -> str:
    """The query for `RawSeed`s in a file of a version."""
    concept = "concept" if version >= WITH_CONCEPTS else "''"
    return f"SELECT id, text, label, vector, neighbors, {concept} FROM seeds ORDER BY id"


def pack_event(event: Event, import_id: int | None, concept: str) -> tuple[Any, ...]:
    """The values for INSERT_EVENT."""
    return (
        event.kind, event.row, event.answer, int(event.is_control), event.score,
        None if event.neighbors is None else _pack(event.neighbors),
        import_id if event.is_imported else None, event.who, concept,
    )  # fmt: skip


def unpack_events(rows: Iterable[tuple[Any, ...]], concept: str) -> list[Event]:
    """The events of a concept among checked `RawEvent`s."""
    return [
        Event(
            kind, row, answer, bool(is_control), score,
            None if neighbors is None else _unpack(neighbors), import_id is not None, who,
        )
        for _, kind, row, answer, is_control, score, neighbors, import_id, who, its_concept in rows
        if its_concept == concept
    ]  # fmt: skip


def pack_seeds(seeds: Sequence[Seed], concept: str) -> list[tuple[Any, ...]]:
    """The values for INSERT_SEED."""
    return [
        (seed.text, seed.label, seed.vector.astype("<f4").tobytes(), _pack(seed.neighbors), concept) for seed in seeds
    ]


def unpack_seeds(rows: Iterable[tuple[Any, ...]], concept: str) -> list[Seed]:
    """The examples of a concept among checked `RawSeed`s."""
    return [
        Seed(text, label, np.frombuffer(vector, dtype="<f4").astype(np.float32), _unpack(neighbors))
        for _, text, label, vector, neighbors, its_concept in rows
        if its_concept == concept
    ]


def mark_file(file: ImportedFile, concept: str) -> str:
    """The mark of an imported file, which may be imported once for each concept."""
    return f"{file.digest} {concept}" if concept else file.digest


def read_mark(mark: str) -> str:
    """The concept that a file was imported for."""
    return mark.partition(" ")[2]


def mark_again(mark: str, concept: str) -> str:
    """The mark of the same file for another concept."""
    return mark_file(ImportedFile(mark.partition(" ")[0], ""), concept)


def _pack(rows: Rows) -> bytes:
    return rows.astype("<i8").tobytes()


def _unpack(content: bytes) -> Rows:
    return Rows(np.frombuffer(content, dtype="<i8").astype(np.int64))
