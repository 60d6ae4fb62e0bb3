"""Deleted files leave no bytes under any name."""

from __future__ import annotations

import os
from pathlib import Path

from plumbing.storage.shred import shred, shred_folder


def test_what_had_the_file_open_finds_zeros(tmp_path: Path) -> None:
    """The bytes are overwritten before the name goes."""
    path = tmp_path / "rows"
    path.write_bytes(b"what somebody ordered" * 100)
    with path.open("rb") as held:
        shred(path)
        assert set(held.read()) == {0}
    assert not path.exists()


def test_a_second_name_of_a_file_keeps_its_bytes(tmp_path: Path) -> None:
    """A hard link of a backup, or of a file in use, is not damaged; nor is what a symbolic link points to."""
    path, other, pointing = tmp_path / "rows", tmp_path / "other", tmp_path / "pointing"
    path.write_bytes(b"kept")
    os.link(path, other)
    pointing.symlink_to(other)
    shred(path)
    shred(pointing)
    assert (path.exists(), pointing.is_symlink(), other.read_bytes()) == (False, False, b"kept")


def test_a_folder_goes_with_all_below_it(tmp_path: Path) -> None:
    """What is not there is no error."""
    (tmp_path / "version" / "deep").mkdir(parents=True)
    (tmp_path / "version" / "deep" / "rows").write_bytes(b"x")
    shred_folder(tmp_path / "version")
    shred_folder(tmp_path / "version")
    shred(tmp_path / "nothing")
    assert not list(tmp_path.iterdir())
