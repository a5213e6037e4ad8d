"""Reads JSON written by other programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seals_sim.errors import UserError

ANSWER_WORDS = {1: "yes", 0: "no"}
_ANSWERS = {
    **dict.fromkeys(("yes", "1", "1.0", "true", "positive"), 1),
    **dict.fromkeys(("no", "0", "0.0", "false", "negative"), 0),
}


def read_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        UserError: If it cannot be read or is not JSON.
    """
    return _parse(_read_text(path), str(path))


def read_records(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Objects in a JSON list, or one on each line, each with its position for error messages.

    Raises:
        UserError: If something else is in the file.
    """
    content = _read_text(path)
    if content.lstrip().startswith("["):
        items = ((f"{path}: record {n}", item) for n, item in enumerate(_parse(content, str(path)), start=1))
        return _require_objects(items)
    lines = ((f"{path}:{n}", line) for n, line in enumerate(content.split("\n"), start=1) if line.strip())
    return _require_objects((where, _parse(line, where)) for where, line in lines)


def get_part(item: object, name: str, kind: type, where: str) -> Any:
    """The member `name` of an object, which must be a dict or a list.

    Raises:
        UserError: If it is not.
    """
    part = item.get(name) if isinstance(item, dict) else None
    if not isinstance(part, kind):
        raise UserError(f"{where}: {name!r} is missing, or not {'an object' if kind is dict else 'a list'}")
    return part


@dataclass(frozen=True)
class AnswerNames:
    """How a file names its answers.

    Attributes:
        positive: Labels that mean yes; if there are none, the usual words do.
        negative: Labels that mean no; if there are none, all labels do that do not mean yes.
        field: The field of the answer, if a file has several that may hold it.

    Examples:
        >>> AnswerNames().read("Yes", "t.json"), AnswerNames(("spam",)).read("ham", "t.json")
        (1, 0)
    """

    positive: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()
    field: str | None = None

    def read(self, value: object, where: str) -> int:
        """1 or 0 for a label. Case matters only if labels were named.

        Raises:
            UserError: For a label that means neither.
        """
        text = str(value).strip()
        if not self.positive:
            if text.lower() in _ANSWERS:
                return _ANSWERS[text.lower()]
            words = "yes, no, 1, 0, true, false, positive, or negative"
            raise UserError(f"{where}: {value!r:.60} is not an answer; use {words}, or name your positive_label")
        if text in self.positive:
            return 1
        if self.negative and text not in self.negative:
            listed = ", ".join(map(repr, (*self.positive, *self.negative)))
            raise UserError(f"{where}: {value!r:.60} is not one of the named labels, {listed}")
        return 0

    def read_several(self, values: Sequence[object], where: str) -> int:
        """1 or 0 for labels that were given together; several are allowed only if labels were named.

        Raises:
            UserError: If they mean neither.
        """
        if len(values) != 1 and not (self.positive and values):
            raise UserError(f"{where}: has {len(values)} choices; expected one, yes or no")
        return max(self.read(value, where) for value in values)


def _require_objects(items: Iterable[tuple[str, object]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for where, item in items:
        if not isinstance(item, dict):
            raise UserError(f"{where}: not an object")
        yield where, item


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 ({error.reason} at byte {error.start})") from error


def _parse(content: str, where: str) -> Any:
    try:
        return json.loads(content)
    except (json.JSONDecodeError, RecursionError) as error:
        reason = f"{error.msg}, line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "nested too deeply"
        raise UserError(f"{where}: not valid JSON ({reason})") from error
