"""The loop with a person as the oracle: ask for rows, tell answers, at any pace, over days.

It is `Search`, the loop that replays experiments, a step at a time. All that a session does follows from its journal:
what was asked, with the neighbours that each row brought into the pool, and what was answered. So a session that is
opened again asks what it would have asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seals_sim.errors import UserError
from seals_sim.indexes import VectorIndex
from seals_sim.label.journal import Event, Journal, Seed
from seals_sim.label.remaining import Interval, p_of_missing_target, remaining_positives
from seals_sim.randomness import generator
from seals_sim.search.candidates import CandidateTable
from seals_sim.search.learners import LinearModel, fit_logistic
from seals_sim.search.pools import SealsPool
from seals_sim.search.scores import max_entropy, most_likely_positive
from seals_sim.search.strategies import ArgMax
from seals_sim.types import LabeledRows, Scores, StoredVectors, Vectors
from seals_sim.vectors.scan import widened

STRATEGIES = {"most_likely_positive": most_likely_positive, "maxent": max_entropy}


@dataclass(frozen=True, eq=False)
class Corpus:
    """What is searched. vectors: (n, d), l2-normalised; fingerprint: of vectors and texts; texts: n of them; encode:
    gives texts vectors of the same space, where that can be done.
    """

    vectors: StoredVectors
    index: VectorIndex
    fingerprint: str
    texts: Sequence[str] | None = None
    encode: Callable[[Sequence[str]], Vectors] | None = None

    def text(self, row: int) -> str | None:
        return None if self.texts is None else self.texts[row]

    def encoded(self, texts: Sequence[str]) -> Vectors:
        if self.encode is None:
            raise UserError("this table has no texts: begin with rows of it, and search by rows")
        return self.encode(texts)


@dataclass(frozen=True)
class SessionOptions:
    """strategy: one of STRATEGIES; k: neighbours of each row looked at; control_every: 10 for every tenth row asked to
    be drawn at random from all that are left, for the estimate of how many remain (0: none); seed: of these draws.
    """

    strategy: str = "most_likely_positive"
    k: int = 100
    control_every: int = 10
    regularization: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class Reason:
    """Why a row is asked: the example marked positive that is nearest to it, a row or a seed; similarity: cosine."""

    row: int | None
    text: str | None
    similarity: float


@dataclass(frozen=True)
class Asked:
    """A row put to the person. score: P(positive) by the model, or the cosine similarity to the examples while there is
    no model; because: None for a row drawn at random.
    """

    row: int
    text: str | None
    score: float | None
    is_control: bool
    because: Reason | None


@dataclass(frozen=True)
class Status:
    """curve: positives found after each answer, skips left out; remaining: estimated from the rows drawn at random;
    p_missing: of `p_of_missing_target`; explanation: what there is to say while no model can be trained.
    """

    n_rows: int
    n_answered: int
    n_positive: int
    n_skipped: int
    n_waiting: int
    n_candidates: int
    curve: tuple[int, ...]
    n_control: int
    remaining: Interval
    p_missing: float
    explanation: str


class Session:
    """An open session; `Session.begin` makes one, `Session.open` goes on with one. Close it, or use it in a `with`."""

    def __init__(self, journal: Journal, corpus: Corpus) -> None:
        about = journal.about()
        if about.get("fingerprint") != corpus.fingerprint:
            journal.close()
            raise UserError("this session was begun on other texts or vectors; open it with those, or begin another")
        self.options = SessionOptions(**about["options"])
        self.corpus, self._journal = corpus, journal
        widened(corpus.vectors[:1])  # what float16 needs takes seconds to import: now, and not at the first answer
        self.seeds = journal.seeds()
        self._restore()

    def _restore(self) -> None:
        """The state that the journal tells of."""
        self._answers: dict[int, list[int | None]] = {}
        self._asked: dict[int, Event] = {}
        self._waiting: list[int] = []
        self._order: list[int] = []  # rows of the answers that count, latest last
        self._start_search()
        self._trained_on: LabeledRows | None = None
        for event in self._journal.events():
            self._apply(event)

    @classmethod
    def begin(
        cls,
        path: Path,
        corpus: Corpus,
        positives: Iterable[str] = (),
        negatives: Iterable[str] = (),
        options: SessionOptions | None = None,
    ) -> Session:
        """Make the file. positives, negatives: texts that are like what is sought, or are not, in the pool or not. Rows
        of the table are told as answers. Raises UserError where the file is there.
        """
        options = options or SessionOptions()
        if options.strategy not in STRATEGIES:
            raise UserError(f"strategy {options.strategy}: there is no such one; choose from {', '.join(STRATEGIES)}")
        labeled = [(text, 1) for text in positives] + [(text, 0) for text in negatives]
        seeds = []
        if labeled:
            vectors = corpus.encoded([text for text, _ in labeled])
            found = corpus.index.nearest(vectors, options.k)
            seeds = [Seed(*pair, *rest) for pair, *rest in zip(labeled, vectors, found, strict=True)]
        about = {"fingerprint": corpus.fingerprint, "options": options.__dict__}
        return cls(Journal.create(path, about, seeds), corpus)

    @classmethod
    def open(cls, path: Path, corpus: Corpus) -> Session:
        """Raises UserError for a file that is no session, damaged, of other texts, or open in another process."""
        return cls(Journal(path), corpus)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def close(self) -> None:
        self._journal.close()

    def ask(self, n: int) -> list[Asked]:
        """Up to n rows to be answered: those that wait for an answer first. Fewer where no row is left."""
        new: list[Event] = []
        if n > len(self._waiting):
            self._train()
            for _ in range(n - len(self._waiting)):
                event = self._next()
                if event is None:
                    break
                self._apply(event)
                new.append(event)
            try:
                self._journal.add(new)
            except UserError:  # the disk is full, say: what is not in the journal has not been asked
                self._restore()
                raise
        return [self._described(self._asked[row]) for row in self._waiting[:n]]

    def tell(self, rows: Sequence[int], answers: Sequence[int | None]) -> None:
        """Answers 1, 0 or None (skip) for rows, asked or not; a row's last answer counts. On disk when this returns.

        Raises UserError for a row that the table does not have, and for other answers; none is taken then.
        """
        if len(rows) != len(answers):
            raise ValueError(f"{len(rows)} rows and {len(answers)} answers")
        events = []
        for row, answer in zip(rows, answers, strict=True):
            self._require(row)
            if answer not in (0, 1, None):
                raise UserError(f"row {row}: {answer!r} is no answer; say 1, 0 or skip")
            is_new = row not in self._asked and row not in self._answers
            neighbors = self.corpus.index.neighbors(np.array([row]), self.options.k)[0] if is_new else None
            events.append(Event("answer", row, answer, neighbors=neighbors))
        self._journal.add(events)
        for event in events:
            self._apply(event)

    def undo(self) -> int | None:
        """Take back the last answer that counts; its row waits again, or has its earlier answer. The row, or None."""
        if not self._order:
            return None
        event = Event("undo", self._order[-1])
        self._journal.add([event])
        self._apply(event)
        return event.row

    def is_control(self, row: int) -> bool:
        """Whether the row was asked because it was drawn at random."""
        return row in self._asked and self._asked[row].is_control

    @property
    def answers(self) -> dict[int, int | None]:
        """By row, in the order of each row's first answer that counts."""
        return {row: given[-1] for row, given in self._answers.items()}

    def status(self, target_recall: float = 0.95) -> Status:
        """How far the search is."""
        answers = self.answers
        labels = [answer for answer in answers.values() if answer is not None]
        control = [answers[row] for row, event in self._asked.items() if event.is_control and row in answers]
        drawn = [answer for answer in control if answer is not None]
        n_left = len(self.corpus.vectors) - len(answers)
        return Status(
            n_rows=len(self.corpus.vectors),
            n_answered=len(labels),
            n_positive=sum(labels),
            n_skipped=len(answers) - len(labels),
            n_waiting=len(self._waiting),
            n_candidates=self._pool.n_candidates,
            curve=tuple(np.cumsum(labels, dtype=int).tolist()),
            n_control=len(drawn),
            remaining=remaining_positives(n_left, len(drawn), sum(drawn)),
            p_missing=p_of_missing_target(labels, len(self.corpus.vectors), target_recall),
            explanation=self._explanation(),
        )

    def scores(self) -> NDArray[np.float64]:
        """P(positive) by the model of all answers, for every row (n,). Raises UserError while there is no model."""
        if explanation := self._explanation():
            raise UserError(explanation)
        self._train()
        return _probability(self._model.decision(self.corpus.vectors))

    def similar(self, row: int, n: int) -> list[int]:
        """The n rows nearest to a row, without it. Raises UserError for a row that the table does not have."""
        self._require(row)
        found = self._asked[row].neighbors if row in self._asked else None
        if found is None or len(found) <= n:
            found = self.corpus.index.neighbors(np.array([row]), n + 1)[0]
        return [other for other in found.tolist() if other != row][:n]

    def find(self, text: str, n: int) -> list[int]:
        """The n rows nearest to a text in plain words."""
        found: list[int] = self.corpus.index.nearest(self.corpus.encoded([text]), n)[0].tolist()
        return found

    def _require(self, row: int) -> None:
        if not 0 <= row < len(self.corpus.vectors):
            raise UserError(f"row {row}: there is no such row; the table has {len(self.corpus.vectors):,}")

    def _start_search(self) -> None:
        """The parts of Algorithm 2, with nothing labelled yet."""
        self._pool = SealsPool(LabeledRows([], []), self.corpus.vectors, self.corpus.index, self.options.k)
        for seed in self.seeds:
            self._pool.admit(seed.neighbors)
        self._learner = _SeededLearner(self.corpus.vectors, self.seeds, self.options.regularization)
        self._selector = _Selector(self._learner, self.options.strategy)

    def _apply(self, event: Event) -> None:
        """What an event changes, when it happens and when the session is opened again."""
        row = event.row
        if event.neighbors is not None:
            self._pool.take(row, event.neighbors)
        if event.kind == "ask":
            self._asked[row] = event
            self._waiting.append(row)
        elif event.kind == "answer":
            self._answers.setdefault(row, []).append(event.answer)
            self._order.append(row)
            if row in self._waiting:
                self._waiting.remove(row)
        else:
            self._order.pop()
            self._answers[row].pop()
            if not self._answers[row]:
                del self._answers[row]
                if row in self._asked:
                    self._waiting.insert(0, row)

    def _train(self) -> None:
        """On all answers, unless that has been done."""
        labeled = [(row, answer) for row, answer in self.answers.items() if answer is not None]
        now = LabeledRows([row for row, _ in labeled], [answer for _, answer in labeled])
        before = self._trained_on
        if before is None or not (np.array_equal(before.rows, now.rows) and np.array_equal(before.labels, now.labels)):
            self._trained_on = now
            self._model = self._learner.fit(now)

    def _next(self) -> Event | None:
        n_asked, every = len(self._asked), self.options.control_every
        is_control = every > 0 and (n_asked + 1) % every == 0
        row = None if is_control else self._selector.select(self._pool.candidates(0), self._model)
        if row is None:
            row, is_control = self._drawn(n_asked), True
        if row is None:
            return None
        t = self._model.decision(self.corpus.vectors[[row]])
        score = float(t[0] if self._explanation() else _probability(t)[0])
        return Event("ask", row, None, is_control, score, self._pool.neighbors(row))

    def _drawn(self, n_asked: int) -> int | None:
        """A row that has not been looked at, uniformly."""
        n = len(self.corpus.vectors)
        seen = self._asked.keys() | self._answers.keys()
        if len(seen) >= n:
            return None
        rng = generator(self.options.seed, "control", n_asked)
        if 2 * len(seen) < n:
            while (row := int(rng.integers(n))) in seen:
                pass
            return row
        return int(rng.choice(np.setdiff1d(np.arange(n), np.fromiter(seen, dtype=np.int64))))

    def _described(self, event: Event) -> Asked:
        because = None if event.is_control else self._reason(event.row)
        return Asked(event.row, self.corpus.text(event.row), event.score, event.is_control, because)

    def _reason(self, row: int) -> Reason | None:
        rows = [other for other, answer in self.answers.items() if answer == 1 and other != row]
        seeds = [seed for seed in self.seeds if seed.label == 1]
        vectors = [*(widened(self.corpus.vectors[rows])), *(seed.vector for seed in seeds)]
        if not vectors:
            return None
        similarity = np.array(vectors) @ widened(self.corpus.vectors[[row]])[0]
        best = int(similarity.argmax())
        if best >= len(rows):
            return Reason(None, seeds[best - len(rows)].text, float(similarity[best]))
        return Reason(rows[best], self.corpus.text(rows[best]), float(similarity[best]))

    def _explanation(self) -> str:
        labels = {seed.label for seed in self.seeds} | {a for a in self.answers.values() if a is not None}
        match sorted(labels):
            case [0, 1]:
                return ""
            case [1]:
                return "no example is marked negative yet: rows come by their similarity to the positive ones"
            case [0]:
                return "no example is marked positive yet: rows come by how unlike the negative ones they are"
        return "nothing is marked yet: rows are drawn at random"


