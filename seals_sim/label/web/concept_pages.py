"""The pages of a session's concepts; a person can add more while they are served."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Generic, TypeVar

from fastapi import FastAPI
from pydantic import BaseModel, Field, StrictInt

from seals_sim.errors import UserError
from seals_sim.label.beginning import name_concept
from seals_sim.label.concepts import Concepts
from seals_sim.label.session import Session
from seals_sim.label.web.all_concepts import AllConceptsPage, ConceptPage
from seals_sim.label.web.calls import Person

_Name = Annotated[str, Field(max_length=1000)]
_Page = TypeVar("_Page", bound=ConceptPage)


class NewConcept(BaseModel):
    """A concept to be added.

    Attributes:
        name: Its name.
        words: An example, or words to search by; empty for none.
        row: A row that is an example of it; null for none.
    """

    name: _Name
    words: Annotated[str, Field(max_length=10_000)] = ""
    row: StrictInt | None = None


class NewName(BaseModel):
    """A new name for the concept at a place."""

    place: StrictInt
    name: _Name


class ConceptsReply(BaseModel):
    """The change is on disk.

    Attributes:
        place: The place of the added or renamed concept among all.
        concepts: The names of all concepts.
    """

    place: int
    concepts: list[str]


class ConceptPages(Generic[_Page]):
    """One page for each concept at `/concept/0` and so on, and one for all.

    A search without a name is only at `/`, until it gets a name or another concept is added.

    Args:
        app: The application that serves the pages.
        concepts: The concepts to label.
        lock: The lock that guards them.
        make_page: Makes the page of one concept.
        add_calls: Adds the calls of a page under a prefix.
    """

    def __init__(
        self,
        app: FastAPI,
        concepts: Concepts,
        lock: threading.Lock,
        make_page: Callable[[Session], _Page],
        add_calls: Callable[[FastAPI, str, _Page | AllConceptsPage], None],
    ) -> None:
        self._app, self._concepts, self._lock = app, concepts, lock
        self._make_page, self._add_calls = make_page, add_calls
        self._pages: list[_Page] = []
        self._n_served = 0
        for session in concepts.sessions.values():
            self._pages.append(make_page(session))
        add_calls(app, "", self._pages[0])
        app.add_api_route("/api/concepts", self.add, methods=["POST"])
        app.add_api_route("/api/concepts/name", self.rename, methods=["POST"])
        self._serve_new()

    def _serve_new(self) -> None:
        """Serve the pages that are not served yet, as soon as the concepts have names."""
        n = len(self._pages) if list_names(self._concepts) else 0
        for place in range(self._n_served, n):
            self._add_calls(self._app, f"/concept/{place}", self._pages[place])
        if n and not self._n_served:
            self._add_calls(self._app, "/concept/all", AllConceptsPage(self._concepts, self._pages, self._lock))
        self._n_served = n

    def add(self, new: NewConcept, who: Person) -> ConceptsReply:
        words = [new.words.strip()] if new.words.strip() else []
        with self._lock:
            rows = [] if new.row is None else [self._concepts.corpus.find_row(new.row)]
            with _naming():
                session = self._concepts.add(_tidy(new.name), (words, ()), rows, who)
            self._pages.append(self._make_page(session))
            self._serve_new()
            return ConceptsReply(place=len(self._pages) - 1, concepts=list_names(self._concepts))

    def rename(self, new: NewName) -> ConceptsReply:
        with self._lock:
            names = list(self._concepts.sessions)
            if not 0 <= new.place < len(names):
                raise UserError("there is no such concept")
            with _naming():
                self._concepts.rename(names[new.place], _tidy(new.name))
            self._serve_new()
            return ConceptsReply(place=new.place, concepts=list_names(self._concepts))


def list_names(concepts: Concepts) -> list[str]:
    """The names that a page shows: none if the only concept has no name."""
    names = list(concepts.sessions)
    return [name_concept(name) for name in names] if len(names) > 1 or names[0] else []


@contextmanager
def _naming() -> Iterator[None]:
    """Phrase errors about a name as the page does."""
    try:
        yield
    except UserError as error:
        if error.parameter != "concept":
            raise
        raise UserError(f"the name {str(error.value)!r:.60} {_join(error.problem)}") from error


def _join(problem: str) -> str:
    return problem if problem.startswith("is ") else f"is not allowed: {problem}"


def _tidy(name: str) -> str:
    """A name with single spaces.

    Raises:
        UserError: If nothing is left.
    """
    if not (tidy := " ".join(name.split())):
        raise UserError("a concept needs a name")
    return tidy
