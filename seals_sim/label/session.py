"""The loop with a person as the oracle: ask for rows and tell answers, at any pace, over days.

It is the loop that replays experiments (`seals_sim.loop`), one step at a time and with the same parts. Everything a
session does follows from its journal: the rows asked, the neighbors that each row brought into the pool, and the
answers. So a reopened session asks the same questions as if it had never been closed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seals_sim.errors import UserError
from seals_sim.evaluate.forecast import forecast_remaining
from seals_sim.evaluate.remaining import compute_p_missing, estimate_remaining
from seals_sim.label.answered import AnsweredSession
from seals_sim.label.beginning import (
    describe_session,
    embed_examples,
    name_embedding,
    require_concept,
    resolve_options,
)
from seals_sim.label.copies import DistinctRows, DistinctRowsIndex
from seals_sim.label.corpus import Corpus
from seals_sim.label.events import Event, ImportedFile
from seals_sim.label.finder import RowFinder
from seals_sim.label.journal import Journal
from seals_sim.label.judge.judged import JudgedSession
from seals_sim.label.kept import describe_row, describe_space
from seals_sim.label.lazy_session import SessionEmbedding
from seals_sim.label.learner import explain_missing
from seals_sim.label.notes import NotedSession
from seals_sim.label.options import SessionOptions
from seals_sim.label.pools import negatives_lead
from seals_sim.label.reasons import find_reason
from seals_sim.label.search import SessionSearch
from seals_sim.label.state import SessionState
from seals_sim.label.types import Asked, ImportReport, Label, Status
from seals_sim.randomness import make_generator
from seals_sim.runtime import import_torch
from seals_sim.types import Row, Rows


class Session(RowFinder, AnsweredSession, NotedSession, JudgedSession):
    """An open session. `Session.begin` starts one, `Session.open` resumes one; close it, or use it in a `with`.

    The first of the rows that are answered together (`DistinctRows`) stands for all of them: it is the one that is
    asked, listed, counted and written to the journal. An answer to any of them is an answer to the first.

    Attributes:
        corpus: The corpus that it searches.
        options: The options that it began with.
        seeds: The examples that it began with.
        concept: The concept to search for, if the file has several (`seals_sim.label.concepts.Concepts`).
    """

    def __init__(
        self, journal: Journal, corpus: Corpus, concept: str = "", embedding: SessionEmbedding | None = None
    ) -> None:
        self.corpus, self.concept, self._journal = corpus, concept, journal
        self._embedding = embedding or SessionEmbedding(corpus)
        try:
            about = journal.read_about()
            require_concept(journal.path, about.concepts, concept)
            if about.fingerprint not in (corpus.fingerprint, corpus.old_fingerprint):
                raise UserError(f"{journal.path} began with {about.corpus}, but is being opened with {corpus.about}")
            journal.check(*corpus.vectors.shape)
            journal.prepare()
            self.options, self.seeds = about.options, journal.read_seeds(concept)
            if self.options.embed != name_embedding(corpus):
                built = f"the corpus was built for {name_embedding(corpus)}"
                raise UserError(f"{journal.path} began with embed = {self.options.embed}, but {built}")
            if self.options.chunks != (corpus.chunks is not None):
                raise UserError(
                    f"{journal.path} began with chunks = {self.options.chunks}, but the corpus was built differently"
                )
            self._rows = DistinctRows(corpus, self.options.copies == "together")
            self._index = DistinctRowsIndex(corpus.index, self._rows)
            journal.remember(lambda row: describe_row(corpus, self._rows, row), lambda: describe_space(corpus))
            if corpus.vectors.dtype == np.float16:
                import_torch()  # takes seconds: do it now, not at the first answer
            self._replay()
        except BaseException:
            journal.close()
            raise

    def reload(self) -> None:
        """Return to the state in the file, if an answer could not be written to it."""
        self._replay()

    def _replay(self) -> None:
        events = self._journal.read_events(self.concept)
        self._embedding.embed([*self.seeds, *events])
        self._state, copies = SessionState(self.options.seed), self._rows.list_repeated()
        self._search = SessionSearch(self._index, self.corpus.vectors, copies, self.seeds, self.options)
        for event in events:
            self._apply(event)

    def _apply(self, event: Event) -> None:
        self._search.pool.apply(event)
        self._state.apply(event)

    @classmethod
    def begin(
        cls,
        path: Path,
        corpus: Corpus,
        positives: Iterable[str] = (),
        negatives: Iterable[str] = (),
        options: SessionOptions | None = None,
    ) -> Session:
        """Start a session in a new file.

        Args:
            path: The file.
            corpus: The corpus to search.
            positives: Texts like those sought, in the table or not. (For rows of the table, call `tell`.)
            negatives: Texts unlike them.
            options: Options of the search.

        Raises:
            UserError: If the file exists.
        """
        options = resolve_options(options or SessionOptions(), corpus)
        seeds = embed_examples(corpus, positives, negatives, options)
        return cls(Journal.create(path, describe_session(corpus, options), {"": seeds}), corpus)

    @classmethod
    def open(cls, path: Path, corpus: Corpus) -> Session:
        """Resume a session.

        Raises:
            UserError: If the file is not a session, is damaged, has other texts, or is open in another process.
        """
        return cls(Journal(path), corpus)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the file, and end the thread of `embed_in_background`."""
        self._embedding.stop()
        self._journal.close()

    def embed_in_background(self) -> None:
        """Let a thread embed what may be needed next, and then the rest, if the corpus is lazy; until `close`."""
        self._embedding.start()
        self._prefetch()

    def _prefetch(self) -> None:
        """Tell the thread which rows an answer to a waiting row would bring."""
        if not self._embedding.runs_in_background:
            return
        rows = [row for row in self._state.waiting if self._search.pool.brings(row, 1, is_seen=True)]
        lists = self._find_neighbors(rows) if rows else []
        seeds = [seed.neighbors[:1] for seed in self.seeds if seed.label == 1]
        self._embedding.want(lists, Rows(np.concatenate([np.array(self._list_positives(), dtype=np.int64), *seeds])))

    @property
    def is_read_only(self) -> bool:
        """Whether the file is read-only, so that answers are refused."""
        return self._journal.is_read_only

    def ask(self, n: int, who: str = "") -> list[Asked]:
        """Choose up to n rows to be answered, those that still wait for an answer first; fewer if no more are left.

        Args:
            n: The number of rows.
            who: The person. A row that waits for one person goes to another only if no other row is left.

        Raises:
            UserError: If the file cannot be written; nothing new has then been asked.
        """
        n_new = n - self._state.count_waiting(who)
        if n_new > 0:
            with self._embedding.going_first():
                self._ask_for(n_new, who)
            self._prefetch()
        positives = self._list_positives()
        return [self._describe(event, positives) for event in self._state.claim_waiting(who, n)]

    def _ask_for(self, n: int, who: str) -> None:
        """Choose n new rows."""
        events: list[Event] = []
        try:
            self._search.train(self._get_labels())
            self._search.begin_round()
            while len(events) < n and (event := self._choose(who)) is not None:
                self._apply(event)
                events.append(event)
            self._journal.add(events, concept=self.concept)
        except UserError:  # the disk is full, say: a row that is not in the journal has not been asked
            self._replay()
            raise

    def _choose(self, who: str) -> Event | None:
        n_asked, every = len(self._state.asked), self.options.control_every
        is_control = every > 0 and (n_asked + 1) % every == 0
        row = None if is_control else self._search.select()
        if row is None:
            rng = make_generator(self.options.seed, "control", n_asked)
            row, is_control = self._rows.draw_unseen(self._state.seen, rng), True
        if row is None:
            return None
        score = self._search.compute_score(row)
        return Event("ask", row, None, is_control, score, self._search.pool.find_brought(row), who=who)

    def tell(self, rows: Sequence[int], answers: Sequence[int | None], who: str = "") -> None:
        """Answer rows, asked for or not: 1, 0 or None (skip). A row's last answer counts. On disk when this returns.

        Each answer applies to all rows that are answered together with its row; `who` is the person, if there are
        several.

        Raises:
            UserError: If the table has no such row, or for any other answer; then none is taken.
        """
        if len(rows) != len(answers):
            raise ValueError(f"{len(rows)} rows and {len(answers)} answers")
        self._add(self._build_answers(self._to_first(list(zip(rows, answers, strict=True))), who=who))

    def add_import(self, file: ImportedFile, labels: Sequence[Label], controls: Collection[int] = ()) -> ImportReport:
        """Import labels from a file, once: importing the same file again changes nothing.

        If a row, or rows that are answered together, have several labels, the last one counts. Rows that the person has
        answered or undone stay as they are. `controls` were drawn at random elsewhere; those that are new here count as
        drawn here.

        Raises:
            UserError: If the table has no such row, or for any other answer; then none is taken.
        """
        if self._journal.has_imported(file, self.concept):
            return ImportReport(0, 0, is_repeated=True)
        answers, given = self.distinct_answers, self._to_first(labels)
        last = dict(given)
        changes = {row: answer for row, answer in last.items() if row not in answers or answers[row] != answer}
        allowed = [(row, answer) for row, answer in changes.items() if not self._state.is_decided(row)]
        drawn = {self._rows.find(row) for row in controls} - self._state.seen
        asks = [Event("ask", row, is_control=True) for row, _ in allowed if row in drawn]
        self._add([*asks, *self._build_answers(allowed, is_imported=True)], file)
        n_mixed = len({row for row, answer in given if answer != last[row]})
        return ImportReport(len(allowed), len(changes) - len(allowed), n_mixed=n_mixed)

    def _to_first(self, labels: Sequence[Label]) -> list[Label]:
        for row, answer in labels:
            self._require_row(row)
            if answer not in (0, 1, None):
                raise UserError(f"row {row}: {answer!r} is not an answer; use 1, 0, or None to skip")
        return [(self._rows.find(row), answer) for row, answer in labels]

    def _build_answers(self, labels: Sequence[Label], is_imported: bool = False, who: str = "") -> list[Event]:
        seen, brings = self._state.seen, self._search.pool.brings
        new = list(dict.fromkeys(row for row, label in labels if brings(row, label, row in seen)))
        neighbors = dict(zip(new, self._find_neighbors(new), strict=True)) if new else {}
        return [
            Event("answer", row, answer, neighbors=neighbors.pop(row, None), is_imported=is_imported, who=who)
            for row, answer in labels
        ]

    def _find_neighbors(self, rows: Sequence[int]) -> list[Rows]:
        return self._index.neighbors(Rows(np.array(rows)), self.options.count_neighbors(len(self._state.answers)))

    def _add(self, events: Sequence[Event], file: ImportedFile | None = None) -> None:
        with self._embedding.going_first():
            self._embedding.embed(events)  # first, so that no answer is taken if this fails
            self._journal.add(events, file, self.concept)
            for event in events:
                self._apply(event)

    def undo(self, who: str = "") -> int | None:
        """Take back a person's last answer that counts; its row waits again, or gets back its earlier answer.

        Returns:
            The row, or None if there is no answer.
        """
        if (row := self._state.find_last_answered(who)) is not None:
            self._add([Event("undo", row, who=who)])
        return row

    def status(self, target_recall: float = 0.95) -> Status:
        """The progress of the search; target_recall is that of the stopping rule, `compute_p_missing`."""
        answers, labels, asked = self.distinct_answers, self._get_labels(), self._state.asked
        sequence = [label for row, label in labels.items() if row in asked]
        searched = [label for row, label in labels.items() if row in asked and not self.is_control(row)]
        drawn = [label for row, label in labels.items() if self.is_control(row)]
        n_rows, n_positive = len(self._rows), sum(labels.values())
        n_left = n_rows - len(answers)
        n_elsewhere = sum(row not in asked for row in answers)
        remaining = estimate_remaining(n_left, len(drawn), sum(drawn))
        return Status(
            n_rows=n_rows,
            n_copies=self._rows.n_copies,
            n_answered=len(labels),
            n_positive=n_positive,
            n_skipped=len(answers) - len(labels),
            n_waiting=len(self._state.waiting),
            n_candidates=self._search.pool.n_candidates,
            n_embedded=self._embedding.count_embedded(self._rows),
            curve=tuple(np.cumsum(sequence, dtype=int).tolist()),
            n_control=len(drawn),
            remaining=remaining,
            forecast=forecast_remaining(searched, remaining),
            n_searched=len(searched),
            p_missing=compute_p_missing(sequence, n_rows - n_elsewhere, target_recall, n_positive - sum(sequence)),
            explanation=self._explain(),
        )

    def compute_scores(self) -> NDArray[np.float64]:
        """Scores from 0 to 1 under the model of all answers, for every row (n,). They rank rows.

        Raises:
            UserError: While a class is missing, or while not all texts are embedded.
        """
        if explanation := self._explain():
            raise UserError(f"there are no scores yet. {explanation}")
        if self.corpus.lazy is not None:
            self.corpus.lazy.require_complete()
        return self._search.score_all(self._get_labels())

    def _describe(self, event: Event, positives: Sequence[int]) -> Asked:
        because = None if event.is_control else find_reason(self.corpus, event.row, positives, self.seeds)
        n_copies = len(self.list_copies(event.row))
        text, mark = self.corpus.get_text(event.row), self._find_mark(event.row)
        return Asked(event.row, text, event.score, event.is_control, because, n_copies, mark)

    def _find_mark(self, row: int) -> tuple[int, int] | None:
        """The position of the chunk that decides a row, under the model of all answers."""
        if self.corpus.chunks is None or not (self.seeds or self._get_labels()):
            return None
        self._search.train(self._get_labels())
        return self.corpus.chunks.get_span(row, self._search.find_chunk(Row(row)))

    def _get_labels(self) -> dict[int, int]:
        """The answers without copies and skipped rows."""
        return {row: answer for row, answer in self.distinct_answers.items() if answer is not None}

    def _list_positives(self) -> list[int]:
        return [row for row, label in self._get_labels().items() if label == 1]

    def _explain(self) -> str:
        labels = {*(seed.label for seed in self.seeds), *self._get_labels().values()}
        return explain_missing(labels, negatives_lead(self.options))
