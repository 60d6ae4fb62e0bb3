"""What an upgrade of a state folder needs from both halves: to open all of it, and the end of the audit."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from doorway.move import parts
from identity.audit.seal import AuditSeal, HeadForged, Mark
from identity.cli.commands import open_half
from identity.vault.keyfile import NAME, KeyFile
from plumbing.clock import system_clock
from plumbing.settings import Config
from plumbing.shared import Shared
from plumbing.storage.state import State
from plumbing.storage.tombstones import Tombstones
from plumbing.upgrade.aside import AUDIT, go_on_back
from recommender.assembly import open_stores
from recommender.config import RecommenderConfig


def steps() -> dict[str, dict[str, list[str]]]:
    """The steps that make each database of a state folder, by its name and by their set."""
    return {
        part.in_home: {kind.name: [step.name for step in kind._migrations] for kind in part.migrations}
        for part in sorted(parts(), key=lambda part: part.in_home)
    }


def open_all(home: Path) -> None:
    """Open every database and log that is there: each is then of the formats of this release.

    Raises DatabaseBusy, DiskFull and what the halves raise.
    """
    config = Config.from_environment().model_copy(update={"home": home})
    shared = Shared.open(State.of(config), system_clock)
    try:
        if (home / "recommender.db").exists():
            open_stores(RecommenderConfig.of(config, shared.token_keys)).close()
        if (home / "identity.db").exists():
            open_half(home, "dlib").close()  # any pack will do: no picture is processed
    finally:
        shared.close()


def went_back(home: Path) -> bool:
    """Go on with going back, if that was decided; the key file then remembers the end of the older audit log."""
    return go_on_back(home, _mark_the_end)


def _mark_the_end(home: Path) -> None:
    if not all((home / name).exists() for name in (*AUDIT, NAME)):
        return
    with closing(KeyFile.in_home(home)) as keys:
        tombstones = Tombstones.of(home, Config.from_environment().tombstones, "identity-tombstones")
        with closing(tombstones):
            seal = AuditSeal(home / AUDIT[0], keys, tombstones)
            try:
                head = seal.head()
            except HeadForged:  # as it was before: the older release says so
                return
            seal.set_marks(Mark(head.count, head.last))
