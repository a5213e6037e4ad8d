"""Long work in blocks: each finished block is on disk with its checksum, and a rerun resumes after the last one.

A stage has a folder with a journal of one line per block, written only after the block's data is safely on disk. So
whatever kills the process, at most the current block is lost. Each line records how long the block took and the peak
memory of its process up to then, and ends with a checksum of itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from seals_sim.disk.files import compute_sha256, explain_unwritable, replacing, write_text
from seals_sim.disk.reading import check_form, explain_unreadable, read_json
from seals_sim.errors import DamagedError, OtherOriginError, UserError

Record = dict[str, Any]
USE_ANOTHER = "remove this folder to rebuild it, or use another one"
_SHOWN = 40  # characters of a value in an error
_CHECK = "check"  # the checksum of a line; lines of early versions have none
_CHECK_DIGITS = 16
T = TypeVar("T")
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]


class FileResult(TypedDict):
    """What `finish_with` records about a file."""

    bytes: Count
    sha256: Sha256


class _First(TypedDict):
    stage: str
    made_from: dict[str, Any]


class _Measured(TypedDict):
    seconds: Annotated[float, Field(ge=0)]
    peak_bytes: Count


class _Block(_Measured):
    block: dict[str, Any]


class _Finished(_Measured):
    finished: dict[str, Any]


class _Stamp(TypedDict):
    bytes: int
    mtime_ns: int


_FIRST, _LATER = TypeAdapter(_First), TypeAdapter(_Block | _Finished)


class Stage:
    """The journal of one stage.

    Attributes:
        folder: Folder of the stage, with its journal and its data.
        name: Name of the stage.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Stage(Path(folder), "embed", {"model": "m"}).record({"rows": 512})
        ...     Stage(Path(folder), "embed", {"model": "m"}).blocks
        [{'rows': 512}]
    """

    def __init__(self, folder: Path, name: str, made_from: Mapping[str, object]) -> None:
        """Open the journal in folder / name, or start it.

        Args:
            folder: Parent folder of all stages.
            name: Name of this stage.
            made_from: Everything that the result depends on, in JSON types.

        Raises:
            UserError: If the folder holds a stage made from something else, or its journal is damaged.
        """
        self.folder, self.name = folder / name, name
        self._since = time.perf_counter()
        self._journal, self._checked = self.folder / "journal.jsonl", self.folder / "checked.json"
        self._first_line = {"stage": name, "made_from": json.loads(json.dumps(made_from))}
        self._n_whole: int | None = None  # bytes of the complete lines, if a truncated one follows
        self._lines: list[Record] = self._read()
        if self._lines:
            self._require_same(self._lines.pop(0)["made_from"])
        else:
            self.truncate(0)

    @property
    def blocks(self) -> list[Record]:
        """The finished blocks, in order."""
        return [line["block"] for line in self._lines if "block" in line]

    @property
    def result(self) -> Record | None:
        """The result of the stage, as given to `finish`; None before that."""
        return self._lines[-1].get("finished") if self._lines else None

    @property
    def is_finished(self) -> bool:
        """Whether the stage is complete."""
        return self.result is not None

    @property
    def seconds(self) -> float:
        """Total time of all blocks."""
        return float(sum(line["seconds"] for line in self._lines))

    @property
    def peak_bytes(self) -> int:
        """Peak memory of the process at the end of any block."""
        return int(max((line["peak_bytes"] for line in self._lines), default=0))

    @property
    def digest(self) -> str:
        """A digest of the stage's origin, blocks and result, used as origin by later stages."""
        return hashlib.sha256(json.dumps([self._first_line, self.blocks, self.result]).encode()).hexdigest()

    def record(self, block: Record) -> None:
        """Record a block whose data is on disk."""
        self._append({"block": block})

    def truncate(self, n_blocks: int) -> None:
        """Forget the blocks after the first `n_blocks`, so that they are computed again."""
        lines = [line for line in self._lines if "block" in line][:n_blocks]
        with replacing(self._journal, is_private=True) as temporary:
            text = "".join(_sign(line) for line in (self._first_line, *lines))
            temporary.write_text(text, encoding="utf-8")
        self._lines, self._n_whole = lines, None

    def read_blocks(self, kind: type[T]) -> list[T]:
        """The blocks, validated against a type known to pydantic. Raises DamagedError if one does not fit."""
        return [check_form(block, kind, self._refuse) for block in self.blocks]

    def read_result(self, kind: type[T]) -> T:
        """The result, validated against a type known to pydantic. Raises DamagedError if it does not fit."""
        return check_form(self.result, kind, self._refuse)

    def finish(self, result: Record) -> None:
        """Record that the stage is complete, and its result."""
        self._append({"finished": result})

    def finish_with(self, path: Path, result: Record) -> None:
        """Record that the stage is complete and that its result is this file, which is on disk."""
        self.finish({**result, "bytes": path.stat().st_size, "sha256": compute_sha256(path)})
        self.note_checked(path)

    def require_whole(self, path: Path) -> None:
        """Check the file given to `finish_with`.

        Args:
            path: Path of the file.

        Raises:
            DamagedError: If it is missing or has changed. Its digest is compared once after every change of its size or
                time.
        """
        noted = self.read_result(FileResult)
        if not path.is_file() or path.stat().st_size != noted["bytes"]:
            raise DamagedError(path, "is missing or cut off", self.folder)
        try:
            if not self.is_checked(path):
                if compute_sha256(path) != noted["sha256"]:
                    raise DamagedError(path, "is damaged", self.folder)
                self.note_checked(path)
        except OSError as error:
            raise explain_unreadable(path, error) from error

    def is_checked(self, path: Path) -> bool:
        """Whether a file has the same size and time as when its content was last compared."""
        try:
            return bool(read_json(self._checked, _Stamp) == _get_stamp(path))
        except UserError:
            return False

    def note_checked(self, path: Path) -> None:
        """Record that the content of a file matches the journal, unless the folder is read-only."""
        with suppress(UserError):
            write_text(self._checked, json.dumps(_get_stamp(path)), is_private=True)

    def _read(self) -> list[Record]:
        """The complete lines of the journal; a line that was being written when the process was killed is dropped."""
        try:
            raw = self._journal.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise explain_unreadable(self._journal, error) from error
        whole = raw[: raw.rfind(b"\n") + 1]
        lines = [self._read_line(line, number) for number, line in enumerate(whole.splitlines())]
        self._n_whole = len(whole) if len(whole) < len(raw) else None
        return lines

    def _read_line(self, text: bytes, number: int) -> Record:
        try:
            line = json.loads(text)
            noted = line.pop(_CHECK, None)
            (_LATER if number else _FIRST).validate_python(line, strict=True)
        except ValidationError as error:
            raise self._refuse("unexpected format") from error
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise self._refuse(f"{error}") from error
        if noted is not None and noted != _compute_check(line):
            raise self._refuse("its checksum is wrong")
        return dict(line)

    def _refuse(self, problem: str) -> UserError:
        return DamagedError(self._journal, f"is damaged ({problem})", self.folder)

    def _append(self, what: Record) -> None:
        now = time.perf_counter()
        line = {**json.loads(json.dumps(what)), "seconds": now - self._since, "peak_bytes": measure_peak_bytes()}
        self._since = now
        try:
            if self._n_whole is not None:
                os.truncate(self._journal, self._n_whole)
                self._n_whole = None
            with self._journal.open("ab") as file:
                file.write(_sign(line).encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise explain_unwritable(self._journal, error) from error
        self._lines.append(line)

    def _require_same(self, old: Record) -> None:
        new = self._first_line["made_from"]
        for name in {**new, **old}:
            if old.get(name) != new.get(name):
                before, now = _show_difference(old.get(name), new.get(name))
                problem = f"was made with a different {name} ({before}, now {now}); {USE_ANOTHER}"
                raise OtherOriginError(f"{self.folder}: {problem}", self.folder)


def _show_difference(one: object, other: object) -> tuple[str, str]:
    """Format two different values, long ones from the point where they differ.

    Examples:
        >>> _show_difference("7" * 60 + "1", "7" * 60 + "2")
        ("...777777771'", "...777777772'")
    """
    texts = repr(one), repr(other)
    start = 0
    if max(map(len, texts)) > _SHOWN:
        n_same = next((n for n, (a, b) in enumerate(zip(*texts, strict=False)) if a != b), min(map(len, texts)))
        start = max(0, n_same - 8)

    def cut(text: str) -> str:
        end = start + _SHOWN
        return f"{'...' if start else ''}{text[start:end]}{'...' if end < len(text) else ''}"

    return cut(texts[0]), cut(texts[1])


def measure_peak_bytes() -> int:
    """Ask the operating system for the peak memory of this process, including pages of mapped files.

    On Linux, `ru_maxrss` includes what a process held before it executed another program, so a child inherits its
    parent's peak; the high-water mark in /proc starts from zero.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def _sign(line: Record) -> str:
    """A line of a journal, with its checksum."""
    return json.dumps({**line, _CHECK: _compute_check(line)}) + "\n"


def _compute_check(line: Record) -> str:
    return hashlib.sha256(json.dumps(line).encode()).hexdigest()[:_CHECK_DIGITS]


def _get_stamp(path: Path) -> dict[str, int]:
    status = path.stat()
    return {"bytes": status.st_size, "mtime_ns": status.st_mtime_ns}
