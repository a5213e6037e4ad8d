"""Embedding in blocks, each on disk before the next begins, so that a killed run goes on after its last one."""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from seals_sim.disk.arrays import ArrayStage
from seals_sim.disk.cache import is_cached, load_or_compute, locking
from seals_sim.embed.encoder import Encoder
from seals_sim.errors import DamagedError, OtherOriginError
from seals_sim.types import Vectors

BLOCK = 2048  # texts between two steps of the progress bar, and between two saves


def embed_resumably(texts: Sequence[str], encoder: Encoder, cache: Path, key: str, quiet: bool) -> Vectors:
    """Embed texts into the cache, or load them from it.

    Args:
        texts: n of them.
        encoder: The model.
        cache: The folder. While the texts are embedded it holds the blocks that are done, in a folder of their own.
        key: Of texts and model.
        quiet: No progress bar.

    Returns:
        (n, d) float32, memory-mapped where it comes from the cache.

    Raises:
        UserError: Where the cache cannot be used.
    """
    folder = cache / "embedding" / hashlib.sha256(key.encode()).hexdigest()[:32]
    if is_cached(cache, key):
        return load_or_compute(cache, key, lambda: encode(texts, encoder, quiet))[0]

    def compute() -> Vectors:
        try:
            return encode(texts, encoder, quiet, folder, key)
        except (DamagedError, OtherOriginError) as error:
            print(f"{error.folder} is damaged and is embedded again", file=sys.stderr)
            shutil.rmtree(error.folder)
            return encode(texts, encoder, quiet, folder, key)

    with locking(folder):
        embeddings, _ = load_or_compute(cache, key, compute)
        shutil.rmtree(folder / "texts", ignore_errors=True)
    return embeddings


def encode(texts: Sequence[str], encoder: Encoder, quiet: bool, folder: Path | None = None, key: str = "") -> Vectors:
    """Embed each distinct text once.

    Args:
        texts: n of them.
        encoder: The model.
        quiet: No progress bar.
        folder: For the blocks that are done; None keeps them in memory.
        key: Of texts and model.

    Returns:
        (n, d) float32.
    """
    distinct = sorted(set(texts), key=lambda text: (-len(text), text))  # by length: less padding; slow ones first
    stage, done = None, 0
    blocks: list[Vectors] = []
    if folder is not None:
        shape = (len(distinct), encoder.dimensions)
        stage = ArrayStage(folder, "texts", {"key": key}, shape, np.float32)
        done = stage.n_done
    with tqdm(total=len(distinct), initial=done, desc="embedding", unit="text", disable=quiet) as bar:
        for first in range(done, len(distinct), BLOCK):
            block = encoder.encode(distinct[first : first + BLOCK])
            if stage is None:
                blocks.append(block)
            else:
                stage.write(block)
            bar.update(len(block))
    place = {text: place for place, text in enumerate(distinct)}
    embeddings = np.concatenate(blocks) if stage is None else stage.open()
    return np.asarray(embeddings[[place[text] for text in texts]])
