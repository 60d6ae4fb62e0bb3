"""Where the demo runs: its folder, its engine pack, its environment."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from plumbing.clock import Clock
from plumbing.storage.files import private_home

TENANT = "demo"


class StageError(Exception):
    """The stage cannot be set; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where the demo plays. `folder` holds `home` (the state), the server's log and the files to import."""

    folder: Path
    pack: str
    models: Path | None
    cache: Path
    now_us: Clock

    @property
    def home(self) -> Path:
        return self.folder / "state"

    @property
    def camera(self) -> Path:
        """What Chromium's fake camera may play."""
        return self.folder / "camera.mjpeg"

    def environment(self) -> dict[str, str]:
        """For the commands and the server: this state and no other, one thread for each sum."""
        own = {"USUAL_HOME": str(self.home), "USUAL_PACK": self.pack, "USUAL_CACHE": str(self.cache)}
        if self.models is not None:
            own["USUAL_MODELS"] = str(self.models)
        return os.environ | own | {"USUAL_TENANT": TENANT, "OMP_NUM_THREADS": "1"}


def sweep(setting: Setting) -> None:
    """Begin with an empty state folder."""
    shutil.rmtree(setting.home, ignore_errors=True)
    private_home(setting.home)
    private_home(setting.folder)
