"""The two folders of a store box: what lies on its disk, and what is in memory alone.

On the disk: the pairing and its key, API keys of the site's devices, the catalogue, and the outbox, which the box
itself cannot open. In memory: everything about a person. Without power it is gone; after a day without the centre,
after a revocation and at an ordinary stop it is overwritten.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from plumbing.clock import MINUTE, Clock, monotonic_us, system_clock
from plumbing.outbox.boxes import LEASE_US
from plumbing.outbox.errors import BoxNotPaired, NoMemoryFolder
from plumbing.outbox.seals import PrivateKeys, PublicKeys
from plumbing.storage.files import write_atomic
from plumbing.storage.shred import shred, shred_folder

VERSION = 1
KEY = "box.key"
NEXT_KEY = "next-box.key"
PAIRING = "pairing.json"
CATALOGUE = "catalogue.json"
OUTBOX = "outbox.json"
STATE = "edge-state.json"
IN_MEMORY = frozenset({"tmpfs", "ramfs"})
MOUNTS = Path("/proc/self/mountinfo")


@dataclass(frozen=True, slots=True)
class Pairing:
    """Whose box this is. `seen_us` is when the centre was heard last, by the machine's clock."""

    box: str
    tenant: str
    name: str
    site: str
    pack: str
    url: str
    line: str
    line_password: str
    centre_keys: str
    seen_us: int

    @property
    def centre(self) -> PublicKeys:
        """What seals for the centre alone, and checks its signatures."""
        return PublicKeys(bytes.fromhex(self.centre_keys))


@dataclass(frozen=True, slots=True)
class State:
    """How the copies stand; lies beside them in memory. `replica` is their random name, `confirmed` the number of
    the last bundle, `heard_us` and `heard_boot_us` the last word of the centre by both clocks."""

    replica: str
    boot: str
    heard_us: int
    heard_boot_us: int
    confirmed: int = 0
    catalogue: int = -1
    line_cut_us: int = 0
    customers: int = 0
    remark: str = ""


