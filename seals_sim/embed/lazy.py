"""Vectors of a table that are embedded when they are first read, or earlier by a thread that has time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from seals_sim.embed.encoder import Encoder
from seals_sim.embed.lazy_store import LazyStore
from seals_sim.errors import UserError
from seals_sim.progress import track
from seals_sim.types import Rows, Vectors
from seals_sim.vectors.normalize import normalize

_BATCH = 256  # texts that are embedded and written at a time, where somebody waits for them


class LazyVectors:
    """The vectors (n, d) of n texts, as an array of them is read: by rows, or by a slice.

    Rows that are read and not there are embedded first. What is read is what lies on the disk, so that a process that
    comes later reads the same to the last bit. It can be used by several threads.

    Attributes:
        shape: (n, d).
        dtype: float32.
        n_distinct: Texts to embed in all: each once.
    """

    dtype = np.dtype(np.float32)
    ndim = 2

    def __init__(
        self,
        texts: Sequence[str],
        first: NDArray[np.int64] | None,
        encoder: Encoder,
        source: LazyStore | Vectors,
        keep: Callable[[Vectors], Vectors],
        quiet: bool = True,
    ) -> None:
        """Take a table; nothing is embedded yet.

        Args:
            texts: n texts.
            first: (n,), for each row the first one with the same text; None where no two are equal.
            encoder: The model.
            source: Where embeddings are kept as they are made; or all of them (n, d), not normalized.
            keep: Called with all embeddings (n, d), when they are there; gives the array to be read from then on.
            quiet: No progress bar, where somebody waits for more than two seconds.
        """
        self._texts, self._first, self._encoder, self._keep = texts, first, encoder, keep
        self._quiet = quiet
        self._store = source if isinstance(source, LazyStore) else None
        self._array: Vectors = source.array if isinstance(source, LazyStore) else source
        self._is_there = source.is_there if isinstance(source, LazyStore) else np.ones(len(texts), dtype=np.bool_)
        self._is_first = np.ones(len(texts), dtype=np.bool_) if first is None else first == np.arange(len(texts))
        self.shape, self.n_distinct = (len(texts), self._array.shape[1]), int(self._is_first.sum())
        self._n_embedded = int((self._is_there & self._is_first).sum())
        self._turns, self._finishing = _Turns(), threading.Lock()

    def __len__(self) -> int:
        return self.shape[0]

    @overload
    def __getitem__(self, rows: slice) -> Vectors: ...
    @overload
    def __getitem__(self, rows: NDArray[np.int64] | Sequence[int]) -> Vectors: ...
    def __getitem__(self, rows: Any) -> Vectors:
        positions = np.arange(len(self))[rows] if isinstance(rows, slice) else np.asarray(rows, dtype=np.int64)
        chosen = self._find_first(Rows(positions))
        self._embed_missing(chosen)
        return normalize(self._array[chosen], "the embeddings")

    @property
    def n_embedded(self) -> int:
        """Distinct texts that are embedded so far."""
        return self._n_embedded

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to embed."""
        return self.n_embedded == self.n_distinct

    def require_complete(self) -> None:
        """Raise UserError where something is left to embed."""
        if not self.is_complete:
            raise UserError(
                f"not all texts have scores yet: {self.n_embedded:,} of {self.n_distinct:,} are embedded; the "
                "rest follows while the page is served"
            )

    def embed(self, rows: Rows) -> None:
        """Embed those of rows (m,) that are not there.

        Raises:
            UserError: If the model fails or the disk is full; what was embedded before stays.
        """
        self._embed_missing(self._find_first(rows))

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Embed texts that need not be of the table: (m, d) float32, normalized."""
        with self._turns.take(is_urgent=True):
            embeddings = self._encoder.encode(texts)
        return normalize(embeddings, "the embeddings")

    def find_missing(self, rows: Rows | None = None) -> Rows:
        """The rows of distinct texts that are not embedded, of all rows or for some of them, in their order."""
        if rows is None:
            return Rows(np.flatnonzero(self._is_first & ~self._is_there))
        first = self._find_first(rows)
        return Rows(first[~self._is_there[first]])

    def embed_batch(self, rows: Rows) -> None:
        """Embed those of a few rows that are not there, when nobody waits for others.

        Raises:
            UserError: As `embed`.
        """
        with self._turns.take(is_urgent=False):
            self._add(self.find_missing(rows))

    def finish(self) -> None:
        """Put the embeddings in their final place, once all are there; a second call changes nothing.

        Raises:
            UserError: If they cannot be written.
        """
        with self._finishing:
            if self._store is None or not self.is_complete:
                return
            if self._first is not None:
                self._copy_to_equal_texts(self._first)
            self._array = self._keep(self._array)
            self._store.remove()
            self._store = None

    def hold(self) -> Any:
        """A context in which `embed_batch` waits, so that the processor is free for whoever is in it."""
        return self._turns.hold()

    def close(self) -> None:
        """Leave the store to others. What is embedded can still be read."""
        if self._store is not None:
            self._store.close()

    def _find_first(self, rows: Rows) -> Rows:
        return rows if self._first is None else Rows(self._first[rows])

    def _embed_missing(self, rows: Rows) -> None:
        missing = np.unique(rows[~self._is_there[rows]])
        if not len(missing):
            return
        by_length = missing[np.argsort([-len(self._texts[row]) for row in missing], kind="stable")]
        with track("embedding", len(missing), "text", self._quiet, delay=2) as bar:
            for start in range(0, len(missing), _BATCH):
                some = Rows(by_length[start : start + _BATCH])
                with self._turns.take(is_urgent=True):
                    self._add(Rows(some[~self._is_there[some]]))
                bar.advance(len(some))

    def _add(self, rows: Rows) -> None:
        if not len(rows):
            return
        assert self._store is not None
        rows = Rows(np.unique(rows))
        texts = [self._texts[row] for row in rows]
        embeddings = self._encoder.encode(texts)
        if embeddings.shape != (len(rows), self.shape[1]):
            given = "x".join(map(str, embeddings.shape[1:]))
            raise UserError(
                f"the model gives {given} dimensions but gave {self.shape[1]} before; use the earlier model"
            )
        is_usable = np.isfinite(embeddings).all(axis=1) & embeddings.any(axis=1)
        if not is_usable.all():
            text = texts[int(np.argmin(is_usable))]
            problem = "the model gives a vector that is zero or not finite"
            raise UserError(f"{problem} for the text {text!r:.60}; use another model or remove the text")
        self._store.write(rows, embeddings)
        self._n_embedded += len(rows)  # each was missing, and the first of its text

    def _copy_to_equal_texts(self, first: NDArray[np.int64]) -> None:
        assert self._store is not None
        repeated = np.flatnonzero(~self._is_first & ~self._is_there)
        for start in range(0, len(repeated), _BATCH):
            rows = Rows(repeated[start : start + _BATCH])
            self._store.write(rows, self._array[first[rows]])


class _Turns:
    """Who uses the model: those that are urgent go first, and one that is not waits while any of them is about."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._n_urgent, self._is_taken = 0, False

    @contextmanager
    def hold(self) -> Iterator[None]:
        with self._changed:
            self._n_urgent += 1
        try:
            yield
        finally:
            with self._changed:
                self._n_urgent -= 1
                self._changed.notify_all()

    @contextmanager
    def take(self, is_urgent: bool) -> Iterator[None]:
        if is_urgent:
            with self.hold(), self._take(lambda: not self._is_taken):
                yield
        else:
            with self._take(lambda: not self._is_taken and not self._n_urgent):
                yield

    @contextmanager
    def _take(self, is_free: Callable[[], bool]) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(is_free)
            self._is_taken = True
        try:
            yield
        finally:
            with self._changed:
                self._is_taken = False
                self._changed.notify_all()
