"""Large arrays that are computed block by block, straight into a file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import DTypeLike, NDArray
from typing_extensions import TypedDict

from seals_sim.disk.files import explain_unwritable, replacing, require_room
from seals_sim.disk.reading import explain_unreadable, read_array
from seals_sim.disk.stages import Count, Sha256, Stage
from seals_sim.errors import DamagedError, UserError
from seals_sim.progress import track


class ArrayBlock(TypedDict):
    """Rows that are on disk."""

    start: Count
    end: Count
    sha256: Sha256


class ArrayStage:
    """An (n, ...) array that is filled from the top, block by block: folder / name / array.npy.

    Disk space for the whole array must be free at the start, so a disk that is too small is detected at once. If the
    checksum of a block is wrong when the stage resumes, this block and all later ones are computed again.

    Attributes:
        stage: The journal.
        path: Path of the array, an .npy file.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     stage = ArrayStage(Path(folder), "squares", {"of": "rows"}, (5,), np.int32)
        ...     stage.fill(lambda start, end: np.arange(start, end) ** 2, block=2).tolist()
        [0, 1, 4, 9, 16]
    """

    def __init__(
        self, folder: Path, name: str, made_from: Mapping[str, object], shape: tuple[int, ...], dtype: DTypeLike
    ) -> None:
        """Open the array of an earlier run, or reserve space for a new one.

        Args:
            folder: Parent folder of all stages.
            name: Name of this stage.
            made_from: Everything that the array depends on, in JSON types.
            shape: (n, ...).
            dtype: Data type of the array.

        Raises:
            UserError: If the folder holds a stage made from something else, its array is damaged, or there is not
                enough disk space.
        """
        self._shape, self._dtype = shape, np.dtype(dtype)
        self.stage = Stage(folder, name, {**made_from, "shape": list(shape), "dtype": self._dtype.str})
        self.path = self.stage.folder / "array.npy"
        blocks = self._read_blocks()
        if not self.path.exists() and not blocks:
            self._reserve()
        self._require_whole()
        try:
            if not self.stage.is_finished:
                self._drop_damaged_blocks(blocks)
            elif not self.stage.is_checked(self.path):
                if not all(self._is_whole(block) for block in blocks):
                    raise DamagedError(self.path, "is damaged", self.stage.folder)
                self.stage.note_checked(self.path)
        except OSError as error:
            raise explain_unreadable(self.path, error) from error

    @property
    def n_done(self) -> int:
        """Number of rows written so far."""
        return int(self.stage.blocks[-1]["end"]) if self.stage.blocks else 0

    def write(self, rows: NDArray[Any]) -> None:
        """Write the next rows to the disk.

        Args:
            rows: (m, ...).

        Raises:
            ValueError: If they do not fit.
            UserError: If they cannot be written.
        """
        start = self.n_done
        content = np.ascontiguousarray(rows, dtype=self._dtype)
        if rows.shape[1:] != self._shape[1:] or start + len(rows) > self._shape[0]:
            raise ValueError(f"rows of shape {rows.shape} do not fit into {self._shape} at row {start}")
        array = open_memmap(self.path, mode="r")
        try:  # not through the memory map, where a full disk is not an error but ends the process
            with self.path.open("r+b") as file:
                file.seek(array.offset + start * array.strides[0])
                file.write(content.data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise explain_unwritable(self.path, error) from error
        digest = hashlib.sha256(content.data).hexdigest()
        self.stage.record({"start": start, "end": start + len(rows), "sha256": digest})

    def fill(
        self,
        compute_rows: Callable[[int, int], NDArray[Any]],
        block: int,
        quiet: bool = True,
        doing: str | None = None,
        unit: str = "row",
    ) -> NDArray[Any]:
        """Compute and write the missing rows.

        Args:
            compute_rows: Computes the rows from start to end, (end - start, ...).
            block: Rows to compute at a time.
            quiet: Whether to hide the progress bar.
            doing: Name of the work for the progress bar; by default the name of the stage.
            unit: What to call a row in the progress bar.

        Returns:
            The whole array, memory-mapped for reading.

        Raises:
            UserError: If a block cannot be written.
        """
        n = self._shape[0]
        blocks = (compute_rows(start, min(start + block, n)) for start in range(self.n_done, n, block))
        return self.fill_from(blocks, quiet, doing, unit)

    def fill_from(
        self, blocks: Iterable[NDArray[Any]], quiet: bool = True, doing: str | None = None, unit: str = "row"
    ) -> NDArray[Any]:
        """Write the missing rows.

        Args:
            blocks: All rows from `n_done` on, some at a time; not read if the array is complete.
            quiet: Whether to hide the progress bar.
            doing: As for `fill`.
            unit: As for `fill`.

        Returns:
            The whole array, memory-mapped for reading.

        Raises:
            UserError: If a block cannot be written.
        """
        if not self.stage.is_finished:
            n = self._shape[0]
            with track(doing or self.stage.name, n, unit, quiet, self.n_done) as bar:
                for rows in blocks:
                    self.write(rows)
                    bar.advance(len(rows))
            self.finish()
        return self.open()

    def finish(self) -> None:
        """Record that the array is complete.

        Raises:
            ValueError: If it is not complete.
        """
        if self.n_done != self._shape[0]:
            raise ValueError(f"{self.n_done} of {self._shape[0]} rows are filled in")
        self.stage.finish({})
        self.stage.note_checked(self.path)

    def open(self) -> NDArray[Any]:
        """Open the array, memory-mapped for reading."""
        return open_memmap(self.path, mode="r")

    def _reserve(self) -> None:
        require_room(self.path, self._dtype.itemsize * int(np.prod(self._shape, dtype=object)))
        with replacing(self.path, is_private=True) as temporary:
            open_memmap(temporary, mode="w+", dtype=self._dtype, shape=self._shape)

    def _read_blocks(self) -> list[ArrayBlock]:
        """The blocks in the journal: from the first row on without gaps and, if finished, up to the last row."""
        blocks, n = self.stage.read_blocks(ArrayBlock), self._shape[0]
        starts = [0, *(block["end"] for block in blocks)]
        fits = all(start == block["start"] <= block["end"] <= n for start, block in zip(starts, blocks, strict=False))
        if not fits or (self.stage.is_finished and starts[-1] != n):
            raise DamagedError(self.path, "is damaged (its journal has another number of rows)", self.stage.folder)
        return blocks

    def _require_whole(self) -> None:
        def refuse(problem: str) -> UserError:
            return DamagedError(self.path, "is missing or cut off", self.stage.folder)

        array = read_array(self.path, refuse)
        if array.shape != self._shape or array.dtype != self._dtype or not array.flags.c_contiguous:
            raise refuse("")

    def _drop_damaged_blocks(self, blocks: list[ArrayBlock]) -> None:
        n_good = len(blocks)
        while n_good and not self._is_whole(blocks[n_good - 1]):
            n_good -= 1
        if n_good < len(blocks):
            self.stage.truncate(n_good)

    def _is_whole(self, block: ArrayBlock) -> bool:
        content = np.ascontiguousarray(self.open()[block["start"] : block["end"]])
        return bool(hashlib.sha256(content.data).hexdigest() == block["sha256"])
