"""What was decided about versions: why each was published or not, which one is pinned, what was rolled back.

The versions themselves are files or objects (`recommender.store.versions`); which of them is live is their
`current`. A pin is here and not there: a training reads `current` first and the pin after it, and who goes back
writes the pin first and `current` after it. So whichever is second sees the other, and no lock is needed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

from plumbing.storage.database import Connection, Database, Row
from plumbing.words import Message

PUBLISHED, HELD_BACK, REFUSED, ROLLED_BACK = "published", "held_back", "refused", "rolled_back"
FORMAT = 1

migrations = Migrations("versions")


@migrations()
def notes_and_pins(db: Utils) -> None:
    """`content` is the sha256 of a version's arrays as they were trained; a note of a version that was rolled back
    stays when the version goes."""
    db.execute(
        "CREATE TABLE version_notes (tenant TEXT NOT NULL, scene TEXT NOT NULL, version TEXT NOT NULL,"
        " state TEXT NOT NULL, content TEXT NOT NULL, at_us BIGINT NOT NULL, document TEXT NOT NULL,"
        " PRIMARY KEY (tenant, scene, version))"
    )
    db.execute(
        "CREATE TABLE version_pins (tenant TEXT NOT NULL, scene TEXT NOT NULL, version TEXT NOT NULL,"
        " at_us BIGINT NOT NULL, who TEXT NOT NULL, message TEXT NOT NULL, PRIMARY KEY (tenant, scene))"
    )


@migrations()
def accepted_changes(db: Utils) -> None:
    """Runs that take a log as it is although it changed, and who said so."""
    db.execute(
        "CREATE TABLE accepted_changes (tenant TEXT NOT NULL, run_id TEXT NOT NULL, who TEXT NOT NULL,"
        " at_us BIGINT NOT NULL, PRIMARY KEY (tenant, run_id))"
    )


@dataclass(frozen=True, slots=True)
class Pin:
    """The version that stays live until somebody unpins it. `who` is a user ("user:..."), a key ("key:..."), a
    command ("command:...") or, of an automatic roll-back, "usual"."""

    version: str
    at_us: int
    who: str
    message: Message

    @property
    def automatic(self) -> bool:
        """Whether nobody asked for it."""
        return self.who == AUTOMATIC


AUTOMATIC = "usual"


@dataclass(frozen=True, slots=True)
class Note:
    """Of one version: its `state` (published, held_back, refused or rolled_back), why, and the gate's figures."""

    version: str
    state: str
    content: str
    at_us: int
    message: Message | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)


class VersionNotes:
    """Notes and pins of all tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- notes ---------------------------------------------------------------------------------------

    def note(self, tenant: str, scene: str, note: Note) -> None:
        """Keep what is known of a version; replaces what was known. Raises DatabaseBusy or DiskFull."""
        with self._database.write() as connection:
            _put(connection, tenant, scene, note)

    def of(self, tenant: str, scene: str, version: str) -> Note | None:
        """What is known of a version; None: an older release published it."""
        row = self._database.row(
            "SELECT * FROM version_notes WHERE tenant = ? AND scene = ? AND version = ?", (tenant, scene, version)
        )
        return _as_note(row) if row else None

    def all(self, tenant: str, scene: str) -> dict[str, Note]:
        """What is known of the versions of a scene, by name."""
        rows = self._database.rows(
            "SELECT * FROM version_notes WHERE tenant = ? AND scene = ? ORDER BY version", (tenant, scene)
        )
        return {row["version"]: _as_note(row) for row in rows}

    def rolled_back_as(self, tenant: str, scene: str, content: str) -> str | None:
        """The version with these arrays that was rolled back, also when it is not kept any more."""
        row = self._database.row(
            "SELECT version FROM version_notes WHERE tenant = ? AND scene = ? AND content = ? AND state = ?"
            " ORDER BY at_us DESC LIMIT 1",
            (tenant, scene, content, ROLLED_BACK),
        )
        return str(row["version"]) if row else None

    def keep_only(self, tenant: str, scene: str, versions: Sequence[str]) -> None:
        """Drop the notes of versions that are not kept any more, but for those that were rolled back."""
        with self._database.write() as connection:
            for name in [name for name, one in self.all(tenant, scene).items() if name not in versions]:
                connection.execute(
                    "DELETE FROM version_notes WHERE tenant = ? AND scene = ? AND version = ? AND state <> ?",
                    (tenant, scene, name, ROLLED_BACK),
                )

    def scenes(self) -> list[tuple[str, str]]:
        """(tenant, scene) of everything that there is a note of."""
        rows = self._database.rows("SELECT DISTINCT tenant, scene FROM version_notes ORDER BY tenant, scene")
        return [(row["tenant"], row["scene"]) for row in rows]

    # --- pins ----------------------------------------------------------------------------------------

    def pin(self, tenant: str, scene: str) -> Pin | None:
        """The pin of a scene."""
        row = self._database.row("SELECT * FROM version_pins WHERE tenant = ? AND scene = ?", (tenant, scene))
        if row is None:
            return None
        message = Message.from_json(row["message"]) or Message.of("versions-went-back")
        return Pin(row["version"], row["at_us"], row["who"], message)

    def go_back(self, tenant: str, scene: str, pin: Pin, left: Note | None) -> None:
        """Pin a version, and note the version that is left as rolled back; both or neither."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO version_pins VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, scene) DO UPDATE SET"
                " version = excluded.version, at_us = excluded.at_us, who = excluded.who,"
                " message = excluded.message",
                (tenant, scene, pin.version, pin.at_us, pin.who, pin.message.to_json()),
            )
            if left is not None:
                _put(connection, tenant, scene, left)

    def unpin(self, tenant: str, scene: str) -> Pin | None:
        """Take the pin away; returns it, None where there was none."""
        with self._database.write() as connection:
            earlier = self.pin(tenant, scene)
            connection.execute("DELETE FROM version_pins WHERE tenant = ? AND scene = ?", (tenant, scene))
        return earlier

    # --- changed data that a person accepts ----------------------------------------------------------

    def accept(self, tenant: str, run_id: str, who: str, now_us: int) -> None:
        """The run takes the log as it is: `who` says that its change is known."""
        self._database.change(
            "INSERT INTO accepted_changes VALUES (?, ?, ?, ?) ON CONFLICT (tenant, run_id) DO NOTHING",
            (tenant, run_id, who, now_us),
        )

    def is_accepted(self, tenant: str, run_id: str) -> bool:
        """Whether somebody accepted the changed log for this run."""
        found = self._database.row(
            "SELECT 1 FROM accepted_changes WHERE tenant = ? AND run_id = ?", (tenant, run_id)
        )
        return found is not None


def _put(connection: Connection, tenant: str, scene: str, note: Note) -> None:
    document = json.dumps(
        {
            "v": FORMAT,
            "message": note.message.to_json() if note.message else None,
            "figures": dict(note.figures),
        },
        sort_keys=True,
    )
    connection.execute(
        "INSERT INTO version_notes VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, scene, version) DO UPDATE SET"
        " state = excluded.state, content = excluded.content, at_us = excluded.at_us,"
        " document = excluded.document",
        (tenant, scene, note.version, note.state, note.content, note.at_us, document),
    )


def _as_note(row: Row) -> Note:
    document = json.loads(row["document"])
    if document.get("v") != FORMAT:
        document = {}
    message = document.get("message")
    return Note(
        version=row["version"],
        state=row["state"],
        content=row["content"],
        at_us=row["at_us"],
        message=Message.from_json(message) if message else None,
        figures=document.get("figures", {}),
    )
