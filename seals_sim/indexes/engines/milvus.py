"""Milvus: a server or cluster by its URL, or milvus-lite in a local file.

Rows and queries are scaled to length 1 and compared by inner product, which gives the same ranking as distance. To
compute distances, milvus-lite would hold (queries, n, d) values at a time.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import grpc
import numpy as np
from pymilvus import DataType, MilvusClient
from pymilvus.exceptions import MilvusException, ParamError

from seals_sim.errors import UserError
from seals_sim.indexes.engines.address import LITE_ENDING
from seals_sim.indexes.engines.protocol import EngineTable, EngineUnavailableError, shorten
from seals_sim.types import Rows, Vectors
from seals_sim.vectors.normalize import normalize

TOKEN = "MILVUS_TOKEN"  # "name:password", or an API key
_PROBE_SECONDS, _REQUEST_SECONDS, _LOAD_SECONDS, _INDEX_SECONDS = 5.0, 20.0, 120.0, 6 * 3600.0
_POLL_SECONDS = 0.5
_MOST_CELLS = 1_024  # per segment of some 100,000 rows; 4,096 took a server with 2 cores a quarter of an hour
_ID, _VECTOR = "id", "vector"
_DENIED = ("auth check failure", "unauthenticated", "permission denied", "permissiondenied")
for _name in ("pymilvus", "milvus_lite"):  # they print tracebacks of errors that we report in one line
    logging.getLogger(_name).setLevel(logging.CRITICAL)


class MilvusEngine:
    """One collection of Milvus."""

    most_neighbors: int | None = 16_384  # Milvus's limit

    def __init__(self, address: str, table: EngineTable) -> None:
        """Connect, and create the collection if it does not exist.

        Raises:
            EngineUnavailableError: If nothing answers.
            UserError: If the collection has other fields, or access is denied.
        """
        self._table, self._address = table, address
        self._n_cells = min(table.n_cells, _MOST_CELLS)
        self._n_probe = max(1, round(table.n_probe * self._n_cells / table.n_cells))
        self._is_lite = address.endswith(LITE_ENDING) and "://" not in address
        with self._explaining():
            if not self._is_lite:
                _probe(address)  # MilvusClient waits long for a server that does not exist
            token = "" if self._is_lite else os.environ.get(TOKEN, "")
            self._client = MilvusClient(uri=address, token=token, timeout=_REQUEST_SECONDS)
            if self._client.has_collection(table.name, timeout=_REQUEST_SECONDS):
                self._require_ours()
            else:
                self._create()
            self._client.load_collection(table.name, timeout=_LOAD_SECONDS)

    def upsert(self, start: int, rows: Vectors) -> None:
        """Store rows: see `Engine`."""
        unit = _normalize(rows)
        records = [{_ID: start + place, _VECTOR: row} for place, row in enumerate(unit)]
        with self._explaining():
            self._client.upsert(self._table.name, records, timeout=_LOAD_SECONDS)

    def count(self) -> int:
        """Count the rows: see `Engine`."""
        with self._explaining():
            found: Any = self._client.query(
                self._table.name, filter="", output_fields=["count(*)"], consistency_level="Strong",
                timeout=_LOAD_SECONDS,
            )  # fmt: skip
            return int(found[0]["count(*)"])

    def finish(self) -> None:
        """Wait for the index: see `Engine`. Rows are scanned one by one until they are flushed."""
        name, until = self._table.name, time.monotonic() + _INDEX_SECONDS
        with self._explaining():
            stats: Any = self._client.get_collection_stats(name, timeout=_REQUEST_SECONDS)
            if self._is_lite or int(stats["row_count"]) < self._table.n:
                self._client.flush(name, timeout=_LOAD_SECONDS)
            while True:  # create_index returned long ago
                facts: Any = self._client.describe_index(name, _VECTOR, timeout=_REQUEST_SECONDS)
                if not int(facts.get("pending_index_rows", 0)):
                    return
                if time.monotonic() > until:
                    raise EngineUnavailableError("its index is not ready after 6 hours")
                time.sleep(_POLL_SECONDS)

    def search(self, queries: Vectors, k: int) -> list[Rows]:
        """Find the nearest rows: see `Engine`. Nothing changes after loading, so no search waits for updates."""
        probed = {"nprobe": self._n_probe} if self._n_cells > 1 else {}
        with self._explaining():
            found: Any = self._client.search(
                self._table.name, data=list(_normalize(queries)), limit=k, anns_field=_VECTOR,
                search_params={"metric_type": "IP", "params": probed}, output_fields=[_ID],
                consistency_level="Eventually", timeout=_REQUEST_SECONDS,
            )  # fmt: skip
        return [Rows(np.array([hit[_ID] for hit in hits], dtype=np.int64)) for hits in found]

    def _create(self) -> None:
        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field(_ID, DataType.INT64, is_primary=True)
        schema.add_field(_VECTOR, DataType.FLOAT_VECTOR, dim=self._table.d)
        name, n_cells = self._table.name, self._n_cells
        self._client.create_collection(name, schema=schema, timeout=_REQUEST_SECONDS)
        kind, built = ("IVF_SQ8", {"nlist": n_cells}) if n_cells > 1 else ("FLAT", {})
        index = self._client.prepare_index_params()
        index.add_index(_VECTOR, index_type=kind, index_name=_VECTOR, metric_type="IP", params=built)
        self._client.create_index(name, index, timeout=_REQUEST_SECONDS)

    def _require_ours(self) -> None:
        """Raise UserError if someone else's collection has our name; recreate ours if it was left incomplete."""
        name = self._table.name
        described: Any = self._client.describe_collection(name, timeout=_REQUEST_SECONDS)
        fields = {field["name"]: field for field in described["fields"]}
        found = fields.get(_VECTOR, {}).get("params", {}).get("dim")
        if set(fields) != {_ID, _VECTOR} or int(found or 0) != self._table.d:
            problem = f"its collection {name} has {found or 'no'} dimensions, not {self._table.d}, or other fields"
            raise UserError(f"{problem}; remove it", parameter="engine", value=self._address)
        if not self._client.list_indexes(name):  # killed between the two requests
            self._client.drop_collection(name, timeout=_REQUEST_SECONDS)
            self._create()

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except (MilvusException, grpc.RpcError, grpc.FutureTimeoutError, OSError, ValueError) as error:
            if isinstance(error, UserError):
                raise
            text = _describe(error)
            if "Open local milvus failed" in text:
                problem = (
                    "cannot be opened; only one process at a time can use a milvus-lite file; use a server for several"
                )
                raise UserError(problem, parameter="engine", value=self._address) from error
            if any(words in str(error).lower() for words in _DENIED):
                problem = f"denied access ({text}); set {TOKEN}=name:password in the environment"
                raise UserError(problem, parameter="engine", value=self._address) from error
            if isinstance(error, ParamError | ValueError):
                raise UserError(f"refused the request ({text})", parameter="engine", value=self._address) from error
            raise EngineUnavailableError(text) from error


def _probe(address: str) -> None:
    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 19530)
    socket.create_connection((str(parts.hostname), port), timeout=_PROBE_SECONDS).close()


def _normalize(rows: Vectors) -> Vectors:
    """Scale rows to length 1 up to the last bits, which float16 rows are not."""
    return normalize(rows, "the vectors")


def _describe(error: BaseException) -> str:
    text = getattr(error, "message", None) or getattr(error, "strerror", None) or str(error) or type(error).__name__
    return shorten(str(text))
