"""What a session begins with: its options, and the vectors and neighbors of its examples."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from seals_sim.errors import UserError
from seals_sim.label.copies import DistinctRows
from seals_sim.label.corpus import Corpus
from seals_sim.label.events import Seed
from seals_sim.label.options import EmbedOption, SessionOptions
from seals_sim.search.choice import resolve_pool


def name_embedding(corpus: Corpus) -> EmbedOption:
    """How a corpus was built."""
    return "all" if corpus.lazy is None else "lazy"


def resolve_options(options: SessionOptions, corpus: Corpus) -> SessionOptions:
    """Say what auto means for a corpus.

    Raises:
        UserError: For options that do not fit it.
    """
    embed = name_embedding(corpus)
    if options.embed not in ("auto", embed):
        raise UserError(f"the corpus was built for {embed}", parameter="embed", value=options.embed)
    if embed == "all":
        return replace(options, embed=embed, pool=resolve_pool(options.pool, *corpus.vectors.shape))
    if options.pool == "all":
        raise UserError("needs all vectors; with embed = lazy choose another pool", parameter="pool", value="all")
    return replace(options, embed=embed, pool="positives" if options.pool == "auto" else options.pool)


def embed_examples(
    corpus: Corpus, positives: Iterable[str], negatives: Iterable[str], options: SessionOptions
) -> list[Seed]:
    """Embed examples, and find the rows that each brings into the pool.

    Args:
        corpus: What is searched.
        positives: Texts like those sought, in the table or not.
        negatives: Texts unlike them.
        options: Resolved.

    Raises:
        UserError: Where the corpus was not made from texts.
    """
    labeled = [(text, 1) for text in positives] + [(text, 0) for text in negatives]
    if not labeled:
        return []
    texts = [text for text, _ in labeled]
    distinct = DistinctRows(corpus, options.copies == "together")
    neighbors = map(distinct.drop_copies, corpus.find_nearest(texts, options.n_neighbors))
    return [Seed(*pair, *rest) for pair, *rest in zip(labeled, corpus.encode_texts(texts), neighbors, strict=True)]
