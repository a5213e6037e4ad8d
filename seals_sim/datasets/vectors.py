"""The user's own vectors, such as image embeddings: an .npy of (n, d), with labels or a table in another file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seals_sim.datasets.dataset import Dataset
from seals_sim.datasets.labels import Label, build_concepts, read_label
from seals_sim.datasets.lines import require_file
from seals_sim.datasets.table import get_stem, read_label_table
from seals_sim.disk.reading import read_array
from seals_sim.errors import UserError
from seals_sim.types import DatasetRows
from seals_sim.vectors.normalize import normalize


def read_vectors(path: Path, labels: Path, label_columns: Sequence[str] = (), separator: str | None = None) -> Dataset:
    """Read vectors and their labels.

    Args:
        path: Path of an .npy of (n, d), of any real type.
        labels: Path of an .npy of (n,) with a class id (or 0/1, or true/false) per row; or of a table with a label
            column.
        label_columns: Label columns of the table, by default `label` or `labels`.
        separator: Splits a text cell of the table into a list of labels.

    Returns:
        The vectors, in float32 and l2-normalized, and the concepts of the labels.

    Raises:
        UserError: If a file cannot be read, or a vector is zero, infinite, or not a number.
    """
    vectors = read_vector_array(path)
    n_labels, concepts = _read_labels(labels, label_columns, separator)
    if n_labels != len(vectors):
        raise UserError(f"{labels}: {n_labels} labels for the {len(vectors)} vectors of {path}")
    return Dataset(get_stem(path), concepts, vectors=normalize(vectors, str(path)))


def read_vector_array(path: Path) -> NDArray[np.generic]:
    """Read an array of vectors as it is, memory-mapped; `normalize` checks its values.

    Args:
        path: Path of an .npy of (n, d), of any real type.

    Returns:
        (n, d), n and d at least 1.

    Raises:
        UserError: If the file does not contain such an array; pickles are not read.
    """
    vectors = _read_array(path)
    if vectors.ndim != 2 or vectors.dtype.kind not in "fiu" or not vectors.size:
        raise UserError(f"{path}: must be an (n, d) array of numbers, not {_describe(vectors)}")
    return vectors


def _read_labels(path: Path, label_columns: Sequence[str], separator: str | None) -> tuple[int, dict[str, DatasetRows]]:
    if path.suffix != ".npy":
        return read_label_table(path, label_columns, separator)
    if label_columns:
        raise UserError(f"{path} is an array and has no columns", parameter="label_column", value=label_columns[0])
    values = _read_array(path)
    if values.ndim != 1 or values.dtype.kind not in "biufU":
        raise UserError(f"{path}: must be an (n,) array with one class id per row, not {_describe(values)}")
    is_missing = ~np.isfinite(values) if values.dtype.kind == "f" else np.zeros(len(values), dtype=np.bool_)
    if is_missing.any():
        raise UserError(f"{path}: row {int(np.argmax(is_missing))} (counted from 0) is NaN or infinite")
    column: list[Label] = [read_label(value, None) for value in values.tolist()]
    return len(column), build_concepts({get_stem(path): column})


def _read_array(path: Path) -> NDArray[np.generic]:
    require_file(path)
    return read_array(path)


def _describe(array: NDArray[np.generic]) -> str:
    return f"{array.dtype} of shape {array.shape}"
