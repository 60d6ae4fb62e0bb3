"""A small house that serves until its input ends; run as a script with the code of any commit on the path.

    python screens_house.py FOLDER CACHE

Prints one line of JSON: `url`, pairing `codes` by page, `seed` of an enrolled customer, `pid` of the server.
It uses only names that the older commit has as well. Nothing is trained: a training gives way to all else and may
never end on a busy machine; what a model adds to a reply is in the section `suggestions`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data.demo import stage
from data.demo.client import Client, Refused
from data.demo.server import free_port, serving
from data.demo.setting import TENANT, Setting, sweep
from data.town.town import Town
from plumbing.clock import system_clock

ENROLLED = 3
TRIES = 5  # an engine that is still starting, or slow on a busy machine, answers 503


class _NoBar:
    def update(self, n: int) -> None:
        """Nothing is printed."""


@contextmanager
def _silent(label: str, total: int) -> Iterator[_NoBar]:
    yield _NoBar()


def _enrolled(kiosk: Client, town: Town, setting: Setting) -> int:
    """The seed of somebody who is enrolled with their own history, among a few others."""
    for left in range(TRIES - 1, -1, -1):
        try:
            return int(stage.opt_in(kiosk, town, range(ENROLLED), _silent, setting)[0].person_seed)
        except Refused as refused:
            if refused.status != 503 or not left:
                raise
            time.sleep(2.0)
    raise AssertionError


def main(folder: Path, cache: Path) -> None:
    setting = Setting(folder, "dlib", None, cache, system_clock)
    sweep(setting)
    keys = stage.make_keys(setting)
    stage.calibrate_pack(setting, _silent, 60)
    with serving(setting, free_port(0), patience_s=180.0) as server:
        town = Town.build()
        with Client(server.url, keys["kiosk"]) as kiosk, Client(server.url, keys["office"]) as office:
            stage.load_catalogue(office, town)
            stage.import_history(setting, town, town.customers[ENROLLED:], _silent)
            seed = _enrolled(kiosk, town, setting)
        access, database = stage.access_of(setting)
        codes = {page: access.create_pairing(TENANT, page) for page in ("kiosk", "taxi")}
        database.close()
        print(json.dumps({"url": server.url, "codes": codes, "seed": seed, "pid": server.process.pid}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