class BoxFolder:
    """The files of one box."""

    def __init__(
        self, disk: Path, memory: Path | None = None, now_us: Clock = system_clock, boot_us: Clock = monotonic_us
    ) -> None:
        """`memory`: a folder of a file system in memory; looked for when it is left out. Raises NoMemoryFolder."""
        disk.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.disk = disk.resolve()
        self._now_us = now_us
        self._boot_us = boot_us
        mark = hashlib.sha256(str(self.disk).encode()).hexdigest()[:12]
        self.home = (memory or memory_folder()) / f"usual-edge-{os.getuid()}-{mark}"

    @property
    def outbox_address(self) -> Path:
        """Where the processes of the box find its outbox."""
        return self.disk / OUTBOX

    @property
    def outbox(self) -> Path:
        """The folder of the outbox's server."""
        return self.disk / "outbox"

    # --- pairing

    def pairing(self) -> Pairing:
        """Raises BoxNotPaired."""
        try:
            said = json.loads((self.disk / PAIRING).read_text(encoding="utf-8"))
            if said.pop("version") != VERSION:
                raise ValueError("another version")
            return Pairing(**said)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BoxNotPaired from error

    def pair(self, pairing: Pairing) -> None:
        """Keep whose box this is."""
        content = json.dumps({"version": VERSION} | asdict(pairing), indent=1).encode()
        write_atomic(self.disk / PAIRING, content, mode=0o600)

    def new_keys_beside(self) -> PrivateKeys:
        """Keys for another pairing, beside those that are used until it has succeeded."""
        shred(self.disk / NEXT_KEY)
        return PrivateKeys.load(self.disk / NEXT_KEY)

    def take_new_keys(self) -> None:
        """The pairing has succeeded: the earlier keys are overwritten."""
        shred(self.disk / KEY)
        (self.disk / NEXT_KEY).replace(self.disk / KEY)

    def keys(self) -> PrivateKeys | None:
        """The box's keys; None after it has forgotten them."""
        path = self.disk / KEY
        return PrivateKeys.load(path) if path.exists() else None

    def seen(self) -> None:
        """Note on the disk that the centre was heard, once a minute: a box that was off for a day forgets, too."""
        pairing, now = self.pairing(), self._now_us()
        if not 0 <= now - pairing.seen_us < MINUTE:
            self.pair(Pairing(**asdict(pairing) | {"seen_us": now}))

    def forget_old_keys(self) -> bool:
        """At a start: whether the box was off for more than a day; then its keys are overwritten."""
        if self._now_us() - self.pairing().seen_us <= LEASE_US:
            return False
        self.forget_keys()
        return True

    def forget_keys(self) -> None:
        """Overwrite the keys, and all that is in memory. Twice is no error."""
        shred(self.disk / KEY)
        self.forget()

    # --- what is in memory

    def open_home(self) -> bool:
        """Make the folder in memory, or go on with the one of a process that was killed; whether it has copies.

        API keys stay on the disk: no person is in them, and screens stay paired.
        """
        going_on = self.state() is not None and not self.is_over()
        if not going_on:
            self.forget()
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        link = self.home / "access.db"
        if not link.is_symlink():
            link.symlink_to(self.disk / "access.db")
        return going_on

    def forget(self) -> None:
        """Overwrite and delete all that is in memory."""
        shred_folder(self.home)

    def state(self) -> State | None:
        """How the copies stand; None where there are none."""
        try:
            said: dict[str, Any] = json.loads((self.home / STATE).read_text(encoding="utf-8"))
            if said.pop("version") != VERSION:
                return None
            return State(**said)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, state: State) -> None:
        """Write how the copies stand."""
        content = json.dumps({"version": VERSION} | asdict(state)).encode()
        write_atomic(self.home / STATE, content, mode=0o600)

    def new_state(self) -> State:
        """That of an empty box which has just heard from the centre."""
        return State(secrets.token_hex(8), _boot(), self._now_us(), self._boot_us())

    def silent_us(self) -> int | None:
        """For how long the centre was not heard, by the clock that says more; None where nothing is kept.

        The clock that nobody sets runs while the machine sleeps; setting the other one back gains nothing.
        """
        state = self.state()
        if state is None:
            return None
        if state.boot != _boot():
            return LEASE_US + 1  # the machine was started since: nothing of it can be there
        return max(self._boot_us() - state.heard_boot_us, self._now_us() - state.heard_us, 0)

    def is_over(self) -> bool:
        """Whether the box must forget what it has."""
        silent = self.silent_us()
        return silent is not None and silent > LEASE_US


def memory_folder(places: tuple[Path, ...] | None = None, mounts: Callable[[], str] | None = None) -> Path:
    """A folder whose files are in memory alone. Raises NoMemoryFolder."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    wanted = places or (Path("/run/usual"), *([Path(runtime)] if runtime else []), Path("/dev/shm"))  # noqa: S108
    read = mounts or (lambda: MOUNTS.read_text(encoding="utf-8"))
    for place in wanted:
        if place.is_dir() and os.access(place, os.W_OK) and is_in_memory(place, read):
            return place
    names = ", ".join(map(str, wanted))
    raise NoMemoryFolder(
        f"None of {names} is a folder of a file system in memory (tmpfs): name one with --memory."
    )


def is_in_memory(place: Path, mounts: Callable[[], str] | None = None) -> bool:
    """Whether the file system of a folder is one in memory."""
    found, kind = -1, ""
    with suppress(OSError):
        for line in (mounts or (lambda: MOUNTS.read_text(encoding="utf-8")))().splitlines():
            before, _, after = line.partition(" - ")
            point = Path(before.split(" ")[4])
            if place.resolve().is_relative_to(point) and len(point.parts) >= found:
                found, kind = len(point.parts), after.split(" ")[0]
    return kind in IN_MEMORY


def _boot() -> str:
    """Another text after the machine was started again."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""
