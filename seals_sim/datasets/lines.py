"""Reading text files line by line, plain or compressed, with errors that name the file and the line."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

from seals_sim.errors import UserError
from seals_sim.progress import track
from seals_sim.types import TableRow

UNREADABLE = (EOFError, OSError, zlib.error)  # raised by a damaged or truncated file
PACKED = (".gz", ".bz2", ".zst")
_MARKS = b'\n\r\t",;{}'


@dataclass(frozen=True)
class LeftOut:
    """Something in a file that was left out.

    Attributes:
        where: The file and the place in it.
        reason: What is wrong with it.
        row: Its row in the table; None if it is not known to be exactly one row.
    """

    where: str
    reason: str
    row: TableRow | None

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


class BadLines:
    """Numbers the rows of a table and decides about lines that cannot be read: stop, or leave them out.

    Rows that are kept and rows that are left out are numbered together, in the order of the file.

    Attributes:
        left_out: What was left out and why.

    Examples:
        >>> bad = BadLines(Path("t.csv"), skip=True)
        >>> bad.report(2, "2 fields, but the header has 3")
        >>> bad.reports, bad.keep()
        (['t.csv:2: 2 fields, but the header has 3'], 1)
    """

    def __init__(self, path: Path, skip: bool | None = False, is_quiet: bool = True) -> None:
        """Start with nothing left out.

        Args:
            path: The file being read.
            skip: Whether to leave out bad lines; None if the user cannot choose.
            is_quiet: Whether to hide the progress bar while rows are read.
        """
        self.path, self.skip, self.is_quiet = path, skip, is_quiet
        self.left_out: list[LeftOut] = []
        self._n_rows = 0

    @property
    def reports(self) -> list[str]:
        """What was left out and why, one line each."""
        return [str(one) for one in self.left_out]

    def keep(self) -> TableRow:
        """Count a kept row and return its number."""
        self._n_rows += 1
        return TableRow(self._n_rows - 1)

    def report(self, where: int | str, reason: str, is_row: bool = True) -> None:
        """Record what is wrong with a line.

        Args:
            where: The line number, from 1, or another name for the place.
            reason: What is wrong.
            is_row: Whether the line would have been a row, so that later rows keep their positions in the table.

        Raises:
            UserError: If bad lines are not skipped.
        """
        if not self.skip:
            hint = "; skip_bad_lines skips such lines" if self.skip is False else ""
            raise UserError(f"{self.path}:{where}: {reason}{hint}")
        self.leave_out(where, reason, is_row)

    def leave_out(self, where: int | str, reason: str, is_row: bool = True) -> None:
        """Record something left out that is never an error, such as an empty cell; arguments as for `report`."""
        self.left_out.append(LeftOut(f"{self.path}:{where}", reason, self.keep() if is_row else None))


def require_file(path: Path) -> None:
    """Check that there is a file to read.

    Args:
        path: Path of the file.

    Raises:
        UserError: If there is no file, or it cannot be read.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file")
    if path.is_dir():
        raise UserError(f"{path}: is a folder, not a file")
    if not path.is_file():  # it is read more than once
        raise UserError(f"{path}: is a pipe or a device; save it to a file whose ending gives its format")
    try:
        path.open("rb").close()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error


def get_endings(path: Path) -> tuple[str, str]:
    """Split the ending of a file name into format and compression, both in lower case.

    Examples:
        >>> get_endings(Path("reviews.2024.CSV.gz")), get_endings(Path("t.arrow"))
        (('.csv', '.gz'), ('.arrow', ''))
    """
    packing = path.suffix.lower()
    if packing not in PACKED:
        return packing, ""
    return path.with_suffix("").suffix.lower(), packing


def read_bytes(path: Path, encoding: str = "utf-8") -> bytes:
    """Read a whole text file, decompressed according to its name.

    Args:
        path: Path of the file.
        encoding: Encoding of the text.

    Returns:
        Its content, in UTF-8 if it was valid in its encoding.

    Raises:
        EOFError, OSError, zlib.error: If it is damaged or truncated (`UNREADABLE`).
        UnicodeDecodeError: If it is not valid in an encoding other than UTF-8.
    """
    with path.open("rb") as raw, _unpack(raw, path) as file:
        data = file.read()
    return data if encoding == "utf-8" else data.decode(encoding).encode()


def read_raw_lines(
    path: Path, bad: BadLines, quiet: bool = True, encoding: str = "utf-8"
) -> Iterator[tuple[int, bytes]]:
    """Read a file line by line, decompressed according to its name.

    Args:
        path: Path of the file.
        bad: Receives the place where the file is truncated.
        quiet: Whether to hide the progress bar.
        encoding: Encoding of the file. Lines in an encoding that does not extend ASCII are converted to UTF-8
            (`decodes_lines`).

    Yields:
        Number, from 1, and content of each line, with line ending and without byte order mark.

    Raises:
        UserError: If the file is truncated, unless bad lines are skipped.
    """
    number, is_quiet = 0, quiet and bad.is_quiet
    with (
        path.open("rb") as raw_file,
        _unpack(raw_file, path) as unpacked,
        _recode(unpacked, encoding) as file,
        track(f"reading {path.name}", path.stat().st_size, "B", is_quiet) as bar,
    ):
        while True:
            if number % 1024 == 0:
                bar.advance_to(raw_file.tell())
            try:
                line = file.readline()
            except UNREADABLE as error:
                packed = {".gz": "gzip ", ".bz2": "bzip2 ", ".zst": "zstd "}.get(get_endings(path)[1], "")
                what = f"the {packed}data is damaged or truncated here; an unknown number of rows is lost"
                bad.report(number + 1, f"{what} ({error})", is_row=False)
                return
            except UnicodeError as error:
                what = f"not {encoding} text from here on; an unknown number of rows is lost"
                bad.report(number + 1, f"{what} ({error}); specify its encoding", is_row=False)
                return
            if not line:
                bar.advance_to(raw_file.tell())
                return
            number += 1
            yield number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line


