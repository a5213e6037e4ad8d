"""Decides which texts a session embeds, and when. If the corpus is not lazy, there is nothing to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np

from seals_sim.datasets.stored_texts import count_characters
from seals_sim.embed.background import BackgroundEmbedding
from seals_sim.label.copies import DistinctRows
from seals_sim.label.corpus import Corpus
from seals_sim.label.events import Event, Seed
from seals_sim.types import Rows


class SessionEmbedding:
    """Embeds rows that join the candidates and, in a thread, rows that may join them next."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus, self._lazy = corpus, corpus.lazy
        self._background: BackgroundEmbedding | None = None

    @property
    def runs_in_background(self) -> bool:
        """Whether there is a thread that can be told what to embed next."""
        return self._background is not None

    def embed(self, bringing: Iterable[Event | Seed]) -> None:
        """Embed the neighbors that events and examples bring, all at once, unless they are embedded already.

        Raises:
            UserError: If the model fails or the disk is full.
        """
        lists = [one.neighbors for one in bringing if one.neighbors is not None]
        if self._lazy is not None and lists:
            self._lazy.embed(Rows(np.concatenate(lists)))

    def count_embedded(self, distinct: DistinctRows) -> int:
        """How many distinct rows are embedded."""
        if self._lazy is None:
            return len(distinct)
        if len(distinct) == self._lazy.n_distinct:
            return self._lazy.n_embedded
        return len(distinct) - len(self._lazy.find_missing(Rows(np.arange(len(distinct)))))

    def going_first(self) -> AbstractContextManager[None]:
        """A context in which the thread starts no new work."""
        return nullcontext() if self._lazy is None else self._lazy.hold()

    def start(self) -> None:
        """Let a thread embed requested rows, and then the rest, until `stop`."""
        if self._lazy is not None and self._background is None:
            lengths = count_characters(self._corpus.texts or ())
            self._background = BackgroundEmbedding(self._lazy, self._corpus.index, lengths)
            self._background.start()

    def want(self, lists: Sequence[Rows], liked: Rows) -> None:
        """Tell the thread what to embed next: lists of rows, most urgent first, and then rows similar to some rows."""
        if self._background is not None:
            self._background.want(lists, liked)

    def stop(self) -> None:
        """End the thread."""
        if self._background is not None:
            self._background.stop()
            self._background = None
