"""A table that has grown or was corrected: its session goes on with the answers that still have a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

from seals_sim.disk.files import replacing
from seals_sim.errors import UserError
from seals_sim.label import journal_file
from seals_sim.label.concepts import Concepts, Examples
from seals_sim.label.corpus import Corpus
from seals_sim.label.exchange.session_file import SessionFile
from seals_sim.label.session import Session
from seals_sim.label.state import Said

_MIN_FOUND = 0.5  # of the answered rows; with fewer it is another table


@dataclass(frozen=True, eq=False)
class CarriedAnswers:
    """The answers of a session that have a row in another state of its table.

    Attributes:
        file: The session.
        answers: For each answered row that is there, its rows in this table, and who answered it and how, latest last.
        n_corrected: Rows whose text is another now.
        n_lost: Answered rows that are gone.
        notes: Those that have a row, by the first one.
        others: The same of the session's other concepts.
    """

    file: SessionFile
    answers: list[tuple[list[int], list[Said]]]
    n_corrected: int
    n_lost: int
    notes: dict[int, str] = field(default_factory=dict)
    others: tuple[CarriedAnswers, ...] = ()

    @property
    def n_carried(self) -> int:
        """Answers that go on, of all concepts."""
        return len(self.answers) + sum(len(other.answers) for other in self.others)


def match_session(
    files: Sequence[SessionFile], texts: Sequence[str], ids: Sequence[object] | None, has_own_vectors: bool = False
) -> CarriedAnswers:
    """Find the answered rows of a session in another state of its table: by their ids, or else by their texts.

    Args:
        files: The session, for each of its concepts.
        texts: Of the table.
        ids: Of its rows, n; None if it has no id column.
        has_own_vectors: Whether rows with one text may differ, so that such a text says nothing without an id.

    Raises:
        UserError: If fewer than half of them are there, or the session can only be read.
    """
    path = files[0].path
    if not journal_file.is_writable(path):
        problem = "the table has changed, and this session is read-only; label in a copy of it"
        raise UserError(f"{path}: {problem}")
    first, *others = [_match(file, texts, ids, has_own_vectors) for file in files]
    carried = replace(
        first,
        others=tuple(others),
        n_corrected=sum(one.n_corrected for one in (first, *others)),
        n_lost=sum(one.n_lost for one in (first, *others)),
    )
    n_answered = carried.n_carried + carried.n_lost
    if not n_answered or carried.n_carried < _MIN_FOUND * n_answered:
        found_words = f"{carried.n_carried:,} of its {n_answered:,} answered rows are in this table"
        raise UserError(f"{path}: belongs to another table ({found_words}); name another session")
    return carried


def _match(
    file: SessionFile, texts: Sequence[str], ids: Sequence[object] | None, has_own_vectors: bool
) -> CarriedAnswers:
    answered = list(file.state.answers)
    has_ids = ids is not None and all(file.rows[row].ids for row in [*answered, *file.notes])
    keys = [str(id) for id in ids] if has_ids and ids is not None else texts
    rows_of: dict[str | None, list[int]] = {}
    for row, key in enumerate(keys):
        rows_of.setdefault(key, []).append(row)
    answers: list[tuple[list[int], list[Said]]] = []
    n_corrected = n_lost = 0
    notes = {}

    def find(old: int) -> list[int]:
        kept = file.rows[old]
        wanted = list(map(str, kept.ids)) if has_ids else [kept.text]
        found = [row for key in wanted for row in rows_of.get(key, [])]
        return [] if has_own_vectors and not has_ids and len(found) > 1 else found

    for old, note in file.notes.items():
        notes.update(dict.fromkeys(find(old)[:1], note))
    for old in answered:
        kept, found = file.rows[old], find(old)
        n_lost += not found
        n_corrected += any(texts[row] != kept.text for row in found)
        said = file.state.list_said(old)
        by_name = [one for one in said if one.who is not None]  # a file disputes nothing
        answers += [(found, said if said[-1].who is None else by_name)] if found else []
    return CarriedAnswers(file, answers, n_corrected, n_lost, notes)


def carry_over(carried: CarriedAnswers, corpus: Corpus) -> Path:
    """Begin the session anew on the table as it is now, with these answers, in the place of the old file.

    Which rows were drawn at random is forgotten: they were drawn from another table.

    Args:
        carried: The answers.
        corpus: Of the table as it is now.

    Returns:
        A copy of the old file.

    Raises:
        UserError: If a file cannot be written; the session is then as it was.
    """
    path, all_carried = carried.file.path, (carried, *carried.others)
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)  # of a process that was killed here
    examples = {one.file.concept: _list_examples(one.file) for one in all_carried}
    with Concepts.begin(new, corpus, examples, carried.file.options, carried.file.renamed) as concepts:
        for one in all_carried:
            _tell_again(concepts.sessions[one.file.concept], one.answers)
            for who, record in one.file.judges.items():
                concepts.sessions[one.file.concept].note_judge(who, record)
        for row, note in carried.notes.items():
            concepts.first.write_note(row, note)
    places = (path.with_name(f"{path.stem}.before-{number}{path.suffix}") for number in range(1, 10**6))
    copy = next(place for place in places if not place.exists())
    with replacing(copy, is_private=True) as temporary:
        temporary.write_bytes(path.read_bytes())
    new.replace(path)
    return copy


def _list_examples(file: SessionFile) -> Examples:
    positives, negatives = ([seed.text for seed in file.seeds if seed.label == label] for label in (1, 0))
    return positives, negatives


def _tell_again(session: Session, carried: Sequence[tuple[list[int], list[Said]]]) -> None:
    given = [
        (row, one.answer, one.who or "")
        for rows, said in carried
        for one in said
        for row in dict.fromkeys(session.list_copies(row)[0] for row in rows)  # so that one undo takes it back
    ]
    for who, together in groupby(given, lambda one: one[2]):
        rows, answers, _ = zip(*together, strict=True)
        session.tell(rows, answers, who)
