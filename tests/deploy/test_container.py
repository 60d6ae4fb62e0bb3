"""`deploy/container`: the image holds the program alone, and compose.yaml fits it, nginx and the settings.

`deploy/check/container` builds the image and starts it; here is what can be read from the files.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from typing import Any

import pytest
import yaml

from plumbing.settings import Config
from tests.conftest import ROOT
from tests.test_readme import command_of

FOLDER = ROOT / "deploy" / "container"
CONTAINERFILE = (FOLDER / "Containerfile").read_text().replace("\\\n", "")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]
    return services


def said(word: str) -> list[str]:
    """What stands behind a word of the Containerfile."""
    return re.findall(rf"^{word} +(.*)$", CONTAINERFILE, re.MULTILINE)


def test_the_image_holds_what_the_wheel_holds_and_no_state() -> None:
    included = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"][
        "include"
    ]
    packages = {path.strip("/").split("/")[0] for path in included}
    copied = {word for line in said("COPY") for word in line.split()[:-1] if not word.startswith("--")}
    let_in = {
        line.lstrip("!/") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    }

    assert packages <= copied
    assert copied - {"/opt/usual"} == let_in
    assert not {name for name in copied if name.startswith((".", "data/state", "tests"))}


def test_the_server_in_the_image_has_no_rights() -> None:
    assert said("USER") == ["10001:10001"]
    assert "--uid 10001" in CONTAINERFILE
    [order] = said("CMD")
    program, *words = yaml.safe_load(order)
    command, rest = command_of(words)
    assert (program, command.name) == ("usual", "serve")
    assert {word for word in rest if word.startswith("--")} <= {o for p in command.params for o in p.opts}


def test_compose_takes_away_what_the_server_does_not_need(services: dict[str, Any]) -> None:
    house = services["house"]

    assert house["read_only"] is True
    assert house["cap_drop"] == ["ALL"]
    assert house["security_opt"] == ["no-new-privileges:true"]
    assert [house["user"]] == said("USER")
    assert house["ulimits"]["core"] == 0
    assert "ports" not in house  # nginx alone is reached from outside
    written = {volume.split(":")[1] for volume in house["volumes"]}
    assert set(said("VOLUME")[0].split()) <= written


def test_compose_names_settings_and_files_that_there_are(services: dict[str, Any]) -> None:
    settings = {name.removeprefix("USUAL_").lower() for name in services["house"]["environment"]}
    mounted = [volume.split(":")[0] for volume in services["nginx"]["volumes"] if volume.startswith(".")]

    assert settings <= set(Config.model_fields)
    assert all((FOLDER / path).exists() for path in mounted)
    assert (FOLDER / services["house"]["build"]["context"]).resolve() == ROOT
    assert (ROOT / services["house"]["build"]["dockerfile"]) == FOLDER / "Containerfile"
    words = shlex.split(services["house"]["healthcheck"]["test"][-1])
    assert any("127.0.0.1:8000/health/ready" in word for word in words)
    assert "server house:8000;" in (FOLDER / "upstream.conf").read_text()


def test_what_was_not_run_says_so_in_its_first_line() -> None:
    for path in (FOLDER / "Containerfile", FOLDER / "compose.yaml"):
        assert re.match(r"# Not (run|tried) ", path.read_text())


@pytest.mark.parametrize("name", ["container", "arm64"])
def test_a_check_is_a_script_that_bash_reads(name: str) -> None:
    script = ROOT / "deploy" / "check" / name

    assert script.stat().st_mode & 0o100
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
