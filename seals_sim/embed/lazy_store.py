"""Embeddings of some rows of a table on disk, in any order. A kill loses at most the current batch.

The array has room for all rows but uses disk only for existing ones (a sparse file). A separate list names these rows,
each with a checksum of its embedding, and is written after the array.
"""

from __future__ import annotations

import os
import shutil
import zlib
from contextlib import suppress
from itertools import count
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from numpy.lib.format import open_memmap

from seals_sim.disk.files import explain_unwritable, make_folder, replacing, require_room
from seals_sim.types import Rows, Vectors

_ENTRY = np.dtype([("row", "<i8"), ("crc32", "<u4")])
_CHECKED = 4096  # rows at a time


class LazyStore:
    """A folder with the embeddings made so far. Two processes, or two corpora in one process, get one folder each.

    Attributes:
        folder: The folder in use.
        array: (n, d) float32, memory-mapped for reading. Missing rows are zero.
        is_there: (n,) bool, which rows exist.
    """

    def __init__(self, parent: Path, n: int, d: int) -> None:
        """Open the first folder that is not in use, or create one.

        Args:
            parent: Parent of these folders, for one table and one model.
            n: Rows of the table.
            d: Dimensions of the embeddings.

        Raises:
            UserError: If it cannot be written.
        """
        try:
            self._open_folder(parent)
            self._open_array(n, d)
        except OSError as error:
            raise explain_unwritable(parent, error) from error
        self.is_there = np.zeros(n, dtype=np.bool_)
        self._read_list()

    def _open_folder(self, parent: Path) -> None:
        for number in count():
            self.folder = parent / f"lazy-{number}"
            make_folder(self.folder, is_private=True)
            self._lock = FileLock(self.folder / ".lock", timeout=0)
            with suppress(Timeout):
                self._lock.acquire()
                return

    def _open_array(self, n: int, d: int) -> None:
        self._path, self._list = self.folder / "array.npy", self.folder / "list.bin"
        with suppress(FileNotFoundError, ValueError):  # ValueError: truncated, or not an array
            self.array = open_memmap(self._path, mode="r")
            if self.array.shape == (n, d) and self.array.dtype == np.float32 and self.array.flags.c_contiguous:
                return
        self._list.unlink(missing_ok=True)  # it belongs to another array
        require_room(self._path, 4 * n * d)
        with replacing(self._path, is_private=True) as temporary:
            open_memmap(temporary, mode="w+", dtype=np.float32, shape=(n, d))
        self.array = open_memmap(self._path, mode="r")

    def _read_list(self) -> None:
        """Accept the entries whose checksums match."""
        content = self._list.read_bytes() if self._list.exists() else b""
        n_whole = len(content) // _ENTRY.itemsize
        if len(content) % _ENTRY.itemsize:
            os.truncate(self._list, n_whole * _ENTRY.itemsize)
        entries = np.frombuffer(content, dtype=_ENTRY, count=n_whole)
        entries = entries[(entries["row"] >= 0) & (entries["row"] < len(self.array))]
        for first in range(0, len(entries), _CHECKED):
            some = entries[first : first + _CHECKED]
            is_right = [zlib.crc32(row) == crc for row, crc in zip(self.array[some["row"]], some["crc32"], strict=True)]
            self.is_there[some["row"][is_right]] = True

    def write(self, rows: Rows, embeddings: Vectors) -> None:
        """Add rows (m,) and their embeddings (m, d). Once this returns, they survive the end of the process.

        After a power failure some may be missing and are then embedded again.

        Raises:
            UserError: If they cannot be written.
        """
        entries = np.empty(len(rows), dtype=_ENTRY)
        entries["row"], entries["crc32"] = rows, [zlib.crc32(row) for row in embeddings]
        try:  # not through the memory map, where a full disk is not an error but ends the process
            with self._path.open("r+b", buffering=0) as file:
                for row, embedding in zip(rows.tolist(), embeddings, strict=True):
                    _write_all(file.fileno(), embedding.tobytes(), self.array.offset + row * self.array.strides[0])
            _append_whole(self._list, entries.tobytes())
        except OSError as error:
            raise explain_unwritable(self._path, error) from error
        self.is_there[rows] = True

    def remove(self) -> None:
        """Remove the folder; arrays that were read remain valid."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.close()

    def close(self) -> None:
        """Release the folder to others."""
        self._lock.release()


def has_store(parent: Path) -> bool:
    """Whether a store with embeddings of this table and model exists."""
    return any(parent.glob("lazy-*/list.bin"))


def _append_whole(path: Path, content: bytes) -> None:
    """Append all or nothing: after a partial entry, later ones could not be found."""
    with path.open("ab", buffering=0) as file:
        before = file.seek(0, os.SEEK_END)
        try:
            while content:
                content = content[file.write(content) :]
        except OSError:
            os.truncate(path, before)
            raise


def _write_all(handle: int, content: bytes, offset: int) -> None:
    while content:
        n_written = os.pwrite(handle, content, offset)
        content, offset = content[n_written:], offset + n_written
