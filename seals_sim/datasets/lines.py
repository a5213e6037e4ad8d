"""Reading text files line by line, plain or gzipped, with errors that name the file and the line."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from tqdm import tqdm

from seals_sim.errors import UserError

UNREADABLE = (EOFError, OSError, zlib.error)  # what a file raises that is damaged or breaks off


class BadLines:
    """What to do with a line that cannot be read: stop with an error, or leave it out and remember it.

    Attributes:
        reports: What was left out and why, one line each.
        n_rows: Rows of the table among the lines left out.

    Examples:
        >>> bad = BadLines(Path("t.csv"), skip=True)
        >>> bad.report(3, "2 fields where the header has 3")
        >>> bad.reports, bad.n_rows
        (['t.csv:3: 2 fields where the header has 3'], 1)
    """

    def __init__(self, path: Path, skip: bool | None = False) -> None:
        """Start with nothing left out.

        Args:
            path: The file that is read.
            skip: Whether to leave bad lines out; None where the user is not given the choice.
        """
        self.path, self.skip = path, skip
        self.reports: list[str] = []
        self.n_rows = 0

    def report(self, where: int | str, reason: str, is_row: bool = True) -> None:
        """Note what is wrong with a line.

        Args:
            where: The line's number from 1, or another name of the place.
            reason: What is wrong.
            is_row: Whether the line would have been a row, so that later rows keep their positions in the table.

        Raises:
            UserError: Unless bad lines are skipped.
        """
        message = f"{self.path}:{where}: {reason}"
        if not self.skip:
            raise UserError(message + ("; skip_bad_lines leaves such lines out" if self.skip is False else ""))
        self.reports.append(message)
        self.n_rows += is_row


def require_file(path: Path) -> None:
    """Check that there is a file to read.

    Args:
        path: Of the file.

    Raises:
        UserError: Where there is none, or it cannot be read.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file")
    if path.is_dir():
        raise UserError(f"{path}: this is a folder, and a file is needed")
    if not path.is_file():  # it is read more than once
        raise UserError(f"{path}: this is a pipe or a device, and a file is needed, whose ending says its format")
    try:
        path.open("rb").close()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error


def read_bytes(path: Path) -> bytes:
    """Read a whole file, unpacked where its name ends in .gz.

    Args:
        path: Of the file.

    Returns:
        Its content.

    Raises:
        EOFError, OSError, zlib.error: Where it is damaged or breaks off (`UNREADABLE`).
    """
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def read_raw_lines(path: Path, bad: BadLines, quiet: bool = True) -> Iterator[tuple[int, bytes]]:
    """Read a file line by line, unpacked where its name ends in .gz.

    Args:
        path: Of the file.
        bad: Gets the place where the file breaks off.
        quiet: No progress bar.

    Yields:
        Number, from 1, and content of each line, with its line end and without a byte order mark.

    Raises:
        UserError: Where the file breaks off, unless bad lines are skipped.
    """
    number = 0
    with (
        path.open("rb") as raw_file,
        cast(BinaryIO, gzip.GzipFile(fileobj=raw_file) if path.suffix == ".gz" else raw_file) as file,
        tqdm(total=path.stat().st_size, desc=f"reading {path.name}", unit="B", unit_scale=True, disable=quiet) as bar,
    ):
        while True:
            if number % 1024 == 0:
                bar.update(raw_file.tell() - bar.n)
            try:
                line = file.readline()
            except UNREADABLE as error:
                what = "the gzip data is damaged or breaks off here; an unknown number of rows is lost"
                bad.report(number + 1, f"{what} ({error})", is_row=False)
                return
            if not line:
                return
            number += 1
            yield number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line


def read_lines(path: Path, bad: BadLines, quiet: bool = True) -> Iterator[tuple[int, str]]:
    """Read the lines of a text file, unpacked where its name ends in .gz.

    Args:
        path: Of the file.
        bad: Gets lines that are not UTF-8, and the place where the file breaks off.
        quiet: No progress bar.

    Yields:
        Number, from 1, and text of each line, with its line end and without a byte order mark.

    Raises:
        UserError: For such a line, unless bad lines are skipped.
    """
    for number, line in read_raw_lines(path, bad, quiet):
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            bad.report(number, explain_decoding(error))
            continue
        yield number, text


def explain_decoding(error: UnicodeDecodeError) -> str:
    """Say what is wrong with a line that is not UTF-8."""
    return f"not UTF-8 text ({error.reason} at byte {error.start} of the line)"


def read_json_lines(path: Path, bad: BadLines, quiet: bool = True) -> Iterator[tuple[int, dict[str, object]]]:
    """Read the objects of a JSON Lines file; blank lines are passed over.

    Args:
        path: Of the file.
        bad: Gets lines that are not a JSON object.
        quiet: No progress bar.

    Yields:
        Line number, from 1, and object of each line.

    Raises:
        UserError: For a line that is not one, unless bad lines are skipped.
    """
    for number, line in read_lines(path, bad, quiet):
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
        if not isinstance(record, dict):
            bad.report(number, f"a JSON object {{...}} is needed on each line; this is a {type(record).__name__}")
        elif "\\u" in line and not _is_encodable(record):
            bad.report(number, "half of a surrogate pair (\\ud800 to \\udfff alone), which is no character")
        else:
            yield number, record


def _is_encodable(record: dict[str, object]) -> bool:
    try:
        json.dumps(record, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
