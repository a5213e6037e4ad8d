"""Several concepts in one table: a search for each, over one corpus and in one session file.

Each concept is a `Session` with examples, a learner, candidates, a curve, an estimate and an undo of its own. They
share the corpus, what is embedded of it, and the journal, in which events carry the name of their concept.
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
    """The open searches of a session file. `Concepts.begin` starts one, `Concepts.open` goes on with one.

    Attributes:
        corpus: What they search.
        sessions: By the name of the concept, in order. Their `tell`, `ask` and so on may be used at will.
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
        """The concepts of an open session, which is the first of them; None if its file has others already."""
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
            corpus: What to search.
            examples: Those of each concept, by its name; a session of one concept needs none.
            options: Of all searches.
            renamed: What concepts are called now, by names that they had before.

        Raises:
            UserError: If the file exists, or a name will not do.
        """
        require_names([name for name in examples if name])
        options = resolve_options(options or SessionOptions(), corpus)
        seeds = {name: embed_examples(corpus, *given, options) for name, given in examples.items()}
        about = {**describe_session(corpus, options), "renamed": dict(renamed or {})}
        return cls(Journal.create(path, about, seeds), corpus)

    @classmethod
    def open(cls, path: Path, corpus: Corpus) -> Concepts:
        """Go on with a session; see `Session.open`."""
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
        """Begin the search for another concept: all of it is on disk when this returns, or on an error nothing.

        Args:
            name: Of the concept.
            examples: In the table or not.
            positives: Rows that are answered 1.
            who: The person who answers so, where there are several.

        Raises:
            UserError: If there is one of that name, for a row that there is not, or where the file cannot be
                written.
        """
        _require_name(name, self.sessions)
        seeds = embed_examples(self.corpus, *examples, self.first.options)
        self._embedding.embed(seeds)  # first, so that nothing is begun where this fails
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
        """What a concept is called now, by any name that it had; the name itself where there is none."""
        return self._journal.read_about().find_name(name)

    def rename(self, name: str, new: str) -> None:
        """Give a concept another name; it is on disk when this returns.

        Raises:
            UserError: If there is no such concept, the new name will not do, or the file cannot be written.
        """
        self._require_known([name])
        if new == name:
            return
        _require_name(new, self.sessions)
        self._journal.rename_concept(name, new)
        self.sessions = {new if one == name else one: session for one, session in self.sessions.items()}
        self.sessions[new].concept = new

    def ask(self, n: int, who: str = "") -> list[tuple[str, Asked]]:
        """Choose n rows for which all concepts are to be answered, or fewer where no more are left.

        The searches take turns. A row that several of them ask for comes once.

        Args:
            n: How many.
            who: The person; see `Session.ask`.

        Returns:
            Each row, as one search asks for it, with the name of its concept.
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
        """Answer a row for several concepts: all of it is on disk when this returns, or on an error nothing.

        Args:
            row: Asked for or not.
            answers: 1, 0 or None (skip) by the name of the concept.
            who: The person, where there are several.

        Raises:
            UserError: For a row or concept that there is not, or another answer.
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
        """Take back what a person answered last, for all concepts for which that was the same row.

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
        UserError: For one that will not do, or stands there twice.
    """
    for place, name in enumerate(names):
        _require_name(name, names[:place])


def _require_name(name: str, others: Collection[str]) -> None:
    if name != name.strip() or not name or not name.isprintable() or len(name) > MAX_NAME or "=" in name:
        problem = f"a name has at most {MAX_NAME} characters, no = and no control characters"
        raise UserError(problem, parameter="concept", value=name)
    if name in others or name in (UNNAMED, "all"):
        raise UserError("is taken; choose another name", parameter="concept", value=name)
