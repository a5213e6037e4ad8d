"""Search in the corpus of a session: by meaning, by a row, and by exact words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from seals_sim.errors import UserError
from seals_sim.label.copies import DistinctRows, DistinctRowsIndex
from seals_sim.label.corpus import Corpus
from seals_sim.label.phrases import find_texts
from seals_sim.label.types import Hit
from seals_sim.types import Rows
from seals_sim.vectors.chunked import ChunkedVectors
from seals_sim.vectors.scan import widen

_WIDENING = 2  # similar rows from a static model for each that is shown
_RERANKED = 100  # rows that a static model finds for some words, to be reranked


class RowFinder:
    """Finds rows of a corpus.

    Attributes:
        corpus: The corpus to search.
    """

    corpus: Corpus
    _rows: DistinctRows
    _index: DistinctRowsIndex

    def find_similar(self, row: int, n: int) -> list[Hit]:
        """The n rows nearest to a row, without the row and its copies; of equal texts, only the first.

        Raises:
            UserError: For a row that the table does not have.
        """
        self._require_row(row)
        row = self._rows.find(row)
        n_found = n if self.corpus.lazy is None else _WIDENING * n
        neighbors = self._index.neighbors(Rows(np.array([row])), n_found + 1)[0]
        found = self._pick_distinct(neighbors.tolist(), n_found, but=row)
        vectors = self.corpus.vectors
        if isinstance(vectors, ChunkedVectors):
            return [
                Hit(*pair)
                for pair in zip(found, vectors[found].compare(vectors.list_chunks(row)).tolist(), strict=True)
            ]
        return _sort(self._compare(found, widen(vectors[[row]])[0]))[:n]

    def find(self, text: str, n: int) -> list[Hit]:
        """The n rows nearest to some words; of equal texts, only the first.

        Raises:
            UserError: If the corpus has no texts.
        """
        corpus, vectors = self.corpus, self.corpus.encode_texts([text])
        if corpus.lazy is None:
            return self._compare(self._pick_distinct(self._index.nearest(vectors, n)[0].tolist(), n), vectors[0])
        with corpus.lazy.hold():
            rows = self._rows.drop_copies(corpus.find_nearest([text], max(n, _RERANKED))[0])
            hits = self._compare(self._pick_distinct(rows.tolist(), len(rows)), vectors[0])
        return _sort(hits)[:n]

    def find_words(self, words: str) -> list[int]:
        """All rows that contain some words (`compile_words`), in order; of rows answered together, only the first.

        Raises:
            UserError: If the corpus has no texts.
        """
        if self.corpus.texts is None:
            raise UserError("this table has no texts to search")
        rows = Rows(np.array(find_texts(self.corpus.texts, words), dtype=np.int64))
        found: list[int] = self._rows.drop_copies(rows).tolist()
        return found

    def _compare(self, rows: Sequence[int], vector: NDArray[np.float32]) -> list[Hit]:
        some = self.corpus.vectors[list(rows)]
        similarity = some.compare(vector[None]) if isinstance(some, ChunkedVectors) else widen(some) @ vector
        return [Hit(*pair) for pair in zip(rows, similarity.tolist(), strict=True)]

    def _pick_distinct(self, rows: Iterable[int], n: int, but: int | None = None) -> list[int]:
        """The first n of some rows, one per text, without a row and its copies."""
        picked: dict[str | int, int] = {}
        for row in rows:
            picked.setdefault(self.corpus.identify(row), row)
        if but is not None:
            picked.pop(self.corpus.identify(but), None)
        return list(picked.values())[:n]

    def _require_row(self, row: int) -> None:
        if not 0 <= row < len(self.corpus.vectors):
            raise UserError(f"row {row}: no such row; the table has {len(self.corpus.vectors):,}")


def _sort(hits: Iterable[Hit]) -> list[Hit]:
    """Nearest first."""
    return sorted(hits, key=lambda hit: -hit.similarity)
