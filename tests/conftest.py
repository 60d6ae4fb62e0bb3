"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The evaluation data beside the project; tests that read it run whenever it is there."""
    folder = Path(os.environ.get("USUAL_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip("the evaluation data is not beside the project (set USUAL_SHARED)")
    return folder
