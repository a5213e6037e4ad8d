"""Several concepts in one journal: their events and examples carry the name, everything else is shared."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from seals_sim.label import journal_events
from seals_sim.label.events import Seed
from seals_sim.label.journal_contents import About


class JournalConcepts:
    """The part of a journal that deals with concepts."""

    _database: sqlite3.Connection
    _is_together = False
    _fetch: Callable[[str], list[tuple[Any, ...]]]
    _fetch_events: Callable[[], list[tuple[Any, ...]]]
    _transaction: Callable[[], AbstractContextManager[None]]
    _require_writable: Callable[[], None]
    read_about: Callable[[], About]
    rename_judged: Callable[[str, str], None]

    def add_concept(self, concept: str, seeds: Sequence[Seed]) -> None:
        """Write a new concept with its examples; it is on disk when this returns.

        Raises:
            UserError: If it cannot be written.
        """
        self._require_writable()
        about = self.read_about()
        with self._transaction():
            self._write_names([*about.concepts, concept], about.renamed)
            self._database.executemany(journal_events.INSERT_SEED, journal_events.pack_seeds(seeds, concept))

    def rename_concept(self, concept: str, name: str) -> None:
        """Rename a concept everywhere in the file; the change is on disk when this returns.

        Raises:
            UserError: If it cannot be written.
        """
        self._require_writable()
        about = self.read_about()
        names = [name if one == concept else one for one in about.concepts]
        before = {old: name if now == concept else now for old, now in about.renamed.items()}
        imports = [
            (journal_events.mark_again(digest, name), id)
            for id, digest in self._fetch("SELECT id, digest FROM imports")
            if journal_events.read_mark(digest) == concept
        ]
        with self._transaction():
            self._write_names(names, {**before, concept: name})
            for table in ("seeds", "events"):
                self._database.execute(f"UPDATE {table} SET concept = ? WHERE concept = ?", (name, concept))
            self.rename_judged(concept, name)
            self._database.executemany("UPDATE imports SET digest = ? WHERE id = ?", imports)

    def _write_names(self, names: Sequence[str], renamed: Mapping[str, str]) -> None:
        """Store the names of concepts; a name in use is no longer a former name of another concept."""
        values = {"concepts": names, "renamed": {old: now for old, now in renamed.items() if old not in names}}
        pairs = [(name, json.dumps(value)) for name, value in values.items()]
        self._database.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)", pairs)

    @contextmanager
    def together(self) -> Iterator[None]:
        """A context for several additions: when it ends, all of them are on disk; on an error, none is."""
        self._require_writable()
        with self._transaction():
            self._is_together = True
            try:
                yield
            finally:
                self._is_together = False

    def find_last_answers(self, who: str) -> dict[str, tuple[int, int]]:
        """A person's last answer that counts for each concept: the number of its event, and its row."""
        given: dict[str, list[tuple[int, int]]] = {}
        for id, kind, row, *_, import_id, name, concept in self._fetch_events():
            if name != who or import_id is not None or kind == "ask":
                continue
            order = given.setdefault(concept, [])
            if kind == "answer":
                order.append((id, row))
            elif order and order[-1][1] == row:
                order.pop()
        return {concept: order[-1] for concept, order in given.items() if order}
