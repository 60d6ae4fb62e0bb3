"""Write the pack: files in one folder, and a list of them with their hashes."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from plumbing.problem import Problem
from plumbing.storage.files import sync_path, write_atomic

FORMAT = "usual-audit-pack-1"
LIST = "CONTENTS.json"

Contents = Mapping[str, Callable[[], str]]
"""The files of a pack: a name, and what makes its text."""


class PackExists(Problem, ValueError):
    """The folder is there already; an earlier pack is not overwritten."""

    code = "audit_pack_exists"
    status = 409
    title = "This folder is there already"
    what_to_do = "Name another folder, or move the earlier pack away."


def write_pack(folder: Path, contents: Contents, made_on: str, step: Callable[[str], None]) -> None:
    """Write every file of `contents` into `folder`, which must not exist yet; all of it or nothing.

    `made_on` is the date of the list; `step` is called with each name. Raises PackExists.
    """
    if folder.exists():
        raise PackExists(f"{folder} is there already. Name a new folder, or remove this one.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.with_name(f".{folder.name}-{secrets.token_hex(4)}")
    try:
        draft.mkdir(mode=0o700)
        hashes = {}
        for name, make in contents.items():
            text = make().encode()
            write_atomic(draft / name, text)
            hashes[name] = hashlib.sha256(text).hexdigest()
            step(name)
        content = {"format": FORMAT, "made_on": made_on, "sha256": dict(sorted(hashes.items()))}
        write_atomic(draft / LIST, (json.dumps(content, indent=1) + "\n").encode())
        draft.rename(folder)
        sync_path(folder.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
