"""`deploy/systemd`: who runs the server, what it may do, and what its words start."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from plumbing.settings import Config
from tests.conftest import ROOT
from tests.deploy.units import FOLDER, INSTALLED, Unit, services
from tests.test_readme import command_of

MOST_EXPOSED = 3.0
NAMES = [path.name for path in services()]


@pytest.fixture(scope="module")
def analyze() -> str:
    found = shutil.which("systemd-analyze")
    if found is None and os.environ.get("USUAL_NOTHING_SKIPPED"):
        pytest.fail("systemd-analyze is not installed, and nothing may be skipped here")
    if found is None:
        pytest.skip("systemd-analyze is not installed; on Debian: apt-get install systemd")
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_unit_is_locked_up(analyze: str, name: str) -> None:
    order = [analyze, "security", "--offline=true", "--no-pager", str(FOLDER / name)]
    done = subprocess.run(order, capture_output=True, text=True, check=True)
    [score] = re.findall(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)

    assert float(score) <= MOST_EXPOSED


def test_the_calls_of_a_unit_are_those_that_the_server_needs(analyze: str) -> None:
    """As `deploy/check/system_calls.py` reads them, which compares them with those of a server that it watches."""
    spec = spec_from_file_location("system_calls", ROOT / "deploy" / "check" / "system_calls.py")
    assert spec is not None
    assert spec.loader is not None
    script = module_from_spec(spec)
    spec.loader.exec_module(script)
    may = script.permitted(Unit.read("usual-house.service").settings["SystemCallFilter"])

    assert {"read", "openat", "accept4", "seccomp", "mbind", "sched_setscheduler", "setpriority"} <= may
    assert (
        may & {"mount", "setuid", "chown", "reboot", "init_module", "ptrace", "bpf", "kexec_load", "nice"} == set()
    )


def test_systemd_reads_every_word_of_the_units(analyze: str, tmp_path: Path) -> None:
    """`verify` names what it does not know; the program is put where it can be found."""
    program = tmp_path / "usual"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for path in FOLDER.rglob("usual-*"):
        if path.is_file():
            (tmp_path / path.name).write_text(
                path.read_text().replace(f"{INSTALLED}/.venv/bin/usual", str(program))
            )
    shutil.copytree(FOLDER / "usual-.service.d", tmp_path / "usual-.service.d")
    units = [str(path) for path in sorted(tmp_path.glob("usual-*.*")) if path.is_file()]
    done = subprocess.run([analyze, "verify", "--man=no", *units], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if str(tmp_path) in line or "usual-" in line]

    assert ours == []
    assert len(units) == 4


@pytest.mark.parametrize("name", NAMES)
def test_a_unit_starts_a_command_with_its_options(name: str) -> None:
    unit = Unit.read(name)
    program, *words = unit.order({"CREDENTIALS_DIRECTORY": "/run/credentials"})
    command, rest = command_of(words)

    assert program == f"{INSTALLED}/.venv/bin/usual"
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in rest if word.startswith("--")} <= options
    assert {variable.removeprefix("USUAL_").lower() for variable in unit.environment} <= set(Config.model_fields)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_unit_writes_to_is_its_own(name: str) -> None:
    unit = Unit.read(name)
    folders = unit.settings["StateDirectory"] + unit.settings["CacheDirectory"]

    assert unit.settings["User"] == unit.settings["Group"] == folders[:1] == ["usual"]
    homes = {unit.environment.get("USUAL_HOME"), *re.findall(r"--home (\S+)", unit.settings["ExecStart"][0])} - {
        None
    }
    assert homes
    assert all(str(home).startswith("/var/lib/usual") for home in homes)
    assert unit.environment.get("USUAL_CACHE", "/var/cache/usual") == "/var/cache/usual"
    assert unit.settings["StateDirectoryMode"] == unit.settings["CacheDirectoryMode"] == ["0700"]


def test_a_backup_writes_where_it_may_and_the_passphrase_stays_with_root() -> None:
    unit = Unit.read("usual-backup.service")
    *_, option, keys, backups = unit.order({"CREDENTIALS_DIRECTORY": "/run/credentials"})

    assert option == "--keys"
    assert {str(Path(keys).parent), backups} == set(unit.settings["ReadWritePaths"][0].split())
    assert unit.settings["LoadCredential"] == ["passphrase:/etc/usual/backup-passphrase"]


def test_the_steps_of_the_handbook_name_what_is_there() -> None:
    text = (FOLDER / "README.md").read_text()

    assert all(path.name in text for path in FOLDER.glob("usual-*.*") if path.is_file())
    assert all((ROOT / path).exists() for path in re.findall(r"(?<!/)\b(deploy/[\w/.-]+\w)(?!\*)", text))
