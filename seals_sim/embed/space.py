"""G_z (section 3): from texts to vectors as in 7.12, with Sentence-BERT, PCA whitening and L2 normalization."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from seals_sim.datasets.stored_texts import (
    StoredTexts,
    digest_texts,
    find_equal_texts,
    find_first_rows,
    iterate_longer,
)
from seals_sim.disk.cache import compute_with_cache, is_cached, load_or_compute
from seals_sim.embed.blocks import embed_resumably, encode, is_begun, name_folder
from seals_sim.embed.chunks import Chunks, cut_texts
from seals_sim.embed.encoder import find_dimensions
from seals_sim.embed.joined import open_encoder
from seals_sim.embed.known import KnownTexts, name_embeddings
from seals_sim.embed.lazy import LazyVectors
from seals_sim.embed.lazy_store import LazyStore, has_store
from seals_sim.embed.names import DEFAULT_DIMENSIONS, DEFAULT_MODEL, AutoBackend, AutoPrecision
from seals_sim.embed.precision import resolve_precision
from seals_sim.progress import begin_step
from seals_sim.types import Vectors
from seals_sim.vectors.whitening import Whitening, whiten
from seals_sim.workers import INLINE, Workers

_N_LOOKED_AT = 20_000  # long texts of a large table whose tokens are counted
EXPORTED_FROM = 10_000  # texts of a table: exporting a model takes as long as embedding a thousand
_PLAIN = ("float32", "torch")


def embed_texts(
    texts: Sequence[str],
    model: str = DEFAULT_MODEL,
    dimensions: int | None = DEFAULT_DIMENSIONS,
    cache: Path | None = None,
    quiet: bool = True,
) -> Vectors:
    """Embed texts, whiten the embeddings (fitted on these texts, without labels) and scale them to unit length.

    Args:
        texts: n texts.
        model: A sentence-transformers model, by name or folder.
        dimensions: Dimensions to whiten to; 0 for the model's own embedding without whitening; None for
            `choose_dimensions`, or fewer if the texts span fewer.
        cache: Folder for cached embeddings; None for no cache.
        quiet: Whether to hide the progress bar.

    Returns:
        (n, dimensions) float32, l2-normalized.

    Raises:
        UserError: If there is no such model, or the texts span too few dimensions.
    """
    return TextSpace(texts, model, dimensions, cache, quiet).compute_vectors()


def choose_dimensions(texts: Sequence[str]) -> int:
    """Choose the number of dimensions to whiten to: 256, or fewer if the table is too small for that.

    Args:
        texts: The texts of the table.

    Returns:
        At least 1.

    Examples:
        >>> choose_dimensions(["a", "b", "c"])
        1
    """
    distinct: set[str] = set()
    for text in texts:
        distinct.add(text)
        if len(distinct) > DEFAULT_DIMENSIONS:
            break
    return max(1, min(DEFAULT_DIMENSIONS, len(texts) // 4, len(distinct) - 1))


@dataclass(frozen=True)
class CutTexts:
    """Texts of which a model reads only the beginning.

    Attributes:
        n: Number of such texts, copies included.
        max_tokens: Tokens that the model reads.
        is_estimate: Whether n is an estimate: for a large table only some texts are checked.
    """

    n: int
    max_tokens: int
    is_estimate: bool = False


class TextSpace:
    """The space in which `embed_texts` embeds a table of texts: one model, and the whitening fitted on the table.

    Attributes:
        texts_digest: Digest of the table's texts.
        model: As for `embed_texts`.
        model_digest: Digest of the model's files.
        is_static: Whether the model is a mean of token vectors, which is almost free to compute.
        fingerprint: Digest of texts, model and dimensions: equal if the vectors are the same up to rounding.
    """

    def __init__(
        self,
        texts: Sequence[str],
        model: str,
        dimensions: int | None,
        cache: Path | None = None,
        quiet: bool = True,
        precision: AutoPrecision = "float32",
        workers: Workers = INLINE,
        backend: AutoBackend = "auto",
    ) -> None:
        """Find the model. Nothing is embedded yet.

        Args:
            texts: The texts of the table.
            model: As for `embed_texts`.
            dimensions: As for `embed_texts`.
            cache: As for `embed_texts`.
            quiet: Whether to hide the progress bar.
            precision: Precision of the model; auto uses float32 if the cache has float32 embeddings of this table,
                otherwise `resolve_precision` decides.
            workers: They embed what goes into the cache.
            backend: What runs the model. auto uses torch for a table so small that it is embedded before a model could
                be exported, otherwise as for `Encoder`. All backends share the cache, since their embeddings are the
                same up to rounding.

        Raises:
            UserError: If there is no such model.
        """
        self._texts, self._cache, self._quiet, self._workers = texts, cache, quiet, workers
        self._dimensions = choose_dimensions(texts) if dimensions is None else dimensions
        self._or_fewer = dimensions is None
        encoder = open_encoder(model)
        self.model, self.model_digest, self.is_static = model, encoder.digest, encoder.is_static
        self.texts_digest = digest_texts(texts)
        in_float32 = name_embeddings(self.texts_digest, encoder.digest)
        if precision == "auto" and cache is not None and (is_cached(cache, in_float32) or is_begun(cache, in_float32)):
            precision = "float32"
        precision = resolve_precision(precision, backend, encoder.is_static)
        if backend == "auto" and len(texts) < EXPORTED_FROM:
            backend = "torch"
        self._encoder = encoder if (precision, backend) == _PLAIN else open_encoder(model, backend, precision, cache)
        self._model_key = encoder.digest if precision == "float32" else f"{encoder.digest} {precision}"
        self._key = name_embeddings(self.texts_digest, self._model_key)
        space = f"{in_float32} dimensions {self._dimensions} whitened by distinct rows"
        self.fingerprint = hashlib.sha256(space.encode()).hexdigest()

    def compute_vectors(self) -> Vectors:
        """Embed and whiten the table, or load the result from the cache: (n, dimensions) float32."""
        return self._whiten() if self._cache is None else self.load_vectors(self._cache)[0]

    def load_vectors(self, cache: Path) -> tuple[Vectors, str]:
        """Embed and whiten the table, or load the result from a cache.

        Args:
            cache: The cache folder.

        Returns:
            (n, dimensions) float32 and its digest.
        """
        return load_or_compute(cache, f"{self._key} whitened by distinct rows {self._how_many}", self._whiten)

    def count_new(self, cache: Path) -> int:
        """Count the distinct texts of the table whose embeddings are not in a cache."""
        if is_cached(cache, self._key):
            return 0
        copies = find_equal_texts(self._texts)
        n_distinct = len(self._texts) if copies is None else len(copies.first)
        return n_distinct - len(KnownTexts(cache, self._model_key).find(self._texts)[0])

    def open_lazily(self, cache: Path) -> LazyVectors:
        """Open the table's vectors, not whitened; vectors missing from the cache are computed when they are read.

        Args:
            cache: The cache folder, which keeps all embeddings. Once none are missing, it is as if `load_vectors` had
                embedded the table.

        Raises:
            UserError: If the model or the cache cannot be used.
        """
        begin_step("looking for equal texts")
        copies = find_equal_texts(self._texts)
        first = None if copies is None else copies.first[copies.number]
        known = KnownTexts(cache, self._model_key)

        def keep(embeddings: Vectors) -> Vectors:
            load_or_compute(cache, self._key, lambda: embeddings)
            known.add(self.texts_digest, self._texts)
            return self._embed()

        if is_cached(cache, self._key):
            return LazyVectors(self._texts, first, self._encoder, self._embed(), keep, self._quiet)
        store = LazyStore(name_folder(cache, self._key), len(self._texts), find_dimensions(self._encoder, cache))
        if not store.is_there.any():
            self._take_over(known, store)
        return LazyVectors(self._texts, first, self._encoder, store, keep, self._quiet)

    def _take_over(self, known: KnownTexts, store: LazyStore) -> None:
        """Copy into a store what was embedded for other tables."""
        texts, embeddings = known.find(self._texts)
        if embeddings is not None:
            store.write(find_first_rows(self._texts, texts), embeddings)

    def count_cut(self) -> CutTexts | None:
        """Count the texts of the table that are longer than the model reads; None if there are none.

        For a table that is kept on disk this is an estimate if more than 20,000 texts could be too long.

        Raises:
            UserError: If the model cannot be loaded.
        """

        def count() -> Any:
            begin_step("looking for long texts")
            if isinstance(self._texts, StoredTexts):
                n, step = self._count_cut_of_stored(self._texts)
                return np.array([n, self._encoder.max_tokens or 0, step])
            cut = set(self._encoder.find_cut(list(dict.fromkeys(self._texts))))
            return np.array([sum(text in cut for text in self._texts), self._encoder.max_tokens or 0])

        n, max_tokens, *step = compute_with_cache(self._cache, f"{self._key} texts cut", count).tolist()
        return CutTexts(n, max_tokens, is_estimate=step not in ([], [1])) if n else None

    def cut_texts(self, n_tokens: int | None = None) -> Chunks:
        """Cut the texts of the table into chunks that the model reads in full; see `seals_sim.embed.chunks.cut_texts`.

        Raises:
            UserError: If the model reads texts of any length, or does not report where its tokens are.
        """
        return cut_texts(self._texts, self._encoder, n_tokens)

    def _count_cut_of_stored(self, texts: StoredTexts) -> tuple[int, int]:
        """Estimate how many are cut, and return the step: every step-th of the texts long enough is checked."""
        limit = self._encoder.max_tokens
        if limit is None:
            return 0, 1
        n_long = sum(len(some) for some in iterate_longer(texts, limit - 2))
        step = -(-n_long // _N_LOOKED_AT) or 1
        n_cut, n_before = 0, 0
        for some in iterate_longer(texts, limit - 2):
            n_cut += len(self._encoder.find_cut(some[-n_before % step :: step]))
            n_before += len(some)
        return min(n_long, n_cut * step), step

    def encode(self, others: Sequence[str]) -> Vectors:
        """Embed texts, which need not belong to the table.

        Args:
            others: m texts.

        Returns:
            (m, dimensions) float32, in the space of the table.
        """
        embeddings = self._encoder.encode(others)
        return self._whitening.apply(embeddings) if self._dimensions else whiten(embeddings, 0)

    @property
    def whitening(self) -> Whitening | None:
        """The whitening fitted on the table; None if there is none."""
        return self._whitening if self._dimensions else None

    def _whiten(self) -> Vectors:
        return whiten(self._embed(), self._dimensions, self._or_fewer)

    @property
    def _how_many(self) -> str:
        return f"{self._dimensions}{' or fewer' if self._or_fewer else ''}"

    def _embed(self) -> Vectors:
        if self._cache is None:
            return encode(self._texts, self._encoder, self._quiet)
        self._complete_lazily(self._cache)
        known = KnownTexts(self._cache, self._model_key)
        embeddings = embed_resumably(
            self._texts, self._encoder, self._cache, self._key, self._quiet, known, self._workers
        )
        known.add(self.texts_digest, self._texts)
        return embeddings

    def _complete_lazily(self, cache: Path) -> None:
        """Complete a store that was begun, so that its contents are not embedded again."""
        if is_cached(cache, self._key) or not has_store(name_folder(cache, self._key)):
            return
        vectors = self.open_lazily(cache)
        if vectors.n_embedded:  # otherwise another process has the store
            vectors.embed(vectors.find_missing())
            vectors.finish()
        vectors.close()

    @cached_property
    def _whitening(self) -> Whitening:
        def fit() -> Vectors:
            whitening = Whitening.fit(self._embed(), self._dimensions, self._or_fewer)
            return np.vstack([whitening.mean, whitening.directions.T])

        arrays = compute_with_cache(self._cache, f"{self._key} whitening by distinct rows {self._how_many}", fit)
        return Whitening(arrays[0], np.ascontiguousarray(arrays[1:].T))
