"""`usual models`: list, prepare, check."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from data.faces import people
from identity.cli.models import models
from identity.engines.manifests import pack_names


def run(*arguments: str) -> tuple[int, str]:
    settings = {"people": lambda: people.draw_face}
    done = CliRunner().invoke(models, arguments, env={"USUAL_MODELS": None, "USUAL_CACHE": None}, obj=settings)
    return done.exit_code, done.output


def test_list_shows_grade_licence_and_what_is_missing(tmp_path: Path) -> None:
    """Every pack is listed; the default one is ready from the installed packages alone."""
    status, output = run("list", "--cache", str(tmp_path))

    assert status == 0
    assert all(f"{name}@" in output for name in pack_names())
    assert "dlib@2  demo  BSL-1.0, CC0-1.0" in output
    assert "Put it into the folder that USUAL_MODELS names: 237823 bytes, sha256 daede240" in output
    assert "usual models fetch opencv-zoo" in output


def test_prepare_converts_the_default_pack(tmp_path: Path) -> None:
    """Afterwards the network lies in the cache."""
    status, output = run("prepare", "--cache", str(tmp_path))

    assert status == 0
    assert output.startswith("dlib@2 is ready")
    assert (tmp_path / "dlib" / "dlib_resnet_int8.onnx").is_file()


@pytest.mark.shared
def test_check_runs_every_check(shared: Path, tmp_path: Path) -> None:
    """A sound pack passes all of them."""
    status, output = run("check", "open-model-zoo", "--folder", str(shared / "models"), "--cache", str(tmp_path))

    assert status == 0
    assert output.count("ok ") == 15
    assert re.search(r"speed: embed [\d.]+ ms, detect [\d.]+ ms", output)
    assert re.search(r"mask: nobody .*: found \d+ of 12; own at least [\d.]+, others at most [\d.]+", output)
    assert "FAIL" not in output


@pytest.mark.parametrize("arguments", [("check", "nobody"), ("prepare", "open-model-zoo"), ("fetch", "dlib")])
def test_a_pack_that_cannot_be_used_ends_with_one_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Status 1 and a sentence."""
    status, output = run(*arguments, "--cache", str(tmp_path))

    assert status == 1
    assert output.startswith("Error: ")
    assert output.count("\n") == 1
