"""Opening the index of a vector engine by its name and address."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module

from seals_sim.errors import UserError
from seals_sim.indexes.engines.address import require_engine
from seals_sim.indexes.engines.index import EngineIndex, name_table
from seals_sim.indexes.engines.protocol import Engine
from seals_sim.indexes.ivf import choose_n_cells
from seals_sim.types import StoredVectors

_NEEDED = {"milvus": "pymilvus", "lancedb": "lancedb"}


def open_engine_index(
    name: str, address: str | None, vectors: StoredVectors, made_from: str, n_probe: int, quiet: bool = True
) -> EngineIndex:
    """Open the index of these vectors on an engine and load the rows that are still missing.

    Up to 65,536 rows, every row is compared; beyond that, the engine builds an inverted file of 8-bit codes.

    Args:
        name: One of ENGINES.
        address: Address of the engine: a server, a file or a folder.
        vectors: (n, d), l2-normalized, no two of them equal.
        made_from: A digest of them.
        n_probe: Cells of an inverted file that a query visits.
        quiet: Whether to hide the progress bar.

    Raises:
        UserError: If the address is wrong, a package is missing, the engine does not answer, or it holds something
            else under this name.
    """
    require_engine(name, address)
    assert address is not None
    connect = _get_door(name)
    table = name_table(made_from, vectors, choose_n_cells(len(vectors)), n_probe)
    return EngineIndex(partial(connect, address, table), vectors, address, quiet)


def _get_door(name: str) -> Callable[..., Engine]:
    try:
        import_module(_NEEDED[name])
    except ImportError as error:
        problem = f"needs a package that is not installed: pip install 'seals-sim[{name}]'"
        raise UserError(problem, parameter="index", value=name) from error
    if name == "milvus":
        from seals_sim.indexes.engines.milvus import MilvusEngine

        return MilvusEngine
    from seals_sim.indexes.engines.lance import LanceEngine

    return LanceEngine
