"""Files that are replaced: whole or not at all, through links, and nothing but files."""

from __future__ import annotations

import os

import pytest

from seals_sim.disk.files import write_text
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
        with pytest.raises(UserError, match="is no regular file, so it is not replaced"):
            write_text(path, "x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pipe"]


def test_a_long_name_is_no_hindrance(tmp_path):
    write_text(tmp_path / ("n" * 250 + ".txt"), "x")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["x"]
