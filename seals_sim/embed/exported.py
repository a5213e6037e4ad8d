"""A model as an ONNX graph, for other runtimes: the same numbers as torch up to rounding, in less time.

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
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seals_sim.disk.cache import locking
from seals_sim.disk.files import compute_sha256, replacing
from seals_sim.disk.reading import read_array, read_content, read_json
from seals_sim.embed.batches import join_batches, list_batches
from seals_sim.embed.model_files import find_limit
from seals_sim.embed.names import Precision
from seals_sim.embed.runtimes import NEEDED, TITLES, ExportError, RunError, Runtime, RuntimeName, open_runtime
from seals_sim.errors import UserError, get_first_line
from seals_sim.progress import begin_step
from seals_sim.types import Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_PART, _FILES, _CHECKSUMS = "model", ("tokenizer.json", "model.onnx", "expected.npy"), "sha256.json"
_FORMAT = 2  # of what is stored; 1 read the beginnings of long texts even for a model that reads their ends
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_FARTHEST: dict[Precision, float] = {"float32": 1e-4, "bfloat16": 2e-2}
"""Largest deviation of any value from torch's in float32, relative to the length of the embedding."""
_PROBES = (
    "a cat", "Numbers like 12 and 3.5, (brackets), and  two blanks", "caf\u00e9 \u6587\u5b57 \U0001f600", " edges ",
    "x", "a sentence that is longer than the others, so that they are filled up to its length", "long " * 600,
)  # fmt: skip


def open_exported(
    folder: Path,
    load: Callable[[], SentenceTransformer],
    runtime: RuntimeName = "onnx",
    precision: Precision = "float32",
) -> ExportedModel:
    """Export a model, or open what an earlier call exported.

    Args:
        folder: A folder for this model alone; damaged files in it are replaced.
        load: Function that loads the model in torch.
        runtime: What runs the graph.
        precision: Precision of its matrix products.

    Raises:
        ExportError: If the graph does not give the same results as the model.
        UserError: If the folder cannot be written, or the model cannot be loaded.
    """
    folder = folder / f"torch {version('torch')}, transformers {version('transformers')}, {_FORMAT}"
    refused = folder / f"refused by {runtime} {version(NEEDED[runtime][-1])}, {precision}.txt"
    with locking(folder):
        if refused.exists():
            raise ExportError(read_content(refused).decode(errors="replace"))
        try:
            if not _is_whole(folder / _PART):
                shutil.rmtree(folder / _PART, ignore_errors=True)
                begin_step("preparing the model for this machine")
                _export(folder / _PART, load())
            return ExportedModel(folder / _PART, runtime, precision)
        except RunError:
            raise
        except ExportError as error:  # reported at once next time
            with replacing(refused, is_private=True) as temporary:
                temporary.write_text(str(error), encoding="utf-8")
            raise


class ExportedModel:
    """A graph and its tokenizer.

    Attributes:
        runtime: The name of what runs it.

    Args:
        folder: Their folder.
        runtime: What runs the graph.
        precision: Precision of its matrix products.

    Raises:
        ExportError: If they do not give the same results as torch.
        UserError: If they cannot be read.
    """

    def __init__(self, folder: Path, runtime: RuntimeName, precision: Precision) -> None:
        self.runtime = TITLES[runtime]
        self._folder, self._name, self._precision = folder, runtime, precision
        try:
            expected = read_array(self._folder / "expected.npy")
            given = self.encode(_PROBES)
        except (MemoryError, UserError):
            raise
        except Exception as error:  # runtimes and tokenizers raise exceptions of their own
            raise RunError(get_first_line(error)) from error
        _compare(given, expected, _FARTHEST[precision])

    @cached_property
    def _runtime(self) -> Runtime:
        return open_runtime(self._name, self._folder / "model.onnx", self._precision, _count_threads())

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
        runtime, (tokenizer, pad) = self._runtime, self._tokenizer
        tokens = [(one.ids, one.type_ids) for one in tokenizer.encode_batch(list(texts))]
        batches = list_batches([len(ids) for ids, _ in tokens], runtime.batch)

        def compute(batch: NDArray[np.int64]) -> NDArray[np.float32]:
            inputs = _fill_up([tokens[place] for place in batch.tolist()], pad)
            return runtime.run({name: inputs[name] for name in runtime.inputs})

        with ThreadPoolExecutor(max(1, min(_count_threads(), len(batches)))) as pool:
            return join_batches(batches, list(pool.map(compute, batches)), runtime.dimensions)


def _is_whole(folder: Path) -> bool:
    try:
        checksums = read_json(folder / _CHECKSUMS, dict[str, str])
        return all(compute_sha256(folder / name) == checksums.get(name) for name in _FILES)
    except (OSError, ValueError):
        return False


def _count_threads() -> int:
    import joblib  # takes a tenth of a second

    limit = os.environ.get("OMP_NUM_THREADS", "")
    return int(limit) if limit.isdecimal() and int(limit) else int(joblib.cpu_count())


def _fill_up(tokens: Sequence[tuple[list[int], list[int]]], pad: int) -> dict[str, NDArray[np.int64]]:
    shape = (len(tokens), max(len(ids) for ids, _ in tokens))
    ids, mask, types = np.full(shape, pad, dtype=np.int64), np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for row, (some, kinds) in enumerate(tokens):
        ids[row, : len(some)], types[row, : len(some)], mask[row, : len(some)] = some, kinds, 1
    return dict(zip(_INPUTS, (ids, mask, types), strict=True))


def _export(folder: Path, model: SentenceTransformer) -> None:
    expected = np.asarray(model.encode(list(_PROBES), show_progress_bar=False), dtype=np.float32)
    with replacing(folder / "tokenizer.json", is_private=True) as temporary:
        temporary.write_text(_describe_tokenizer(model), encoding="utf-8")
    with replacing(folder / "model.onnx", is_private=True) as temporary:
        _write_graph(model, temporary)
    with replacing(folder / "expected.npy", is_private=True) as temporary:
        np.save(temporary, expected, allow_pickle=False)
    with replacing(folder / _CHECKSUMS, is_private=True) as temporary:  # last: it shows that the others are complete
        temporary.write_text(json.dumps({name: compute_sha256(folder / name) for name in _FILES}), encoding="ascii")


def _describe_tokenizer(model: SentenceTransformer) -> str:
    from tokenizers import Tokenizer

    backend = getattr(model.tokenizer, "backend_tokenizer", None)
    if backend is None or model.tokenizer.pad_token_id is None:
        raise ExportError("its tokenizer is not from the package tokenizers")
    tokenizer, limit = Tokenizer.from_str(backend.to_str()), find_limit(model)
    if limit is None:
        tokenizer.no_truncation()
    else:
        tokenizer.enable_truncation(limit, direction=model.tokenizer.truncation_side)
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
    except OSError as error:
        raise RunError(get_first_line(error)) from error
    except Exception as error:  # from torch and from the model's own code
        raise ExportError(get_first_line(error)) from error


def _compare(given: Vectors, expected: Vectors, farthest: float) -> None:
    if given.shape != expected.shape:
        raise ExportError(f"the exported graph gives {given.shape[-1]} dimensions, torch {expected.shape[-1]}")
    lengths = np.linalg.norm(expected, axis=1, keepdims=True)
    if not (np.abs(given - expected) <= farthest * lengths).all():
        raise ExportError("the exported graph gives different numbers")
