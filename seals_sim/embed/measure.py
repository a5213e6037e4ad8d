"""What a model is worth here: its dimension and speed, and how well it keeps categories of ICD-10-CM together."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from seals_sim.datasets import read_icd10cm
from seals_sim.embed.encoder import Encoder
from seals_sim.embed.names import Precision
from seals_sim.randomness import make_generator
from seals_sim.vectors.normalize import normalize

_N_NEIGHBORS = 10


@dataclass(frozen=True)
class ModelFacts:
    """Of one model.

    Attributes:
        dimensions: Of its embedding.
        texts_per_second: Of processor time, over all threads, on the texts of `agreement`.
        agreement: Mean part of a text's 10 nearest neighbors, by cosine, that share a concept with it.
    """

    dimensions: int
    texts_per_second: float
    agreement: float


def measure_model(model: str, precision: Precision, n: int) -> ModelFacts:
    """Measure a model on descriptions of ICD-10-CM drawn at random.

    Args:
        model: By name or folder.
        precision: Of the model.
        n: How many texts, at least 11.

    Returns:
        The facts.

    Raises:
        UserError: Where there is no such model.
    """
    dataset = read_icd10cm()
    assert dataset.texts is not None
    rows = make_generator(0, "model texts").choice(len(dataset), n, replace=False)
    texts = sorted((dataset.texts[row] for row in rows.tolist()), key=len)
    order = {text: place for place, text in enumerate(texts)}
    encoder = Encoder(model, precision=precision)
    encoder.encode(["a sentence"])  # loads it
    start = time.process_time()
    embeddings = encoder.encode(texts)
    seconds = time.process_time() - start
    vectors = normalize(embeddings[[order[dataset.texts[row]] for row in rows.tolist()]], model)
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -np.inf)
    nearest = np.argpartition(-similarity, _N_NEIGHBORS, axis=1)[:, :_N_NEIGHBORS]
    shares = np.zeros(nearest.shape, dtype=bool)
    for name in dataset.concepts:
        is_of = dataset.is_positive(name)[rows]
        shares |= is_of[:, None] & is_of[nearest]
    return ModelFacts(vectors.shape[1], n / max(seconds, 1e-9), float(shares.mean()))
