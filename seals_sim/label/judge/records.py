"""What a session file stores about its judges, besides their answers: their instructions and numbers of calls."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seals_sim.label.judge.names import PREFIX, is_judge

_BETWEEN = "\n"  # neither name can contain it


class JudgeRecord(BaseModel):
    """The record of a judge for a concept.

    Attributes:
        instruction: Its latest instruction.
        n_calls: Calls made so far; a call is counted before it is made.
    """

    model_config = ConfigDict(strict=True, frozen=True)

    instruction: str
    n_calls: Annotated[int, Field(ge=0)] = 0


class JudgeRecords:
    """The part of a journal that stores these records, in its table `about`."""

    _database: sqlite3.Connection
    _fetch: Callable[[str], list[tuple[Any, ...]]]
    _believed: Callable[[], AbstractContextManager[None]]
    _transaction: Callable[[], AbstractContextManager[None]]
    _require_in_place: Callable[[], None]

    def read_judges(self, concept: str = "") -> dict[str, JudgeRecord]:
        """The record of each judge for a concept, by the judge's name.

        Raises:
            UserError: If it is damaged.
        """
        with_prefix = f"SELECT name, value FROM about WHERE name LIKE '{PREFIX}%' ORDER BY name"
        with self._believed():
            kept = {name: _parse(name, value) for name, value in self._fetch(with_prefix) if is_judge(name)}
        names = {name: name.partition(_BETWEEN) for name in kept}
        return {who: kept[name] for name, (who, _, its_concept) in names.items() if its_concept == concept}

    def note_judge(self, who: str, record: JudgeRecord, concept: str = "") -> None:
        """Store the record of a judge for a concept; it is on disk when this returns.

        Raises:
            UserError: If it cannot be written.
        """
        self._require_in_place()
        with self._transaction():
            values = (_name(who, concept), json.dumps(record.model_dump()))
            self._database.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", values)

    def rename_judged(self, concept: str, name: str) -> None:
        """Move the records of a concept to its new name, in the caller's transaction."""
        changes = [(_name(who, name), _name(who, concept)) for who in self.read_judges(concept)]
        self._database.executemany("UPDATE about SET name = ? WHERE name = ?", changes)


def _name(who: str, concept: str) -> str:
    """The name under which it is stored."""
    return f"{who}{_BETWEEN}{concept}" if concept else who


def _parse(name: str, value: object) -> JudgeRecord:
    try:
        return JudgeRecord.model_validate_json(value if isinstance(value, str) else "")
    except ValidationError as error:
        raise ValueError(f"{name:.40}: {error.errors()[0]['msg']}") from error
