"""LanceDB: tables in a folder or in object storage, without a server; several processes may read the same table."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

os.environ.setdefault("LANCEDB_LOG", "error")  # before lancedb is loaded, since it warns about its own plans

import lancedb
import numpy as np
import pyarrow as pa
from lancedb.index import IvfSq

from seals_sim.errors import UserError
from seals_sim.indexes.engines.protocol import EngineTable, EngineUnavailableError, shorten
from seals_sim.types import Rows, Vectors

_ID, _VECTOR = "id", "vector"
_CELLS_FOR_ONE = 2  # cells visited per n_probe: with as many as the local index, recall is lower here


class LanceEngine:
    """One table of LanceDB."""

    most_neighbors: int | None = None

    def __init__(self, address: str, table: EngineTable) -> None:
        """Open the table, or create it if it does not exist.

        Raises:
            EngineUnavailableError: If the storage does not answer.
            UserError: If the table has other columns.
        """
        self._about, self._address = table, address
        vector = pa.list_(pa.float32(), table.d)
        self._schema = pa.schema([pa.field(_ID, pa.int64()), pa.field(_VECTOR, vector)])
        with self._explaining():
            database = lancedb.connect(address)
            self._table: Any = _open_or_create(database, table.name, self._schema)
        if not self._table.schema.equals(self._schema):
            problem = f"its table {table.name} has other columns or not {table.d} dimensions; remove it"
            raise UserError(problem, parameter="engine", value=address)

    def upsert(self, start: int, rows: Vectors) -> None:
        """Store rows: see `Engine`. Each call creates one version of the table and is atomic."""
        ids = pa.array(np.arange(start, start + len(rows)))
        values = pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(rows).ravel()), self._about.d)
        block = pa.table([ids, values], schema=self._schema)
        with self._explaining():
            if start >= self._table.count_rows():  # looking for equal ids would read the whole table
                self._table.add(block)
            else:
                (
                    self._table.merge_insert(_ID)
                    .when_matched_update_all()
                    .when_not_matched_insert_all()
                    .execute(block)
                )  # fmt: skip

    def count(self) -> int:
        """Count the rows: see `Engine`."""
        with self._explaining():
            return int(self._table.count_rows())

    def finish(self) -> None:
        """Build the index: see `Engine`."""
        with self._explaining():
            if self._about.n_cells == 1 or self._table.list_indices():
                return
            config = IvfSq(distance_type="l2", num_partitions=self._about.n_cells)
            self._table.create_index(_VECTOR, config=config)

    def search(self, queries: Vectors, k: int) -> list[Rows]:
        """Find the nearest rows: see `Engine`."""
        with self._explaining():
            query = self._table.search(list(queries), query_type="vector", vector_column_name=_VECTOR)
            query = query.distance_type("l2").limit(k).select([_ID, "_distance"])
            if self._about.n_cells > 1:
                query = query.nprobes(min(_CELLS_FOR_ONE * self._about.n_probe, self._about.n_cells))
            found = query.to_arrow()
        ids, distances = found[_ID].to_numpy(), found["_distance"].to_numpy()
        if len(queries) == 1:
            return [Rows(ids[np.argsort(distances, kind="stable")])]
        number = found["query_index"].to_numpy()
        order = np.lexsort((distances, number))
        places = np.searchsorted(number[order], np.arange(1, len(queries)))
        return [Rows(part) for part in np.split(ids[order], places)]

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except (OSError, RuntimeError, ValueError) as error:
            text = shorten(str(error))
            if isinstance(error, ValueError):
                raise UserError(f"refused the request ({text})", parameter="engine", value=self._address) from error
            raise EngineUnavailableError(text) from error


def _open_or_create(database: Any, name: str, schema: Any) -> Any:
    try:
        return database.open_table(name)
    except ValueError:  # it does not exist
        return database.create_table(name, schema=schema, exist_ok=True)
