"""Calls on their way to workers of other processes: pickled, and arrays that are mapped from files by path alone."""

from __future__ import annotations

import io
import os
import pickle
from functools import lru_cache
from typing import Any

import numpy as np


def call_packed(digest: str, packed: bytes, argument: bytes) -> Any:
    """In a worker: call function(shared, argument). The first two are unpacked once a process."""
    function, shared = _unpack_once(_Packed(digest, packed))
    return function(shared, pickle.loads(argument))


class _Packed:
    """Bytes that are compared by their digest."""

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
    """Pickle a value for the workers; an array that is mapped from a file is only named, and mapped again there."""
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
