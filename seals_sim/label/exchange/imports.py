"""Imports labels from a file into a session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from seals_sim.disk.files import compute_sha256
from seals_sim.errors import UserError
from seals_sim.label.corpus import Corpus
from seals_sim.label.events import ImportedFile
from seals_sim.label.exchange.argilla import read_argilla
from seals_sim.label.exchange.label_file import read_label_file
from seals_sim.label.exchange.label_studio import read_label_studio
from seals_sim.label.exchange.reading import AnswerNames
from seals_sim.label.exchange.rows import GivenLabels
from seals_sim.label.session import Session
from seals_sim.label.types import ImportReport

_Reader = Callable[[Path, Corpus | None, AnswerNames | None], GivenLabels]

IMPORT_FORMATS: Mapping[str, _Reader] = MappingProxyType(
    {"label_studio": read_label_studio, "argilla": read_argilla, "table": read_label_file}
)


def read_labels(
    path: Path,
    format: str,
    corpus: Corpus | None,
    names: AnswerNames | None = None,
    concept: str = "",
    find_name: Callable[[str], str] = str,
) -> tuple[ImportedFile, GivenLabels]:
    """Read the labels of a file, for `Session.add_import`.

    From a file that names several concepts, only the labels of one are taken.

    Args:
        path: The file.
        format: One of IMPORT_FORMATS.
        corpus: The corpus that the labels are for; rows are checked against it.
        names: How the file names its answers.
        concept: That the labels are for; empty for one without a name.
        find_name: See `GivenLabels.choose_concept`.

    Raises:
        UserError: If the file cannot be read, or belongs to another table.
    """
    if format not in IMPORT_FORMATS:
        raise UserError(f"unknown; choose from {', '.join(IMPORT_FORMATS)}", parameter="format", value=format)
    given = IMPORT_FORMATS[format](path, corpus, names)
    try:
        chosen = given.choose_concept(concept, find_name)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    return ImportedFile(compute_sha256(path), path.name), chosen


def import_labels(session: Session, path: Path, format: str, names: AnswerNames | None = None) -> ImportReport:
    """Import the labels of a file into a session, as `Session.add_import` does.

    Args:
        session: The session that takes them.
        path: The file.
        format: One of IMPORT_FORMATS.
        names: How the file names its answers.

    Raises:
        UserError: If the file cannot be read, or belongs to another table; then no label is taken.
    """
    file, given = read_labels(path, format, session.corpus, names, session.concept)
    return session.add_import(file, given.labels, given.controls)
