"""Backups of the real server under load: each is put back into an empty folder and is whole."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from urllib.error import URLError

from bench.measure import Row
from data.demo.client import Client, Refused
from data.demo.server import command
from data.faces.people import draw_face
from plumbing.backup.errors import ServerInTheWay
from plumbing.backup.restore import restore
from plumbing.backup.sealed import passphrase_in
from tests.unbreakable.installation import Installation, installation

SECTION = "backups"
CONTEXT = {"site": "market"}
DATABASES = ("access", "identity", "recommender")


def rows(short: bool) -> list[Row]:
    """Backups that were not whole, seconds of one, requests that failed meanwhile, restores under a server."""
    times = 3 if short else 20
    with installation() as house:
        folder = house.setting.folder
        secret = folder / "passphrase"
        secret.write_text("correct horse battery staple")
        with house.served() as server:
            kiosk = house.client(server, "kiosk-backups", "identify", "suggest", "event")
            ended, failed, asked = threading.Event(), [0], [0]
            load = threading.Thread(target=_visits, args=(house, kiosk, ended, failed, asked))
            load.start()
            took = [_backed_up(house, number) for number in range(times)]
            ended.set()
            load.join()
            under = _refused_under_a_server(house)
        whole = [_is_whole(house, number) for number in range(times)]
        with house.served() as server:
            again = house.client(server, "kiosk-backups")
            greeted = _greeted(again, house)
    return [
        Row(SECTION, f"{times} backups under load: not whole", times - sum(whole), "", 0),
        Row(SECTION, "seconds of one", max(took), "s", 60),
        Row(SECTION, f"visits that failed meanwhile, of {asked[0]}", failed[0], "", 0),
        Row(SECTION, "restores under a running server", int(not under), "", 0),
        Row(SECTION, "customers not greeted after the last one, of 3", 3 - greeted, "", 1),
    ]


def _visits(
    house: Installation, kiosk: Client, ended: threading.Event, failed: list[int], asked: list[int]
) -> None:
    """One customer after the other comes and is shown something, until the backups are made."""
    while not ended.is_set():
        member = house.members[asked[0] % len(house.members)]
        asked[0] += 1
        try:
            kiosk.visit([draw_face(member.person_seed, 90)], "orders", CONTEXT)
        except Refused as error:
            failed[0] += error.status >= 500
        except (OSError, URLError):
            failed[0] += 1


def _file(house: Installation, number: int) -> Path:
    return house.setting.folder / f"{number}.backup"


def _backed_up(house: Installation, number: int) -> float:
    folder = house.setting.folder
    began = time.monotonic()
    command(
        house.setting,
        "backup",
        "--passphrase-file",
        str(folder / "passphrase"),
        "--keys",
        str(folder / "usual.keys"),
        str(_file(house, number)),
    )
    return time.monotonic() - began


def _refused_under_a_server(house: Installation) -> bool:
    folder = house.setting.folder
    try:
        restore(house.setting.home, _file(house, 0), passphrase_in(folder / "passphrase"))
    except ServerInTheWay:
        return True
    return False


def _is_whole(house: Installation, number: int) -> bool:
    """Every database is sound and has its customers; the last one stays in place of the house's own."""
    folder = house.setting.folder
    home = folder / f"home-{number}"
    restore(home, _file(house, number), passphrase_in(folder / "passphrase"), keys=folder / "usual.keys")
    sound = True
    for name in DATABASES:
        with closing(sqlite3.connect(home / f"{name}.db")) as opened:
            sound &= opened.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            sound &= not opened.execute("PRAGMA foreign_key_check").fetchall()
    with closing(sqlite3.connect(home / "identity.db")) as opened:
        sound &= opened.execute("SELECT count(*) FROM customers").fetchall() == [(len(house.members),)]
    return sound


def _greeted(kiosk: Client, house: Installation) -> int:
    found = 0
    for member in house.members[:3]:
        for first in (90, 93, 96):  # a customer may be missed once
            if kiosk.recognise([draw_face(member.person_seed, first + n) for n in range(3)])["token"] is not None:
                found += 1
                break
    return found
