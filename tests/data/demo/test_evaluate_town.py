"""The demo's drawn people, a small town of them: recognised, and strangers rejected."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from data.demo.evaluate_town import PASSERS_BY, evaluate_town, measure
from data.faces import people
from identity.engines.load import open_pack


@pytest.mark.slow
def test_a_small_town_is_recognised_and_strangers_are_not(engine_cache: Path) -> None:
    """8 customers, two visits each, 24 strangers, thresholds measured on 30 others (`usual evaluate town`: 60,
    1,000 and 120)."""
    found = measure(open_pack("dlib", None, engine_cache), customers=8, strangers=24, cohort=30, visits=2)

    assert (found.customers, found.visits, found.wrong_customer) == (8, 16, 0)
    assert found.recognised >= 0.9
    assert found.greeted <= 2
    assert found.recognised_interval[0] < found.recognised <= found.recognised_interval[1]


def test_passers_by_share_nobody_with_customers_or_the_cohort() -> None:
    """Three ranges of seeds that never meet."""
    assert people.STRANGERS > 100_000
    assert PASSERS_BY - people.STRANGERS >= 10_000


def test_a_pack_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(evaluate_town, ["--pack", "none", "--cache", str(tmp_path)])

    assert done.exit_code == 1
    assert "There is no engine pack" in done.output