class _SeededLearner:
    """Logistic regression on answers and seeds; while one class is missing, a model whose log-odds are similarities to
    the mean of the other.
    """

    def __init__(self, vectors: StoredVectors, seeds: Sequence[Seed], regularization: float) -> None:
        self._vectors, self._regularization = vectors, regularization
        self._seed_labels = np.array([seed.label for seed in seeds], dtype=np.int8)
        d = vectors.shape[1]
        self._seed_vectors = np.array([seed.vector for seed in seeds], dtype=np.float64).reshape(len(seeds), d)
        self.has_both = False

    def fit(self, labeled: LabeledRows) -> LinearModel:
        vectors = np.concatenate([self._seed_vectors, self._vectors[labeled.rows].astype(np.float64)])
        labels = np.concatenate([self._seed_labels, labeled.labels])
        self.has_both = 0 < labels.sum() < len(labels)
        if self.has_both:
            return fit_logistic(vectors, labels, self._regularization)
        sign = 1 if labels.any() else -1
        mean = sign * vectors.mean(axis=0) if len(vectors) else np.zeros(vectors.shape[1])
        length = float(np.linalg.norm(mean))
        return LinearModel((mean / length if length else mean).astype(np.float32), 0.0)


class _Selector:
    """The session's strategy; the likeliest positive while the model is one of similarity."""

    def __init__(self, learner: _SeededLearner, strategy: str) -> None:
        self._learner = learner
        self._chosen, self._similar = ArgMax(STRATEGIES[strategy]), ArgMax(most_likely_positive)

    def select(self, candidates: CandidateTable, model: Any) -> int | None:
        chosen = self._chosen if self._learner.has_both else self._similar
        return chosen.select(candidates, model)


def _probability(t: Scores) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-t))
