"""The demo's link to the desk: a new one at each start, and the one before is worth nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.demo import stage
from data.demo.setting import TENANT, Setting
from plumbing.clock import system_clock
from plumbing.people.cli import open_people
from plumbing.people.errors import InvitationRefused


def test_each_start_prints_a_link_with_which_everything_can_be_tried(tmp_path: Path) -> None:
    setting = Setting(tmp_path, "dlib", None, tmp_path, system_clock)
    first, second = (stage.pairing_links(setting, "http://127.0.0.1:8000")["desk"] for _ in range(2))
    people = open_people(setting.home)
    caller = people.caller(people.accept(second.partition("#invitation=")[2], "four words that differ"))

    assert second.startswith("http://127.0.0.1:8000/desk/sign-in#invitation=")
    assert caller is not None
    assert caller.tenant == TENANT
    assert caller.scopes >= {"train", "privacy", "operate", "people"}
    with pytest.raises(InvitationRefused):
        people.invited(first.partition("#invitation=")[2])
    people.close()
