"""The parts of a corpus that a session file stores."""

from __future__ import annotations

from pathlib import Path

from seals_sim.label.copies import DistinctRows
from seals_sim.label.corpus import Corpus
from seals_sim.label.journal_rows import KeptRow, KeptSpace


def describe_row(corpus: Corpus, distinct: DistinctRows, row: int) -> KeptRow:
    """The contents of a row, and the positions of it and of the rows answered with it in the user's table."""
    rows = [row, *(other for other in distinct.list_rows(row) if other != row)]
    ids = [] if corpus.id_column is None else [corpus.columns[corpus.id_column][other] for other in rows]
    return KeptRow(tuple(int(corpus.number_row(other)) for other in rows), corpus.get_text(row), tuple(ids))


def describe_space(corpus: Corpus) -> KeptSpace | None:
    """How texts become vectors; None if the corpus cannot say."""
    space = corpus.space
    if space is None:
        return None
    model = str(Path(space.model).resolve()) if Path(space.model).is_dir() else space.model
    return KeptSpace(model, space.model_digest, space.whitening, corpus.fingerprint, space.texts_digest)
