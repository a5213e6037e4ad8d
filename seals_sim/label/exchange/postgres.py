"""Writes answers into a PostgreSQL table; writing them twice changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pandas as pd

from seals_sim.errors import UserError
from seals_sim.indexes.engines.address import hide_password

if TYPE_CHECKING:
    from psycopg import Connection

_SCHEMES = ("postgresql", "postgres")
_CONNECT_SECONDS = 10
_KEYS = ("concept", "row")
_LONGEST_NAME = 63  # PostgreSQL's limit


def require_postgres(address: str) -> None:
    """Check that an address can be that of a PostgreSQL database, and contains no password.

    Raises:
        UserError: If it cannot, or does.

    Examples:
        >>> require_postgres("postgresql://me@localhost:5432/reviews")
        >>> require_postgres("postgresql://me:secret@localhost/reviews")
        Traceback (most recent call last):
        seals_sim.errors.UserError: to = 'postgresql://...@localhost/reviews': contains a password; put it in the \
environment (PGPASSWORD) or in ~/.pgpass
    """
    try:
        parts = urlsplit(address)
        is_good = parts.scheme in _SCHEMES and (parts.port is None or parts.port > 0) and not parts.fragment
    except ValueError:  # an invalid port
        is_good = False
    if not is_good:
        problem = "must be the address of a database, such as postgresql://me@localhost:5432/reviews"
        raise UserError(problem, parameter="to", value=hide_password(address))
    if parts.password is not None or "password" in parts.query.lower():
        problem = "contains a password; put it in the environment (PGPASSWORD) or in ~/.pgpass"
        raise UserError(problem, parameter="to", value=hide_password(address))


def upsert_labels(table: pd.DataFrame, address: str, name: str) -> None:
    """Write answers, all or none; answers for rows that the table already has are replaced.

    Args:
        table: The table of `build_labels_table`, with `concept` if there are several: one row per row and concept.
        address: Address of the database. The password comes from PGPASSWORD or ~/.pgpass.
        name: Name of the database table, which is created if it does not exist.

    Raises:
        UserError: If the database does not answer, or its table has other columns.
    """
    require_postgres(address)
    if not 0 < len(name.encode()) <= _LONGEST_NAME or "\0" in name:
        raise UserError(f"must be a name of at most {_LONGEST_NAME} bytes", parameter="into", value=name)
    try:
        import psycopg
    except ImportError as error:
        problem = "requires a package that is not installed: pip install 'seals-sim[postgres]'"
        raise UserError(problem, parameter="to", value=hide_password(address)) from error
    try:
        with psycopg.connect(address, connect_timeout=_CONNECT_SECONDS) as connection:
            _upsert(connection, table, name)
    except UnicodeEncodeError as error:
        raise UserError(f"a text is not valid Unicode ({error.reason}); save it as JSONL instead") from error
    except psycopg.Error as error:
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"PostgreSQL failed ({said})", parameter="to", value=hide_password(address)) from error


def _upsert(connection: Connection[Any], table: pd.DataFrame, name: str) -> None:
    from psycopg.sql import SQL, Identifier, Placeholder

    keys = [key for key in _KEYS if key in table]
    columns = [Identifier(column) for column in table]
    kinds = [SQL("{} {}").format(Identifier(column), SQL(_name_type(table[column]))) for column in table]
    parts = {"table": Identifier(name), "keys": SQL(", ").join(map(Identifier, keys))}
    make = SQL("CREATE TABLE IF NOT EXISTS {table} ({kinds}, PRIMARY KEY ({keys}))")
    connection.execute(make.format(kinds=SQL(", ").join(kinds), **parts))
    found = connection.execute(SQL("SELECT * FROM {table} LIMIT 0").format(**parts)).description or []
    missing = [column for column in table if column not in [one.name for one in found]]
    if missing:
        raise UserError(f"has no column {missing[0]!r}; name another table", parameter="into", value=name)
    changes = SQL(", ").join(
        SQL("{0} = EXCLUDED.{0}").format(Identifier(column)) for column in table if column not in keys
    )
    write = SQL("INSERT INTO {table} ({columns}) VALUES ({values}) ON CONFLICT ({keys}) DO UPDATE SET {changes}")
    query = write.format(
        columns=SQL(", ").join(columns), values=SQL(", ").join(Placeholder() * len(columns)), changes=changes, **parts
    )
    cells = table.astype(object).where(table.notna(), None)
    with connection.cursor() as cursor:
        cursor.executemany(query, list(cells.itertuples(index=False, name=None)))


def _name_type(column: pd.Series[Any]) -> str:
    if pd.api.types.is_bool_dtype(column):
        return "boolean"
    return "bigint" if pd.api.types.is_integer_dtype(column) else "text"
