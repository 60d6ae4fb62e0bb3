"""Fixtures of the evaluation's tests."""

from __future__ import annotations

from functools import partial

import pytest

from identity.cli import evaluate as evaluate_cli
from identity.evaluation.challenge_rates import rates


@pytest.fixture(autouse=True)
def few_challenges(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command simulates 60 challenges of each kind in place of 2,000: tests/identity/capture/test_challenge.py
    holds the rates themselves to their bounds."""
    monkeypatch.setattr(evaluate_cli, "rates", partial(rates, tries=60))
