"""Several concepts in one table: a search for each, over one corpus and in one session file.

Each concept is a `Session` with its own examples, learner, candidates, curve, estimate and undo. They share the corpus,
its embedded texts, and the journal, in which events carry the name of their concept.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from seals_sim.errors import UserError
from seals_sim.label.beginning import UNNAMED, describe_session, embed_examples, name_concept, resolve_options
from seals_sim.label.corpus import Corpus
from seals_sim.label.journal import Journal
from seals_sim.label.journal_contents import MAX_NAME
from seals_sim.label.lazy_session import SessionEmbedding
from seals_sim.label.options import SessionOptions
from seals_sim.label.session import Session
from seals_sim.label.types import Asked

Examples = tuple[Sequence[str], Sequence[str]]  # texts like those sought, and texts unlike them


class Concepts:
    """The open searches of a session file. `Concepts.begin` starts one, `Concepts.open` resumes one.

    Attributes:
        corpus: The corpus that they search.
        sessions: The sessions by the name of their concept, in order. Their `tell`, `ask` and so on may be used freely.
    """

    def __init__(self, journal: Journal, corpus: Corpus) -> None:
        self.corpus, self._journal, self._embedding = corpus, journal, SessionEmbedding(corpus)
        try:
            names = journal.read_about().concepts
        except BaseException:
            journal.close()
            raise
        self.sessions = {name: self._open(name) for name in names}

    def _open(self, name: str) -> Session:
        return Session(self._journal, self.corpus, name, self._embedding)

    @classmethod
    def around(cls, session: Session) -> Concepts | None:
        """The concepts of an open session, which is the first of them; None if its file already has others."""
        if session._journal.read_about().concepts != (session.concept,):
            return None
        concepts = cls.__new__(cls)
        concepts.corpus, concepts._journal, concepts._embedding = session.corpus, session._journal, session._embedding
        concepts.sessions = {session.concept: session}
        return concepts

    @classmethod
    def begin(
        cls,
        path: Path,
        corpus: Corpus,
        examples: Mapping[str, Examples],
        options: SessionOptions | None = None,
        renamed: Mapping[str, str] | None = None,
    ) -> Concepts:
        """Start a session in a new file.

        Args:
            path: The file.
            corpus: The corpus to search.
            examples: The examples of each concept, by its name; a session with one concept needs no name.
            options: Options of all searches.
            renamed: The current names of concepts, by their earlier names.

        Raises:
            UserError: If the file exists, or a name is invalid.
        """
        require_names([name for name in examples if name])
        options = resolve_options(options or SessionOptions(), corpus)
        seeds = {name: embed_examples(corpus, *given, options) for name, given in examples.items()}
        about = {**describe_session(corpus, options), "renamed": dict(renamed or {})}
        return cls(Journal.create(path, about, seeds), corpus)

    @classmethod
    def open(cls, path: Path, corpus: Corpus) -> Concepts:
        """Resume a session; see `Session.open`."""
        return cls(Journal(path), corpus)

    def __enter__(self) -> Concepts:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the file."""
        self._embedding.stop()
        self._journal.close()

    @property
    def first(self) -> Session:
        """The search for the first concept, which may be the only one."""
        return next(iter(self.sessions.values()))

    def embed_in_background(self) -> None:
        """See `Session.embed_in_background`."""
        self.first.embed_in_background()

    def add(self, name: str, examples: Examples = ((), ()), positives: Sequence[int] = (), who: str = "") -> Session:
        """Begin the search for another concept. When this returns, all of it is on disk; on an error, nothing is.

        Args:
            name: Name of the concept.
            examples: Examples of it, in the table or not.
            positives: Rows to answer with 1.
            who: The person who gives these answers, if there are several.

        Raises:
            UserError: If the name is taken, a row does not exist, or the file cannot be written.
        """
        _require_name(name, self.sessions)
        seeds = embed_examples(self.corpus, *examples, self.first.options)
        self._embedding.embed(seeds)  # first, so that nothing begins if this fails
        try:
            with self._journal.together():
                self._journal.add_concept(name, seeds)
                session = self._open(name)
                session.tell(positives, [1] * len(positives), who)
                self.sessions[name] = session
        except UserError:
            self.sessions.pop(name, None)
            raise
        return session

    def find_name(self, name: str) -> str:
        """The current name of a concept, from any name that it had; an unknown name is returned as it is."""
        return self._journal.read_about().find_name(name)

    def rename(self, name: str, new: str) -> None:
        """Rename a concept; the change is on disk when this returns.

        Raises:
            UserError: If there is no such concept, the new name is invalid, or the file cannot be written.
        """
        self._require_known([name])
        if new == name:
            return
        _require_name(new, self.sessions)
        self._journal.rename_concept(name, new)
        self.sessions = {new if one == name else one: session for one, session in self.sessions.items()}
        self.sessions[new].concept = new

    def ask(self, n: int, who: str = "") -> list[tuple[str, Asked]]:
        """Choose n rows to be answered for all concepts, or fewer if no more are left.

        The searches take turns. A row that several of them ask for comes once.

        Args:
            n: The number of rows.
            who: The person; see `Session.ask`.

        Returns:
            Each row as one search asks for it, with the name of that concept.
        """
        n_each = -(-n // len(self.sessions))
        while True:
            turns = sorted(self.sessions.items(), key=lambda item: item[1].n_handled)
            lists = {name: session.ask(n_each, who) for name, session in turns}
            found: dict[int, tuple[str, Asked]] = {}
            for place in range(n_each):
                for name, asked in lists.items():
                    if place < len(asked):
                        found.setdefault(asked[place].row, (name, asked[place]))
            if len(found) >= n or all(len(asked) < n_each for asked in lists.values()):
                return list(found.values())[:n]
            n_each *= 2

    def tell(self, row: int, answers: Mapping[str, int | None], who: str = "") -> None:
        """Answer a row for several concepts. When this returns, all of it is on disk; on an error, nothing is.

        Args:
            row: The row, whether it was asked for or not.
            answers: 1, 0 or None (skip) by the name of the concept.
            who: The person, if there are several.

        Raises:
            UserError: For an unknown row or concept, or any other answer.
        """
        self._require_known(answers)
        try:
            with self._journal.together():
                for name, answer in answers.items():
                    self.sessions[name].tell([row], [answer], who)
        except UserError:
            for name in answers:
                self.sessions[name].reload()
            raise

    def undo(self, who: str = "") -> int | None:
        """Take back a person's last answer, for all concepts for which that was the same row.

        Returns:
            The row, or None if there is no answer.
        """
        last = self._journal.find_last_answers(who)
        if not last:
            return None
        _, row = max(last.values())
        for name, (_, its_row) in last.items():
            if its_row == row:
                self.sessions[name].undo(who)
        return row

    def _require_known(self, names: Collection[str]) -> None:
        for name in names:
            if name not in self.sessions:
                raise UserError(f"there is no concept {name_concept(name)}")


def require_names(names: Sequence[str]) -> None:
    """Check the names of concepts.

    Raises:
        UserError: For an invalid name, or a name given twice.
    """
    for place, name in enumerate(names):
        _require_name(name, names[:place])


def _require_name(name: str, others: Collection[str]) -> None:
    if name != name.strip() or not name or not name.isprintable() or len(name) > MAX_NAME or "=" in name:
        problem = f"a name has at most {MAX_NAME} characters, no = and no control characters"
        raise UserError(problem, parameter="concept", value=name)
    if name in others or name in (UNNAMED, "all"):
        raise UserError("is taken; choose another name", parameter="concept", value=name)
