"""The two kinds of records of a bucket, as bytes: `current`, and manifests.

No two contents of one object are equal: a random `change` is in each, so that its etag is another too.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Hashable, Mapping
from pathlib import PurePosixPath
from typing import Any

from recommender.store.shelves.contents import NAME, Manifest, as_json
from recommender.store.shelves.errors import VersionsUnreachable
from recommender.store.shelves.protocol import Pointer

FORMAT = 1


def pointing(name: str | None, move: str) -> bytes:
    """The object `current` that names a version, or none."""
    return as_json({"format": FORMAT, "version": name, "move": move, "change": secrets.token_hex(8)})


def pointer_of(content: bytes, tag: Hashable) -> Pointer:
    """The pointer of an object `current`. Raises VersionsUnreachable when a newer release wrote it."""
    try:
        found = json.loads(content)
        name, made, move = found["version"], int(found["format"]), str(found["move"])
    except (ValueError, KeyError, TypeError):
        return Pointer(None, tag)
    if made > FORMAT:
        raise VersionsUnreachable("A newer release writes these versions. Update this one.")
    return Pointer(name if isinstance(name, str) and NAME.match(name) else None, tag, move)


def state_of(manifest: Mapping[str, Any]) -> str:
    """Empty for a version that is there; `draft`, or `removed`."""
    return str(manifest.get("objects", {}).get("state", ""))


def removed() -> bytes:
    """The manifest of a version that is being deleted."""
    return as_bytes({"objects": {"state": "removed"}})


def as_bytes(manifest: Mapping[str, Any]) -> bytes:
    """A manifest as an object: `change` makes it different from every earlier one, `sum` shows alterations."""
    objects = {**manifest["objects"], "change": secrets.token_hex(8)}
    objects["sum"] = _sum_of({**manifest, "objects": objects})
    return as_json({**manifest, "objects": objects})


def from_bytes(content: bytes) -> Manifest:
    """The manifest of an object. Raises ValueError when it was altered or cut short."""
    manifest = json.loads(content)
    if not isinstance(manifest, dict) or not isinstance(manifest.get("objects"), dict):
        raise ValueError("This is no manifest.")
    if manifest["objects"].get("sum") != _sum_of(manifest):
        raise ValueError("The manifest was altered.")
    return manifest


def _sum_of(manifest: Mapping[str, Any]) -> str:
    objects = {name: value for name, value in manifest["objects"].items() if name != "sum"}
    return hashlib.sha256(as_json({**manifest, "objects": objects})).hexdigest()


def own_name(file: str) -> str:
    """A name that no other file of a version ever has."""
    path = PurePosixPath(file)
    return f"{path.stem}-{secrets.token_hex(8)}{path.suffix}"
