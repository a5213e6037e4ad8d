"""Which row of the table a label is for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

from seals_sim.errors import UserError


class RowFinder:
    """Finds the rows of the items of one file, in the file's order.

    An item names its row, or is found by its text. Of equal texts the first item is for the first row with that text,
    the second for the second, and so on, starting over after the last.

    Args:
        texts: Of the table. Without them rows are taken as they are named.

    Examples:
        >>> finder = RowFinder(["a", "b", "a"])
        >>> [finder.find({}, text, "tasks.json") for text in ("a", "b", "a")]
        [0, 1, 2]
    """

    def __init__(self, texts: Sequence[str] | None) -> None:
        self._texts = texts
        self._rows_by_text: dict[str, cycle[int]] | None = None

    def find(self, named: Mapping[str, Any], text: object, where: str) -> int:
        """The row of the next item.

        Args:
            named: Where the item names its row, as "row".
            text: The item's text.
            where: The item, for errors.

        Raises:
            UserError: For a row that the table does not have, or that has another text.
        """
        row = named.get("row")
        if row is None:
            return self._find_by_text(text, where)
        if isinstance(row, bool) or not isinstance(row, int) or row < 0:
            raise UserError(f"{where}: {row!r} is not a row; rows are integers from 0")
        if self._texts is not None:
            if row >= len(self._texts):
                raise UserError(f"{where}: row {row}: no such row; the table has {len(self._texts):,}")
            if text is not None and text != self._texts[row]:
                raise UserError(f"{where}: row {row} has a different text in this table; was another table labeled?")
        return row

    def skip(self, named: Mapping[str, Any], text: object) -> None:
        """Pass over an item without an answer, so that the next one with the same text is for the next row."""
        if named.get("row") is None and isinstance(text, str) and self._texts is not None:
            next(self._by_text(self._texts).get(text, iter(())), None)

    def _find_by_text(self, text: object, where: str) -> int:
        if not isinstance(text, str):
            raise UserError(f"{where}: has neither a row nor a text")
        if self._texts is None:
            raise UserError(f"{where}: has no row, and this table has no texts to find it by")
        rows = self._by_text(self._texts)
        if text not in rows:
            raise UserError(f"{where}: no row of this table has the text {text!r:.60}")
        return next(rows[text])

    def _by_text(self, texts: Sequence[str]) -> dict[str, cycle[int]]:
        if self._rows_by_text is None:
            rows = defaultdict(list)
            for row, text in enumerate(texts):
                rows[text].append(row)
            self._rows_by_text = {text: cycle(same) for text, same in rows.items()}
        return self._rows_by_text
