"""From label values to concepts: one rule for every kind of file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from seals_sim.candidates import Rows

Label = bool | str | tuple[str, ...] | None
_BINARY = {"0": False, "1": True, "false": False, "true": True}


def read_label(value: object, separator: str | None) -> Label:
    """One cell as a label: true/false, a class, a list of labels, or None for no label.

    Numbers are classes by their digits (so 0 and 1 stay open until the whole column is seen: see `concepts_of`).
    Raises TypeError where the cell cannot be a label.

    >>> read_label(3.0, None), read_label("a, b", ","), read_label(["x"], None), read_label("", None)
    ('3', ('a', 'b'), ('x',), None)
    """
    if value is None or value == "" or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, str):
        if separator is None:
            return value
        return tuple(part.strip() for part in value.split(separator) if part.strip())
    if isinstance(value, int | float | np.integer | np.floating):
        return str(int(value)) if float(value).is_integer() else str(value)
    if isinstance(value, list | tuple | np.ndarray):
        parts = [read_label(part, None) for part in value]
        if all(isinstance(part, str) for part in parts):
            return tuple(str(part) for part in parts)
    raise TypeError(f"{value!r:.60} is no label: true/false, a number, a text or a list of texts is needed")


def is_binary(column: Sequence[Label]) -> bool:
    """Whether a column holds nothing but 0/1 or true/false (missing values aside)."""
    present = {value for value in column if value is not None}
    return bool(present) and all(
        isinstance(value, bool) or (isinstance(value, str) and value.lower() in _BINARY) for value in present
    )


def concepts_of(columns: Mapping[str, Sequence[Label]]) -> dict[str, Rows]:
    """The concepts of label columns, each with the sorted rows that belong to it.

    A column of 0/1 or true/false is one concept, named as the column. Of any other column every class, and every
    entry of its lists, is a concept; where there are several columns it is named column=class.

    >>> concepts = concepts_of({"kind": ["cat", "dog", "cat", None]})
    >>> {name: rows.tolist() for name, rows in concepts.items()}
    {'cat': [0, 2], 'dog': [1]}
    >>> concepts_of({"spoiler": ["0", "1", "1"]})["spoiler"].tolist()
    [1, 2]
    """
    rows_of: dict[str, list[int]] = {}
    for name, column in columns.items():
        binary = is_binary(column)
        prefix = f"{name}=" if len(columns) > 1 else ""
        if binary:
            rows_of[name] = []
        for row, value in enumerate(column):
            if value is None:
                continue
            if binary:
                if value is True or (isinstance(value, str) and _BINARY[value.lower()]):
                    rows_of[name].append(row)
                continue
            parts = dict.fromkeys(value) if isinstance(value, tuple) else [str(value)]
            for part in parts:
                rows_of.setdefault(prefix + part, []).append(row)
    return {name: np.array(rows, dtype=np.int64) for name, rows in rows_of.items()}
