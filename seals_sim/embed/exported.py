"""A model as an ONNX graph, run by onnxruntime: the same numbers as torch up to rounding, in less time.

The whole sentence-transformers model is exported, from tokens to embedding, so pooling and normalization are the
model's own. Its tokenizer and torch's results for a few texts are stored with the graph. Each time the graph is opened,
its files must be unchanged and it must give the same results for these texts.
"""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seals_sim.disk.cache import locking
from seals_sim.disk.files import compute_sha256, replacing
from seals_sim.disk.reading import read_array, read_content, read_json
from seals_sim.errors import get_first_line
from seals_sim.progress import begin_step
from seals_sim.types import Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

NEEDED = ("onnx", "onnxruntime")  # the extra onnx; torch's exporter imports the former
_PART, _FILES, _CHECKSUMS = "model", ("tokenizer.json", "model.onnx", "expected.npy"), "sha256.json"
_REFUSED = "refused.txt"
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_BATCH = 8  # texts per thread at a time: their values stay in the CPU cache
_FARTHEST = 1e-4  # largest deviation of any value from torch's, relative to the length of the embedding
_PROBES = (
    "a cat", "Numbers like 12 and 3.5, (brackets), and  two blanks", "caf\u00e9 \u6587\u5b57 \U0001f600", " edges ",
    "x", "a sentence that is longer than the others, so that they are filled up to its length", "long " * 600,
)  # fmt: skip


class ExportError(Exception):
    """The model cannot be exported, or gives different numbers after export."""


def is_installed() -> bool:
    """Whether the packages that export and run a graph are installed."""
    return all(find_spec(name) is not None for name in NEEDED)


def open_exported(folder: Path, load: Callable[[], SentenceTransformer]) -> ExportedModel:
    """Export a model, or open what an earlier call exported.

    Args:
        folder: A folder for this model alone; damaged files in it are replaced.
        load: Function that loads the model in torch.

    Raises:
        ExportError: If the graph does not give the same results as the model.
        UserError: If the folder cannot be written, or the model cannot be loaded.
    """
    folder = folder / f"torch {version('torch')}, transformers {version('transformers')}"
    with locking(folder):
        if (folder / _REFUSED).exists():
            raise ExportError(read_content(folder / _REFUSED).decode(errors="replace"))
        try:
            return ExportedModel(folder)
        except ExportError:
            shutil.rmtree(folder / _PART, ignore_errors=True)
        begin_step("preparing the model for this machine")
        try:
            _export(folder, load())
            return ExportedModel(folder)
        except ExportError as error:  # reported at once next time
            shutil.rmtree(folder / _PART, ignore_errors=True)
            with replacing(folder / _REFUSED, is_private=True) as temporary:
                temporary.write_text(str(error), encoding="utf-8")
            raise


class ExportedModel:
    """A graph and its tokenizer.

    Args:
        folder: Their folder.

    Raises:
        ExportError: If they are missing or damaged, or do not give the same results as torch.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / _PART
        try:
            _require_whole(self._folder)
            expected = read_array(self._folder / "expected.npy")
            given = self.encode(_PROBES)
        except Exception as error:  # onnxruntime and tokenizers raise exceptions of their own
            raise ExportError(get_first_line(error)) from error
        _compare(given, expected)

    @cached_property
    def _session(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # batches are spread over threads, so no thread waits for another
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(
            str(self._folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )

    @cached_property
    def _tokenizer(self) -> tuple[Any, int]:
        """The tokenizer and the padding id: texts are padded batch by batch, not all to one length as by default."""
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        padding = tokenizer.padding
        tokenizer.no_padding()
        return tokenizer, 0 if padding is None else int(padding["pad_id"])

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Embed n texts: (n, d) float32."""
        names = {one.name for one in self._session.get_inputs()}
        tokenizer, pad = self._tokenizer
        tokens = [(one.ids, one.type_ids) for one in tokenizer.encode_batch(list(texts))]
        by_length = sorted(range(len(tokens)), key=lambda place: -len(tokens[place][0]))
        batches = [by_length[start : start + _BATCH] for start in range(0, len(by_length), _BATCH)]

        def compute(batch: Sequence[int]) -> NDArray[np.float32]:
            inputs = _fill_up([tokens[place] for place in batch], pad)
            given = self._session.run(None, {name: inputs[name] for name in names})
            return np.asarray(given[0], dtype=np.float32)

        with ThreadPoolExecutor(max(1, min(_count_threads(), len(batches)))) as pool:
            computed = list(pool.map(compute, batches))
        embeddings = np.empty((len(texts), self._session.get_outputs()[0].shape[1]), dtype=np.float32)
        for batch, some in zip(batches, computed, strict=True):
            embeddings[batch] = some
        return embeddings


