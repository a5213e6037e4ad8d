"""Sentence encoders: models of sentence-transformers, by name or folder."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seals_sim.disk.cache import compute_with_cache, get_default_folder
from seals_sim.embed.batches import join_batches, list_batches
from seals_sim.embed.exported import ExportedModel, open_exported
from seals_sim.embed.model_files import compute_digest, find_limit, find_model, is_static_model, load_model
from seals_sim.embed.names import DEFAULT_MODEL, AutoBackend, Precision
from seals_sim.embed.precision import sees_gpu
from seals_sim.embed.runtimes import NEEDED, PRECISIONS, RUNTIMES, TITLES, ExportError, RuntimeName, is_installed
from seals_sim.errors import UserError
from seals_sim.progress import begin_step
from seals_sim.types import Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_BATCH = 32  # texts per model call; the default of sentence-transformers
_STATIC_BATCH = 4096  # with 32, the overhead of calls is ten times the work of a static model


class Encoder:
    """A sentence-transformers model, loaded on first use.

    Attributes:
        digest: Digest of the model's files, whatever the backend: the embeddings are the same up to rounding.
    """

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        backend: AutoBackend = "torch",
        precision: Precision = "float32",
        cache: Path | None = None,
    ) -> None:
        """Find a model.

        Args:
            model: A name or a folder.
            backend: What runs the model. auto chooses the first of onnx and openvino that is installed, computes in
                this precision and gives the same as torch; torch if there is none or it sees a GPU.
            precision: Precision of matrix products; not with the backend onnx. Static models have none.
            cache: Folder for an exported model; None for the default cache.

        Raises:
            UserError: If there is no such model, or the backend is not installed or does not support the precision.
        """
        folder = find_model(model)
        if backend in RUNTIMES:
            _require_runtime(backend, precision)
        self.digest = compute_digest(folder)
        self._name, self._folder, self._backend, self._precision = model, folder, backend, precision
        self._cache = cache

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process, perhaps on another machine: only the name, since the files exist there too."""
        return _find_same, (self._name, self._backend, self._precision, self._cache, self.digest)

    @cached_property
    def _model(self) -> SentenceTransformer:
        begin_step("loading the model")
        return load_model(self._folder)

    @cached_property
    def is_static(self) -> bool:
        """Whether it is a mean of token vectors, which is almost free to compute."""
        return is_static_model(self._folder)

    @cached_property
    def _exported(self) -> ExportedModel | None:
        """The exported graph; None if torch runs the model."""
        runtime = None if self.is_static else self._choose_runtime()
        if runtime is None:
            return None
        try:
            cache = get_default_folder() if self._cache is None else self._cache
            return open_exported(cache / "onnx" / self.digest[:32], lambda: self._model, runtime, self._precision)
        except (ExportError, UserError) as error:
            if self._backend != "auto":
                raise UserError(f"cannot run this model ({error})", parameter="backend", value=runtime) from error
            print(f"using torch, since {TITLES[runtime]} cannot run this model: {error}", file=sys.stderr)
            return None

    def _choose_runtime(self) -> RuntimeName | None:
        if self._backend in RUNTIMES:
            return self._backend
        if self._backend == "torch" or sees_gpu():
            return None
        return next((name for name in RUNTIMES if self._precision in PRECISIONS[name] and is_installed(name)), None)

    def describe(self) -> str:
        """What runs the model, in words. Exports the model if that is needed to find out."""
        if self.is_static:
            return "torch float32"
        return f"{'torch' if self._exported is None else self._exported.runtime} {self._precision}"

    @property
    def dimensions(self) -> int:
        """Dimensions of an embedding."""
        return int(self.encode(["a sentence"]).shape[1])

    @property
    def max_tokens(self) -> int | None:
        """Number of tokens of a text that the model reads, or None if it reads any number."""
        return find_limit(self._model)

    def find_cut(self, texts: Sequence[str]) -> list[str]:
        """Find the texts of which the model reads only the beginning.

        A token is at least one byte, so short texts need no check.

        Raises:
            UserError: If the model cannot be loaded.
        """
        limit, tokenize = self.max_tokens, self._model.tokenizer
        long = [] if limit is None else [text for text in texts if len(text.encode("utf-8", "replace")) > limit - 2]
        if not long or not callable(tokenize):
            return []
        options = {"truncation": False, "padding": False, "verbose": False, "return_attention_mask": False}
        tokens = tokenize(long, **options)["input_ids"]
        return [text for text, some in zip(long, tokens, strict=True) if len(some) > (limit or 0)]

    def count_own_tokens(self) -> int:
        """Number of tokens of the text itself that the model reads, not counting those it adds to each text.

        Raises:
            UserError: If it reads any number of tokens, or does not report where they are.
        """
        limit, tokenizer = self.max_tokens, self._model.tokenizer
        if limit is None:
            raise UserError("reads texts of any length; omit chunks", parameter="model", value=self._name)
        if not getattr(tokenizer, "is_fast", False):
            problem = "does not report where its tokens are, so texts cannot be cut into chunks"
            raise UserError(problem, parameter="model", value=self._name)
        return limit - int(tokenizer.num_special_tokens_to_add())

    def find_tokens(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Where each token of texts begins and ends, in characters, for a model that `count_own_tokens` accepts."""
        if not texts:
            return []
        options = {"truncation": False, "padding": False, "verbose": False, "add_special_tokens": False}
        tokens = self._model.tokenizer(list(texts), return_offsets_mapping=True, **options)["offset_mapping"]
        return [[(start, end) for start, end in some] for some in tokens]

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Embed texts.

        Args:
            texts: n texts.

        Returns:
            (n, dimensions) float32.

        Raises:
            UserError: If the model or its backend cannot be loaded, or gives a vector that is not finite.
        """
        vectors = self._encode_by_torch(texts) if self._exported is None else self._exported.encode(texts)
        is_finite = np.isfinite(vectors).all(axis=-1)
        if not is_finite.all():
            problem = f"gives a vector that is not finite for the text {texts[int(np.argmin(is_finite))]!r:.60}"
            raise UserError(f"{problem}; use another model or remove the text", parameter="model", value=self._name)
        return vectors

    def _encode_by_torch(self, texts: Sequence[str]) -> Vectors:
        size = _STATIC_BATCH if self.is_static else _BATCH

        def encode(some: list[str]) -> Vectors:
            return np.asarray(self._model.encode(some, batch_size=size, show_progress_bar=False), dtype=np.float32)

        with self._computing():
            n_tokens = None if self.is_static or len(texts) <= size else self._count_tokens(texts)
            if n_tokens is None:
                return encode(list(texts))
            batches = list_batches(n_tokens, size)
            embedded = [encode([texts[place] for place in batch.tolist()]) for batch in batches]
        return join_batches(batches, embedded, embedded[0].shape[1])

    def _count_tokens(self, texts: Sequence[str]) -> list[int] | None:
        """Tokens of each text; None for a model whose tokenizer does not say."""
        from transformers import PreTrainedTokenizerBase

        limit, tokenize = self.max_tokens, self._model.tokenizer
        if limit is None or not isinstance(tokenize, PreTrainedTokenizerBase):
            return None
        tokens = tokenize(list(texts), truncation=True, max_length=limit, padding=False, verbose=False)["input_ids"]
        return [len(some) for some in tokens]

    def _computing(self) -> AbstractContextManager[Any]:
        """The weights stay float32 and only products are rounded: more accurate than a model cast to bfloat16."""
        if self._precision == "float32":
            return nullcontext()
        import torch

        return torch.autocast(self._model.device.type, torch.bfloat16)


def find_dimensions(encoder: Encoder, cache: Path) -> int:
    """The dimensions of an encoder's embeddings, cached, since loading the model takes seconds."""
    try:
        found = compute_with_cache(cache, f"dimensions of {encoder.digest}", lambda: np.array([encoder.dimensions]))
    except UserError:  # a read-only cache
        return encoder.dimensions
    return int(found[0])


def _require_runtime(runtime: RuntimeName, precision: Precision) -> None:
    if precision not in PRECISIONS[runtime]:
        raise UserError(
            f"computes only in {PRECISIONS[runtime][0]}; omit precision", parameter="backend", value=runtime
        )
    if not is_installed(runtime):
        problem = f"needs the packages {' and '.join(NEEDED[runtime])}: pip install 'seals-sim[{runtime}]'"
        raise UserError(problem, parameter="backend", value=runtime)


def _find_same(model: str, backend: AutoBackend, precision: Precision, cache: Path | None, digest: str) -> Encoder:
    encoder = Encoder(model, backend, precision, cache)
    if encoder.digest != digest:
        raise UserError("a worker has different files under this name", parameter="model", value=model)
    return encoder
