"""Sending calls to workers in other processes: pickled, with memory-mapped arrays sent by path only."""

from __future__ import annotations

import io
import os
import pickle
import platform
from functools import cache, lru_cache
from importlib import metadata
from typing import Any

import numpy as np

from seals_sim.errors import UserError

PACKAGE = "seals-sim"


@cache
def describe_version() -> str:
    """The versions that all cooperating processes must share."""
    return name_version(metadata.version(PACKAGE), platform.python_version())


def name_version(package: str, python: str) -> str:
    """Format the versions of a process.

    Examples:
        >>> name_version("1.0.0", "3.11.9")
        'seals-sim 1.0.0 on Python 3.11'
    """
    return f"{PACKAGE} {package} on Python {'.'.join(python.split('.')[:2])}"


def require_same_version(version: str, address: str) -> None:
    """Check the versions of another process of a cluster.

    Args:
        version: Result of `describe_version` in that process.
        address: Address of the cluster.

    Raises:
        UserError: If they differ from those of this process.
    """
    if version != describe_version():
        problem = f"one process has {version}, another {describe_version()}; install the same versions everywhere"
        raise UserError(problem, parameter="cluster", value=address)


def call_packed(address: str, version: str, digest: str, packed: bytes, argument: bytes) -> Any:
    """In a worker: call function(shared, argument). The first two are unpacked once per process.

    Raises:
        UserError: If the worker, which may have joined late, has other versions than the caller.
    """
    require_same_version(version, address)
    function, shared = _unpack_once(_Packed(digest, packed))
    return function(shared, pickle.loads(argument))


class _Packed:
    """Bytes that are compared by digest."""

    def __init__(self, digest: str, content: bytes) -> None:
        self.digest, self.content = digest, content

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Packed) and other.digest == self.digest


@lru_cache(maxsize=2)
def _unpack_once(packed: _Packed) -> Any:
    value = pickle.loads(packed.content)
    packed.content = b""
    return value


def pack(value: object) -> bytes:
    """Pickle a value for the workers; a memory-mapped array is sent by path and mapped again there."""
    out = io.BytesIO()
    _MappedByPath(out, pickle.HIGHEST_PROTOCOL).dump(value)
    return out.getvalue()


class _MappedByPath(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        root = value
        while isinstance(root, np.ndarray) and isinstance(root.base, np.ndarray):
            root = root.base
        if not isinstance(root, np.memmap) or root.filename is None or not value.flags.c_contiguous:
            return NotImplemented
        begins = (array.__array_interface__["data"][0] for array in (value, root))
        place = root.offset + next(begins) - next(begins)
        return _map_again, (os.fspath(root.filename), value.dtype.str, value.shape, place)


def _map_again(path: str, dtype: str, shape: tuple[int, ...], offset: int) -> Any:
    return np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=shape)
