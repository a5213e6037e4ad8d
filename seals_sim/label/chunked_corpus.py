"""A corpus of long texts, embedded in chunks: the best chunk of a text decides."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from seals_sim.embed.names import DEFAULT_MODEL, AutoBackend, AutoPrecision
from seals_sim.embed.space import TextSpace
from seals_sim.errors import UserError
from seals_sim.indexes.chunked import ChunkedIndex
from seals_sim.label.corpus import Corpus
from seals_sim.vectors.chunked import ChunkedVectors

MOST_CHUNKS = 150_000
"""Chunks at most: each retraining scans them all, in some 10 ms on two cores, and memory holds them: 230 MB at 384
dimensions."""


def build_chunked_corpus(
    texts: Sequence[str],
    cache: Path,
    model: str = DEFAULT_MODEL,
    quiet: bool = True,
    precision: AutoPrecision = "float32",
    backend: AutoBackend = "auto",
    most: int = MOST_CHUNKS,
    n_tokens: int | None = None,
) -> Corpus:
    """Cut texts into chunks that fit the model, and embed the chunks, or read their vectors from the cache.

    Args:
        texts: The table.
        cache: The folder for vectors.
        model: The embedding model; vectors are not whitened.
        quiet: Print neither progress nor the number of chunks.
        precision: Precision of the model, as for `TextSpace`.
        backend: Backend of the model, as for `TextSpace`.
        most: The largest number of chunks that is accepted.
        n_tokens: The largest number of tokens in a chunk; by default as many as the model reads.

    Raises:
        UserError: If the model reads texts of any length, or there are more chunks.
    """
    space = TextSpace(texts, model, 0, cache, quiet, precision, backend=backend)
    chunks = space.cut_texts(n_tokens)
    if len(chunks) > most:
        problem = f"cuts these texts into {len(chunks):,} chunks, and the limit is {most:,}; omit it"
        raise UserError(problem, parameter="chunks", value=True)
    if not quiet:
        many = f"{chunks.n_long:,} of {len(texts):,} texts are longer than the model reads"
        print(f"{many}; with chunks it reads all of them: {len(chunks):,} chunks", file=sys.stderr)
    pieces = TextSpace(chunks.list_texts(texts), model, 0, cache, quiet, precision, backend=backend)
    vectors = ChunkedVectors(pieces.load_vectors(cache)[0], chunks.starts)
    about = f"{len(texts):,} texts ({space.texts_digest[:8]}), model {model}, {vectors.shape[1]} dimensions, in chunks"
    return Corpus(
        vectors.as_stored(),
        ChunkedIndex(vectors),
        space.fingerprint,
        texts,
        space.encode,
        about,
        space=space,
        index_name="exact",
        chunks=chunks,
    )
