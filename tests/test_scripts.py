"""scripts/test.sh: whatever the suite writes is gone afterwards, and its status is passed on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

SUITE = """
import os
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
