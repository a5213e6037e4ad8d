"""From label values to concepts: one rule for every kind of file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from seals_sim.types import DatasetRows

Label = bool | str | tuple[str, ...] | None
_BINARY = {"0": False, "1": True, "false": False, "true": True, "-1": False}
_WHOLE_OR_TRUTH = re.compile(r"[+-]?[0-9]+(\.0+)?|true|false", re.IGNORECASE)
_PLUS_OR_POINT = re.compile(r"^\+|\.0+$")


def read_label(value: object, separator: str | None) -> Label:
    """Read one cell: true/false, a class, a list of labels, or None for no label.

    Numbers are classes named by their digits (the meaning of 0 and 1 depends on the whole column: see
    `build_concepts`). Runs of white space and control characters in a label become single spaces.

    Args:
        value: Value of the cell.
        separator: Splits a text into a list of labels; None for no splitting.

    Raises:
        TypeError: If the cell cannot be a label.

    Examples:
        >>> read_label(3, None), read_label("a, b", ","), read_label(["x"], None), read_label("", None)
        ('3', ('a', 'b'), ('x',), None)
    """
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, str):
        if separator is None:
            return _tidy(value) or None
        return tuple(tidy for part in value.split(separator) if (tidy := _tidy(part)))
    if isinstance(value, int | np.integer):
        return str(value)
    if isinstance(value, float | np.floating):
        return str(value)
    if isinstance(value, list | tuple | np.ndarray):
        parts = [read_label(part, None) for part in value]
        if all(isinstance(part, str) for part in parts):
            return tuple(str(part) for part in parts)
    raise TypeError(f"{value!r:.60} is not a label; use true/false, a number, a text or a list of texts")


def _tidy(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def read_numbers(column: Sequence[Label]) -> list[Label]:
    """Normalize integers in a column that contains nothing else (apart from missing values and true/false).

    pandas writes 1 as 1.0 in a column with gaps, and +1 is common together with -1. In any other column, such as one of
    codes like 250.0 and 250.01, cells stay as they are.

    Examples:
        >>> read_numbers(["1.0", None, "+3", "-1"]), read_numbers(["250.0", "250.01"])
        (['1', None, '3', '-1'], ['250.0', '250.01'])
    """
    texts = {value for value in column if isinstance(value, str)}
    if not all(_WHOLE_OR_TRUTH.fullmatch(text) for text in texts):
        return list(column)
    return [_PLUS_OR_POINT.sub("", value) if isinstance(value, str) else value for value in column]


def is_binary(column: Sequence[Label]) -> bool:
    """Tell whether a column contains nothing but 0/1, -1/1 or true/false (apart from missing values).

    Examples:
        >>> is_binary(["1.0", None, "0.0"]), is_binary([True, None]), is_binary(["1", "2"]), is_binary([None])
        (True, True, False, False)
    """
    present = {str(value).lower() for value in read_numbers(column) if value is not None}
    return bool(present) and present <= _BINARY.keys() and not {"0", "-1"} <= present


def build_concepts(columns: Mapping[str, Sequence[Label]]) -> dict[str, DatasetRows]:
    """Build the concepts of label columns, each with the sorted rows that belong to it.

    A column of 0/1, -1/1 or true/false is one concept with the name of the column. In any other column, every class and
    every list entry is a concept; if there are several columns, it is named column=class.

    Args:
        columns: The labels of all rows, by column name.

    Examples:
        >>> concepts = build_concepts({"kind": ["cat", "dog", "cat", None]})
        >>> {name: rows.tolist() for name, rows in concepts.items()}
        {'cat': [0, 2], 'dog': [1]}
        >>> build_concepts({"spoiler": ["0", "1", "1"]})["spoiler"].tolist()
        [1, 2]
    """
    rows_of: dict[str, list[int]] = {}
    for name, column in columns.items():
        column, binary = read_numbers(column), is_binary(column)
        prefix = f"{name}=" if len(columns) > 1 else ""
        if binary:
            rows_of[name] = []
        for row, value in enumerate(column):
            if value is None:
                continue
            if binary:
                if _BINARY[str(value).lower()]:
                    rows_of[name].append(row)
                continue
            parts = dict.fromkeys(value) if isinstance(value, tuple) else [str(value)]
            for part in parts:
                rows_of.setdefault(prefix + part, []).append(row)
    return {name: DatasetRows(np.array(rows, dtype=np.int64)) for name, rows in rows_of.items()}