def _require_whole(folder: Path) -> None:
    checksums = read_json(folder / _CHECKSUMS, dict[str, str])
    for name in _FILES:
        if compute_sha256(folder / name) != checksums.get(name):
            raise ExportError(f"{folder / name} is damaged")


def _count_threads() -> int:
    import joblib  # takes a tenth of a second

    limit = os.environ.get("OMP_NUM_THREADS", "")
    return int(limit) if limit.isdigit() and int(limit) else int(joblib.cpu_count())


def _fill_up(tokens: Sequence[tuple[list[int], list[int]]], pad: int) -> dict[str, NDArray[np.int64]]:
    shape = (len(tokens), max(len(ids) for ids, _ in tokens))
    ids, mask, types = np.full(shape, pad, dtype=np.int64), np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for row, (some, kinds) in enumerate(tokens):
        ids[row, : len(some)], types[row, : len(some)], mask[row, : len(some)] = some, kinds, 1
    return dict(zip(_INPUTS, (ids, mask, types), strict=True))


def _export(folder: Path, model: SentenceTransformer) -> None:
    expected = np.asarray(model.encode(list(_PROBES), show_progress_bar=False), dtype=np.float32)
    part = folder / _PART
    with replacing(part / "tokenizer.json", is_private=True) as temporary:
        temporary.write_text(_describe_tokenizer(model), encoding="utf-8")
    with replacing(part / "model.onnx", is_private=True) as temporary:
        _write_graph(model, temporary)
    with replacing(part / "expected.npy", is_private=True) as temporary:
        np.save(temporary, expected, allow_pickle=False)
    with replacing(part / _CHECKSUMS, is_private=True) as temporary:  # last: it shows that the others are complete
        temporary.write_text(json.dumps({name: compute_sha256(part / name) for name in _FILES}), encoding="ascii")


def _describe_tokenizer(model: SentenceTransformer) -> str:
    from tokenizers import Tokenizer

    backend = getattr(model.tokenizer, "backend_tokenizer", None)
    if backend is None or model.max_seq_length is None or model.tokenizer.pad_token_id is None:
        raise ExportError("its tokenizer is not from the package tokenizers")
    tokenizer = Tokenizer.from_str(backend.to_str())
    tokenizer.enable_truncation(model.max_seq_length)
    tokenizer.enable_padding(pad_id=model.tokenizer.pad_token_id, pad_token=model.tokenizer.pad_token)
    described = tokenizer.to_str()
    return str(described)


def _write_graph(model: SentenceTransformer, path: Path) -> None:
    import torch

    names = [name for name in _INPUTS if name in model.tokenizer.model_input_names]

    class Whole(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *inputs: Any) -> Any:
            return self.model(dict(zip(names, inputs, strict=True)))["sentence_embedding"]

    example = _fill_up([([0] * 3, [0] * 3), ([0] * 5, [0] * 5)], 0)  # two lengths, so that the graph has the mask
    axes = {name: {0: "texts", 1: "tokens"} for name in names} | {"embedding": {0: "texts"}}
    try:
        with warnings.catch_warnings(action="ignore"), torch.no_grad():
            torch.onnx.export(
                Whole().eval(),
                tuple(torch.from_numpy(example[name]).to(model.device) for name in names),
                str(path),
                input_names=names,
                output_names=["embedding"],
                dynamic_axes=axes,
                dynamo=False,  # the newer exporter needs another package and gives the same graph
            )
    except Exception as error:  # from torch and from the model's own code
        raise ExportError(get_first_line(error)) from error


def _compare(given: Vectors, expected: Vectors) -> None:
    if given.shape != expected.shape:
        raise ExportError(f"the exported graph gives {given.shape[-1]} dimensions, torch {expected.shape[-1]}")
    lengths = np.linalg.norm(expected, axis=1, keepdims=True)
    if not (np.abs(given - expected) <= _FARTHEST * lengths).all():
        raise ExportError("the exported graph gives different numbers")
