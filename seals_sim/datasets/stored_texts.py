"""The texts and other columns of a large table in an Arrow file on disk; only those in use are in memory.

A single text is read from the memory-mapped file. A pass over all texts reads batch by batch, so none of the file's
pages stay in this process. Both keep the file open, so it may be replaced or removed meanwhile.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.ipc
from numpy.typing import NDArray

from seals_sim.datasets.dataset import update_with_texts
from seals_sim.disk.reading import explain_unreadable
from seals_sim.errors import DamagedError
from seals_sim.types import Rows
from seals_sim.vectors.copies import Copies

BATCH = 16_384  # rows per batch; only the last may have fewer
HASH_BYTES = 16  # among ten million texts, two share a hash with a probability of 10**-22
TEXT, HASH, ROW = "text", "hash", "row"
JSON_PREFIX, NATIVE_PREFIX = "json ", "cell "


class StoredFile:
    """An open Arrow file with rows in batches of equal size.

    Args:
        path: Path of the file.
        n: Expected number of rows.

    Attributes:
        path: Path of the file.
        n: Rows.

    Raises:
        DamagedError: If it does not have these rows.
        UserError: If it cannot be read.
    """

    def __init__(self, path: Path, n: int) -> None:
        try:
            self._mapped = pa.ipc.open_file(pa.memory_map(str(path)))
            self._read = pa.ipc.open_file(pa.OSFile(str(path)))
            n_batches = self._mapped.num_record_batches
            self._batches = [self._mapped.get_batch(number) for number in range(n_batches)]
        except OSError as error:
            raise explain_unreadable(path, error) from error
        except pa.ArrowException as error:
            raise DamagedError(path, "is damaged", path.parent) from error
        sizes = [len(batch) for batch in self._batches]
        if not sizes or sum(sizes) != n or any(size != sizes[0] for size in sizes[:-1]) or sizes[-1] > sizes[0]:
            raise DamagedError(path, "is damaged (its rows do not match)", path.parent)
        self.path = path
        self.n, self._size, self._lock = n, sizes[0], threading.Lock()

    @property
    def names(self) -> list[str]:
        """Names of its columns."""
        return list(self._mapped.schema.names)

    def get_cell(self, name: str, row: int) -> Any:
        """One cell."""
        return self._batches[row // self._size].column(name)[row % self._size].as_py()

    def iterate(self, name: str, first: int = 0, last: int | None = None) -> Iterator[pa.Array]:
        """Read a column from the file, a few rows at a time, from row `first` up to but excluding `last`."""
        last = self.n if last is None else last
        for number in range(first // self._size, -(-last // self._size)):
            with self._lock:
                column = self._read.get_batch(number).column(name)
            start = number * self._size
            yield column[max(0, first - start) : last - start]


class StoredColumn(Sequence[object]):
    """The cells of a column, as they were in the table."""

    def __init__(self, file: StoredFile, name: str) -> None:
        self._file, self._name, self._is_json = file, name, name.startswith(JSON_PREFIX)

    def __len__(self) -> int:
        return self._file.n

    @overload
    def __getitem__(self, place: int) -> object: ...
    @overload
    def __getitem__(self, place: slice) -> list[object]: ...
    def __getitem__(self, place: int | slice) -> object:
        if isinstance(place, slice):
            return [self[row] for row in range(len(self))[place]]
        return self._decode(self._file.get_cell(self._name, range(len(self))[place]))

    def __iter__(self) -> Iterator[object]:
        for column in self._file.iterate(self._name):
            yield from map(self._decode, column.to_pylist())

    def _decode(self, cell: Any) -> object:
        return json.loads(cell) if self._is_json else cell


class StoredTexts(Sequence[str]):
    """n texts on disk, usable like a list.

    Attributes:
        digest: Digest of all texts, as computed by `update_with_texts`.
    """

    def __init__(self, file: StoredFile, digest: str) -> None:
        """Wrap the file of a table; nothing is read yet."""
        self._file, self.digest = file, digest

    def __len__(self) -> int:
        return self._file.n

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if not isinstance(place, slice):
            return str(self._file.get_cell(TEXT, range(len(self))[place]))
        rows = range(len(self))[place]
        if rows.step != 1:
            return [self[row] for row in rows]
        return [text for column in self._file.iterate(TEXT, rows.start, rows.stop) for text in column.to_pylist()]

    def __iter__(self) -> Iterator[str]:
        for column in self._file.iterate(TEXT):
            yield from column.to_pylist()

    def iterate_batches(self) -> Iterator[tuple[int, pa.Array]]:
        """The first row of each batch and its texts, as an Arrow array."""
        start = 0
        for column in self._file.iterate(TEXT):
            yield start, column
            start += len(column)

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """(n,), the number of characters of each text."""
        counts = [np.asarray(pa.compute.utf8_length(column)) for column in self._file.iterate(TEXT)]
        return np.concatenate(counts).astype(np.int64)

    @cached_property
    def copies(self) -> Copies | None:
        """Which texts are equal, by 128-bit hashes; None if no two are. Cached, since it takes a second or so."""
        return Copies.find_once(self._file.path.parent, self.digest, self._find_copies)

    def _find_copies(self) -> Copies | None:
        parts = [
            np.frombuffer(column.buffers()[1], dtype=np.uint64).reshape(-1, 2)[column.offset :][: len(column)]
            for column in self._file.iterate(HASH)
        ]
        return Copies.find_hashes(np.concatenate(parts))


def find_equal_texts(texts: Sequence[str]) -> Copies | None:
    """Find which of n texts are equal; None if no two are.

    Examples:
        >>> find_equal_texts(["b", "a", "b"]).first.tolist()
        [0, 1]
    """
    return texts.copies if isinstance(texts, StoredTexts) else Copies.find_texts(texts)


def count_characters(texts: Sequence[str]) -> NDArray[np.int64]:
    """Count the characters of n texts: (n,).

    Examples:
        >>> count_characters(["a", "bcd"]).tolist()
        [1, 3]
    """
    if isinstance(texts, StoredTexts):
        return texts.lengths
    return np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))


def digest_texts(texts: Sequence[str]) -> str:
    """Compute the digest of n texts, or return it if it is known."""
    if isinstance(texts, StoredTexts):
        return texts.digest
    digest = hashlib.sha256()
    update_with_texts(digest, texts)
    return digest.hexdigest()


def find_first_rows(texts: Sequence[str], wanted: Sequence[str]) -> Rows:
    """Find the first row (m,) of each of the wanted texts, all of which must exist.

    Examples:
        >>> find_first_rows(["b", "a", "b"], ["a", "b"]).tolist()
        [1, 0]
    """
    rows = dict.fromkeys(wanted, -1)
    for row, text in enumerate(texts):
        if rows.get(text) == -1:
            rows[text] = row
    return Rows(np.array([rows[text] for text in wanted], dtype=np.int64))


def iterate_longer(texts: StoredTexts, n_bytes: int) -> Iterator[list[str]]:
    """The texts longer than this many bytes, some at a time."""
    for _, column in texts.iterate_batches():
        yield column.filter(pa.compute.greater(pa.compute.binary_length(column), n_bytes)).to_pylist()
