"""A table that is too large for memory: read once, row by row, into an Arrow file in the cache."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.ipc
from pydantic import Field
from typing_extensions import TypedDict

from seals_sim.datasets.dataset import update_with_texts
from seals_sim.datasets.formats import open_table
from seals_sim.datasets.kept_rows import KeptRow, Wanted, choose_columns, explain_no_rows, iterate_kept_rows
from seals_sim.datasets.lines import BadLines, LeftOut
from seals_sim.datasets.options import TableOptions
from seals_sim.datasets.protocol import TableFile
from seals_sim.datasets.stored_texts import (
    BATCH,
    HASH,
    HASH_BYTES,
    JSON_PREFIX,
    NATIVE_PREFIX,
    ROW,
    TEXT,
    StoredColumn,
    StoredFile,
    StoredTexts,
)
from seals_sim.datasets.table import TextTable
from seals_sim.disk.cache import locking
from seals_sim.disk.files import explain_unwritable, replacing
from seals_sim.disk.stages import Count, FileResult, Sha256, Stage
from seals_sim.errors import DamagedError, OtherOriginError, UserError
from seals_sim.types import TableRow, TableRows

STORED_FROM = 32 * 2**20  # bytes of a table: reading a smaller one is faster than writing it again
_VERSION = 1  # of the stored format


class _LeftOut(TypedDict):
    where: str
    reason: str
    row: Count | None


class _Read(FileResult):
    n: Annotated[int, Field(gt=0)]
    texts_digest: Sha256
    left_out: list[_LeftOut]


class UnstorableError(Exception):
    """A cell that would not come back unchanged."""


Stamp = list[list[object]]


def stamp_table(path: Path) -> Stamp:
    """Size and modification time of a table's files, to detect changes."""
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    return [[str(file), file.stat().st_size, file.stat().st_mtime_ns] for file in files]


@contextmanager
def require_unchanged(path: Path) -> Iterator[None]:
    """Raise UserError if a table changes while the block reads it."""
    before = _try_stamp(path)
    yield
    if _try_stamp(path) != before:
        raise UserError(f"{path}: changed while it was being read; rerun the same command once it is complete")


def _try_stamp(path: Path) -> Stamp | None:
    """The stamp, or None if there is no such file; the reader then explains that."""
    try:
        return stamp_table(path)
    except OSError:
        return None


def is_large(path: Path) -> bool:
    """Whether a table should be kept on disk rather than in memory."""
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*.arrow")) >= STORED_FROM
    return path.is_file() and path.stat().st_size >= STORED_FROM


def read_stored_table(
    path: Path,
    cache: Path,
    text_column: str = "text",
    skip_bad_lines: bool = False,
    options: TableOptions | None = None,
    columns: Sequence[str] | None = (),
    quiet: bool = True,
) -> TextTable:
    """Read the texts and other columns of a table like `read_text_columns`, but keep them on disk.

    Args:
        path: As for `read_text_columns`.
        cache: Folder in which they are kept; later calls reuse them as long as the table is unchanged.
        text_column: Name of the text column.
        skip_bad_lines: Leave out lines that cannot be read instead of stopping.
        options: How to read the file.
        columns: Other columns to read; None for all.
        quiet: Whether to hide the progress bar.

    Raises:
        UserError: If the file or one of its lines cannot be read, or the cache cannot be written.
        UnstorableError: If a cell of another column cannot be stored unchanged.
    """
    options = options or TableOptions()
    file, header_bad = open_table(path, options), BadLines(path, skip_bad_lines)
    wanted = choose_columns(path, file, header_bad, text_column, None, columns)
    named = {"table": str(path.resolve()), "text": text_column, "columns": list(wanted.others)}
    how = [repr(options), skip_bad_lines]
    parent = cache / "tables" / _name(named)
    origin = {**named, "how": how, "files": stamp_table(path), "version": _VERSION}
    folder = parent / _name(origin)
    with locking(parent):
        for _ in range(2):
            try:
                return _open_or_read(path, file, wanted, folder, origin, skip_bad_lines, quiet)
            except (DamagedError, OtherOriginError) as error:
                shutil.rmtree(error.folder)  # it is read again from the table
        return _open_or_read(path, file, wanted, folder, origin, skip_bad_lines, quiet)


