"""The start of a session: its options, and the vectors and neighbors of its examples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from seals_sim.errors import UserError
from seals_sim.label.copies import DistinctRows
from seals_sim.label.corpus import Corpus
from seals_sim.label.events import Seed
from seals_sim.label.options import EmbedOption, SessionOptions
from seals_sim.search.choice import resolve_pool

UNNAMED = "unnamed"  # the concept of a session that began without names


def require_concept(path: Path, concepts: Sequence[str], concept: str) -> None:
    """Check that a session file has a concept.

    Raises:
        UserError: If it does not.
    """
    if concept not in concepts:
        named = ", ".join(map(name_concept, concepts))
        raise UserError(
            f"the session has the concepts {named}; choose one of these",
            parameter="concept",
            value=concept or str(path),
        )


def name_concept(concept: str) -> str:
    """The name of a concept, as shown to people.

    Examples:
        >>> name_concept("rude"), name_concept("")
        ('rude', 'unnamed')
    """
    return concept or UNNAMED


def name_embedding(corpus: Corpus) -> EmbedOption:
    """How a corpus was built."""
    return "all" if corpus.lazy is None else "lazy"


def resolve_options(options: SessionOptions, corpus: Corpus) -> SessionOptions:
    """Replace auto by what it means for a corpus.

    Raises:
        UserError: For options that do not fit it.
    """
    embed = name_embedding(corpus)
    if options.chunks != (corpus.chunks is not None):
        raise UserError("does not match how the corpus was built", parameter="chunks", value=options.chunks)
    if options.chunks and options.pool not in ("auto", "all"):
        raise UserError("cannot be combined with chunks, which are all scanned", parameter="pool", value=options.pool)
    if options.embed not in ("auto", embed):
        raise UserError(f"the corpus was built for {embed}", parameter="embed", value=options.embed)
    if options.chunks:
        return replace(options, embed=embed, pool="all")
    if embed == "all":
        return replace(options, embed=embed, pool=resolve_pool(options.pool, *corpus.vectors.shape))
    if options.pool == "all":
        raise UserError("requires all vectors; with embed = lazy, choose another pool", parameter="pool", value="all")
    return replace(options, embed=embed, pool="positives" if options.pool == "auto" else options.pool)


def describe_session(corpus: Corpus, options: SessionOptions) -> dict[str, object]:
    """The description of a session that its file stores; the options are resolved."""
    return {"fingerprint": corpus.fingerprint, "corpus": corpus.about, "options": asdict(options)}


def embed_examples(
    corpus: Corpus, positives: Iterable[str], negatives: Iterable[str], options: SessionOptions
) -> list[Seed]:
    """Embed examples, and find the rows that each brings into the pool.

    Args:
        corpus: The corpus to search.
        positives: Texts like those sought, in the table or not.
        negatives: Texts unlike them.
        options: Resolved.

    Raises:
        UserError: If the corpus was not made from texts.
    """
    labeled = [(text, 1) for text in positives] + [(text, 0) for text in negatives]
    if not labeled:
        return []
    texts = [text for text, _ in labeled]
    distinct = DistinctRows(corpus, options.copies == "together")
    neighbors = map(distinct.drop_copies, corpus.find_nearest(texts, options.n_neighbors))
    return [Seed(*pair, *rest) for pair, *rest in zip(labeled, corpus.encode_texts(texts), neighbors, strict=True)]
