"""Finds the row of the table that a label is for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

from seals_sim.errors import UserError
from seals_sim.label.beginning import name_concept
from seals_sim.label.corpus import Corpus
from seals_sim.label.types import Label

_MAX_LISTED = 5


@dataclass(frozen=True)
class GivenLabels:
    """The contents of a file of labels.

    Attributes:
        labels: The labels, in the file's order.
        controls: Rows that the file says were drawn at random.
        by_concept: The labels of each concept named in the file.
    """

    labels: list[Label] = field(default_factory=list)
    controls: set[int] = field(default_factory=set)
    by_concept: dict[str, GivenLabels] = field(default_factory=dict)

    def add(self, row: int, answer: int | None, is_control: object, concept: object = None) -> None:
        """Add a label, with its mark as found in files: true, "true" or "True"."""
        self.labels.append((row, answer))
        if str(is_control).lower() == "true":
            self.controls.add(row)
        if isinstance(concept, str) and concept:
            self.by_concept.setdefault(concept, GivenLabels()).add(row, answer, is_control)

    def choose_concept(self, concept: str, find_name: Callable[[str], str] = str) -> GivenLabels:
        """The labels of one concept; all labels if the file names at most one concept, whatever its name.

        Args:
            concept: Its name; empty for one without a name.
            find_name: Gives the present name of a concept that may have been renamed since.

        Raises:
            UserError: If the file names several concepts, but not this one.
        """
        wanted = name_concept(concept)
        for name, given in self.by_concept.items():
            if wanted in (name, find_name(name)):
                return given
        if len(self.by_concept) <= 1:
            return self
        listed = ", ".join(f"{name!r:.60}" for name in list(self.by_concept)[:_MAX_LISTED])
        problem = f"has answers about several concepts ({listed}), none of them called {wanted!r:.60}"
        raise UserError(f"{problem}; choose one (parameter concept), or export one alone")


class RowFinder:
    """Finds the rows of the items of one file, in the file's order.

    An item names its row by the corpus's id column or as `row`, or is found by its text. If texts are equal, the first
    item is for the first row with that text, the second for the second, and so on, starting over after the last.

    Args:
        corpus: The corpus that the labels are for. Without it, row numbers are taken as they are.

    Examples:
        >>> import numpy as np
        >>> from seals_sim.indexes import ExactIndex
        >>> vectors = np.eye(3, dtype=np.float32)
        >>> finder = RowFinder(Corpus(vectors, ExactIndex(vectors), "", ["a", "b", "a"]))
        >>> [finder.find({}, text, "tasks.json") for text in ("a", "b", "a")]
        [0, 1, 2]
    """

    def __init__(self, corpus: Corpus | None) -> None:
        self._corpus = corpus
        self._texts = None if corpus is None else corpus.texts
        self._rows_by_id: dict[str, int] | None = None
        self._rows_by_text: dict[str, cycle[int]] | None = None

    def find(self, named: Mapping[str, Any], text: object, where: str) -> int:
        """The row of the next item, by its position in the session.

        Args:
            named: The part of the item that names its row.
            text: The item's text.
            where: The item, for error messages.

        Raises:
            UserError: If the table has no such row, or the row has another text.
        """
        id_column = None if self._corpus is None else self._corpus.id_column
        if id_column is not None and named.get(id_column) is not None:
            return self._find_by_id(id_column, named[id_column], where)
        number = named.get("row")
        if number is None:
            return self._find_by_text(text, where)
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise UserError(f"{where}: {number!r} is not a row; rows are integers from 0")
        if self._corpus is None:
            return number
        try:
            row = self._corpus.find_row(number)
        except UserError as error:
            raise UserError(f"{where}: {error}") from error
        if self._texts is not None and text is not None and text != self._texts[row]:
            raise UserError(f"{where}: row {number} has a different text in this table; was another table labeled?")
        return row

    def skip(self, named: Mapping[str, Any], text: object) -> None:
        """Skip an item without an answer, so that the next item with the same text is for the next row."""
        id_column = None if self._corpus is None else self._corpus.id_column
        is_named = named.get("row") is not None or (id_column is not None and named.get(id_column) is not None)
        if not is_named and isinstance(text, str) and self._texts is not None:
            next(self._by_text(self._texts).get(text, iter(())), None)

    def _find_by_id(self, column: str, id: object, where: str) -> int:
        assert self._corpus is not None
        if self._rows_by_id is None:
            self._rows_by_id = {str(cell): row for row, cell in enumerate(self._corpus.columns[column])}
        if str(id) not in self._rows_by_id:
            raise UserError(f"{where}: no row of this table has the {column} {id!r:.60}")
        return self._rows_by_id[str(id)]

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
