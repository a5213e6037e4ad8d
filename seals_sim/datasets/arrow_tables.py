"""Parquet and Arrow files, and folders from `datasets.save_to_disk`. Only the needed columns are read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.ipc
import pyarrow.parquet

from seals_sim.datasets.fields import pick_fields
from seals_sim.datasets.lines import BadLines
from seals_sim.datasets.protocol import UNREADABLE_AT_ONCE, Record, Where
from seals_sim.errors import UserError
from seals_sim.progress import track

_FILE_MAGIC = b"ARROW1"  # the file format has it; the stream format, which `datasets` writes, does not


class ParquetTable:
    """One Parquet file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read_header(self, bad: BadLines) -> list[str]:
        try:
            return list(_list_names(pyarrow.parquet.read_schema(self._path)))
        except UNREADABLE_AT_ONCE as error:
            raise self._explain(error) from error

    def read_at_once(self, columns: Sequence[str]) -> pa.Table | None:
        try:
            with self._path.open("rb") as file:
                parquet = pyarrow.parquet.ParquetFile(file)
                table = parquet.read(_find_roots(parquet.schema_arrow, columns))
            table.validate(full=True)
            return _pick_columns(table, columns)
        except UNREADABLE_AT_ONCE:
            return None

    def read_types(self, columns: Sequence[str]) -> dict[str, pa.DataType] | None:
        return _pick_types(pyarrow.parquet.read_schema(self._path), columns)

    def iterate_rows(self, columns: Sequence[str], bad: BadLines) -> Iterator[tuple[Where, Record]]:
        row = 0
        try:
            with self._path.open("rb") as file:
                parquet = pyarrow.parquet.ParquetFile(file)
                batches = parquet.iter_batches(columns=_find_roots(parquet.schema_arrow, columns))
                with track(f"reading {self._path.name}", parquet.metadata.num_rows, "row", bad.is_quiet) as bar:
                    for batch in batches:
                        for record in batch.to_pylist():
                            yield f"row {row}", pick_fields(record, columns)
                            row += 1
                        bar.advance(len(batch))
        except UNREADABLE_AT_ONCE as error:
            raise self._explain(error) from error

    def _explain(self, error: Exception) -> UserError:
        return UserError(f"{self._path}: not a readable Parquet file ({(str(error).splitlines() or [''])[0]})")


class ArrowTable:
    """One or more Arrow files, in order, in the file format (Feather) or the stream format."""

    def __init__(self, path: Path, files: Sequence[Path]) -> None:
        self._path, self._files = path, files

    def read_header(self, bad: BadLines) -> list[str]:
        names: list[str] = []
        for file, reader in self._open_all():
            found = list(_list_names(reader.schema))
            if names and set(found) != set(names):
                raise UserError(f"{file}: its columns differ from those of {self._files[0].name}")
            names = names or found
        return names

    def read_at_once(self, columns: Sequence[str]) -> pa.Table | None:
        try:
            tables = [reader.read_all() for _, reader in self._open_all()]
            picked = [_pick_columns(table, columns) for table in tables]
            for table in picked:
                table.validate(full=True)
            return pa.concat_tables(picked, promote_options="permissive")
        except (*UNREADABLE_AT_ONCE, UserError):
            return None

    def read_types(self, columns: Sequence[str]) -> dict[str, pa.DataType] | None:
        schemas = [reader.schema for _, reader in self._open_all()]
        return _pick_types(pa.unify_schemas(schemas, promote_options="permissive"), columns)

    def iterate_rows(self, columns: Sequence[str], bad: BadLines) -> Iterator[tuple[Where, Record]]:
        row = 0
        for file, reader in self._open_all():
            names = _find_roots(reader.schema, columns)
            try:
                table = reader.read_all().select(names)
                table.validate(full=True)
            except UNREADABLE_AT_ONCE as error:
                raise _explain_arrow(file, error) from error
            for batch in table.to_batches():
                for record in batch.to_pylist():
                    yield f"row {row}", pick_fields(record, columns)
                    row += 1

    def _open_all(self) -> Iterator[tuple[Path, pa.RecordBatchReader]]:
        for path in self._files:
            try:
                with pa.memory_map(str(path)) as file:
                    is_file_format = file.read(len(_FILE_MAGIC)) == _FILE_MAGIC
                    file.seek(0)
                    yield path, (pa.ipc.open_file if is_file_format else pa.ipc.open_stream)(file)
            except UNREADABLE_AT_ONCE as error:
                raise _explain_arrow(path, error) from error


def _explain_arrow(path: Path, error: Exception) -> UserError:
    return UserError(f"{path}: not a readable Arrow file ({(str(error).splitlines() or [''])[0]})")


def find_saved_files(folder: Path) -> list[Path] | None:
    """Find the Arrow files of a dataset that `datasets.save_to_disk` wrote.

    Args:
        folder: Folder of one split, or of a dictionary with a single split.

    Returns:
        The files in order; None if this is not such a folder.

    Raises:
        UserError: If it is damaged or has several splits.
    """
    splits = _read_member(folder / "dataset_dict.json", "splits", str)
    if splits is not None:
        if len(splits) != 1:
            listed = ", ".join(str(folder / split) for split in splits)
            raise UserError(f"{folder}: has {len(splits)} splits; name one of {listed}")
        folder = folder / splits[0]
    files = _read_member(folder / "state.json", "_data_files", dict)
    if files is None:
        return None
    paths = [folder / str(file.get("filename")) for file in files]
    for path in paths:
        if path.parent.resolve() != folder.resolve() or not path.is_file():
            raise UserError(f"{folder / 'state.json'}: names {path.name!r}, which does not exist in this folder")
    return paths


def _read_member(path: Path, name: str, kind: type) -> list[Any] | None:
    """A list in a JSON file; None if there is no file."""
    if not path.is_file():
        return None
    try:
        member = json.loads(path.read_text(encoding="utf-8"))[name]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(f"{path}: is not in the format of datasets.save_to_disk ({error})") from error
    if not isinstance(member, list) or not member or not all(isinstance(one, kind) for one in member):
        raise UserError(f"{path}: is not in the format of datasets.save_to_disk ({name!r})")
    return member


def _list_names(fields: pa.Schema | pa.StructType, before: str = "") -> Iterator[str]:
    for field in fields:
        yield before + field.name
        if pa.types.is_struct(field.type):
            yield from _list_names(field.type, f"{before}{field.name}.")


def _find_roots(schema: pa.Schema, names: Sequence[str]) -> list[str]:
    """The columns that contain these fields."""
    return [name for name in schema.names if any(f"{wanted}.".startswith(f"{name}.") for wanted in names)]


def _pick_types(schema: pa.Schema, names: Sequence[str]) -> dict[str, pa.DataType]:
    table = _pick_columns(schema.empty_table(), names)
    return {field.name: field.type for field in table.schema}


def _pick_columns(table: pa.Table, names: Sequence[str]) -> pa.Table:
    return pa.table({name: _pick(table, name) for name in names})


def _pick(table: pa.Table, name: str) -> pa.ChunkedArray:
    if name in table.column_names:
        return table[name]
    root = next(column for column in table.column_names if name.startswith(f"{column}."))
    field = table[root]
    for part in name[len(root) + 1 :].split("."):
        field = pa.compute.struct_field(field, part)
    return field
