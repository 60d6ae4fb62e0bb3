"""Fixtures of the identity half's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.identity.halves import World


@pytest.fixture
def world(tmp_path: Path, engine: str) -> Iterator[World]:
    """An identity half in a folder of its own; on both engines with `both_engines`."""
    world = World(tmp_path)
    yield world
    world.close()
