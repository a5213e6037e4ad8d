"""The user's own columns in exports."""

from __future__ import annotations

from collections.abc import Collection


def name_columns(columns: Collection[str], ours: Collection[str]) -> dict[str, str]:
    """The columns by their names in exports, next to ours: `text` becomes `text_in_table`.

    Examples:
        >>> name_columns(["id", "row"], {"row", "answer"})
        {'id': 'id', 'row_in_table': 'row'}
    """
    taken = {*ours, *columns}
    names = {}
    for column in columns:
        name = column
        while name in ours or (name != column and name in taken):
            name += "_in_table"
        names[name] = column
    return names
