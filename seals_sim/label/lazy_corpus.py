"""A corpus that is embedded during the search: the index uses a static model, the vectors come from the good one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from seals_sim.embed.names import DEFAULT_MODEL, AutoBackend, AutoPrecision
from seals_sim.embed.space import TextSpace
from seals_sim.embed.static import StaticSpace
from seals_sim.errors import UserError
from seals_sim.indexes import IndexOptions
from seals_sim.indexes.cached import build_cached_index
from seals_sim.label.corpus import Corpus, choose_session_index, require_vector_index
from seals_sim.randomness import make_generator
from seals_sim.types import StoredVectors

LAZY_FROM = 20_000  # distinct texts to embed: about a minute with the default model on two cores


def build_lazy_corpus(
    texts: Sequence[str],
    index: str,
    cache: Path,
    model: str = DEFAULT_MODEL,
    options: IndexOptions | None = None,
    quiet: bool = True,
    precision: AutoPrecision = "float32",
    backend: AutoBackend = "auto",
) -> Corpus:
    """Embed texts with the static model and index these vectors, or read both from the cache.

    Args:
        texts: The table.
        index: As for `build_corpus`.
        cache: The folder for vectors and indexes.
        model: The model that the session learns from; its vectors are not whitened, which would need all of them.
        options: Options of the index.
        quiet: Show no progress.
        precision: Precision of the model, as for `TextSpace`.
        backend: Backend of the model, as for `TextSpace`.

    Raises:
        UserError: For options that do not fit the texts, or a cache that cannot be written.
    """
    space, static = TextSpace(texts, model, 0, cache, quiet, precision, backend=backend), StaticSpace()
    if space.is_static:
        raise UserError("is a static model, which needs no lazy embedding", parameter="model", value=model)
    static_vectors, digest = static.embed(texts, space.texts_digest, cache, quiet)
    rng = make_generator(0, "index")
    name = choose_session_index(index, None, *static_vectors.shape)
    options = replace(options or IndexOptions(), is_asked_little=True)
    built = build_cached_index(name, static_vectors, digest, cache, options, rng, quiet)
    vectors = space.open_lazily(cache)
    about = f"{len(texts):,} texts ({space.texts_digest[:8]}), model {model}, {vectors.shape[1]} dimensions, lazily"
    return Corpus(
        cast(StoredVectors, vectors),
        require_vector_index(built, name),
        space.fingerprint,
        texts,
        vectors.encode,
        about,
        cut=space.count_cut(),
        space=space,
        index_name=name,
        lazy=vectors,
        encode_queries=static.encode,
    )
