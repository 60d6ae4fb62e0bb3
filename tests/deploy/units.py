"""The systemd units of `deploy/systemd`, read as systemd reads them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

FOLDER = ROOT / "deploy" / "systemd"
INSTALLED = "/opt/usual"


@dataclass(frozen=True)
class Unit:
    """The settings of a unit with its drop-in, each with all its values, in order."""

    settings: dict[str, list[str]]

    @classmethod
    def read(cls, name: str) -> Unit:
        """`name` is a file of `deploy/systemd`."""
        drop_ins = sorted((FOLDER / "usual-.service.d").glob("*.conf")) if name.endswith(".service") else []
        settings: dict[str, list[str]] = {}
        for path in [FOLDER / name, *drop_ins]:
            for key, value in re.findall(r"^(\w+)=(.*)$", path.read_text(), re.MULTILINE):
                settings.setdefault(key, []).append(value)
        return cls(settings)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the unit sets."""
        words = [word for value in self.settings["Environment"] for word in shlex.split(value)]
        return dict(word.split("=", 1) for word in words)

    def order(self, environment: dict[str, str]) -> list[str]:
        """The words of ExecStart with variables filled in."""
        [line] = self.settings["ExecStart"]
        return [re.sub(r"\$\{(\w+)\}", lambda found: environment[found[1]], word) for word in shlex.split(line)]


def services() -> list[Path]:
    """Every service."""
    return sorted(FOLDER.glob("*.service"))
