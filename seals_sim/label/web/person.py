"""Who is at the page: a name that each browser tab sends, if several people label."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import unquote

from fastapi import Header

from seals_sim.errors import UserError
from seals_sim.label.journal_contents import MAX_NAME
from seals_sim.label.judge.names import PREFIX, looks_like_judge


def read_person(name: Annotated[str, Header(alias="X-Person", max_length=9 * 4 * MAX_NAME)] = "") -> str:
    """The name in a call's percent-encoded header, with single spaces; empty if there is none.

    A name tells whose answers are whose; it is not a password.

    Raises:
        UserError: For a name that is too long, not text, or a judge's.

    Examples:
        >>> read_person("Ada%20%20Lovelace ")
        'Ada Lovelace'
    """
    try:
        person = " ".join(unquote(name, errors="strict").split())
    except UnicodeDecodeError as error:
        raise UserError("the name is not valid text") from error
    if len(person) > MAX_NAME or not person.isprintable():
        raise UserError(f"a name has at most {MAX_NAME} characters, and no control characters")
    if looks_like_judge(person):
        raise UserError(f"names that begin with {PREFIX} are reserved for programs; choose another")
    return person
