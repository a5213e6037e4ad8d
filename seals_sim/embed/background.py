"""Embedding in the background: first what is likely to be needed next, then the rest of the table."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seals_sim.embed.lazy import LazyVectors
from seals_sim.errors import UserError
from seals_sim.indexes import VectorIndex
from seals_sim.types import Rows
from seals_sim.vectors.scan import compute_dots, gather

_LEAST, _MOST = 4, 64  # texts per batch
_SHORTEST, _LONGEST = 0.05, 0.2  # seconds that a batch should take: a request that arrives meanwhile waits for its end
_WINDOW = 8192  # texts chosen at a time: comparing a million takes a second
_COMPARED = 2**20  # up to this many rows, all are compared; beyond that, only those that the index finds
_SOUGHT = 4 * _WINDOW


class BackgroundEmbedding:
    """A thread that embeds a table until all of it is done or `stop` is called.

    The embeddings are the same whether the thread runs or not; it only shortens the wait.

    Args:
        vectors: The vectors to embed.
        index: An index of vectors (n, d) of the same rows by another model, used to judge similarity.
        lengths: (n,), lengths of the texts: texts of similar length are embedded together.
    """

    def __init__(self, vectors: LazyVectors, index: VectorIndex, lengths: NDArray[np.int64] | Sequence[int]) -> None:
        self._vectors, self._index, self._static = vectors, index, index.vectors
        self._lengths = np.asarray(lengths)
        self._changed, self._stops = threading.Lock(), threading.Event()
        self._wanted: list[Rows] = []
        self._liked = Rows(np.empty(0, dtype=np.int64))
        self._size = _LEAST
        self._thread = threading.Thread(target=self._run, daemon=True, name="embedding")

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the current batch."""
        self._stops.set()
        self._thread.join()

    def want(self, rows: Sequence[Rows], liked: Rows) -> None:
        """Set what to embed next, replacing what was set before.

        Args:
            rows: Lists of rows, the most urgent list first.
            liked: Rows; the rest of the table is embedded in order of similarity to them.
        """
        with self._changed:
            self._wanted, self._liked = list(rows), liked

    def _run(self) -> None:
        try:
            while not self._stops.is_set():
                rows = self._find_wanted()
                if not len(rows):
                    rows = self._find_likely()
                if not len(rows):
                    self._vectors.finish()
                    return
                self._embed(rows)
        except UserError as error:  # anyone who needs a row that cannot be embedded gets the error again
            print(f"background embedding stopped: {error}", file=sys.stderr)

    def _find_wanted(self) -> Rows:
        with self._changed:
            wanted = list(self._wanted)
        for rows in wanted:
            missing = self._vectors.find_missing(rows)
            if len(missing):
                return missing
        return Rows(np.empty(0, dtype=np.int64))

    def _find_likely(self) -> Rows:
        """The missing rows most similar to the liked ones, or any if none are liked."""
        missing = self._vectors.find_missing()
        liked = self._liked
        if len(liked) and len(self._static) > _COMPARED:
            near = self._index.nearest(self._compute_mean(liked)[np.newaxis], _SOUGHT)[0]
            found = self._vectors.find_missing(near)
            missing = found if len(found) else missing
        elif len(liked) and len(missing) > _WINDOW:
            likeness = compute_dots(self._static, self._compute_mean(liked))[missing]
            missing = Rows(missing[np.argpartition(-likeness, _WINDOW)])
        return Rows(missing[:_WINDOW])

    def _compute_mean(self, rows: Rows) -> NDArray[np.float32]:
        mean: NDArray[np.float32] = gather(self._static, rows).mean(axis=0)
        return mean

    def _embed(self, rows: Rows) -> None:
        """Embed rows until something else is wanted."""
        wanted = self._wanted
        by_length = rows[np.argsort(-self._lengths[rows], kind="stable")]
        while len(by_length) and wanted is self._wanted and not self._stops.is_set():
            batch, by_length = Rows(by_length[: self._size]), Rows(by_length[self._size :])
            start = time.perf_counter()
            self._vectors.embed_batch(batch)
            self._choose_size(time.perf_counter() - start)

    def _choose_size(self, seconds: float) -> None:
        if seconds < _SHORTEST:
            self._size = min(_MOST, 2 * self._size)
        elif seconds > _LONGEST:
            self._size = max(_LEAST, self._size // 2)
