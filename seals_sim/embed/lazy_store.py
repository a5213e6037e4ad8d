"""Embeddings of some rows of a table on disk, in whatever order they are made; a kill loses the batch in hand at most.

The array has room for all rows and takes disk for those that are there (a sparse file). A list beside it names them,
each with a checksum of its embedding, and is written after it.
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
    """A folder with the embeddings that are made so far. Two processes, or two corpora of one, get one each.

    Attributes:
        folder: The one that was free.
        array: (n, d) float32, memory-mapped for reading. Rows that are not there are zero.
        is_there: (n,) bool.
    """

    def __init__(self, parent: Path, n: int, d: int) -> None:
        """Open the first folder that nobody has open, or make one.

        Args:
            parent: Of the folders, for one table and one model.
            n: Rows of the table.
            d: Dimensions of the embeddings.

        Raises:
            UserError: Where it cannot be written.
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
        with suppress(FileNotFoundError, ValueError):  # ValueError: cut off, or no array
            self.array = open_memmap(self._path, mode="r")
            if self.array.shape == (n, d) and self.array.dtype == np.float32 and self.array.flags.c_contiguous:
                return
        self._list.unlink(missing_ok=True)  # it is about another array
        require_room(self._path, 4 * n * d)
        with replacing(self._path, is_private=True) as temporary:
            open_memmap(temporary, mode="w+", dtype=np.float32, shape=(n, d))
        self.array = open_memmap(self._path, mode="r")

    def _read_list(self) -> None:
        """Believe the entries whose checksums are right."""
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
        """Add rows (m,) and their embeddings (m, d), which outlive this process when this returns.

        After a power failure some may be missing, and are then embedded again.

        Raises:
            UserError: Where they cannot be written.
        """
        entries = np.empty(len(rows), dtype=_ENTRY)
        entries["row"], entries["crc32"] = rows, [zlib.crc32(row) for row in embeddings]
        try:  # not through the mapped memory: there a full disk is no error but the end of the process
            with self._path.open("r+b", buffering=0) as file:
                for row, embedding in zip(rows.tolist(), embeddings, strict=True):
                    _write_all(file.fileno(), embedding.tobytes(), self.array.offset + row * self.array.strides[0])
            _append_whole(self._list, entries.tobytes())
        except OSError as error:
            raise explain_unwritable(self._path, error) from error
        self.is_there[rows] = True

    def remove(self) -> None:
        """Remove the folder; what was read stays."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.close()

    def close(self) -> None:
        """Leave the folder to others."""
        self._lock.release()


def has_store(parent: Path) -> bool:
    """Whether embeddings of one table and one model have been begun in a store."""
    return any(parent.glob("lazy-*/list.bin"))


def _append_whole(path: Path, content: bytes) -> None:
    """Append all or nothing: after a part of an entry no later one would be found."""
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
