"""The faults of a real Milvus server (milvus_server.py), if one can be started."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys

import pytest

ALONE = ["unshare", "--map-root-user", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]


@pytest.mark.slow
def test_kills_and_restarts(tmp_path):
    if importlib.util.find_spec("milvus") is None:
        pytest.skip("the Milvus server is not installed: pip install milvus==2.3.5")
    if shutil.which("unshare") is None or subprocess.run([*ALONE, "ip", "link", "set", "lo", "up"]).returncode:
        pytest.skip("the server listens everywhere, and no network of its own can be made here (unshare, ip)")
    script = f"ip link set lo up && exec {sys.executable} -m tests.indexes.milvus_server {tmp_path}"
    ended = subprocess.run([*ALONE, "sh", "-c", script], capture_output=True, text=True, timeout=400)
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert ended.stdout.count("\n") == 4, ended.stdout
