"""Measuring a model: its dimensions, its speed, and how well it keeps categories of ICD-10-CM together."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from seals_sim.datasets import read_icd10cm
from seals_sim.disk.cache import compute_with_cache, is_cached
from seals_sim.embed.encoder import Encoder
from seals_sim.randomness import make_generator
from seals_sim.vectors.normalize import normalize

_N_NEIGHBORS = 10
_BLOCK = 128  # texts per step of the progress bar


@dataclass(frozen=True)
class ModelFacts:
    """Measurements of one model.

    Attributes:
        dimensions: Dimensions of its embedding.
        texts_per_second: Texts per CPU second, over all threads, on the texts of `agreement`.
        agreement: Mean share of a text's 10 nearest neighbors, by cosine, that have a concept in common with it.
    """

    dimensions: int
    texts_per_second: float
    agreement: float


def measure_model(encoder: Encoder, n: int, cache: Path | None = None, quiet: bool = True) -> ModelFacts:
    """Measure a model on randomly drawn descriptions of ICD-10-CM, or load an earlier measurement.

    Args:
        encoder: The model.
        n: Number of texts, at least 11.
        cache: The cache folder; None for none.
        quiet: Whether to hide the progress bar.

    Raises:
        UserError: If the model cannot be used, or the cache cannot be written.
    """
    facts = compute_with_cache(cache, _name(encoder, n), lambda: _measure(encoder, n, quiet))
    return ModelFacts(int(facts[0]), float(facts[1]), float(facts[2]))


def is_measured(encoder: Encoder, n: int, cache: Path) -> bool:
    """Whether `measure_model` would only load an earlier measurement."""
    return is_cached(cache, _name(encoder, n))


def _name(encoder: Encoder, n: int) -> str:
    return f"worth of model {encoder.digest} computed by {encoder.describe()} on {n} descriptions"


def _measure(encoder: Encoder, n: int, quiet: bool) -> Any:
    dataset = read_icd10cm()
    all_texts = dataset.texts
    assert all_texts is not None
    rows = make_generator(0, "model texts").choice(len(dataset), n, replace=False)
    rows = np.array(sorted(rows.tolist(), key=lambda row: -len(all_texts[row])))
    texts = [all_texts[row] for row in rows.tolist()]
    encoder.encode(["a sentence"])  # loads the model
    blocks, seconds = [], 0.0
    with tqdm(total=n, desc="measuring", unit="text", disable=quiet, leave=False) as bar:
        for first in range(0, n, _BLOCK):
            start = time.process_time()
            blocks.append(encoder.encode(texts[first : first + _BLOCK]))
            seconds += time.process_time() - start
            bar.update(len(blocks[-1]))
    vectors = normalize(np.concatenate(blocks), "the embeddings")
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -np.inf)
    nearest = np.argpartition(-similarity, _N_NEIGHBORS, axis=1)[:, :_N_NEIGHBORS]
    shares = np.zeros(nearest.shape, dtype=bool)
    for name in dataset.concepts:
        is_of = dataset.is_positive(name)[rows]
        shares |= is_of[:, None] & is_of[nearest]
    return np.array([vectors.shape[1], n / max(seconds, 1e-9), shares.mean()])
