"""Carries a session over to a table that has grown or been corrected, with the answers that still have a row."""

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

_MIN_FOUND = 0.5  # fraction of the answered rows; with fewer, it is another table


@dataclass(frozen=True, eq=False)
class CarriedAnswers:
    """The answers of a session that have a row in another state of its table.

    Attributes:
        file: The session.
        answers: For each answered row that is found, its rows in this table, and who answered it and how, latest last.
        n_corrected: Rows whose text has changed.
        n_lost: Answered rows that are gone.
        notes: The notes that have a row, by the first such row.
        others: The same for the session's other concepts.
    """

    file: SessionFile
    answers: list[tuple[list[int], list[Said]]]
    n_corrected: int
    n_lost: int
    notes: dict[int, str] = field(default_factory=dict)
    others: tuple[CarriedAnswers, ...] = ()

    @property
    def n_carried(self) -> int:
        """Answers that are carried over, for all concepts."""
        return len(self.answers) + sum(len(other.answers) for other in self.others)


def match_session(
    files: Sequence[SessionFile], texts: Sequence[str], ids: Sequence[object] | None, has_own_vectors: bool = False
) -> CarriedAnswers:
    """Find the answered rows of a session in another state of its table: by their ids, or else by their texts.

    Args:
        files: The session, for each of its concepts.
        texts: The texts of the table.
        ids: The ids of its n rows; None if it has no id column.
        has_own_vectors: Whether rows with the same text may differ, so that such a text does not identify a row.

    Raises:
        UserError: If fewer than half of them are found, or the session is read-only.
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
    if not n_answered:
        raise UserError(f"{path}: has no answers, and the table has changed; delete this session or name another")
    if carried.n_carried < _MIN_FOUND * n_answered:
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
        by_name = [one for one in said if one.who is not None]  # a file does not dispute a person's answer
        answers += [(found, said if said[-1].who is None else by_name)] if found else []
    return CarriedAnswers(file, answers, n_corrected, n_lost, notes)


def carry_over(carried: CarriedAnswers, corpus: Corpus) -> Path:
    """Begin the session anew on the current table, with these answers, and replace the old file.

    The new session does not record which rows were drawn at random: they were drawn from another table.

    Args:
        carried: The answers.
        corpus: The corpus of the current table.

    Returns:
        A copy of the old file.

    Raises:
        UserError: If a file cannot be written; the session is then as it was.
    """
    path, all_carried = carried.file.path, (carried, *carried.others)
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)  # left by a process that was killed here
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
