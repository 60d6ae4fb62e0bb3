"""Where the demo runs: its folder, its engine pack, its environment."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from plumbing.clock import Clock
from plumbing.settings import Config
from plumbing.storage.files import private_home
from plumbing.storage.state import State

TENANT = "demo"


class StageError(Exception):
    """The stage cannot be set; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where the demo plays. `folder` holds `home` (the state), the server's log and the files to import.

    `database` and `keys_database` are addresses as in `State`; without them the state is files of the home.
    """

    folder: Path
    pack: str
    models: Path | None
    cache: Path
    now_us: Clock
    database: str | None = field(default=None, repr=False)
    keys_database: str | None = field(default=None, repr=False)

    @property
    def home(self) -> Path:
        return self.folder / "state"

    @property
    def state(self) -> State:
        """Where the state is: files of the home, or PostgreSQL."""
        return State(self.home, self.database, self.keys_database)

    @property
    def config(self) -> Config:
        """The settings of this state, for what works without a server."""
        return Config(home=self.home, database=self.database, keys_database=self.keys_database)

    @property
    def camera(self) -> Path:
        """What Chromium's fake camera may play."""
        return self.folder / "camera.mjpeg"

    def environment(self) -> dict[str, str]:
        """For the commands and the server: this state and no other, one thread for each sum."""
        addresses = {"USUAL_DATABASE": self.database or "", "USUAL_KEYS_DATABASE": self.keys_database or ""}
        own = addresses | {"USUAL_HOME": str(self.home), "USUAL_PACK": self.pack, "USUAL_CACHE": str(self.cache)}
        if self.models is not None:
            own["USUAL_MODELS"] = str(self.models)
        return os.environ | own | {"USUAL_TENANT": TENANT, "OMP_NUM_THREADS": "1"}


def sweep(setting: Setting) -> None:
    """Begin with an empty state folder, and empty databases. Raises StageError: they are not a demo's."""
    if setting.state.is_shared:
        from data.demo import databases

        databases.sweep(setting.state)
    shutil.rmtree(setting.home, ignore_errors=True)
    private_home(setting.home)
    private_home(setting.folder)


def is_there(setting: Setting) -> bool:
    """Whether a demo left a state that can be served."""
    if not setting.state.is_shared:
        return (setting.home / "identity.db").exists()
    from data.demo import databases

    return setting.home.exists() and databases.is_demo(setting.state)
