"""A small installation with real drawn customers, made once, copied for each trial, served by `usual serve`."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from bench.served import installed
from data.demo import stage
from data.demo.client import Client
from data.demo.members import Member
from data.demo.server import Server, command, free_port, serving
from data.demo.setting import TENANT, Setting, StageError
from plumbing.clock import system_clock

PACKS = Path(__file__).resolve().parents[2] / ".cache" / "models"
"""Converted engine packs: not a part of the state, so they are shared."""


@dataclass
class Installation:
    """A state folder of its own, with the people who are enrolled in it."""

    setting: Setting
    members: list[Member]
    keys: dict[str, str] = field(default_factory=dict)

    def key(self, name: str, *scopes: str, site: str = "market") -> str:
        """A key of the device `name` with `scopes` (a kiosk's, when none are given)."""
        if name not in self.keys:
            access, database = stage.access_of(self.setting)
            try:
                self.keys[name] = access.create_key(TENANT, scopes or stage.KIOSK, device=name, site=site)
            finally:
                database.close()
        return self.keys[name]

    def client(self, server: Server, name: str, *scopes: str, timeout: float = 60.0) -> Client:
        """The device `name` on a connection of its own."""
        return Client(server.url, self.key(name, *scopes), timeout=timeout)

    @contextmanager
    def served(self, *, patience_s: float = 60.0) -> Iterator[Server]:
        """The real server on this state folder, on a free port; stopped in any case."""
        with serving(self.setting, free_port(0), patience_s=patience_s) as server:
            yield server


@cache
def _prepared() -> tuple[Path, list[Member]]:
    """A folder with a state that was made through the real server and stopped in order."""
    folder = Path(tempfile.mkdtemp(prefix="usual-prepared-"))
    setting = Setting(folder, "dlib", None, PACKS, system_clock)
    with installed(setting) as (_, _, members):
        pass
    return folder, members


@contextmanager
def installation(*, place: Path | None = None) -> Iterator[Installation]:
    """A fresh copy of the prepared installation, removed at the end; inside `place` (a small disk) if given."""
    prepared, members = _prepared()
    folder = Path(tempfile.mkdtemp(prefix="usual-trial-", dir=place))
    try:
        shutil.copytree(prepared / "state", folder / "state")
        yield Installation(Setting(folder, "dlib", None, PACKS, system_clock), members)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def unconfirmed(setting: Setting, patience_s: float = 90.0) -> list[str]:
    """The erasures that some place has not confirmed yet, after a while; a training may still be waited for."""
    ends = time.monotonic() + patience_s
    while True:
        listed = [line.partition("waits for ") for line in command(setting, "erasures", "list").splitlines()]
        waiting = [
            line[0] for line in listed if any(place[:7] not in ("", "models/") for place in line[2].split(", "))
        ]
        if not waiting or time.monotonic() > ends:
            return waiting
        time.sleep(0.5)


def found_again(setting: Setting, number: str, *also: Path) -> str:
    """What `usual erasures verify` says where it does not end with 0; nothing when all is clean."""
    folders = [word for folder in also for word in ("--also", str(folder))]
    try:
        command(setting, "erasures", "verify", *folders, number)
    except StageError as error:
        return str(error)
    return ""


def forget_prepared() -> None:
    """Remove the prepared state, at the end of a run."""
    if _prepared.cache_info().currsize:
        shutil.rmtree(_prepared()[0], ignore_errors=True)
        _prepared.cache_clear()


def descriptors(pid: int) -> int:
    """How many files and sockets a process holds open."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
