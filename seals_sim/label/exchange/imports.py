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
    path: Path, format: str, corpus: Corpus | None, names: AnswerNames | None = None
) -> tuple[ImportedFile, GivenLabels]:
    """Read the labels of a file, for `Session.add_import`.

    Args:
        path: The file.
        format: One of IMPORT_FORMATS.
        corpus: The corpus that the labels are for; rows are checked against it.
        names: How the file names its answers.

    Raises:
        UserError: If the file cannot be read, or belongs to another table.
    """
    if format not in IMPORT_FORMATS:
        raise UserError(f"unknown; choose from {', '.join(IMPORT_FORMATS)}", parameter="format", value=format)
    labels = IMPORT_FORMATS[format](path, corpus, names)
    return ImportedFile(compute_sha256(path), path.name), labels


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
    file, given = read_labels(path, format, session.corpus, names)
    return session.add_import(file, given.labels, given.controls)
