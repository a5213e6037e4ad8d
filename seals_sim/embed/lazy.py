"""Vectors of a table that are embedded when first read, or earlier by a background thread."""

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

_BATCH = 256  # texts embedded and written at a time when someone is waiting for them


class LazyVectors:
    """The vectors (n, d) of n texts, read like an array: by rows or by a slice.

    Missing rows are embedded when they are read. Reads return what is on disk, so a later process reads the same to the
    last bit. Safe to use from several threads.

    Attributes:
        shape: (n, d).
        dtype: float32.
        n_distinct: Total number of distinct texts to embed.
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
        """Wrap a table; nothing is embedded yet.

        Args:
            texts: n texts.
            first: (n,), for each row the first row with the same text; None if all texts are distinct.
            encoder: The model.
            source: Store for embeddings as they are made; or all of them (n, d), not normalized.
            keep: Called with all embeddings (n, d) once they exist; returns the array to read from then on.
            quiet: Whether to hide the progress bar that otherwise appears after a wait of two seconds.
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
        """Number of distinct texts embedded so far."""
        return self._n_embedded

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to embed."""
        return self.n_embedded == self.n_distinct

    def require_complete(self) -> None:
        """Raise UserError if anything is left to embed."""
        if not self.is_complete:
            raise UserError(
                f"not all texts have scores yet: {self.n_embedded:,} of {self.n_distinct:,} are embedded; the "
                "rest follow while the page is running"
            )

    def embed(self, rows: Rows) -> None:
        """Embed the missing rows among (m,).

        Raises:
            UserError: If the model fails or the disk is full; earlier embeddings are kept.
        """
        self._embed_missing(self._find_first(rows))

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Embed m texts, which need not belong to the table: (m, d) float32, normalized."""
        with self._turns.take(is_urgent=True):
            embeddings = self._encoder.encode(texts)
        return normalize(embeddings, "the embeddings")

    def find_missing(self, rows: Rows | None = None) -> Rows:
        """The rows of distinct texts that are not embedded yet, among all rows or the given ones, in order."""
        if rows is None:
            return Rows(np.flatnonzero(self._is_first & ~self._is_there))
        first = self._find_first(rows)
        return Rows(first[~self._is_there[first]])

    def embed_batch(self, rows: Rows) -> None:
        """Embed the missing ones of a few rows, once nobody is waiting for others.

        Raises:
            UserError: As for `embed`.
        """
        with self._turns.take(is_urgent=False):
            self._add(self.find_missing(rows))

    def finish(self) -> None:
        """Move the embeddings to their final place once all exist; a second call changes nothing.

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
        """A context during which `embed_batch` waits, leaving the CPU to the caller."""
        return self._turns.hold()

    def close(self) -> None:
        """Release the store to others. Finished embeddings can still be read."""
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
        self._n_embedded += len(rows)  # each was missing and the first row with its text

    def _copy_to_equal_texts(self, first: NDArray[np.int64]) -> None:
        assert self._store is not None
        repeated = np.flatnonzero(~self._is_first & ~self._is_there)
        for start in range(0, len(repeated), _BATCH):
            rows = Rows(repeated[start : start + _BATCH])
            self._store.write(rows, self._array[first[rows]])


class _Turns:
    """Turns at using the model: urgent callers go first, and others wait as long as there are any."""

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
