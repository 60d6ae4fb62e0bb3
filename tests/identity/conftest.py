"""Fixtures of the identity half's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.identity.halves import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An identity half in a folder of its own."""
    world = World(tmp_path)
    yield world
    world.close()
