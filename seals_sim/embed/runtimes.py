"""What runs an exported graph instead of torch: onnxruntime, or OpenVINO, which also computes in bfloat16."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from seals_sim.embed.names import Precision

RuntimeName = Literal["onnx", "openvino"]
RUNTIMES: tuple[RuntimeName, ...] = get_args(RuntimeName)  # the first that can is preferred
NEEDED: dict[RuntimeName, tuple[str, ...]] = {
    "onnx": ("onnx", "onnxruntime"),  # torch's exporter imports the former
    "openvino": ("onnx", "openvino"),
}
"""Packages of the extra with the same name."""
PRECISIONS: dict[RuntimeName, tuple[Precision, ...]] = {"onnx": ("float32",), "openvino": ("float32", "bfloat16")}
TITLES: dict[RuntimeName, str] = {"onnx": "onnxruntime", "openvino": "OpenVINO"}


class ExportError(Exception):
    """The model cannot be exported, or gives different numbers after export."""


class RunError(ExportError):
    """The graph cannot be run here and now; another CPU, a newer package or a later try may run it."""


class Runtime(Protocol):
    """A graph that is ready to run.

    Attributes:
        inputs: Names of its inputs.
        dimensions: Dimensions of an embedding.
        batch: Texts per call, so that their values stay in the CPU cache.
    """

    inputs: frozenset[str]
    dimensions: int
    batch: int

    def run(self, inputs: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        """Compute a batch, in the calling thread: (texts, dimensions)."""


def is_installed(runtime: RuntimeName) -> bool:
    """Whether the packages that export and run a graph are installed."""
    return all(find_spec(name) is not None for name in NEEDED[runtime])


def open_runtime(runtime: RuntimeName, graph: Path, precision: Precision, n_threads: int) -> Runtime:
    """Open a graph.

    Args:
        runtime: What runs it.
        graph: An ONNX file.
        precision: One of its `PRECISIONS`.
        n_threads: Threads that call it at the same time.

    Raises:
        RunError: If it does not compute in this precision on this CPU.
        Exception: Each runtime raises its own kinds for a graph that it cannot run.
    """
    return _OnnxRuntime(graph) if runtime == "onnx" else _OpenVino(graph, precision, n_threads)


class _OnnxRuntime:
    batch = 8

    def __init__(self, graph: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # batches are spread over threads, so no thread waits for another
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        self.inputs = frozenset(one.name for one in self._session.get_inputs())
        self.dimensions = int(self._session.get_outputs()[0].shape[1])

    def run(self, inputs: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        return np.asarray(self._session.run(None, dict(inputs))[0], dtype=np.float32)


class _OpenVino:
    batch = 32

    def __init__(self, graph: Path, precision: Precision, n_threads: int) -> None:
        import openvino

        wanted = getattr(openvino.Type, "bf16" if precision == "bfloat16" else "f32")
        options = {"INFERENCE_PRECISION_HINT": wanted, "NUM_STREAMS": n_threads, "INFERENCE_NUM_THREADS": n_threads}
        compiled = openvino.Core().compile_model(str(graph), "CPU", options)
        if compiled.get_property("INFERENCE_PRECISION_HINT") != wanted:  # it is a hint
            raise RunError(f"OpenVINO does not compute in {precision} on this CPU")
        self.inputs = frozenset(one.get_any_name() for one in compiled.inputs)
        self.dimensions = int(compiled.outputs[0].get_partial_shape()[1].get_length())
        self._requests: SimpleQueue[Any] = SimpleQueue()
        for _ in range(n_threads):
            self._requests.put(compiled.create_infer_request())

    def run(self, inputs: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        request = self._requests.get()
        try:
            request.infer(dict(inputs))
            return np.array(request.get_output_tensor(0).data, dtype=np.float32)
        finally:
            self._requests.put(request)
