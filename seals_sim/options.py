"""Types and helpers that all declarations of options share.

Options are frozen pydantic dataclasses. A field's type, bounds, default and docstring are declared there and nowhere
else: the command line, its help, its errors and `config.json` are all generated from them.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema

from seals_sim.errors import UserError

CHECKED = ConfigDict(allow_inf_nan=False, extra="forbid")

MAX_THREADS = 1024  # more than that, and OpenMP may take the process down
PositiveInt = Annotated[int, Field(ge=1, le=10**9)]
NonNegativeInt = Annotated[int, Field(ge=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(gt=0, lt=1)]


def _refuse_empty(value: object) -> object:
    if value == "":
        raise UserError("is empty; name a file or folder")
    return value


GivenPath = Annotated[Path, BeforeValidator(_refuse_empty)]
"""A path that is not empty; an empty one would be the current folder."""

Options = TypeVar("Options")


def _split_commas(value: object) -> object:
    if isinstance(value, str):
        value = (value,)
    if isinstance(value, list | tuple) and all(isinstance(part, str) for part in value):
        return tuple(name.strip() for part in value for name in part.split(",") if name.strip())
    return value


def _require_distinct(values: tuple[object, ...]) -> tuple[object, ...]:
    if len(set(values)) < len(values):
        raise UserError("has a value twice", value=",".join(map(str, values)))
    return values


class _CommaSeparated:
    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        distinct = core_schema.no_info_after_validator_function(_require_distinct, handler(source))
        return core_schema.no_info_before_validator_function(_split_commas, distinct)


COMMA_SEPARATED = _CommaSeparated()
"""Marks a tuple that may also be given as one comma-separated string and must not have a value twice."""


def combine(kind: type[Options], *groups: object, **changes: object) -> Options:
    """Build options of one kind from groups that declare its fields between them.

    Args:
        kind: A dataclass that inherits from the classes of the groups.
        groups: Dataclasses; fields that `kind` lacks are ignored.
        changes: Fields to set to other values.

    Raises:
        pydantic.ValidationError: If the fields do not fit together.
    """
    names = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    given = {name: value for group in groups for name, value in vars(group).items() if name in names}
    return kind(**{**given, **changes})


def to_user_error(error: ValidationError) -> UserError:
    """The first problem with some options, as a message for users.

    Examples:
        >>> from seals_sim.label.options import SessionOptions
        >>> try:
        ...     SessionOptions(k=0)
        ... except ValidationError as error:
        ...     print(to_user_error(error))
        k = 0: must be at least 1
    """
    first = error.errors(include_url=False)[0]
    context: dict[str, Any] = first.get("ctx", {})
    cause = context.get("error")
    parameter = str(first["loc"][0]) if first["loc"] else None
    if isinstance(cause, UserError):
        return UserError(cause.problem, parameter=cause.parameter or parameter, value=cause.value)
    template = _PROBLEMS.get(first["type"])
    problem = first["msg"] if template is None else template.format(**context)
    value = None if first["type"] == "missing" else first["input"]  # which is all that was given
    return UserError(
        problem, parameter=parameter, value=",".join(map(str, value)) if isinstance(value, list) else value
    )


_WHOLE, _NUMBER = "must be a whole number", "must be a number"
_PROBLEMS = {
    "greater_than_equal": "must be at least {ge:g}",
    "greater_than": "must be above {gt:g}",
    "less_than_equal": "must be at most {le:,}",
    "less_than": "must be below {lt:g}",
    "finite_number": "must be a finite number",
    "int_parsing": _WHOLE,
    "int_type": _WHOLE,
    "int_from_float": _WHOLE,
    "int_parsing_size": "has too many digits",
    "float_parsing": _NUMBER,
    "float_type": _NUMBER,
    "literal_error": "unknown; choose from {expected}",
    "too_short": "needs at least one",
    "string_too_short": "is empty",
    "string_type": "must be plain text, but this reads as JSON; add a word to it",
    "missing": "is required",
    "unexpected_keyword_argument": "unknown option",
}


def get_machine_memory() -> int:
    """Bytes of main memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
