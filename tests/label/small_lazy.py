"""The small corpus, embedded lazily. Quick to import, for the programs that tests start and kill."""

from __future__ import annotations

import threading
import time

import numpy as np

from seals_sim.embed.lazy import LazyVectors
from seals_sim.embed.lazy_store import LazyStore
from seals_sim.indexes import ExactIndex
from seals_sim.label.corpus import Corpus
from seals_sim.label.options import SessionOptions
from tests.label.small import IS_POSITIVE, TEXTS, VECTORS, encode

N, D = VECTORS.shape
STATIC = VECTORS + np.float32(0.05) * np.random.default_rng(1).normal(size=VECTORS.shape).astype(np.float32)
OPTIONS = SessionOptions(k=10, control_every=7, embed="lazy", copies="apart", widening=5)
LIKE = [f"text {IS_POSITIVE.argmax()}"]


class Model:
    """Gives a text the vector of the row that is its second word. It counts calls, and can fail or be slow in the
    background.
    """

    dimensions = D

    def __init__(self, seconds=0.0, bad=None, width=D):
        self.seconds, self.bad, self.width, self.seen = seconds, bad, width, []

    def encode(self, texts):
        if threading.current_thread().name == "embedding":
            time.sleep(self.seconds * len(texts))
        self.seen += texts
        vectors = 3 * encode(texts)[:, : self.width]
        for place, text in enumerate(texts):
            if self.bad is not None and text.split()[1] == str(self.bad):
                vectors[place] = np.nan
        return vectors


def open_corpus(folder, model=None, texts=TEXTS, first=None):
    """Simulated: the result of `build_lazy_corpus`, with a store in a folder."""
    lazy = LazyVectors(texts, first, model or Model(), LazyStore(folder, N, D), lambda embeddings: np.array(embeddings))
    index = ExactIndex(STATIC)
    return Corpus(lazy, index, "fingerprint", texts, lazy.encode, lazy=lazy, encode_queries=encode)
