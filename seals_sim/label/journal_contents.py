"""Checks the whole contents of a session file before anything in it is used: it may come from a stranger."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import compress
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from seals_sim.label.options import EARLY_OPTIONS, SessionOptions
from seals_sim.options import to_user_error

KINDS = ("ask", "answer", "undo")
MAX_NAME = 100  # characters of a person's name
_MAX_SHOWN = 200  # characters of a problem

ConceptName = Annotated[str, Field(max_length=MAX_NAME)]
RawEvent = tuple[Any, ...]
"""id, kind, row, answer, is_control, score, neighbors, import_id, who, concept, as SQLite gives them."""
RawSeed = tuple[Any, ...]
"""id, text, label, vector, neighbors, concept."""


class Mark(BaseModel):
    """The identity of a session.

    Attributes:
        id: A random id, drawn when the session begins.
        n_saved: The number of transactions, so that each of them changes the mark.
    """

    model_config = ConfigDict(strict=True)

    id: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    n_saved: Annotated[int, Field(ge=0)]


class About(BaseModel):
    """The contents of the table `about`.

    Attributes:
        fingerprint: See `seals_sim.label.corpus.Corpus`.
        options: Options of the session.
        corpus: The corpus that it began with, described for people.
        session: The identity of the session; early files have none.
        concepts: The names of its concepts; one empty name if the session began without names.
        renamed: The current names of concepts, by their earlier names.
    """

    model_config = ConfigDict(strict=True)

    fingerprint: str
    options: SessionOptions
    corpus: str = "other texts or vectors"
    session: Mark | None = None
    concepts: Annotated[tuple[ConceptName, ...], Field(min_length=1)] = ("",)
    renamed: dict[ConceptName, ConceptName] = Field(default_factory=dict)

    def find_name(self, name: str) -> str:
        """The current name of a concept, from any name that it had: the command that began a session still works."""
        return name if name in self.concepts else self.renamed.get(name, name)


def parse_about(values: Mapping[Any, Any]) -> About:
    """Parse names with JSON values.

    Raises:
        ValueError: If one is missing or wrong.
    """
    parsed = {}
    for name, value in values.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise ValueError(f"{name!r:.40} is no text")
        try:
            parsed[name] = from_json(value)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    if isinstance(parsed.get("options"), dict):
        parsed["options"] = {**EARLY_OPTIONS, **parsed["options"]}
    try:
        return About.model_validate_json(json.dumps(parsed))
    except ValidationError as error:
        where = error.errors()[0]["loc"]
        if where[:1] == ("options",) and len(where) > 1:
            raise ValueError(f"options: {_explain_options(parsed['options'])}") from error
        raise ValueError(f"{'.'.join(map(str, where))}: {error.errors()[0]['msg']}") from error


def _explain_options(options: Mapping[str, Any]) -> str:
    try:
        SessionOptions(**options)
    except ValidationError as error:
        return f"{to_user_error(error)!s:.{_MAX_SHOWN}}"
    return "a value has another type"


def check_seeds(seeds: Sequence[RawSeed], n_rows: int, d: int, concepts: Sequence[str] = ("",)) -> None:
    """Check the examples of a session.

    Args:
        seeds: All examples.
        n_rows: Rows of the table.
        d: Dimensions of its vectors.
        concepts: The concepts of the session.

    Raises:
        ValueError: If one is wrong.
    """
    for id, text, label, vector, neighbors, concept in seeds:
        if concept not in concepts:
            raise ValueError(f"seed {id}: its concept")
        if not isinstance(text, str) or label not in (0, 1):
            raise ValueError(f"seed {id}: its text or label")
        if not isinstance(vector, bytes) or len(vector) != 4 * d or not np.isfinite(np.frombuffer(vector, "<f4")).all():
            raise ValueError(f"seed {id}: its vector is not {d} finite numbers")
        _check_neighbors("seed", [id], [neighbors], n_rows)


def check_events(
    events: Sequence[RawEvent], import_ids: Sequence[object], n_rows: int, known: Sequence[str] = ("",)
) -> None:
    """Check the events of a session, each on its own and those of each concept in sequence.

    Args:
        events: All events, in order.
        import_ids: The ids of the imported files.
        n_rows: Rows of the table.
        known: The concepts of the session.

    Raises:
        ValueError: For the first column that is wrong, or the first event that cannot follow those before it.
    """
    if not events:
        return
    ids, kinds, rows, answers, is_control, scores, neighbors, imports, names, concepts = zip(*events, strict=True)
    _require(ids, kinds, KINDS.__contains__, "kind")
    _require(ids, rows, lambda row: isinstance(row, int), "row")
    _require_in_table("event", ids, np.array(rows, dtype=np.int64), n_rows)
    _require(ids, answers, lambda answer: answer is None or (isinstance(answer, int) and answer in (0, 1)), "answer")
    _require(ids, is_control, lambda value: isinstance(value, int) and value in (0, 1), "is_control")
    _require(ids, scores, lambda score: score is None or (isinstance(score, float) and math.isfinite(score)), "score")
    _require(ids, imports, {None, *import_ids}.__contains__, "import_id")
    _require(ids, names, lambda name: isinstance(name, str) and len(name) <= MAX_NAME, "who")
    _require(ids, concepts, {*known}.__contains__, "concept")
    has_neighbors = [value is not None for value in neighbors]
    _check_neighbors("event", list(compress(ids, has_neighbors)), list(compress(neighbors, has_neighbors)), n_rows)
    for concept in set(concepts):
        _check_order([event for event in events if event[-1] == concept] if len(known) > 1 else events)


def _require(ids: Sequence[Any], values: Sequence[Any], is_right: Callable[[Any], bool], name: str) -> None:
    for id, is_fine in zip(ids, map(is_right, values), strict=True):
        if not is_fine:
            raise ValueError(f"event {id}: its {name}")


def _check_neighbors(what: str, ids: Sequence[Any], neighbors: Sequence[Any], n_rows: int) -> None:
    """Check all neighbors at once: a session with 100,000 events has millions."""
    for id, content in zip(ids, neighbors, strict=True):
        if not isinstance(content, bytes) or len(content) % 8:
            raise ValueError(f"{what} {id}: its neighbors")
    lengths = [len(content) // 8 for content in neighbors]
    rows = np.frombuffer(b"".join(neighbors), dtype="<i8")
    _require_in_table(what, np.repeat(np.array(ids, dtype=np.int64), lengths), rows, n_rows)


def _require_in_table(what: str, ids: Sequence[Any] | NDArray[Any], rows: NDArray[Any], n_rows: int) -> None:
    if len(rows) and not (rows.min() >= 0 and rows.max() < n_rows):
        place = int(np.argmax((rows < 0) | (rows >= n_rows)))
        raise ValueError(f"{what} {ids[place]}: row {rows[place]} is not in the table, which has {n_rows:,}")


def _check_order(events: Sequence[RawEvent]) -> None:
    asked: set[int] = set()
    answered: dict[str, list[int]] = {}  # rows by person, latest last
    n_answers: dict[int, int] = {}
    n_imported: dict[int, int] = {}
    for id, kind, row, *_, import_id, who, _ in events:
        if kind == "ask":
            if row in asked or n_answers.get(row):
                raise ValueError(f"event {id}: asks for a row that was asked or answered")
            asked.add(row)
        elif kind == "answer":
            if import_id is None:
                answered.setdefault(who, []).append(row)
            else:
                n_imported[row] = n_imported.get(row, 0) + 1
            n_answers[row] = n_answers.get(row, 0) + 1
        else:
            if (order := answered.get(who)) and order[-1] == row:
                order.pop()
            elif who == "" and n_imported.get(row):  # early sessions took back answers from files
                n_imported[row] -= 1
            else:
                raise ValueError(f"event {id}: takes back an answer, and there is none of row {row}")
            n_answers[row] -= 1
