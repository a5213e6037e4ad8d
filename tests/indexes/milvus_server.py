"""A real Milvus server with a killed client, a killed server and an unreachable one: `python -m ... FOLDER`.

Milvus 2.3 always listens on all interfaces. So this runs in its own network namespace, which has only loopback, and in
its own process namespace, which ends the server with this script (see test_milvus_server.py).
"""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
import pytest
from milvus import MilvusServer, MilvusServerConfig

from seals_sim import ArgMax, LabelTable, LogisticLearner, build_seals_pool, draw_seeds, max_entropy, run
from seals_sim.errors import UserError
from seals_sim.indexes import IndexOptions, build_index
from seals_sim.indexes.engines import index as engine_index
from seals_sim.indexes.engines.index import EngineIndex
from tests.conftest import clustered

VECTORS, CLUSTER = clustered(20_000, 32, 40)
ADDRESS = "http://127.0.0.1:19530"


class _SamePorts(MilvusServerConfig):  # type: ignore[misc]  # it has no types
    """Reuses the ports of a server that was just killed, instead of taking the next ones."""

    def try_bind_port(self, port):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("127.0.0.1", port))
        return one


def start(folder: Path) -> MilvusServer:
    """Start a server. If it finds the leases of a killed one, it gives up and is started again, as a service would."""
    until = time.monotonic() + 150
    while time.monotonic() < until:
        server = MilvusServer(_SamePorts(data_dir=str(folder)), wait_for_started=False)
        server.start()
        while server.server_proc.poll() is None and time.monotonic() < until:
            with suppress(OSError), urlopen(f"http://127.0.0.1:{server.webservice_port}/healthz", timeout=5) as reply:
                if b"OK" in reply.read():
                    return server
            time.sleep(0.2)
        print(f"the server ended with {server.server_proc.poll()}", file=sys.stderr)
        server.stop()
    raise TimeoutError("no server after 150 s")


def kill(server: MilvusServer) -> None:
    os.kill(server.server_proc.pid, signal.SIGKILL)
    server.server_proc.wait()
    server.server_proc = None


def open_index(folder: Path) -> Any:
    return build_index("milvus", VECTORS, folder / "cache", IndexOptions(20, engine=ADDRESS), np.random.default_rng(0))


def find_picks(index, meanwhile=lambda number: None):
    selector = ArgMax(max_entropy)
    seeds = draw_seeds(CLUSTER < 2, 3, 17, np.random.default_rng(0))
    pool = build_seals_pool(seeds, VECTORS, index, 20, selector)
    for state in run(seeds, pool, LogisticLearner(VECTORS), selector, LabelTable(CLUSTER < 2), 20, 600):
        meanwhile(state.number)
    return state.labeled.rows.tolist()


def load_until_killed(folder: Path) -> None:
    """Load in another process, which is killed between two blocks."""
    script = (
        "import os, sys, itertools; from pathlib import Path\n"
        "from seals_sim.indexes.engines import index\n"
        "from tests.indexes.milvus_server import open_index\n"
        "index._BLOCK_VALUES, calls, upsert = 32 * 1000, itertools.count(), index.EngineIndex._upsert\n"
        "index.EngineIndex._upsert = lambda *given: upsert(*given) if next(calls) < 9 else os.kill(os.getpid(), 9)\n"
        "open_index(Path(sys.argv[1]))\n"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(folder)], timeout=120)
    assert ended.returncode == -signal.SIGKILL


def main(folder: Path) -> None:
    server = start(folder / "server")
    load_until_killed(folder)
    upserted, upsert = [], EngineIndex._upsert

    def counting(self, begin, end):
        upserted.append(begin)
        return upsert(self, begin, end)

    EngineIndex._upsert = counting  # type: ignore[method-assign]
    engine_index._BLOCK_VALUES = 32 * 1000
    index = open_index(folder)
    assert upserted[0] == 9_000, upserted
    print("a load whose client was killed goes on")

    expected = find_picks(build_index("exact", VECTORS, folder, IndexOptions(), np.random.default_rng(0)))
    assert find_picks(index) == expected
    print("picks are those of the exact index")

    restarts = itertools.count()

    def restart_once(number: int) -> None:
        nonlocal server
        if number == 5 and next(restarts) == 0:
            kill(server)

            def later() -> None:
                nonlocal server
                time.sleep(2)
                server = start(folder / "server")

            threading.Thread(target=later).start()

    index.distinct._patience = 180
    assert find_picks(index, restart_once) == expected
    print("a server that is killed and comes back changes no pick")

    kill(server)
    index.distinct._patience = 2
    with pytest.raises(UserError, match=r"^engine = .* does not answer .*$"):
        index.neighbors(np.array([0]), 5)
    print("a server that is gone is one line")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
