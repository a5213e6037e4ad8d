"""Embedding in blocks, each on disk before the next begins, so that a killed run resumes after its last block."""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from seals_sim.disk.arrays import ArrayStage
from seals_sim.disk.cache import is_cached, load_or_compute, locking
from seals_sim.embed.encoder import Encoder
from seals_sim.embed.known import KnownTexts
from seals_sim.errors import DamagedError, OtherOriginError
from seals_sim.progress import track
from seals_sim.types import Vectors
from seals_sim.workers import INLINE, Workers

Embedded = TypeVar("Embedded")
BLOCK = 2048  # texts per step of the progress bar and per save


def embed_resumably(
    texts: Sequence[str],
    encoder: Encoder,
    cache: Path,
    key: str,
    quiet: bool,
    known: KnownTexts,
    workers: Workers = INLINE,
) -> Vectors:
    """Embed texts into the cache, or load them from it.

    Args:
        texts: n texts.
        encoder: The model.
        cache: The cache folder. During embedding it holds the finished blocks in a folder of their own.
        key: Key of texts and model.
        quiet: Whether to hide the progress bar.
        known: Texts that need not be embedded again.
        workers: Each embeds a block at a time.

    Returns:
        (n, d) float32, memory-mapped if it comes from the cache.

    Raises:
        UserError: If the cache cannot be used.
    """
    folder = name_folder(cache, key)
    if is_cached(cache, key):
        return load_or_compute(cache, key, lambda: encode(texts, encoder, quiet))[0]

    def compute() -> Vectors:
        return embed_again_if_damaged(lambda: _encode_rest(texts, encoder, quiet, folder, key, known, workers))

    with locking(folder):
        embeddings, _ = load_or_compute(cache, key, compute)
        shutil.rmtree(folder / "texts", ignore_errors=True)
    return embeddings


def name_folder(cache: Path, key: str) -> Path:
    """The folder for embeddings of a table until all of them are done."""
    return cache / "embedding" / hashlib.sha256(key.encode()).hexdigest()[:32]


def embed_again_if_damaged(embed: Callable[[], Embedded]) -> Embedded:
    """Resume from what a folder holds, or start over if it is damaged."""
    try:
        return embed()
    except (DamagedError, OtherOriginError) as error:
        print(f"{error.folder} is damaged; embedding it again", file=sys.stderr)
        shutil.rmtree(error.folder)
        return embed()


def is_begun(cache: Path, key: str) -> bool:
    """Whether embedding has begun."""
    return any(path.is_dir() for path in name_folder(cache, key).glob("*"))


def encode(texts: Sequence[str], encoder: Encoder, quiet: bool) -> Vectors:
    """Embed each distinct text once, in memory.

    Args:
        texts: n texts.
        encoder: The model.
        quiet: Whether to hide the progress bar.

    Returns:
        (n, d) float32.
    """
    distinct = _sort_distinct(texts)
    blocks = list(_iterate_encoded(distinct, 0, encoder, quiet))
    return _spread(texts, distinct, np.concatenate(blocks))


def _encode_rest(
    texts: Sequence[str], encoder: Encoder, quiet: bool, folder: Path, key: str, known: KnownTexts, workers: Workers
) -> Vectors:
    """The same, but only for unknown texts, with each block on disk before the next begins."""
    distinct = _sort_distinct(texts)
    embedded, vectors = known.find(distinct)
    is_embedded = set(embedded)
    rest = [text for text in distinct if text not in is_embedded]
    tables = [] if vectors is None else [vectors]
    if rest:
        stage = ArrayStage(folder, "texts", {"key": key}, (len(rest), encoder.dimensions), np.float32)
        for block in _iterate_encoded(rest, stage.n_done, encoder, quiet, workers):
            stage.write(block)
        tables.append(stage.open())
    return _spread(texts, [*embedded, *rest], np.concatenate(tables))


def _sort_distinct(texts: Sequence[str]) -> list[str]:
    return sorted(set(texts), key=lambda text: (-len(text), text))  # by length: less padding; slow ones first


def _iterate_encoded(
    distinct: Sequence[str], n_done: int, encoder: Encoder, quiet: bool, workers: Workers = INLINE
) -> Iterator[Vectors]:
    blocks = (distinct[first : first + BLOCK] for first in range(n_done, len(distinct), BLOCK))
    with track("embedding", len(distinct), "text", quiet, n_done) as bar:
        for block in workers.map(encode_block, encoder, blocks):
            yield block
            bar.advance(len(block))


def encode_block(encoder: Encoder, texts: Sequence[str]) -> Vectors:
    """Embed n texts on a worker: (n, d) float32."""
    return encoder.encode(texts)


def _spread(texts: Sequence[str], distinct: Sequence[str], vectors: Vectors) -> Vectors:
    place = {text: place for place, text in enumerate(distinct)}
    return np.asarray(vectors[[place[text] for text in texts]])
