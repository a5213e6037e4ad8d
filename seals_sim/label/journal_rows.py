"""What a session file stores besides events, so that it is useful without the table: texts, rows and the space."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seals_sim.vectors.whitening import Whitening

SINCE = 3  # the version of files that have this
ROWS = "SELECT row, table_rows, text, ids FROM rows ORDER BY row"
SPOKEN_OF = "SELECT row FROM events UNION SELECT row FROM notes"


@dataclass(frozen=True)
class KeptRow:
    """A row that events or notes are about.

    Attributes:
        table_rows: The positions in the user's table of this row, first, and of the rows answered with it.
        text: The text that they share.
        ids: Their cells in the id column; empty if there is no such column.
    """

    table_rows: tuple[int, ...]
    text: str | None
    ids: tuple[Any, ...] = ()


@dataclass(frozen=True, eq=False)
class KeptSpace:
    """How texts become vectors.

    Attributes:
        model: The sentence-transformers model, by name or folder.
        digest: Digest of the model's files.
        whitening: None if embeddings are not whitened.
        fingerprint: Fingerprint of the corpus; `about` may have one of an early version.
        texts_digest: Digest of the table's texts.
    """

    model: str
    digest: str
    whitening: Whitening | None
    fingerprint: str = ""
    texts_digest: str = ""


_WORDS = ("model", "digest", "fingerprint", "texts_digest")
Describe = Callable[[int], KeptRow]


def find_changes(kept: Mapping[int, KeptRow], rows: Iterable[int], describe: Describe) -> dict[int, KeptRow]:
    """The contents of rows that the file does not have, or has differently.

    New lines of the table that are left out shift the positions of its rows. Stored ids stay if the table is opened
    without its id column.
    """
    changes = {}
    for row in rows:
        now, before = describe(row), kept.get(row)
        if before is not None and not now.ids and len(now.table_rows) == len(before.table_rows):
            now = replace(now, ids=before.ids)
        if now != before:
            changes[row] = now
    return changes


def write_rows(database: sqlite3.Connection, rows: Mapping[int, KeptRow], is_correction: bool = False) -> None:
    """Write the contents of rows; a row that is already stored is changed only by a correction."""
    database.executemany(
        f"INSERT OR {'REPLACE' if is_correction else 'IGNORE'} INTO rows VALUES (?, ?, ?, ?)",
        (
            (row, np.array(kept.table_rows, "<i8").tobytes(), json.dumps(kept.text), json.dumps(kept.ids, default=str))
            for row, kept in rows.items()
        ),
    )


def write_space(database: sqlite3.Connection, space: KeptSpace | None) -> None:
    """Write how texts become vectors."""
    if space is None:
        return
    words = {name: getattr(space, name).encode() for name in _WORDS}
    values: list[tuple[str, object]] = list(words.items())
    if space.whitening is not None:
        values.append(("mean", space.whitening.mean.astype("<f4").tobytes()))
        values.append(("directions", space.whitening.directions.astype("<f4").tobytes()))
    database.executemany("INSERT INTO space VALUES (?, ?)", values)


def parse_rows(rows: Sequence[tuple[Any, ...]]) -> dict[int, KeptRow]:
    """Check and unpack rows.

    Raises:
        ValueError: If one is wrong.
    """
    kept = {}
    for row, table_rows, text, ids in rows:
        if not isinstance(table_rows, bytes) or not table_rows or len(table_rows) % 8:
            raise ValueError(f"row {row}: its places in the table")
        if not isinstance(text, str) or not isinstance(ids, str):
            raise ValueError(f"row {row}: its text or ids")
        places, cells, words = np.frombuffer(table_rows, dtype="<i8"), json.loads(ids), json.loads(text)
        if places.min() < 0 or not isinstance(cells, list) or (cells and len(cells) != len(places)):
            raise ValueError(f"row {row}: its places in the table, or its ids")
        if not (words is None or isinstance(words, str)):
            raise ValueError(f"row {row}: its text")
        kept[row] = KeptRow(tuple(places.tolist()), words, tuple(cells))
    return kept


def parse_space(values: Mapping[Any, Any]) -> KeptSpace | None:
    """Check and unpack a space.

    Raises:
        ValueError: If it is wrong.
    """
    if not values:
        return None
    if not all(isinstance(value, bytes) for value in values.values()) or not set(_WORDS) <= values.keys():
        raise ValueError("its space")
    words = {name: values[name].decode() for name in _WORDS}
    if "mean" not in values:
        return KeptSpace(whitening=None, **words)
    mean, directions = _unpack(values["mean"]), _unpack(values.get("directions", b""))
    if not len(mean) or not len(directions) or len(directions) % len(mean):
        raise ValueError("its space: the whitening")
    return KeptSpace(whitening=Whitening(mean, directions.reshape(len(mean), -1)), **words)


def _unpack(content: bytes) -> NDArray[np.float32]:
    numbers = np.frombuffer(content, dtype="<f4").astype(np.float32)
    if not np.isfinite(numbers).all():
        raise ValueError("its space: a number is not finite")
    return numbers
