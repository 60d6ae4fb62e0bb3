"""Nobody but the owner of an installation reads its files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from app import assemble
from plumbing.clock import system_clock
from plumbing.init_cli import begin
from plumbing.shared import Shared
from plumbing.storage.files import HomeForeign, private_home, write_atomic
from plumbing.storage.state import State


@pytest.fixture(autouse=True)
def _an_open_handed_user() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> list[str]:
    return [
        f"{path.relative_to(folder.parent)} {stat.S_IMODE(path.stat().st_mode):o}"
        for path in (folder, *folder.rglob("*"))
        if stat.S_IMODE(path.stat().st_mode) & 0o077
    ]


def test_a_new_home_is_private_with_all_that_is_written_into_it(tmp_path: Path) -> None:
    home = tmp_path / "house" / "state"
    shared = Shared.open(State(home), system_clock)
    shared.access.create_key("mill", ["suggest"])
    (home / "models").mkdir()
    write_atomic(home / "models" / "current", b"v1\n")

    assert open_to_others(home) == []
    assert {path.name for path in home.iterdir()} >= {
        "access.db",
        "access.db-wal",
        "access-moments.db",
        "token.key",
    }
    shared.close()


def test_an_older_home_is_narrowed_and_a_command_says_so(tmp_path: Path) -> None:
    home = tmp_path / "state"
    Shared.open(State(home), system_clock).close()
    (home / "models" / "orders").mkdir(parents=True)
    (home / "models" / "orders" / "current").write_text("v1")
    for path in (home, *home.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert open_to_others(home)

    done = CliRunner().invoke(assemble(), ["keys", "list", "--home", str(home)])

    assert done.exit_code == 0, done.output
    assert "could be read by other users; now they cannot" in done.output
    assert open_to_others(home) == []
    again = CliRunner().invoke(assemble(), ["keys", "list", "--home", str(home)])
    assert "other users" not in again.output


def test_a_folder_that_is_no_home_keeps_its_modes(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    (tmp_path / "letter.txt").chmod(0o644)

    assert private_home(tmp_path) == 0
    assert stat.S_IMODE((tmp_path / "letter.txt").stat().st_mode) == 0o644


def test_a_home_of_somebody_else_is_refused_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "state"
    Shared.open(State(home), system_clock).close()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)

    with pytest.raises(HomeForeign, match="Run the command as that user"):
        private_home(home)
    done = CliRunner().invoke(assemble(), ["keys", "list", "--home", str(home)])
    assert (done.exit_code, "Traceback" in done.output) == (1, False)


def test_what_a_command_writes_elsewhere_is_private_too(tmp_path: Path) -> None:
    """An export holds what customers ordered."""
    out = tmp_path / "events.csv"
    out.write_text("an older one")
    out.chmod(0o644)

    begin(tmp_path / "state")
    done = CliRunner().invoke(assemble(), ["export", "events", str(out), "--home", str(tmp_path / "state")])

    assert done.exit_code == 0, done.output
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_an_export_writes_into_nothing_that_another_user_put_there(tmp_path: Path) -> None:
    victim, out = tmp_path / "keys", tmp_path / "events.csv"
    victim.write_text("precious")
    (tmp_path / ".events.csv.draft").symlink_to(victim)
    out.symlink_to(victim)
    begin(tmp_path / "state")

    done = CliRunner().invoke(assemble(), ["export", "events", str(out), "--home", str(tmp_path / "state")])

    assert done.exit_code == 0, done.output
    assert victim.read_text() == "precious"
    assert not out.is_symlink()
    assert out.stat().st_mode & 0o777 == 0o600
