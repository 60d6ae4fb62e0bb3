"""usual.toml: what it may say, who wins, and what is said of a mistake."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

import app
from plumbing.configuration.file import apply, find
from plumbing.configuration.reference import page
from plumbing.init_cli import begin
from plumbing.settings import Config, WrongSetting
from tests.conftest import ROOT


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder; the environment has no setting of ours."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("USUAL_")}
    monkeypatch.setattr(os, "environ", bare)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, text: str, name: str = "usual.toml") -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(0o600)
    return path


def usual(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app.assemble(), words)
    return done.exit_code, done.output + (str(done.exception) if done.exception else "")


def test_the_file_speaks_where_the_environment_is_silent(folder: Path) -> None:
    write(
        folder,
        'retention_months = 6\npack = "opencv-zoo"\nhome = "house"\npasswords = false\n'
        'image_hosts = ["a.example.com", "b.example.com"]\nserved_km = 12.5\n',
    )
    environment = {"USUAL_PACK": "open-model-zoo", "USUAL_PLACE": ""}

    apply(environment)

    assert environment == {
        "USUAL_PACK": "open-model-zoo",
        "USUAL_PLACE": "",
        "USUAL_RETENTION_MONTHS": "6",
        "USUAL_HOME": str(folder / "house"),
        "USUAL_PASSWORDS": "off",
        "USUAL_IMAGE_HOSTS": "a.example.com,b.example.com",
        "USUAL_SERVED_KM": "12.5",
    }


def test_another_file_can_be_named_and_has_to_be_there(folder: Path) -> None:
    other = write(folder, "workers = 5\n", "other.toml")

    assert find({"USUAL_CONFIG": str(other)}).values == {"workers": "5"}
    with pytest.raises(WrongSetting, match="cannot be read: No such file"):
        apply({"USUAL_CONFIG": str(folder / "nowhere.toml")})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("retention_month = 6", "no setting 'retention_month'; retention_months was meant?"),
        ("frobnicate = 1", "no setting 'frobnicate'."),
        ("retention_months = 99", r"usual.toml, retention_months: .*less than or equal to 36"),
        ("retention_months = {a = 1}", "retention_months is a text, a number"),
        ("home = ", "is no TOML"),
        ('listen = "8000"', "host:port"),
        ('trusted_proxies = "proxy.example"', "a number of proxies, or a list"),
    ],
)
def test_a_mistake_is_named_with_its_file(folder: Path, text: str, said: str) -> None:
    write(folder, text)

    with pytest.raises(WrongSetting, match=said):
        apply({})


def test_a_file_that_everybody_may_write_is_refused(folder: Path) -> None:
    write(folder, "workers = 5\n").chmod(0o666)

    with pytest.raises(WrongSetting, match="chmod o-w"):
        apply({})


def test_a_variable_that_is_nearly_one_is_named_and_one_of_somebody_else_is_not() -> None:
    with pytest.raises(WrongSetting, match="no variable USUAL_RETENTION_MONTH; USUAL_RETENTION_MONTHS was meant"):
        apply({"USUAL_RETENTION_MONTH": "6"})
    apply({"USUAL_SERVICE_HOST": "10.0.0.1", "USUAL_PORT": "tcp://10.0.0.1:80", "USUAL_SHARED": "/data"})


def test_show_says_where_each_value_comes_from_and_masks_secrets(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, 'retention_months = 6\nrecommender_key = "hidden-one"\n')
    monkeypatch.setenv("USUAL_PACK", "open-model-zoo")

    status, said = usual("config", "show", "--all")

    assert status == 0
    assert "retention_months = 6  (usual.toml)" in said
    assert "pack = open-model-zoo  (USUAL_PACK)" in said
    assert "recommender_key = (set; not shown)  (usual.toml)" in said
    assert "minimum_age = 16  (default)" in said
    assert "hidden-one" not in said


def test_check_names_everything_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, 'retention_month = 6\nplace = "casino"\n')
    monkeypatch.setenv("USUAL_ENGINES", "many")

    status, said = usual("config", "check")

    assert status == 1
    assert all(
        word in said for word in ("retention_months was meant", "usual.toml, place", "USUAL_ENGINES:", "3 to mend")
    )
    write(folder, 'needs = "offers=nothing"\n')
    monkeypatch.delenv("USUAL_ENGINES")
    assert usual("config", "check")[0] == 1
    write(folder, "retention_months = 6\n")
    well = "All is well: 1 set in usual.toml, 0 set by variables, the rest left to its default.\n"
    assert usual("config", "check") == (0, well)


@pytest.mark.parametrize("where", ["USUAL_HOME", "usual.toml, home"])
def test_check_names_a_state_folder_that_is_none(
    folder: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    if where == "USUAL_HOME":
        monkeypatch.setenv("USUAL_HOME", "missing")
    else:
        write(folder, 'home = "missing"\n')

    status, said = usual("config", "check")

    assert status == 1
    assert f"{where}: " in said
    assert "missing is no state folder of Usual" in said
    begin(folder / "missing")
    assert usual("config", "check")[0] == 0


def test_a_wrong_file_stops_every_other_command_with_a_sentence(folder: Path) -> None:
    write(folder, "retention_month = 6")

    status, said = usual("init", "--home", "house")

    assert status == 1
    assert "retention_months was meant" in said
    assert not (folder / "house").exists()


@pytest.mark.parametrize("name", sorted(Config.model_fields))
def test_every_setting_is_in_the_reference_with_a_sentence(name: str) -> None:
    assert f"| `{name}` | `USUAL_{name.upper()}` |" in page()
    assert len((Config.model_fields[name].description or "").split()) > 2, "it needs a sentence below it"


def test_the_reference_is_the_one_of_the_code() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == page(), "run scripts/settings_reference.py"
