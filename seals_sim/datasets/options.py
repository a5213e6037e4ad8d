"""How to read a table, if its name does not say."""

from __future__ import annotations

from typing import Literal

from pydantic.dataclasses import dataclass

from seals_sim.errors import UserError
from seals_sim.options import CHECKED

Quoting = Literal["double", "none"]


@dataclass(frozen=True, kw_only=True, config=CHECKED)
class TableOptions:
    """How a table is read.

    Raises:
        pydantic.ValidationError: For an invalid delimiter or an unknown encoding.
    """

    delimiter: str | None = None
    """Character that separates the cells of a .csv or .tsv; write a tab as \\\\t. [default: tab in a .tsv; in a .csv, comma, or semicolon or tab if the header has no comma]"""  # noqa: E501
    quoting: Quoting | None = None
    """double: a cell in double quotes may contain delimiters and line breaks; none: a quote is an ordinary character. [default: double in a .csv, none in a .tsv]"""  # noqa: E501
    encoding: str = "utf-8"
    """Encoding of a text file, such as cp1252 or utf-16."""
    sheet: str | None = None
    """Sheet to read, if an Excel workbook has several."""

    def __post_init__(self) -> None:
        if self.delimiter == "\\t":
            object.__setattr__(self, "delimiter", "\t")
        if self.delimiter is not None and not _is_delimiter(self.delimiter):
            problem = "must be one ASCII character, and neither a quote nor a line break"
            raise UserError(problem, parameter="delimiter", value=repr(self.delimiter))
        try:
            "".encode(self.encoding)
            object.__setattr__(self, "encoding", _name_encoding(self.encoding))
        except (LookupError, ValueError) as error:
            problem = "unknown; try utf-8, cp1252, latin-1 or utf-16"
            raise UserError(problem, parameter="encoding", value=self.encoding) from error


def _is_delimiter(text: str) -> bool:
    return len(text) == 1 and text.isascii() and text not in '"\r\n\0'


def _name_encoding(encoding: str) -> str:
    """The encoding, with one name for utf-8; its byte order mark is always skipped."""
    return "utf-8" if encoding.lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig") else encoding
