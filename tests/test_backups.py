"""What README.md says about backups, word for word, on a running house; and an opt-out at the command line."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import app
from app import create_app
from identity.cli import commands
from plumbing.backup import sealed
from plumbing.backup.contents import Kind, kind_of
from plumbing.backup.restore import unpack
from plumbing.clock import SECOND
from plumbing.settings import Config
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
        for name in ("backup", "keys", "secret"):
            (folder / name).mkdir(exist_ok=True)
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
        for made in (self.folder / "backup").iterdir():  # the copy that README names is ours
            block = block.replace("usual-2026-11-29-030000.backup", made.name)
        block = block.replace("data/state", str(self.home)).replace("/mnt/", f"{self.folder}/")
        command = f"{sys.executable} -c 'from app import main; main()'"
        subprocess.run(["sh", "-euc", block.replace(".venv/bin/usual", command)], check=True, timeout=60, cwd=ROOT)


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


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed, "COST", {"n": 2**10, "r": 8, "p": 1})


def usual(house: House, *words: str) -> str:
    """Run a command on the state folder; what it says."""
    (house.folder / "secret/passphrase").write_text("correct horse battery")
    options = ["--home", str(house.home), "--passphrase-file", str(house.folder / "secret/passphrase")]
    done = CliRunner().invoke(app.assemble(), [words[0], *options, *words[1:]])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.usefixtures("cheap")
class TestWithTheCommands:
    def test_the_erased_stay_erased_and_everybody_else_is_there(self, house: House) -> None:
        """With today's keys an older backup opens none of the erased and all of the others."""
        gone = [house.identity.enrol(person) for person in range(3)]
        for person in range(3, 7):
            house.identity.enrol(person)
        usual(house, "backup", str(house.folder / "backup/one"))
        for made in gone:
            house.identity.service.forget(KIOSK, made.receipt)
        house.close()

        said = usual(house, "restore", str(house.folder / "backup/one"))
        house.open()
        opened = [
            house.identity.half.vault.keys.counts()["keys"],
            len(house.identity.half.stores.customers.all()),
        ]
        house.identity.half.settle()

        assert "4 of 7 customers can be recognised. 3 left after the backup and stay erased." in said
        assert "PINs, orders that they corrected" in said
        assert opened == [4, 7]
        assert [house.identity.recognise(person).decision for person in range(7)] == 3 * ["unknown"] + 4 * [
            "matched"
        ]
        assert len(house.identity.half.stores.customers.all()) == 4
        assert house.identity.half.audit.examined().faults == []

    @pytest.mark.parametrize("with_keys", [True, False])
    def test_onto_an_empty_disk_it_says_how_many_customers_are_lost(self, house: House, with_keys: bool) -> None:
        for person in range(3):
            house.identity.enrol(person)
        keys = house.folder / "keys/usual.keys"
        usual(house, "backup", "--keys", str(keys), str(house.folder / "backup"))
        (source,) = (house.folder / "backup").iterdir()
        house.close()
        shutil.rmtree(house.home)

        said = usual(house, "restore", *(["--keys", str(keys)] if with_keys else []), str(source))
        house.open()

        expected = "3 of 3 customers can be recognised." if with_keys else "3 customers are lost"
        assert expected in said
        decisions = {house.identity.recognise(person).decision for person in range(3)}
        assert decisions == ({"matched"} if with_keys else {"unknown"})
        assert not any(house.home.glob("identity-audit.log.*"))
        if with_keys:
            assert house.identity.half.audit.examined().faults == []

    def test_no_key_is_among_the_data(self, house: House) -> None:
        """Of a state folder with everything in it: whatever holds a secret is named as a key."""
        house.identity.enrol(1)
        create_app(Config(home=house.home, only="recommender"))
        secret = [path for path in house.home.iterdir() if path.is_file() and kind_of(path.name) is Kind.KEY]
        usual(house, "backup", str(house.folder / "backup/one"))
        folder = house.folder / "out"
        folder.mkdir()
        unpack(house.folder / "backup/one", b"correct horse battery", "data", folder, lambda _: None)
        content = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())

        assert {path.name for path in secret} >= {
            "identity-keys",
            "master.key",
            "recommender.key",
            "token.key",
            "people.key",
            "replies.key",
        }
        for path in secret:
            assert path.read_bytes()[:64] not in content, path.name

    def test_a_command_that_was_wrong_is_one_line(self, house: House) -> None:
        (house.folder / "weak").write_text("secret")
        for words, expected in (
            (
                ["backup", "--passphrase-file", str(house.folder / "weak"), str(house.folder / "backup")],
                "at least 12",
            ),
            (
                ["restore", "--passphrase-file", str(ROOT / "LICENSE"), str(ROOT / "README.md")],
                "does not begin like",
            ),
        ):
            done = CliRunner().invoke(app.assemble(), [words[0], "--home", str(house.home), *words[1:]])
            assert done.exit_code == 1
            assert expected in done.output
            assert len(done.output.splitlines()) == 1


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