def decodes_lines(encoding: str) -> bool:
    """Whether a file in this encoding can be split into lines before decoding, which UTF-16, for example, cannot.

    Examples:
        >>> [decodes_lines(name) for name in ("utf-8", "cp1252", "gb18030", "utf-16")]
        [True, True, True, False]
    """
    return _MARKS.decode("ascii").encode(encoding) == _MARKS


def _unpack(file: BinaryIO, path: Path) -> BinaryIO:
    match get_endings(path)[1]:
        case ".gz":
            return cast(BinaryIO, gzip.GzipFile(fileobj=file))
        case ".bz2":
            return cast(BinaryIO, bz2.BZ2File(file))
        case ".zst":
            return cast(BinaryIO, io.BufferedReader(pa.CompressedInputStream(pa.PythonFile(file, "r"), "zstd")))
    return file


class _Recoded:
    """The lines of a file in another encoding, as UTF-8."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._text = io.TextIOWrapper(file, encoding, newline="\n")

    def readline(self) -> bytes:
        return self._text.readline().encode()

    def __enter__(self) -> _Recoded:
        return self

    def __exit__(self, *unused: object) -> None:
        self._text.close()


def _recode(file: BinaryIO, encoding: str) -> BinaryIO | _Recoded:
    return file if decodes_lines(encoding) else _Recoded(file, encoding)


def read_lines(path: Path, bad: BadLines, quiet: bool = True, encoding: str = "utf-8") -> Iterator[tuple[int, str]]:
    """Read the lines of a text file, decompressed according to its name.

    Args:
        path: Path of the file.
        bad: Receives lines that cannot be decoded and the place where the file is truncated.
        quiet: Whether to hide the progress bar.
        encoding: Encoding of the file.

    Yields:
        Number, from 1, and text of each line, with line ending and without byte order mark.

    Raises:
        UserError: For either of these, unless bad lines are skipped.
    """
    yield from decode_lines(read_raw_lines(path, bad, quiet, encoding), bad, encoding)


def decode_lines(
    lines: Iterable[tuple[int, bytes]], bad: BadLines, encoding: str = "utf-8"
) -> Iterator[tuple[int, str]]:
    """Decode numbered lines, as `read_lines` does for a file."""
    of_lines = encoding if decodes_lines(encoding) else "utf-8"
    for number, line in lines:
        try:
            text = line.decode(of_lines)
        except UnicodeDecodeError as error:
            bad.report(number, explain_decoding(error, encoding))
            continue
        yield number, text


def explain_decoding(error: UnicodeDecodeError, encoding: str = "utf-8") -> str:
    """Describe a line that is not valid in its encoding."""
    what = f"not {encoding.upper()} text ({error.reason} at byte {error.start} of the line)"
    return f"{what}; specify its encoding"


def read_json_lines(
    path: Path, bad: BadLines, quiet: bool = True, encoding: str = "utf-8"
) -> Iterator[tuple[int, dict[str, object]]]:
    """Read the objects of a JSON Lines file, skipping blank lines.

    Args:
        path: Path of the file.
        bad: Receives lines that are not a JSON object.
        quiet: Whether to hide the progress bar.
        encoding: Encoding of the file.

    Yields:
        Line number, from 1, and object of each line.

    Raises:
        UserError: For a line that is not an object, unless bad lines are skipped.
    """
    yield from parse_json_lines(read_lines(path, bad, quiet, encoding), bad)


def parse_json_lines(lines: Iterable[tuple[int, str]], bad: BadLines) -> Iterator[tuple[int, dict[str, object]]]:
    """Parse numbered lines, as `read_json_lines` does for a file."""
    for number, line in lines:
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            more = isinstance(error, json.JSONDecodeError) and error.msg == "Extra data"
            bad.report(number, f"not valid JSON ({'more than one value on the line: ' if more else ''}{error})")
            continue
        except RecursionError:
            bad.report(number, "JSON nested too deeply")
            continue
        problem = find_problem(record, may_be_half="\\u" in line)
        if problem is None:
            yield number, record
        else:
            bad.report(number, problem)


def find_problem(record: object, may_be_half: bool = True) -> str | None:
    """Describe what keeps a JSON value from being a row; None if nothing does.

    Args:
        record: The value.
        may_be_half: Whether it may contain a lone surrogate, which only escapes can.
    """
    if not isinstance(record, dict):
        return f"must be a JSON object {{...}}, not a {type(record).__name__}"
    if may_be_half and not _is_encodable(record):
        return "contains a lone surrogate (\\ud800 to \\udfff), which is not a character"
    return None


def _is_encodable(record: dict[str, object]) -> bool:
    try:
        json.dumps(record, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
