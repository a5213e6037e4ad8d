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


class BadLines:
    """What to do with a line that cannot be read: stop with an error, or leave it out and remember it.

    skip: None where the user is not given the choice.
    """

    def __init__(self, path: Path, skip: bool | None = False) -> None:
        self.path, self.skip = path, skip
        self.reports: list[str] = []
        self.n_rows = 0  # rows of the table among the lines left out

    def report(self, where: int | str, reason: str, is_row: bool = True) -> None:
        """Note what is wrong at line number `where`. Raises UserError unless bad lines are skipped.

        is_row: whether the line would have been a row, so that later rows keep their positions in the table.
        """
        message = f"{self.path}:{where}: {reason}"
        if not self.skip:
            raise UserError(message + ("; skip_bad_lines leaves such lines out" if self.skip is False else ""))
        self.reports.append(message)
        self.n_rows += is_row


def require_file(path: Path) -> None:
    """Raise UserError where `path` is not a file that can be read."""
    if not path.exists():
        raise UserError(f"{path}: no such file")
    if not path.is_file():
        raise UserError(f"{path}: this is a folder, and a file is needed")
    try:
        path.open("rb").close()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error


def read_lines(path: Path, bad: BadLines, quiet: bool = True) -> Iterator[tuple[int, str]]:
    """Number (from 1) and text of each line, line ends kept; a byte order mark is dropped.

    A name that ends in .gz is unpacked. A line that is not UTF-8, and a file that breaks off, go to `bad`. quiet: no
    progress bar.
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
                raw = file.readline()
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                what = "the gzip data is damaged or breaks off here; an unknown number of rows is lost"
                bad.report(number + 1, f"{what} ({error})", is_row=False)
                return
            if not raw:
                return
            number += 1
            try:
                text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                bad.report(number, f"not UTF-8 text ({error.reason} at byte {error.start} of the line)")
                continue
            yield number, text


def read_json_lines(path: Path, bad: BadLines, quiet: bool = True) -> Iterator[tuple[int, dict[str, object]]]:
    """Line number and object of each line of a JSON Lines file; blank lines are passed over. quiet: no progress bar."""
    for number, line in read_lines(path, bad, quiet):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            bad.report(number, f"not valid JSON ({error})")
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
