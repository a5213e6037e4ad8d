"""A page that `seals label` serves over HTTP from its own process, and the resources that process uses."""

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
    """HTTP calls to the page whose address a server has printed."""

    def __init__(self, line: str) -> None:
        found = re.match(r"(http://[^/]+)/\?token=(\S+)", line)
        if found is None:
            raise RuntimeError(f"expected the address of the page, got {line!r}")
        self._base, self._token = found.groups()

    def call(self, path: str, content: object = None, who: str = "") -> Any:
        """Send a GET, or a POST if there is content, as a person. Wait while the table is being prepared."""
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
        """The HTML of the page itself, which is available before the session is."""
        with self._open("/") as reply:
            return str(reply.read().decode())

    def _wait(self) -> None:
        """Wait until the session is open. The server holds each request for a while, so polling costs it nothing."""
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
    """The page, its process id, and its start time."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield ServedPage(process.stdout.readline()), process.pid, start
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def read_peak(pid: int) -> int:
    """Peak memory of a process in bytes, including mapped files."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return 1024 * int(found[1])


def read_cpu(pid: int) -> float:
    """CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
