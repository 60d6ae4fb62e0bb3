"""The examples in the docstrings of the library face run and give what they say."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest


@pytest.mark.parametrize(
    "module",
    ["library.orders", "library.destinations", "library.offers", "library.evaluation", "ranking.interactions"],
)
def test_the_examples_of_docstrings_hold(module: str) -> None:
    """There is at least one example in each module."""
    result = doctest.testmod(import_module(f"recommender.{module}"))

    assert result.attempted > 0
    assert result.failed == 0
