"""Files are replaced whole or not at all, through links, and only files are replaced."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from seals_sim.disk.files import require_writable_file, write_text
from seals_sim.errors import UserError


def test_a_link_is_followed(tmp_path):
    (tmp_path / "target.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("target.txt")
    write_text(tmp_path / "link.txt", "new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "target.txt").read_text() == "new"
    (tmp_path / "dangling.txt").symlink_to("not-yet.txt")
    write_text(tmp_path / "dangling.txt", "new")
    assert (tmp_path / "not-yet.txt").read_text() == "new"


def test_only_files_are_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(UserError, match="is not a regular file, so it is not replaced"):
            write_text(path, "x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pipe"]


def test_a_long_name_is_no_hindrance(tmp_path):
    write_text(tmp_path / ("n" * 250 + ".txt"), "x")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["x"]


def test_what_a_killed_process_left_is_removed_a_day_later(tmp_path):
    script = """
        import os, signal, sys
        from pathlib import Path
        from seals_sim.disk.files import replacing
        with replacing(Path(sys.argv[1])) as temporary:
            temporary.write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "t.csv")]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    own = tmp_path / ".t-abcdefgh.csv"
    own.write_text("of the user")
    os.utime(own, (0, 0))
    write_text(tmp_path / "u.txt", "new")
    assert left.exists()  # its process may be alive
    yesterday = time.time() - 90_000
    os.utime(left, (yesterday, yesterday))
    write_text(tmp_path / "u.txt", "newer")
    assert sorted(path.name for path in tmp_path.iterdir()) == [own.name, "u.txt"]


def test_a_name_that_is_too_long_is_refused_before_the_work(tmp_path):
    with pytest.raises(UserError, match="cannot be written: File name too long"):
        require_writable_file(tmp_path / ("n" * 300), "out")
