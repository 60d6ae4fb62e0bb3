"""Opting out at the command line, keys rotated under load, and a backup put back: against the real server."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from bench.measure import Row
from data.demo.client import Client, Refused
from data.demo.members import Member
from data.demo.server import command
from data.faces.people import draw_face
from identity.customers.accounts import receipt_digest
from plumbing.access.token_keys import TokenKeys
from plumbing.clock import system_clock
from plumbing.storage.free_space import Cleaning
from plumbing.storage.search import Fingerprints, Window, search
from recommender.tokens import read
from tests.test_in_house import TENANT, House
from tests.unbreakable.installation import Installation, found_again, installation, unconfirmed

SECTION = "erased for good"
README = Path(__file__).resolve().parents[2] / "README.md"
CONTEXT = {"site": "market"}


def rows(short: bool) -> list[Row]:
    """Seconds until an opt-out holds, refusals during rotations, people whom a backup brought back."""
    with installation() as house:
        for name in ("backup", "keys", "secret"):
            (house.setting.folder / name).mkdir()
        with house.served() as server:
            kiosk = house.client(server, "kiosk-erased", "identify", "suggest", "event")
            members = [member for member in house.members if "orders" in member.purposes][:4]
            _readme(house, 0)
            took, lasting = _forgotten(house, kiosk, members[0])
            refused, asked = _rotated(house, kiosk, members[1], 3 if short else 10)
            late = unconfirmed(house.setting)
        found, planted = _searched(house, lasting)
        _readme(house, 1)
        with house.served() as server:
            kiosk = house.client(server, "kiosk-erased")
            back = [_token(kiosk, members[0]) is not None, not _refused(kiosk, lasting)]
            missing = [_token(kiosk, member) is None for member in members[2:]]
    return [
        Row(SECTION, "opt-out by command: a token from before opens nothing after", took, "s", 1),
        Row(SECTION, f"rotating token keys: refused of {asked} suggestions", refused, "", 0),
        Row(SECTION, "erasures unconfirmed after a minute and a half", len(late), "", 0),
        Row(
            SECTION,
            "the erased found again in a trained house, by command",
            len(found),
            "people",
            0,
            note="; ".join(found),
        ),
        Row(SECTION, "planted bytes that the command finds", planted, "of 1", 1, "more"),
        *_bytes(40 if short else 2_000),
        Row(SECTION, "backup put back: ways in which the erased are served", sum(back), "", 0),
        Row(SECTION, "backup put back: others who are not recognised", sum(missing), "", 0),
    ]


def _searched(house: Installation, token: str) -> tuple[list[str], int]:
    """What `usual erasures verify` finds of each receipt; whether it finds a pseudonym that is planted."""
    pseudonym = read(TokenKeys(house.setting.home, system_clock), token).pseudonym
    numbers = [line.split()[0] for line in command(house.setting, "erasures", "list").splitlines()]
    found = [said for number in numbers if (said := found_again(house.setting, number))]
    planted = house.setting.home / "planted.log"
    planted.write_text(f"customer {pseudonym} ordered soup")
    seen = any("planted.log" in found_again(house.setting, number) for number in numbers)
    planted.unlink()
    return found, int(seen)


def _bytes(people: int) -> list[Row]:
    """Many are erased in a house with a fake engine; then all its files are searched for all of them at once."""
    with tempfile.TemporaryDirectory(prefix="usual-erased-") as folder:
        house = House(Path(folder))
        windows: list[Window] = []
        took = 0.0
        for person in range(people):
            receipt = house.enrol(person)
            row = house.identity.stores.customers.customer_of_receipt(TENANT, receipt_digest(receipt))
            assert row is not None
            windows += _sample(house.identity.service.erasures.windows(row))
            began = time.monotonic()
            house.send("DELETE", f"/identity/v1/enrolments/{receipt}")
            took = max(took, time.monotonic() - began)
        Cleaning([house.identity.stores.database, house.recommender.service.database]).look()
        house.close()
        hits = search(Path(folder), Fingerprints.of(windows))
        (Path(folder) / "planted").write_bytes(windows[-1][1])
        control = search(Path(folder), Fingerprints.of(windows[-1:]))
    note = ", ".join(sorted({f"{hit.file}: {hit.form}" for hit in hits}))
    return [
        Row(SECTION, f"{people} erased, all encodings, all files: found", len(hits), "places", 0, note=note),
        Row(SECTION, "the search finds what is planted", len(control), "places", 1, "more"),
        Row(SECTION, f"longest of {people} erasures", took, "s", 2),
    ]


def _sample(windows: Iterable[Window]) -> list[Window]:
    """Every eighth: of thousands of people all of them would not fit into memory."""
    return list(windows)[::8]


def _token(kiosk: Client, member: Member) -> str | None:
    for first in (90, 93, 96):  # a customer may be missed once
        token = kiosk.recognise([draw_face(member.person_seed, first + number) for number in range(3)])["token"]
        if token is not None:
            return str(token)
    return None


def _refused(kiosk: Client, token: str) -> bool:
    try:
        kiosk.suggestions("orders", token, CONTEXT)
    except Refused:
        return True
    return False


def _forgotten(house: Installation, kiosk: Client, member: Member) -> tuple[float, str]:
    """Seconds after the command until a token that was given before is refused; and the token."""
    token = _token(kiosk, member)
    assert token is not None
    command(house.setting, "identity", "forget", member.receipt)
    began = time.monotonic()
    while not _refused(kiosk, token) and time.monotonic() - began < 90:
        time.sleep(0.02)
    return time.monotonic() - began, token


def _rotated(house: Installation, kiosk: Client, member: Member, times: int) -> tuple[int, int]:
    """Suggestions refused, and asked for, while the keys of tokens are replaced `times` times."""
    ended, refused, asked, token = threading.Event(), [0], [0], _token(kiosk, member)
    assert token is not None

    def ask() -> None:
        while not ended.is_set():
            refused[0] += _refused(kiosk, token)
            asked[0] += 1

    thread = threading.Thread(target=ask)
    thread.start()
    for _ in range(times):
        command(house.setting, "keys", "rotate", "token")
    ended.set()
    thread.join()
    return refused[0], asked[0]


def _readme(house: Installation, number: int) -> None:
    """Run the block of README's section on backups with this house's folders."""
    section = README.read_text().partition("\n## Backups\n")[2]
    block = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)[number]
    for made in (house.setting.folder / "backup").iterdir():  # the copy that README names is ours
        block = block.replace("usual-2026-11-29-030000.backup", made.name)
    block = block.replace("data/state", str(house.setting.home)).replace("/mnt/", f"{house.setting.folder}/")
    shell, usual = shutil.which("sh") or "/bin/sh", f"{sys.executable} -c 'from app import main; main()'"
    block = block.replace(".venv/bin/usual", usual)
    subprocess.run([shell, "-euc", block], check=True, timeout=120, cwd=README.parent)
