"""Backups of a small state folder: whole under load, put back as a whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
import stat
import tarfile
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from plumbing.backup import contents, sealed
from plumbing.backup import restore as restore_module
from plumbing.backup import take as take_module
from plumbing.backup.contents import Kind, kind_of
from plumbing.backup.errors import (
    AnotherAtWork,
    BackupDamaged,
    BackupInTheWay,
    BackupNewer,
    NothingToBackUp,
    ServerInTheWay,
    WrongPassphrase,
)
from plumbing.backup.restore import Restored, go_on, restore
from plumbing.backup.take import alone, take
from plumbing.problem import Problem
from plumbing.serving.process import only_server
from plumbing.storage.files import sync_path
from plumbing.storage.room import DiskFull
from plumbing.storage.sqlite import SQLiteDatabase
from plumbing.storage.tombstones import Tombstones

SECRET = b"correct horse battery"
KEYS = ("identity-keys", "master.key", "people.key", "receipt-key", "recommender.key", "replies.key", "token.key")
LEFT_OUT = ("reserve", "identity-moments.db", "server-identity.lock", "runs/1.json", ".x.draft", "train.lock")
COPY = "versions-copy/north/orders/0001-aaaaaaaaaaaa/manifest.json"


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed, "COST", {"n": 2**10, "r": 8, "p": 1})


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A state folder with something of each kind."""
    home = tmp_path / "state"
    for name in (
        *KEYS,
        *LEFT_OUT,
        COPY,
        "identity-audit-head",
        "identity-audit.log",
        "clock.json",
        "notices/1/de.md",
    ):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(f"of yesterday: {name}")
    for version in ("0001-aaaaaaaaaaaa", "0002-bbbbbbbbbbbb"):
        (home / "models/north/orders" / version).mkdir(parents=True)
        (home / "models/north/orders" / version / "manifest.json").write_text(version)
    (home / "models/north/orders/current").write_text("0002-bbbbbbbbbbbb\n")
    for name in ("identity", "recommender"):
        with closing(sqlite3.connect(home / f"{name}.db")) as made:
            made.execute("PRAGMA journal_mode=WAL")
            made.execute("CREATE TABLE t (a, b)")
            made.execute("INSERT INTO t VALUES ('yesterday', 'yesterday')")
            made.commit()
    with closing(Tombstones(home / "identity-tombstones")) as left:
        left.add([b"a" * 32])
    return home


def rows(home: Path, name: str = "identity") -> list[Any]:
    with closing(sqlite3.connect(home / f"{name}.db")) as opened:
        return opened.execute("SELECT * FROM t").fetchall()


def left(home: Path) -> frozenset[bytes]:
    with closing(Tombstones(home / "identity-tombstones")) as opened:
        return opened.all()


def state(home: Path) -> dict[str, bytes]:
    return {path.relative_to(home).as_posix(): path.read_bytes() for path in home.rglob("*") if path.is_file()}


def made(home: Path, **more: Any) -> Path:
    target = home.parent / "one.backup"
    take(home, target, SECRET, day="2026-11-29", **more)
    return target


