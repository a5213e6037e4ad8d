"""A table of vectors in many files, .npy or Parquet, which need not fit into memory. It is read part by part.

Rows are numbered from 0 across all files, in the order given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seals_sim.disk.reading import explain_unreadable, read_array
from seals_sim.errors import UserError
from seals_sim.types import Rows, StoredVectors, Vectors
from seals_sim.vectors.scan import gather

PARTITION_ROWS = 2**18
_ENDINGS = (".npy", ".parquet")


@dataclass(frozen=True)
class Partition:
    """Some rows of a file, which any process with access to the file can open.

    Attributes:
        path: Path of the file.
        column: Column of the vectors, in a Parquet file.
        start: Number of the first row in the table.
        first: Its position in an .npy file; the number of the row group in a Parquet file.
        n: Rows.
        d: Dimensions.
    """

    path: Path
    column: str
    start: int
    first: int
    n: int
    d: int

    def read(self) -> StoredVectors:
        """Read its rows, (n, d), memory-mapped for an .npy file.

        Raises:
            UserError: If the file cannot be read, or has changed.
        """
        if self.path.suffix == ".npy":
            rows = _open_array(self.path)[self.first : self.first + self.n]
        else:
            rows = _read_group(self.path, self.first, self.column)
        if rows.shape != (self.n, self.d):
            raise UserError(f"{self.path}: its rows or dimensions have changed since it was opened")
        return rows


class PartitionedVectors:
    """The vectors of all files as one table; `[rows]` reads some of them.

    Attributes:
        shape: (n, d).
        dtype: float32 or float16.
        partitions: The partitions, in order.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for number in range(2):
        ...         np.save(Path(folder) / f"part-{number}.npy", np.full((3, 2), number, dtype=np.float32))
        ...     table = PartitionedVectors.open(Path(folder), partition_rows=2)
        ...     table.shape, [part.start for part in table.partitions], table[np.array([5, 0])].tolist()
        ((6, 2), [0, 2, 3, 5], [[1.0, 1.0], [0.0, 0.0]])
    """

    def __init__(self, partitions: Sequence[Partition], d: int, dtype: np.dtype[Any]) -> None:
        self.partitions = tuple(partitions)
        self._starts = np.array([part.start for part in partitions])
        self.shape, self.dtype = (partitions[-1].start + partitions[-1].n, d), dtype

    @classmethod
    def open(
        cls, paths: Path | Sequence[Path], column: str = "vector", partition_rows: int = PARTITION_ROWS
    ) -> PartitionedVectors:
        """Open files without reading their rows.

        Args:
            paths: .npy files (n, d) or Parquet files, in the order of their rows; or a folder, to use all such files in
                it, sorted by name.
            column: Column of the vectors in Parquet files: lists of numbers, all of the same length.
            partition_rows: Maximum rows per partition of an .npy file; in a Parquet file each row group is one
                partition.

        Raises:
            UserError: If a file is not one of these, or the files do not fit together.
        """
        if isinstance(paths, Path):
            if not paths.is_dir():
                raise UserError(f"{paths}: no such folder")
            listed = sorted(path for path in paths.iterdir() if path.suffix in _ENDINGS)
            if not listed:
                raise UserError(f"{paths}: holds no .npy or .parquet file")
            paths = listed
        partitions: list[Partition] = []
        forms: dict[tuple[int, np.dtype[Any]], Path] = {}
        start = 0
        for path in (path.absolute() for path in paths):
            pieces, d, dtype = _divide(path, column, partition_rows)
            forms.setdefault((d, dtype), path)
            for first, n in pieces:
                partitions.append(Partition(path, column, start, first, n, d))
                start += n
        if len(forms) > 1:
            (one, a), (other, b) = list(forms.items())[:2]
            problem = (
                f"{a} has {one[0]} dimensions of {one[1]}, {b} has {other[0]} of {other[1]}; they must be the same"
            )
            raise UserError(problem)
        if not start:
            raise UserError("these files hold no rows")
        ((d, dtype),) = forms
        return cls(partitions, d, dtype)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Rows) -> Vectors:
        """Read some rows (m,) into (m, d) float32."""
        read = np.empty((len(rows), self.shape[1]), dtype=np.float32)
        owners = np.searchsorted(self._starts, rows, side="right") - 1
        for owner in np.unique(owners).tolist():
            part, here = self.partitions[owner], owners == owner
            read[here] = gather(part.read(), rows[here] - part.start)
        return read


def _divide(path: Path, column: str, partition_rows: int) -> tuple[list[tuple[int, int]], int, np.dtype[Any]]:
    """The partitions of a file (start and number of rows), and the dimensions and type of its vectors."""
    if path.suffix == ".npy":
        array = _open_array(path)
        starts = range(0, len(array), partition_rows)
        return [(first, min(partition_rows, len(array) - first)) for first in starts], array.shape[1], array.dtype
    if path.suffix != ".parquet":
        raise UserError(f"{path}: must end in {' or '.join(_ENDINGS)}")
    metadata = _open_parquet(path, column).metadata
    pieces = [(group, metadata.row_group(group).num_rows) for group in range(metadata.num_row_groups)]
    pieces = [(group, n) for group, n in pieces if n]
    if not pieces:
        raise UserError(f"{path}: holds no rows")
    rows = _read_group(path, pieces[0][0], column)
    return pieces, rows.shape[1], rows.dtype


@lru_cache(maxsize=64)
def _map_array(path: Path, stamp: tuple[int, int]) -> NDArray[Any]:
    """Map an array and keep it open, so that pages mapped once stay mapped."""
    array = read_array(path)
    if array.ndim != 2 or array.dtype not in (np.float32, np.float16) or not array.flags.c_contiguous:
        raise UserError(f"{path}: must hold vectors (n, d) in float32 or float16, not {array.shape} {array.dtype}")
    return np.asarray(array)


def _open_array(path: Path) -> NDArray[Any]:
    try:
        status = path.stat()
    except OSError as error:
        raise explain_unreadable(path, error) from error
    return _map_array(path, (status.st_size, status.st_mtime_ns))


def _open_parquet(path: Path, column: str) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except OSError as error:
        raise explain_unreadable(path, error) from error
    except pa.ArrowException as error:
        raise UserError(f"{path}: is not a readable Parquet file") from error
    if column not in file.schema_arrow.names:
        raise UserError(f"{path}: has no column {column!r}; it has {', '.join(file.schema_arrow.names)}")
    return file


def _read_group(path: Path, group: int, column: str) -> Vectors:
    """The vectors of a row group: (n, d) float32, whatever floating-point type they are stored in."""
    import pyarrow as pa

    try:
        chunked = _open_parquet(path, column).read_row_group(group, columns=[column]).column(0)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path}: row group {group} cannot be read") from error
    lists = chunked.combine_chunks()
    lists = lists.chunk(0) if isinstance(lists, pa.ChunkedArray) else lists
    kind = lists.type
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    if not is_list or lists.null_count or not pa.types.is_floating(kind.value_type):
        raise UserError(f"{path}: column {column!r} must hold lists of numbers and no empty cells, not {kind}")
    values = lists.flatten()
    d = len(values) // max(1, len(lists))
    lengths = lists.value_lengths().to_numpy(zero_copy_only=False)
    if values.null_count or not d or (lengths != d).any():
        raise UserError(f"{path}: the vectors of column {column!r} must all have the same number of dimensions")
    array = values.to_numpy(zero_copy_only=False).reshape(-1, d)
    vectors: Vectors = array.astype(np.float32, copy=False)
    return vectors
