"""What `usual move` moves: the tables of both halves and of the keys of devices."""

from __future__ import annotations

import tempfile
from pathlib import Path

from identity.store import erasures
from identity.store.migrations import migrations as identity_migrations
from identity.vault.keyfile import KeyFile
from identity.vault.vault import Vault
from plumbing.move.places import Part
from plumbing.outbox import boxes
from plumbing.shared import LASTING
from recommender.store import MIGRATIONS


def parts() -> list[Part]:
    """In the order in which they are copied: who may call comes last, when the rest is there."""
    with tempfile.TemporaryDirectory() as folder:
        # Only rows of older formats are opened with keys; a place that is moved to has none.
        vault = Vault(KeyFile(Path(folder) / "keys", lambda: [bytes(32)]))
    return [
        Part("identity", (identity_migrations(vault),)),
        Part("identity-erasures", (erasures.migrations,), file=erasures.FILE, keys=True),
        Part("recommender", MIGRATIONS),
        Part("access-edge", (boxes.migrations,), file=boxes.FILE),
        Part("access", LASTING),
    ]
