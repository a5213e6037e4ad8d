"""The precision a model runs in: bfloat16 if the CPU has instructions for it, otherwise float32."""

from __future__ import annotations

import sys
from pathlib import Path

from seals_sim.embed.names import AutoBackend, AutoPrecision, Precision

_CPUINFO = Path("/proc/cpuinfo")
_BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})
_GPU_DEVICES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")  # NVIDIA, AMD, and either under WSL


def choose_precision(cpuinfo: Path = _CPUINFO) -> Precision:
    """Choose by the CPU's instructions: without support for it, bfloat16 is slower than float32.

    Args:
        cpuinfo: The file in which Linux lists the CPU flags. If there is none, float32 is chosen.

    Returns:
        "bfloat16" or "float32".

    Examples:
        >>> choose_precision(Path("no such file"))
        'float32'
    """
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "float32"
    flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), [])
    return "float32" if _BFLOAT16_FLAGS.isdisjoint(flags) else "bfloat16"


def resolve_precision(precision: AutoPrecision, backend: AutoBackend, is_static: bool) -> Precision:
    """Resolve auto: float32 for static models, for onnx and with a GPU, otherwise `choose_precision`.

    Examples:
        >>> resolve_precision("bfloat16", "torch", False), resolve_precision("auto", "onnx", False)
        ('bfloat16', 'float32')
    """
    if precision != "auto":
        return precision
    return "float32" if is_static or backend == "onnx" or sees_gpu() else choose_precision()


def sees_gpu() -> bool:
    """Whether torch sees a GPU. Torch takes seconds to import, so it is asked only if there may be one.

    Examples:
        >>> sees_gpu() in (True, False)
        True
    """
    if sys.platform == "linux" and not any(Path(device).exists() for device in _GPU_DEVICES):
        return False
    import torch

    return bool(torch.accelerator.is_available())