def _open_or_read(
    path: Path,
    file: TableFile,
    wanted: Wanted,
    folder: Path,
    origin: dict[str, object],
    skip_bad_lines: bool,
    quiet: bool,
) -> TextTable:
    stage = Stage(folder, "rows", origin)
    stored = stage.folder / "rows.arrow"
    if stage.result is None:
        bad = BadLines(path, skip_bad_lines, is_quiet=quiet)
        with replacing(stored, is_private=True) as temporary, require_unchanged(path):
            n, digest = _write(path, file, wanted, bad, temporary)
        left_out = [asdict(one) for one in bad.left_out]
        stage.finish_with(stored, {"n": n, "texts_digest": digest, "left_out": left_out})
        _remove_others(folder)
    stage.require_whole(stored)
    result = stage.read_result(_Read)
    opened = StoredFile(stored, result["n"])
    bad = BadLines(path, skip_bad_lines)
    for one in result["left_out"]:
        row = None if one["row"] is None else TableRow(one["row"])
        bad.left_out.append(LeftOut(one["where"], one["reason"], row))
    rows = np.arange(opened.n)
    if bad.left_out:
        rows = np.concatenate([np.asarray(column) for column in opened.iterate(ROW)])
    columns = {name.partition(" ")[2]: StoredColumn(opened, name) for name in opened.names if " " in name}
    return TextTable(StoredTexts(opened, result["texts_digest"]), TableRows(rows), bad, columns)


def _write(path: Path, file: TableFile, wanted: Wanted, bad: BadLines, temporary: Path) -> tuple[int, str]:
    """Write the rows; return the number of kept rows and the digest of their texts."""
    types = file.read_types(wanted.others)
    fields = [pa.field(TEXT, pa.large_string()), pa.field(HASH, pa.binary(HASH_BYTES)), pa.field(ROW, pa.int64())]
    for name in wanted.others:
        fields.append(
            pa.field(JSON_PREFIX + name, pa.large_string())
            if types is None
            else pa.field(NATIVE_PREFIX + name, types[name])
        )
    digest, n = hashlib.sha256(), 0
    batch = _Batch(pa.schema(fields), list(wanted.others))
    with temporary.open("wb") as raw, pa.ipc.new_file(raw, batch.schema) as writer:

        def flush() -> None:
            record_batch = batch.build()
            update_with_texts(digest, batch.texts)
            try:  # so that it is not reported as an error of the table, which is read at the same time
                writer.write_batch(record_batch)
            except OSError as error:
                raise explain_unwritable(temporary, error) from error
            batch.clear()

        for kept in iterate_kept_rows(file, wanted, None, bad):
            batch.add(kept)
            n += 1
            if len(batch.texts) == BATCH:
                flush()
        if batch.texts:
            flush()
    if not n:
        raise explain_no_rows(path, bad)
    return n, digest.hexdigest()


@dataclass
class _Batch:
    """Rows waiting to be written to the file."""

    schema: pa.Schema
    others: list[str]
    texts: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    cells: list[list[object]] = field(init=False)

    def __post_init__(self) -> None:
        self.cells = [[] for _ in self.others]

    def add(self, kept: KeptRow) -> None:
        self.texts.append(kept.text)
        self.rows.append(kept.row)
        for name, column in zip(self.others, self.cells, strict=True):
            column.append(kept.record.get(name))

    def build(self) -> pa.RecordBatch:
        hashes = b"".join(hashlib.blake2b(text.encode(), digest_size=HASH_BYTES).digest() for text in self.texts)
        buffers = [None, pa.py_buffer(hashes)]
        arrays = [
            pa.array(self.texts, pa.large_string()),
            pa.Array.from_buffers(pa.binary(HASH_BYTES), len(self.texts), buffers),
            pa.array(self.rows, pa.int64()),
        ]
        for cells, kind in zip(self.cells, list(self.schema)[3:], strict=True):
            try:
                is_json = kind.name.startswith(JSON_PREFIX)
                arrays.append(pa.array([json.dumps(cell) for cell in cells] if is_json else cells, kind.type))
            except (TypeError, ValueError, OverflowError, pa.ArrowException) as error:
                raise UnstorableError(kind.name) from error
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def clear(self) -> None:
        self.texts.clear()
        self.rows.clear()
        for column in self.cells:
            column.clear()


def _name(what: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:32]


def _remove_others(folder: Path) -> None:
    """Remove what was stored before the table changed; a session that has it open can continue to use it."""
    for other in folder.parent.iterdir():
        if other.is_dir() and other != folder:
            shutil.rmtree(other, ignore_errors=True)
