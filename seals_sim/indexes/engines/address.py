"""The address of an engine, checked before anything is embedded or loaded."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from seals_sim.errors import UserError
from seals_sim.indexes.names import ENGINES

LITE_ENDING = ".db"
_SCHEMES = {"milvus": ("http", "https"), "lancedb": ("s3", "gs", "az", "s3+ddb")}
_EXAMPLES = {
    "milvus": f"a server, such as http://127.0.0.1:19530, or a file that ends in {LITE_ENDING}",
    "lancedb": "a folder, or object storage, such as s3://bucket/path",
}


def require_engine(index: str, address: str | None) -> None:
    """Check that an index of a vector engine has a usable address and any other index has none.

    Args:
        index: The name of an index.
        address: Address of the engine.

    Raises:
        UserError: If index and address do not fit together, or the address contains a password.

    Examples:
        >>> require_engine("exact", None)
        >>> require_engine("milvus", "https://vectors.example.org:19530")
        >>> require_engine("milvus", "vectors")
        Traceback (most recent call last):
        seals_sim.errors.UserError: engine = 'vectors': must be a server, such as http://127.0.0.1:19530, or a file \
that ends in .db
    """
    if index not in ENGINES:
        if address is not None:
            problem = f"applies only to the indexes {' and '.join(ENGINES)}"
            raise UserError(problem, parameter="engine", value=hide_password(address))
        return
    if address is None:
        raise UserError(f"needs an engine: {_EXAMPLES[index]}", parameter="index", value=index)
    if "@" in address.partition("?")[0] and "://" in address:
        problem = "contains a name or password; pass them in the environment instead (MILVUS_TOKEN=name:password)"
        raise UserError(problem, parameter="engine", value=hide_password(address))
    problem = f"must be {_EXAMPLES[index]}"
    if "://" in address:
        try:
            parts = urlsplit(address)
            is_good = parts.scheme in _SCHEMES[index] and bool(parts.hostname) and parts.port != 0
        except ValueError:  # an invalid port
            is_good = False
        if not is_good or parts.query or parts.fragment:
            raise UserError(problem, parameter="engine", value=address.partition("?")[0])
        return
    _require_place(index, Path(address), problem)


def _require_place(index: str, path: Path, problem: str) -> None:
    try:
        if (index == "milvus" and path.suffix != LITE_ENDING) or not path.name:
            raise UserError(problem, parameter="engine", value=str(path))
        if path.exists() and not path.is_dir():  # milvus-lite's file is a folder
            made_by = "milvus-lite 3" if index == "milvus" else "LanceDB"
            raise UserError(f"is a file that was not made by {made_by}", parameter="engine", value=str(path))
        if not path.absolute().parent.is_dir():
            raise UserError("its folder does not exist", parameter="engine", value=str(path))
    except OSError as error:
        raise UserError(f"cannot be used: {error.strerror}", parameter="engine", value=str(path)) from error


def hide_password(address: str) -> str:
    """An address that is safe to show: without anything that may be a password.

    Examples:
        >>> hide_password("https://me:secret@vectors:19530"), hide_password("vectors.db")
        ('https://...@vectors:19530', 'vectors.db')
    """
    scheme, mark, rest = address.partition("://")
    if not mark or "@" not in rest:
        return address.partition("?")[0]
    return f"{scheme}://...@{rest.rpartition('@')[2]}".partition("?")[0]
