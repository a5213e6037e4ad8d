"""The user's own columns in exports."""

from __future__ import annotations

from collections.abc import Collection

from seals_sim.label.corpus import Corpus


def name_columns(corpus: Corpus, ours: Collection[str]) -> dict[str, str]:
    """The columns by the names that they get beside ours: `text` becomes `text_in_table`.

    Examples:
        >>> import numpy as np
        >>> from seals_sim.indexes import ExactIndex
        >>> vectors = np.eye(1, dtype=np.float32)
        >>> corpus = Corpus(vectors, ExactIndex(vectors), "", columns={"id": ["a"], "row": [7]})
        >>> name_columns(corpus, {"row", "answer"})
        {'id': 'id', 'row_in_table': 'row'}
    """
    taken = {*ours, *corpus.columns}
    names = {}
    for column in corpus.columns:
        name = column
        while name in ours or (name != column and name in taken):
            name += "_in_table"
        names[name] = column
    return names


def list_columns(corpus: Corpus, row: int, ours: Collection[str]) -> dict[str, object]:
    """The cells of a row, by the names of `name_columns`."""
    return {name: corpus.columns[column][row] for name, column in name_columns(corpus, ours).items()}
