"""A small house that serves until its input ends; run as a script with the code of any commit on the path.

    python older_house.py FOLDER CACHE [--trained]

Prints one line of JSON: `url`, pairing `codes` by page, `keys` of terminals, `seeds` of enrolled customers, `pid`
of the server, `starts`, the seconds of its last starts. It uses only names that the older commits have as well.
Without `--trained` nothing is trained: a training gives way to all else and may never end on a busy machine; what
a model adds to a reply is in the section `suggestions`.
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
TERMINALS = 8
STARTS = 3
TRIES = 5  # an engine that is still starting, or slow on a busy machine, answers 503


class _NoBar:
    def update(self, n: int) -> None:
        """Nothing is printed."""


@contextmanager
def _silent(label: str, total: int) -> Iterator[_NoBar]:
    yield _NoBar()


def _enrolled(kiosk: Client, town: Town, setting: Setting) -> list[int]:
    """The seeds of a few who are enrolled with their own histories."""
    for left in range(TRIES - 1, -1, -1):
        try:
            return [int(one.person_seed) for one in stage.opt_in(kiosk, town, range(ENROLLED), _silent, setting)]
        except Refused as refused:
            if refused.status != 503 or not left:
                raise
            time.sleep(2.0)
    raise AssertionError


def _fill(url: str, setting: Setting, keys: dict[str, str], trained: bool) -> list[int]:
    """The town's menu and history, a few customers, and models when they are wanted."""
    town = Town.build()
    with Client(url, keys["kiosk"]) as kiosk, Client(url, keys["office"]) as office:
        stage.load_catalogue(office, town)
        stage.import_history(setting, town, town.customers[ENROLLED:], _silent)
        seeds = _enrolled(kiosk, town, setting)
        if trained:
            stage.finish_training(office, {"orders": stage.begin_training(office, "orders")}, _silent)
    return seeds


def _start_s(setting: Setting) -> float:
    """Seconds until a house that is there serves."""
    began = time.monotonic()
    with serving(setting, free_port(0), patience_s=180.0):
        return time.monotonic() - began


def main(folder: Path, cache: Path, trained: bool) -> None:
    setting = Setting(folder, "dlib", None, cache, system_clock)
    sweep(setting)
    keys = stage.make_keys(setting)
    stage.calibrate_pack(setting, _silent, 60)
    with serving(setting, free_port(0), patience_s=180.0) as server:
        seeds = _fill(server.url, setting, keys, trained)
    starts = [_start_s(setting) for _ in range(STARTS if trained else 0)]
    with serving(setting, free_port(0), patience_s=180.0) as server:
        access, database = stage.access_of(setting)
        codes = {page: access.create_pairing(TENANT, page) for page in ("kiosk", "taxi")}
        terminals = [
            access.create_key(TENANT, stage.KIOSK, device=f"terminal-{n}", site="market") for n in range(TERMINALS)
        ]
        database.close()
        said = {"url": server.url, "codes": codes, "keys": terminals, "seeds": seeds, "starts": starts}
        print(json.dumps(said | {"pid": server.process.pid}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), "--trained" in sys.argv[3:])
