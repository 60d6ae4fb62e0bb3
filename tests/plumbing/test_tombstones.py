"""The list of who was erased: kept outside of the databases, in no order, with room for the next."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from plumbing.storage.tombstones import GROW, SPARE, Tombstones, TombstonesUnusable


def hashes(count: int, first: int = 0) -> list[bytes]:
    return [hashlib.sha256(str(number).encode()).digest() for number in range(first, first + count)]


def test_what_is_added_is_known_also_to_another_process_and_after_a_start(tmp_path: Path) -> None:
    one, other = Tombstones(tmp_path / "erased"), Tombstones(tmp_path / "erased")
    assert hashes(1)[0] not in other

    assert one.add(hashes(3)) == 3
    assert one.add(hashes(4)) == 1

    assert all(hashed in other for hashed in hashes(4))
    assert len(other) == len(Tombstones(tmp_path / "erased")) == 4
    assert (tmp_path / "erased").stat().st_mode & 0o777 == 0o600


def test_the_file_does_not_say_who_left_first(tmp_path: Path) -> None:
    file = Tombstones(tmp_path / "erased")
    for hashed in hashes(30):
        file.add([hashed])

    content = (tmp_path / "erased").read_bytes()
    places = [content.index(hashed) for hashed in hashes(30)]
    assert places != sorted(places)


def test_it_grows_and_keeps_room(tmp_path: Path) -> None:
    file = Tombstones(tmp_path / "erased")
    file.add(hashes(2 * GROW))

    assert file.all() == frozenset(hashes(2 * GROW))
    assert (tmp_path / "erased").stat().st_size >= (2 * GROW + SPARE) * 32


def test_on_a_full_disk_the_next_ones_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = Tombstones(tmp_path / "erased")
    file.add(hashes(GROW - SPARE))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "posix_fallocate", full)
    for hashed in hashes(SPARE, GROW - SPARE):
        file.add([hashed])
    with pytest.raises(OSError, match="full"):
        file.add(hashes(1, GROW))

    assert file.all() == frozenset(hashes(GROW))


def test_it_keeps_a_mark_beside_them(tmp_path: Path) -> None:
    file = Tombstones(tmp_path / "erased")
    assert file.mark() is None
    file.set_mark(b"seventy-two")
    file.add(hashes(1))

    assert Tombstones(tmp_path / "erased").mark() == b"seventy-two"


def test_another_file_in_its_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "erased").write_bytes(b"something else")
    with pytest.raises(TombstonesUnusable, match="not a list of erasures"):
        Tombstones(tmp_path / "erased")


def test_a_folder_that_is_not_mounted_is_refused_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(TombstonesUnusable, match="Mount the disk"):
        Tombstones.of(tmp_path, tmp_path / "elsewhere", "erased")
    assert not (tmp_path / "elsewhere").exists()


def test_what_the_home_remembers_is_taken_over_by_the_folder(tmp_path: Path) -> None:
    Tombstones.of(tmp_path, None, "erased").add(hashes(2))
    folder = tmp_path / "elsewhere"
    folder.mkdir()

    assert Tombstones.of(tmp_path, folder, "erased").all() == frozenset(hashes(2))
