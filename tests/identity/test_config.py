"""The settings of the environment reach notices and commands; what cannot be is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from identity.cli.live import config_at
from identity.config import IdentityConfig


def test_the_settings_of_the_environment_reach_the_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "ORGANISATION": " Nudelhaus ",
        "CONTACT": "dpo@nudelhaus.example",
        "PLACE": "taxi",
        "RETENTION_MONTHS": "5",
        "MINIMUM_AGE": "18",
    }.items():
        monkeypatch.setenv(f"USUAL_{name}", value)

    made = config_at(tmp_path)

    assert (made.home, made.organisation, made.contact) == (tmp_path, "Nudelhaus", "dpo@nudelhaus.example")
    assert (made.place, made.retention_months, made.minimum_age) == ("taxi", 5, 18)


@pytest.mark.parametrize("wrong", [{"minimum_age": 15}, {"place": "casino"}, {"retention_months": 37}])
def test_what_cannot_be_is_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"16 or older|restaurant or a taxi|1 to 36 months"):
        IdentityConfig(home=tmp_path, token_keys=(b"x",), **wrong)  # type: ignore[arg-type]  # wrong on purpose
