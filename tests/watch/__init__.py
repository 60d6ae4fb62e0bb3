"""Watches a program and all that it starts: names looked up, connections beyond this machine, files written.

A small library in C (`shim.c`) is preloaded. Processes that are started with a cleared environment load it too:
they keep PYTHONPATH, whose `sitecustomize` starts them again with the library.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).with_name("shim.c")
COMPILER = shutil.which("cc") or shutil.which("gcc")

SITECUSTOMIZE = """
import os, sys
if "WATCH_LOG" not in os.environ:
    os.environ.update({{"LD_PRELOAD": {library!r}, "WATCH_LOG": {log!r}}})
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
"""


@dataclass
class Seen:
    """What was done, each with the number of its process."""

    lookups: list[str] = field(default_factory=list)
    connections: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    def files_outside(self, *allowed: Path) -> list[str]:
        """Files and folders that were written, without those in `allowed`, devices and Python's own bytecode."""
        places = [str(path.resolve()) + "/" for path in allowed]
        return sorted(
            {
                path
                for path in self.files
                if not path.startswith(("/dev/null", "/dev/tty", "/proc/", *places))
                and path + "/" not in places
                and "/__pycache__" not in path
            }
        )


class Watch:
    """A folder with the library, the log and an empty home. A program has to be started with `environment`."""

    def __init__(self, folder: Path) -> None:
        assert COMPILER, "a C compiler is needed"
        self.home, self.temporary, self._log = folder / "home", folder / "temporary", folder / "log"
        for place in (folder / "site", self.home, self.temporary):
            place.mkdir(parents=True)
        library = folder / "shim.so"
        subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-w", "-o", library, SOURCE, "-ldl"], check=True)
        given = SITECUSTOMIZE.format(library=str(library), log=str(self._log))
        (folder / "site" / "sitecustomize.py").write_text(given)
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
        self.environment: Mapping[str, str] = kept | {
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "PYTHONPATH": str(folder / "site"),
            "LD_PRELOAD": str(library),
            "WATCH_LOG": str(self._log),
        }

    def run(
        self, *arguments: str, cwd: Path, timeout_s: float = 60, within: Sequence[str] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run Python with `arguments` under watch; `within` is a command that starts it, such as `unshare -n`."""
        return subprocess.run(
            [*within, sys.executable, *arguments],
            cwd=cwd,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def seen(self) -> Seen:
        """What was done up to now."""
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        seen = Seen()
        kinds = {"lookup": seen.lookups, "connection": seen.connections, "file": seen.files}
        for line in lines:
            kind, _, what = line.split("\t", 2)
            kinds[kind].append(what)
        return seen

    def kept(self) -> list[str]:
        """What lies in the home and in the temporary folder at the end."""
        return sorted(str(path) for place in (self.home, self.temporary) for path in place.rglob("*"))


def all_of(seen: Seen, allowed: Sequence[Path]) -> list[str]:
    """Everything that should not have been done."""
    return seen.lookups + seen.connections + seen.files_outside(*allowed)
