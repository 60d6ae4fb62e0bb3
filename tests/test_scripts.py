"""scripts/test.sh leaves nothing behind and passes its status on; scripts/setup.sh says what comes next."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

SUITE = """
import os
import shutil
from pathlib import Path


def test_that_writes(tmp_path):
    (tmp_path / "something").write_text("x")
    Path("{noted}").write_text(str(tmp_path) + "\\n" + os.environ["TMPDIR"])
    assert {true}
"""


@pytest.mark.parametrize("true", [True, False])
def test_the_suite_leaves_no_folder_behind(tmp_path: Path, true: bool) -> None:
    noted = tmp_path / "noted"
    (tmp_path / "test_tiny.py").write_text(SUITE.format(noted=noted, true=true))
    (tmp_path / "tiny.ini").write_text("[pytest]\n")
    options = ["-n", "0", "-c", str(tmp_path / "tiny.ini"), str(tmp_path / "test_tiny.py")]
    order = [str(ROOT / "scripts" / "test.sh"), *options]
    done = subprocess.run(order, env=os.environ | {"TMPDIR": str(tmp_path)}, capture_output=True, check=False)

    written, temporary = map(Path, noted.read_text().splitlines())
    assert done.returncode == int(not true)
    assert written.is_relative_to(temporary)
    assert not temporary.exists()


@pytest.mark.parametrize(("level", "said"), [("", True), ("1", False)])
def test_a_set_up_folder_says_what_comes_next_to_a_person_and_not_to_make(
    tmp_path: Path, level: str, said: bool
) -> None:
    """Everything is installed already, so nothing else happens."""
    for name in ("scripts", "locks", ".venv/bin"):
        (tmp_path / name).mkdir(parents=True)
    script = shutil.copy(ROOT / "scripts" / "setup.sh", tmp_path / "scripts")
    pinned = [tmp_path / name for name in ("locks/runtime.txt", "locks/build.txt", "pyproject.toml")]
    for path in pinned:
        path.write_text("click==8\n")
    (tmp_path / ".venv/bin/python").symlink_to(sys.executable)
    stamp = subprocess.run(["cksum"], input="click==8\n" * 3, capture_output=True, text=True, check=True).stdout
    (tmp_path / ".venv/.installed-runtime").write_text(stamp)

    given = {"PATH": os.environ["PATH"], "MAKELEVEL": level}
    done = subprocess.run([script, "runtime"], env=given, capture_output=True, text=True, check=True)

    assert ("Next: .venv/bin/usual init" in done.stdout) == said
