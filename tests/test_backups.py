"""What README.md says about backups, word for word, on a running house; and an opt-out at the command line."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import app
from identity.cli import commands
from plumbing.clock import SECOND
from recommender.assembly import RecommenderStores, open_stores
from recommender.config import RecommenderConfig
from recommender.scene import Event, OrderLine
from recommender.tokens import open_token
from tests.conftest import ROOT
from tests.identity.halves import KIOSK, START, TOKEN_KEY, World

BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text().partition("\n## Backups\n")[2], re.DOTALL)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


class House:
    """Both halves on one state folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "state"
        self.home.mkdir(exist_ok=True)
        (folder / "backup").mkdir(exist_ok=True)
        self.identity: World
        self.recommender: RecommenderStores
        self.open()

    def open(self) -> None:
        self.identity = World(self.home)
        self.recommender = open_stores(RecommenderConfig(home=self.home, token_keys=()))

    def close(self) -> None:
        self.identity.close()
        self.recommender.database.close()

    def order(self, customer: str, event_id: str) -> None:
        event = Event(event_id, "ordered", "orders", customer, START, 12.5, 0, (OrderLine("soup"),))
        self.recommender.events.record("north", [event], START)

    def pseudonym(self, person: int) -> str:
        token = self.identity.recognise(person).token
        assert token is not None
        now = self.identity.clock.now
        return open_token(
            [TOKEN_KEY], token, tenant="north", device=KIOSK.name, purpose="orders", now_us=now
        ).pseudonym

    def shell(self, block: str) -> None:
        """Run a block of README with this house's folders."""
        backup = self.folder / "backup"
        for made in backup.iterdir():  # the copy that README names is ours
            block = block.replace("2026-11-29-0300", made.name)
        block = block.replace("data/state", str(self.home)).replace("/mnt/backup", str(backup))
        subprocess.run(["sh", "-euc", block.replace(".venv/bin/python", sys.executable)], check=True, timeout=60)


def test_what_the_readme_says_about_backups_works_on_a_running_house(house: House) -> None:
    """Copied while it writes, put back after somebody left: the copy is whole, who left stays away."""
    gone = house.identity.enrol(1)
    house.identity.enrol(2)
    ann, ben = house.pseudonym(1), house.pseudonym(2)
    house.order(ann, "a1")
    house.order(ben, "b1")
    ended = threading.Event()

    def write() -> None:
        number = 0
        while not ended.is_set():
            house.order("", f"guest-{number}")
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        house.shell(BLOCKS[0])
    finally:
        ended.set()
        writer.join()
    house.identity.service.forget(KIOSK, gone.receipt)
    house.recommender.events.erase("north", ann, START)
    house.recommender.erased.remember("north", ann)
    house.close()

    house.shell(BLOCKS[1])
    house.open()
    house.identity.half.settle()

    checked = house.recommender.database.row("PRAGMA integrity_check")
    assert checked is not None
    assert checked[0] == "ok"
    assert house.recommender.events.customers() == [("north", ben)]
    assert house.recommender.events.is_erased("north", ann)
    assert house.identity.recognise(1).decision == "unknown"
    assert house.identity.recognise(2).decision == "matched"
    assert house.identity.half.audit.examined().faults == []


def test_opting_out_by_command_is_handed_over_at_once(house: House) -> None:
    """No server runs: the command itself erases in the recommender's database."""
    made = house.identity.enrol(1)
    ann = house.pseudonym(1)
    house.order(ann, "a1")

    words = ["identity", "forget", "--home", str(house.home), "--tenant", "north", made.receipt]
    done = CliRunner().invoke(app.assemble(), words)

    assert done.exit_code == 0, done.output
    assert "Forgotten" in done.output
    assert "informs" not in done.output
    assert house.identity.recognise(1).decision == "unknown"
    assert house.recommender.events.customers() == []
    assert house.recommender.events.is_erased("north", ann)
    assert house.identity.half.vault.keys.counts()["erasures"] == 0


def test_what_a_command_could_not_hand_over_a_running_server_does_within_a_second(tmp_path: Path) -> None:
    world = World(tmp_path)
    stop = world.half.start()
    try:
        made = world.enrol(1)
        time.sleep(0.1)
        began = time.monotonic()
        done = CliRunner().invoke(
            commands.identity, ["forget", "--home", str(tmp_path), "--tenant", "north", made.receipt]
        )
        assert "informs" in done.output
        began = time.monotonic()
        while not world.elsewhere.tokens and time.monotonic() - began < 10:
            time.sleep(0.02)
        took = time.monotonic() - began
    finally:
        stop()
        world.closed = True
        world.access_database.close()

    assert len(world.elsewhere.tokens) == 1
    assert took < 1.0
    assert world.clock.now < START + SECOND