class TestTaking:
    def test_keys_go_into_a_file_of_their_own_or_into_none(self, home: Path) -> None:
        names = take(home, home.parent / "one", SECRET, day="2026-11-29")
        both = take(home, home.parent / "two", SECRET, keys=home.parent / "keys", day="2026-11-29")

        assert not set(names) & set(KEYS)
        assert set(both) - set(names) == set(KEYS)
        for target, expected in ((home.parent / "two", set(names)), (home.parent / "keys", set(KEYS))):
            folder = home.parent / f"out-{target.name}"
            folder.mkdir()
            restore_module.unpack(
                target, SECRET, "keys" if target.name == "keys" else "data", folder, lambda _: None
            )
            assert set(contents.files_in(folder)) == expected
        assert not set(names) & set(LEFT_OUT)

    def test_nothing_of_it_can_be_read_without_the_passphrase(self, home: Path) -> None:
        content = made(home, keys=home.parent / "keys").read_bytes() + (home.parent / "keys").read_bytes()

        assert not any(word in content for word in (b"yesterday", b"manifest", b"identity", b"0002-bb"))

    def test_files_are_their_owners_alone_and_nothing_is_left(
        self, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        os.umask(0o022)
        monkeypatch.setattr("tempfile.tempdir", str(home.parent / "no temporary folder"))
        before = state(home)
        target = made(home, keys=home.parent / "keys")

        for path in (target, home.parent / "keys"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert set(state(home)) - set(before) <= {contents.LOCK, "identity.db-shm", "identity.db-wal"}
        assert {path.name for path in home.parent.iterdir()} == {"state", "one.backup", "keys"}

    def test_it_is_whole_while_two_processes_write(self, home: Path) -> None:
        """Each transaction writes a pair: no copy holds half of one, and none is of another moment."""
        ended = threading.Event()
        database = SQLiteDatabase(home / "recommender.db")

        def write() -> None:
            number = 0
            while not ended.is_set():
                with database.write() as connection:
                    connection.execute("INSERT INTO t VALUES (?, ?)", (number, "x" * 2000))
                    connection.execute("INSERT INTO t VALUES (?, ?)", (-number, "x" * 2000))
                number += 1

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for number in range(3):
                target = home.parent / f"{number}.backup"
                take(home, target, SECRET, day="2026-11-29")
                other = home.parent / f"home-{number}"
                restore(other, target, SECRET)
                found = [row[0] for row in rows(other, "recommender")[1:]]
                assert len(found) % 2 == 0
                assert sum(found) == 0
        finally:
            ended.set()
            writer.join()
            database.close()

    def test_a_version_that_is_dropped_meanwhile_does_not_stop_it(
        self, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        link, dropped = os.link, list[bool]()

        def slow(source: Path, target: Path) -> None:
            if not dropped:
                dropped.append(True)
                shutil.rmtree(home / "models/north/orders/0001-aaaaaaaaaaaa")
                (home / "models/north/orders/current").write_text("0003-cccccccccccc\n")
            link(source, target)

        monkeypatch.setattr(os, "link", slow)
        other = home.parent / "other"
        restore(other, made(home), SECRET)

        assert (other / "models/north/orders/current").read_text() == "0003-cccccccccccc\n"
        assert not (other / "models/north/orders/0001-aaaaaaaaaaaa").exists()

    def test_places_in_the_way_are_named_and_nothing_is_written(self, home: Path) -> None:
        target = made(home)
        before = target.read_bytes()
        secret = home.parent / "passphrase"
        secret.write_bytes(SECRET)
        for place, keys in (
            (target, None),
            (home / "in", None),
            (home.parent / "no/folder", None),
            (home.parent / "a", home.parent / "a"),
            (home.parent / "a", home.parent),
            (home.parent / "a", target),
            (home.parent / "a", secret),
        ):
            with pytest.raises(BackupInTheWay):
                take(home, place, SECRET, keys=keys, day="2026-11-29")

        assert (target.read_bytes(), secret.read_bytes()) == (before, SECRET)
        assert not (home.parent / "a").exists()

    def test_a_folder_that_holds_no_house_is_named_and_replaces_no_keys(self, home: Path) -> None:
        keys, elsewhere = home.parent / "keys", home.parent / "elsewhere"
        take(home, home.parent / "first", SECRET, keys=keys, day="2026-11-29")
        before = keys.read_bytes()
        elsewhere.mkdir()
        with pytest.raises(NothingToBackUp, match="elsewhere"):
            take(elsewhere, home.parent / "second", SECRET, keys=keys, day="2026-11-30")

        assert keys.read_bytes() == before
        assert not (home.parent / "second").exists()

    @pytest.mark.parametrize("where", ["_copy_database", "_add"])
    def test_a_full_disk_is_named_and_leaves_nothing(
        self, home: Path, monkeypatch: pytest.MonkeyPatch, where: str
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "no room")

        monkeypatch.setattr(take_module, where, full)
        before = state(home)
        with pytest.raises(DiskFull):
            made(home)

        assert {path.name for path in home.parent.iterdir()} == {"state"}
        assert set(state(home)) - set(before) <= {contents.LOCK}

    def test_a_disk_that_is_too_small_is_named_before_anything_is_copied(
        self, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(take_module, "free_bytes", lambda _: 100)
        with pytest.raises(DiskFull):
            made(home)

    def test_two_operators_at_once(self, home: Path) -> None:
        source = made(home)
        with alone(home):
            with pytest.raises(AnotherAtWork):
                take(home, home.parent / "second", SECRET, day="2026-11-29")
            with pytest.raises(AnotherAtWork):
                restore(home, source, SECRET)

        assert rows(home) == [("yesterday", "yesterday")]


class TestPuttingBack:
    @pytest.fixture
    def later(self, home: Path) -> tuple[Path, Path, Path]:
        """A state folder that went on after its backup: (home, backup, keys)."""
        keys = home.parent / "keys"
        source = made(home, keys=keys)
        for name in ("identity", "recommender"):
            with closing(sqlite3.connect(home / f"{name}.db")) as opened:
                opened.execute("UPDATE t SET a = 'today'")
                opened.commit()
        with closing(Tombstones(home / "identity-tombstones")) as opened_list:
            opened_list.add([b"b" * 32])
        for name in (*KEYS, "identity-audit.log", "identity-audit-head"):
            (home / name).write_text(f"of today: {name}")
        return home, source, keys

    def test_databases_go_back_and_lists_are_merged_and_all_else_stays(
        self, later: tuple[Path, Path, Path]
    ) -> None:
        home, source, keys = later
        done = restore(home, source, SECRET, keys=keys)

        assert rows(home) == rows(home, "recommender") == [("yesterday", "yesterday")]
        assert left(home) == {b"a" * 32, b"b" * 32}
        assert done.erased_since == 1
        for name in (*KEYS, "identity-audit.log", "identity-audit-head"):
            assert (home / name).read_text() == f"of today: {name}"
        assert set(KEYS) < set(done.stayed)

    def test_receipts_of_erasures_since_are_not_put_back_over(self, later: tuple[Path, Path, Path]) -> None:
        home, source, keys = later
        shutil.copy(home / "identity.db", home / "erasures.db")
        before = (home / "erasures.db").read_bytes()
        again = home.parent / "with-receipts.backup"
        take(home, again, SECRET, keys=None, tombstones=None, day="2026-11-29", progress=lambda size: None)
        (home / "erasures.db").write_bytes(before + bytes(4096))

        done = restore(home, again, SECRET, keys=keys)

        assert (home / "erasures.db").read_bytes() == before + bytes(4096)
        assert "erasures.db" in done.stayed
        assert source.exists()

    def test_an_empty_folder_becomes_what_it_was(self, later: tuple[Path, Path, Path]) -> None:
        home, source, keys = later
        other = home.parent / "other"
        done = restore(other, source, SECRET, keys=keys)

        assert rows(other) == [("yesterday", "yesterday")]
        assert left(other) == {b"a" * 32}
        assert {(other / name).read_text() for name in KEYS} == {f"of yesterday: {name}" for name in KEYS}
        assert (other / "models/north/orders/current").read_text() == "0002-bbbbbbbbbbbb\n"
        assert (other / "notices/1/de.md").read_text() == "of yesterday: notices/1/de.md"
        assert not done.stayed
        for path in other.rglob("*"):
            assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path

    def test_a_list_on_another_disk_keeps_its_own(self, later: tuple[Path, Path, Path]) -> None:
        """The disk with the list outlived the state folder: models older than an erasure do not come back."""
        home, source, keys = later
        disk = home.parent / "disk"
        disk.mkdir()
        shutil.copy(home / "identity-tombstones", disk / "identity-tombstones")
        other = home.parent / "other"
        done = restore(other, source, SECRET, keys=keys, tombstones=disk)

        with closing(Tombstones(disk / "identity-tombstones")) as merged:
            assert merged.all() == {b"a" * 32, b"b" * 32}
        assert done.models_left_out
        assert not (other / "models").exists()

    @pytest.mark.parametrize("half", ["identity", "recommender"])
    def test_never_under_a_server(self, later: tuple[Path, Path, Path], half: str) -> None:
        home, source, keys = later
        with only_server(home, (half,), "http://127.0.0.1:1"):
            before = state(home)
            with pytest.raises(ServerInTheWay):
                restore(home, source, SECRET, keys=keys)
            assert state(home) == before | {contents.LOCK: b""} | {
                name: state(home)[name] for name in state(home) if name.endswith(".lock")
            }

    @pytest.mark.parametrize("wrong", ["passphrase", "altered", "cut", "swapped", "newer", "no backup"])
    def test_what_cannot_be_used_is_named_and_changes_nothing(
        self, later: tuple[Path, Path, Path], wrong: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home, source, keys = later
        content = source.read_bytes()
        secret = SECRET
        error: type[Problem] = BackupDamaged
        if wrong == "passphrase":
            secret, error = b"wrong horse battery", WrongPassphrase
        elif wrong == "altered":
            source.write_bytes(content[:-500] + bytes([content[-500] ^ 1]) + content[-499:])
        elif wrong == "cut":
            source.write_bytes(content[:-100])
        elif wrong == "swapped":
            source, keys = keys, source
        elif wrong == "newer":
            monkeypatch.setattr(restore_module, "version", lambda _: "0.0.1")
            error = BackupNewer
        else:
            source.write_bytes(b"PK\x03\x04" + bytes(500))
        before = state(home)

        with pytest.raises(error):
            restore(home, source, secret, keys=keys)

        after = state(home)
        assert {name: after[name] for name in before} == before
        assert all(name.endswith(".lock") for name in set(after) - set(before))

    @pytest.mark.parametrize("step", range(12))
    def test_stopped_at_any_step_it_is_gone_on_from_and_ends_the_same(
        self, later: tuple[Path, Path, Path], step: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As a kill or Ctrl-C would: once the copy is ready, all of it is done."""
        home, source, keys = later
        for name in ("token.key", "notices/1/de.md", "clock.json"):
            (home / name).unlink()
        count = [0]

        def stopping(folder: Path) -> None:
            count[0] += 1
            if count[0] == step:
                raise KeyboardInterrupt
            sync_path(folder)

        with monkeypatch.context() as patch:
            patch.setattr(restore_module, "sync_path", stopping)
            with contextlib.suppress(KeyboardInterrupt):
                restore(home, source, SECRET, keys=keys)
            go_on(home)

        assert rows(home) == rows(home, "recommender") == [("yesterday", "yesterday")]
        assert left(home) == {b"a" * 32, b"b" * 32}
        assert (home / "token.key").read_text() == "of yesterday: token.key"
        assert (home / "master.key").read_text() == "of today: master.key"
        assert not list(home.glob(".restore*"))

    def test_stopped_before_the_copy_is_ready_nothing_has_changed(
        self, later: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home, source, keys = later
        before = state(home)

        def stop(_: Path) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(restore_module, "_check", stop)
        with pytest.raises(KeyboardInterrupt):
            restore(home, source, SECRET, keys=keys)

        after = state(home)
        assert {name: content for name, content in after.items() if not name.endswith(".lock")} == {
            name: content for name, content in before.items() if not name.endswith(".lock")
        }

    def test_nothing_but_files_of_a_state_folder_is_unpacked(self, home: Path) -> None:
        """Whoever made it: no path leads out of the folder, no link, no key among the data."""
        for name in ("../out", "/out", "a/../../out", "server-identity.lock", "token.key"):
            target = home.parent / "made.backup"
            target.unlink(missing_ok=True)
            folder = home.parent / "in"
            folder.mkdir(exist_ok=True)
            (folder / "x").write_text("x")
            with target.open("wb") as file:
                writer = sealed.SealedWriter(file, sealed.Header("data", "0", "2026-11-29"), SECRET)
                with tarfile.open(fileobj=writer, mode="w|") as archive:
                    take_module._add(archive, folder / "x", name)
                writer.seal_end()
            with pytest.raises(BackupDamaged):
                restore(home.parent / "other", target, SECRET)
        assert not (home.parent / "out").exists()


def test_a_name_says_what_a_file_is() -> None:
    """A key that a later release adds is recognised by its name."""
    assert {kind_of(name) for name in (*KEYS, "next.key", "next-keys", "sub/a-key.pem")} == {Kind.KEY}
    assert kind_of("monkey.json") is Kind.FILE
    assert [kind_of(name) for name in LEFT_OUT] == len(LEFT_OUT) * [None]
    assert Restored([], []).erased_since == 0
