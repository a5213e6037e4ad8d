"""Handles a session whose table has changed: its answers are carried over, or it is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from seals_sim.datasets.table import TextTable
from seals_sim.errors import UserError
from seals_sim.label.exchange.growth import CarriedAnswers, match_session
from seals_sim.label.exchange.session_file import SessionFile


def match_changed_session(
    path: Path,
    read: TextTable,
    id_column: str | None,
    find_problem: Callable[[Sequence[SessionFile]], str | None],
    has_own_vectors: bool = False,
) -> CarriedAnswers:
    """Find the answers to carry over, before anything is embedded or indexed.

    Args:
        path: The session file.
        read: The table as it is now.
        id_column: Column of the table that identifies each row.
        find_problem: Returns why the contents of the file cannot be carried over; None if they can.
        has_own_vectors: Whether the vectors were computed elsewhere, not from the texts.

    Raises:
        UserError: For that problem, for a session of another table, or for a damaged one.
    """
    files = SessionFile.read_all(path)
    if problem := find_problem(files):
        raise UserError(f"{path}: {problem}")
    ids = None if id_column is None else read.columns[id_column]
    return match_session(files, read.texts, ids, has_own_vectors=has_own_vectors)
