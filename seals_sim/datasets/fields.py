"""Nested fields: `doc.text` is the field `text` of the field `doc`, unless a column has exactly that name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence


def list_names(record: Mapping[str, object], before: str = "") -> Iterator[str]:
    """List the names of all fields of a record, including nested ones.

    Examples:
        >>> list(list_names({"id": 1, "doc": {"text": "a", "by": {"name": "b"}}}))
        ['id', 'doc', 'doc.text', 'doc.by', 'doc.by.name']
    """
    for name, value in record.items():
        yield before + name
        if isinstance(value, dict):
            yield from list_names(value, f"{before}{name}.")


def pick_fields(record: Mapping[str, object], names: Sequence[str]) -> dict[str, object]:
    """Pick the fields with these names; a record may lack some. Fields within a missing value are missing too.

    Examples:
        >>> pick_fields({"a.b": 1, "doc": {"text": "x"}, "meta": None}, ["a.b", "doc.text", "meta.by", "c"])
        {'a.b': 1, 'doc.text': 'x', 'meta.by': None}
    """
    found = ((name, _find(record, name)) for name in names)
    return {name: value[0] for name, value in found if value}


def _find(record: Mapping[str, object], name: str) -> tuple[object, ...]:
    """The value in a tuple, or an empty tuple if there is none."""
    if name in record:
        return (record[name],)
    for place, letter in enumerate(name):
        if letter == "." and name[:place] in record:
            inner = record[name[:place]]
            if inner is None:
                return (None,)
            if isinstance(inner, dict) and (value := _find(inner, name[place + 1 :])):
                return value
    return ()
