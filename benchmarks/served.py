"""A page that `seals label` serves from a process of its own, by HTTP, and what that process takes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class ServedPage:
    """The calls of the page that a server has printed the address of."""

    def __init__(self, line: str) -> None:
        found = re.match(r"(http://[^/]+)/\?token=(\S+)", line)
        if found is None:
            raise RuntimeError(f"no address but {line!r}")
        self._base, self._token = found.groups()

    def call(self, path: str, content: object = None, who: str = "") -> Any:
        """GET, or POST where there is content, as a person; waits while the table is made ready."""
        data = None if content is None else json.dumps(content).encode()
        headers = {"X-Person": who, "Content-Type": "application/json"}
        while True:
            try:
                with self._open(path, data, headers) as reply:
                    return json.load(reply)
            except urllib.error.HTTPError as error:
                if error.code != 503:
                    raise
            self._wait()

    def open(self) -> str:
        """The page itself, which is there before the session is: its HTML."""
        with self._open("/") as reply:
            return str(reply.read().decode())

    def _wait(self) -> None:
        """Until the session is open; the server holds each answer for a while, so that to ask costs it nothing."""
        told: dict[str, Any] = {"is_ready": False}
        while not told["is_ready"]:
            with self._open("/api/opening?again") as reply:
                told = json.load(reply)
            if told["error"] is not None:
                raise RuntimeError(told["error"])

    def _open(self, path: str, data: bytes | None = None, headers: Mapping[str, str] | None = None) -> Any:
        sent = {**(headers or {}), "X-Token": self._token}
        return urllib.request.urlopen(urllib.request.Request(self._base + path, data, sent))


@contextmanager
def serving(command: Sequence[str]) -> Iterator[tuple[ServedPage, int, float]]:
    """The page, its process, and when that began."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield ServedPage(process.stdout.readline()), process.pid, start
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def read_peak(pid: int) -> int:
    """Bytes of memory that a process has had at most, files that are mapped among them."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return 1024 * int(found[1])


def read_cpu(pid: int) -> float:
    """Seconds of a processor that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
