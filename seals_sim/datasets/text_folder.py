"""A folder of .txt files, one text per file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from seals_sim.datasets.lines import BadLines
from seals_sim.datasets.protocol import Record, Where
from seals_sim.errors import UserError

_COLUMNS = ["file", "text"]


class TextFolder:
    """All .txt files below a folder, sorted by name, as a table with the columns `file` and `text`."""

    def __init__(self, folder: Path, encoding: str = "utf-8") -> None:
        self._folder, self._encoding = folder, "utf-8-sig" if encoding == "utf-8" else encoding
        self._names = sorted(path.relative_to(folder).as_posix() for path in _find_texts(folder))
        if not self._names:
            raise UserError(f"{folder}: has no .txt files and was not written by datasets.save_to_disk")

    def read_header(self, bad: BadLines) -> list[str]:
        return _COLUMNS

    def read_at_once(self, columns: Sequence[str]) -> pa.Table | None:
        """Always None: it would be no faster."""
        return None

    def read_types(self, columns: Sequence[str]) -> dict[str, pa.DataType] | None:
        return None

    def iterate_rows(self, columns: Sequence[str], bad: BadLines) -> Iterator[tuple[Where, Record]]:
        for name in self._names:
            try:
                text = (self._folder / name).read_bytes().decode(self._encoding)
            except UnicodeDecodeError as error:
                what = f"not {self._encoding.upper().removesuffix('-SIG')} text ({error.reason} at byte {error.start})"
                bad.report(name, f"{what}; specify its encoding")
                continue
            except OSError as error:
                bad.report(name, f"cannot be read: {error.strerror}")
                continue
            yield name, {"file": name, "text": text}


def _find_texts(folder: Path) -> list[Path]:
    if folder.resolve() == Path(folder.resolve().anchor):
        raise UserError(f"{folder}: is the whole disk; give the folder that holds the texts")
    try:
        return [path for path in folder.rglob("*") if path.suffix.lower() == ".txt" and path.is_file()]
    except OSError as error:
        problem = f"cannot be searched for .txt files ({error.filename}: {error.strerror})"
        raise UserError(f"{folder}: {problem}; give a folder that holds only the texts") from error
