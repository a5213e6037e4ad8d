"""A corpus of long texts, which are embedded in chunks: the best chunk of a text decides."""

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
"""That are scanned for each model, some 10 ms on two cores, and held in memory: 230 MB of 384 dimensions."""


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
    """Cut texts into chunks that the model reads whole, and embed these, or read them from the cache.

    Args:
        texts: The table.
        cache: The folder for vectors.
        model: Of the embedding; vectors are not whitened.
        quiet: Show no progress, and do not say how many chunks there are.
        precision: Of the model, as for `TextSpace`.
        backend: Of the model, as for `TextSpace`.
        most: Chunks that are taken.
        n_tokens: Of a chunk at most; by default as many as the model reads.

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
