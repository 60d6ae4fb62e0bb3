"""The server's LightGBM comes without scikit-learn, and takes it from nobody."""

from __future__ import annotations

import subprocess
import sys

from app import MODULES
from tests.conftest import ROOT

PROBE = """
import importlib, sys
for module in {modules!r}:
    importlib.import_module(module)
assert "lightgbm" in sys.modules and "scipy.spatial" not in sys.modules
assert "sklearn" not in sys.modules and "scipy.stats" not in sys.modules
import sklearn
assert sklearn.__version__
"""


def test_what_the_server_imports_beforehand_is_no_scikit_learn() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(modules=MODULES["recommender"])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
