"""usual doctor: each thing that can be wrong is found, with what to do, and nothing is changed."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner

import app
from plumbing.clock import SECOND, system_clock
from plumbing.doctor import machine
from plumbing.doctor.finding import Finding
from plumbing.init_cli import begin
from plumbing.serving.listener import listening
from plumbing.settings import Config
from plumbing.steady import MARK, Mark
from plumbing.storage.moved import MOVED


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder to copy."""
    folder = tmp_path_factory.mktemp("begun") / "home"
    begin(folder)
    return folder


@pytest.fixture
def home(tmp_path: Path, begun: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder; no settings but the defaults, and a port that is free."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("USUAL_")}
    with listening("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    monkeypatch.setattr(os, "environ", bare | {"USUAL_LISTEN": f"127.0.0.1:{port}"})
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(begun, tmp_path / "home"))


def examine(home: Path) -> tuple[int, dict[str, Finding]]:
    done = CliRunner().invoke(app.assemble(), ["doctor", "--json", "--home", str(home)])
    said = json.loads(done.stdout)
    return done.exit_code, {one["what"]: Finding(**one) for one in said["findings"]}


def contents(home: Path) -> dict[str, bytes]:
    """Every file; a database that is read leaves an empty journal beside it."""
    return {path.name: path.read_bytes() for path in home.iterdir() if not path.name.endswith(("-wal", "-shm"))}


def test_a_new_house_has_nothing_wrong(home: Path) -> None:
    before = contents(home)
    status, found = examine(home)

    assert status == 0, [one for one in found.values() if one.level == "wrong"]
    looked_at = {
        "clock",
        "disk",
        "port",
        "versions",
        "packages",
        "time zones",
        "permissions",
        "keys",
        "engine pack",
    }
    assert looked_at | {"database access.db", "thresholds", "settings file"} <= set(found)
    assert found["engine pack"].level == "remark"
    assert contents(home) == before, "nothing is changed"


def damaged(home: Path) -> None:
    with closing(sqlite3.connect(home / "access.db")) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray((home / "access.db").read_bytes())
    content[100:8192] = bytes(8092)
    (home / "access.db").write_bytes(content)


def behind(home: Path) -> None:
    Mark(system_clock() + 3_600 * SECOND, 0).write(home / MARK)


FAULTS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    # what was done, the finding, what is to be done
    "open to others": (lambda home: (home / "token.key").chmod(0o644), "permissions", "chmod -R go="),
    "a key is missing": (lambda home: (home / "people.key").unlink(), "keys", "usual restore --keys"),
    "a key is damaged": (lambda home: (home / "token.key").write_text("?"), "keys", "usual restore --keys"),
    "a damaged database": (damaged, "database access.db", "usual restore"),
    "moved away": (lambda home: (home / MOVED).write_text("{}"), "state folder", "Set `database` or `home`"),
    "the clock went back": (behind, "clock", "confirm-clock"),
    "no house": (lambda home: shutil.rmtree(home), "state folder", "usual init"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_with_what_to_do(home: Path, fault: str) -> None:
    make, what, mend = FAULTS[fault]
    make(home)

    status, found = examine(home)

    assert status == 1
    assert found[what].level == "wrong"
    assert mend in found[what].mend


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [("USUAL_PACK", "no-such-pack", "engine pack"), ("USUAL_ENGINES", "many", "settings")],
)
def test_a_wrong_setting_is_a_finding_too(home: Path, name: str, value: str, what: str) -> None:
    os.environ[name] = value

    status, found = examine(home)

    assert (status, found[what].level) == (1, "wrong")


def test_packages_are_compared_with_the_pins_of_this_python(tmp_path: Path) -> None:
    """A lock has a line for each Python; the others say nothing about this installation."""
    have, lock = metadata.version("numpy"), tmp_path / "runtime.txt"
    here, elsewhere = "python_full_version >= '3.11'", "python_full_version < '3.11'"
    lock.write_text(f"numpy==0.1 ; {elsewhere} \\\n    --hash=x\nnumpy=={have} ; {here} \\\n    --hash=y\n")
    assert machine.packages(lock).level == "ok"

    lock.write_text(f"numpy==0.1 ; {here} \\\n    --hash=x\n")
    assert machine.packages(lock).says == f"numpy {have} in place of 0.1"


def test_the_machine_is_looked_at(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "runtime.txt"
    lock.write_text("flask==0.1\nnot-installed==1.0 ; sys_platform == 'win32'\n")
    assert machine.packages(lock).says.endswith("in place of 0.1")
    with listening("127.0.0.1", 0) as taken:
        config = Config(home=home, listen=f"127.0.0.1:{taken.getsockname()[1]}")
        assert (machine.port(config).level, machine.port(Config(home=home, listen="192.0.2.1:80")).level) == (
            "wrong",
            "wrong",
        )
    for free, level in ((10**6, "wrong"), (10**8, "remark"), (10**10, "ok")):
        monkeypatch.setattr(machine, "free_bytes", lambda folder, free=free: free)
        assert machine.disk(home).level == level
    monkeypatch.setattr(machine, "ZONES", ("Europe/Nowhere",))
    assert machine.zones().level == "wrong"
    monkeypatch.setattr(machine, "system_clock", lambda: 0)
    assert machine.clock(home).level == "wrong"


def test_a_server_that_was_killed_is_told_from_one_that_runs(home: Path) -> None:
    about = {"process": 2**22 + 1, "address": "http://127.0.0.1:9"}
    (home / "server-identity.json").write_text(json.dumps(about))
    assert "was killed" in machine.port(Config(home=home)).says

    (home / "server-identity.json").write_text(json.dumps(about | {"process": os.getpid()}))
    assert "does not answer" in machine.port(Config(home=home)).says


def test_without_json_each_fault_has_its_line(home: Path) -> None:
    (home / "people.key").unlink()

    done = CliRunner().invoke(app.assemble(), ["doctor", "--home", str(home)])

    assert done.exit_code == 1
    assert "WRONG   keys: missing: people.key\n        Put them back" in done.output
