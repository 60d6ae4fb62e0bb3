"""What a server's processes have in common is small: what only training needs is not in it."""

from __future__ import annotations

import subprocess
import sys

from app import MODULES
from tests.conftest import ROOT

PROBE = """
import importlib, sys
for module in {modules!r}:
    importlib.import_module(module)
assert "recommender.ranking.trees" in sys.modules
assert not {{"lightgbm", "lightfm", "sklearn", "scipy.stats", "scipy.spatial"}} & set(sys.modules), sys.modules
"""


def test_what_the_server_imports_beforehand_trains_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(modules=MODULES["recommender"])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
