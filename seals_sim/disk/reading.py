"""Reading files back: a file is complete and fits its schema, or it is refused with a one-line error.

A truncated or partly overwritten file fails in as many ways as there are underlying readers. So all readers are here,
and everything that they raise becomes one error that names the file.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from seals_sim.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")
Refuse = Callable[[str], UserError]
"""Makes an error from the description of a problem; the default just names the file."""


def read_content(path: Path, refuse: Refuse | None = None) -> bytes:
    """Read a file.

    Args:
        path: Path of the file.
        refuse: Makes the error for a missing file; a file that may not be read is not treated as damaged.

    Raises:
        UserError: If there is no such file, or it cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise (refuse or _naming(path))("is missing") from None
    except OSError as error:
        raise explain_unreadable(path, error) from error


def read_json(path: Path, kind: Any, refuse: Refuse | None = None) -> Any:
    """Read a JSON file with a known schema.

    Args:
        path: Path of the file.
        kind: A type known to pydantic.
        refuse: Makes the error.

    Returns:
        The content of the file, as `kind`.

    Raises:
        UserError: If it is missing, not JSON, or does not fit the schema.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "a.json"
        ...     _ = path.write_text('{"a": [1, 2]}')
        ...     read_json(path, dict[str, list[int]])
        {'a': [1, 2]}
    """
    content = read_content(path, refuse)
    try:
        return TypeAdapter(kind).validate_json(content)
    except ValidationError as error:
        raise (refuse or _naming(path))(f"cannot be read ({_explain(error)})") from error


def read_json_lines(path: Path, kind: Any, refuse: Refuse | None = None) -> list[Any]:
    """Read a JSON Lines file whose lines all have one schema and whose last line is complete.

    Args:
        path: Path of the file.
        kind: A type known to pydantic.
        refuse: Makes the error.

    Returns:
        A value of `kind` per line.

    Raises:
        UserError: If the file is missing or cut off, or a line is not JSON or does not fit the schema.
    """
    content, adapter = read_content(path, refuse), TypeAdapter(kind)
    if content and not content.endswith(b"\n"):
        raise (refuse or _naming(path))("is cut off within its last line")
    values = []
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            values.append(adapter.validate_json(line))
        except ValidationError as error:
            raise (refuse or _naming(path))(f"cannot be read (line {number}: {_explain(error)})") from error
    return values


def check_form(value: object, kind: type[T], refuse: Refuse) -> T:
    """Check that a value fits a schema.

    Args:
        value: A value in JSON types.
        kind: A type known to pydantic.
        refuse: Makes the error.

    Returns:
        The value as `kind`.

    Raises:
        UserError: If it does not fit.

    Examples:
        >>> check_form("x", int, UserError)
        Traceback (most recent call last):
        seals_sim.errors.UserError: cannot be read (Input should be a valid integer)
    """
    try:
        return TypeAdapter(kind).validate_python(value, strict=True)
    except ValidationError as error:
        raise refuse(f"cannot be read ({_explain(error)})") from error


def read_array(path: Path, refuse: Refuse | None = None, is_mapped: bool = True) -> NDArray[Any]:
    """Read an .npy file, by default memory-mapped.

    Args:
        path: Path of the file.
        refuse: Makes the error.
        is_mapped: Whether to memory-map the array.

    Returns:
        The array.

    Raises:
        UserError: If it is missing, cut off, or not an .npy file.
    """
    _require_readable(path, refuse)
    try:
        array = np.load(path, mmap_mode="r" if is_mapped else None, allow_pickle=False)
    except Exception as error:  # a damaged header is parsed as Python source and can fail in many ways
        raise (refuse or _naming(path))(f"is not a readable .npy file ({_first_line(error)})") from error
    if not isinstance(array, np.ndarray):
        raise (refuse or _naming(path))("is an .npz archive, not an .npy file")
    return array


def read_arrays(path: Path, names: Sequence[str], refuse: Refuse | None = None) -> list[NDArray[Any]]:
    """Read arrays from an .npz file.

    Args:
        path: Path of the file.
        names: Names of the arrays.
        refuse: Makes the error.

    Returns:
        The arrays, in the order of their names.

    Raises:
        UserError: If the file or one of the arrays is missing or damaged.
    """
    _require_readable(path, refuse)
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return [np.asarray(arrays[name]) for name in names]
    except Exception as error:  # zip's errors, and those of the headers inside
        raise (refuse or _naming(path))(f"is not a readable .npz file ({_first_line(error)})") from error


def read_csv(path: Path, refuse: Refuse | None = None, **options: Any) -> pd.DataFrame:
    """Read a CSV file whose last line must be complete.

    Args:
        path: Path of the file.
        refuse: Makes the error.
        options: Passed on to `pandas.read_csv`.

    Returns:
        The table.

    Raises:
        UserError: If it is missing, damaged, or cut off within a line.
    """
    import pandas as pd

    content = read_content(path, refuse)
    try:
        table = pd.read_csv(io.BytesIO(content), **options)
    except (ValueError, OverflowError, TypeError) as error:
        raise (refuse or _naming(path))(f"cannot be read ({_first_line(error)})") from error
    if not content.endswith(b"\n"):
        raise (refuse or _naming(path))("is cut off within its last line")
    return table


def parse_parquet(content: object, refuse: Refuse) -> pd.DataFrame:
    """Read a Parquet table from memory.

    Args:
        content: The bytes of the file.
        refuse: Makes the error.

    Raises:
        UserError: If they are not such a table.
    """
    import pandas as pd

    if not isinstance(content, bytes):
        raise refuse("is damaged (a table is not Parquet)")
    try:
        return pd.read_parquet(io.BytesIO(content))
    except Exception as error:  # Arrow's, and those of pandas' own metadata inside
        raise refuse(f"cannot be read ({_first_line(error)})") from error


def explain_unreadable(path: Path, error: OSError) -> UserError:
    """Explain in one line why a file cannot be read."""
    return UserError(f"{path}: cannot be read: {error.strerror or error}")


def _require_readable(path: Path, refuse: Refuse | None) -> None:
    """Raise UserError unless the file exists and may be read."""
    try:
        path.open("rb").close()
    except FileNotFoundError:
        raise (refuse or _naming(path))("is missing") from None
    except OSError as error:
        raise explain_unreadable(path, error) from error


def _naming(path: Path) -> Refuse:
    return lambda problem: UserError(f"{path}: {problem}")


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}" if place else first["msg"]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
