"""What identity adds to `usual audit pack`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from identity.cli.commands import open_half
from identity.cli.policy import draft, pages
from identity.engines.manifests import load_pack, pack_names
from identity.store.data_map import WORDS
from plumbing.audit_pack.bill_of_materials import ModelFile
from plumbing.audit_pack.data_map import About
from plumbing.audit_pack.pack import Contents


class IdentityPart:
    """Engine packs, the audit log and how it was verified, the policy page, the draft of the assessment."""

    def contents(self, home: Path) -> Contents:
        """The files; the log is named when its subjects lead nowhere without the key file."""
        return {
            "engine-packs.json": packs,
            "audit-log.txt": lambda: _text(home / "identity-audit.log"),
            "audit-head.txt": lambda: _text(home / "identity-audit-head"),
            "audit-check.txt": lambda: verified(home),
            "impact-assessment.md": lambda: draft(home),
            **pages(home),
        }

    def words(self) -> Mapping[str, About]:
        """What each table of identity.db and its short-lived database holds."""
        return {name: About(*words) for name, words in WORDS.items()}

    def models(self) -> list[ModelFile]:
        """The files of every pack that ships with the product."""
        loaded = [load_pack(name) for name in pack_names()]
        return [
            ModelFile(f"{one.name}/{file.name}", one.version, file.licence, file.sha256)
            for one in loaded
            for file in one.files
        ]


def packs() -> str:
    """Every engine pack: vendor, licence, grade, files with their hashes, calibration."""
    return json.dumps([asdict(load_pack(name)) for name in pack_names()], indent=1, sort_keys=True) + "\n"


def verified(home: Path) -> str:
    """What the verification of the audit log found, and the public key that its head is signed with."""
    half = open_half(home, "dlib")  # any pack will do: no picture is processed
    try:
        lines = half.audit.examined().in_words()
        if half.audit.seal is not None:
            lines.append(f"public key: {half.audit.seal.public.hex()}")
    finally:
        half.close()
    return "\n".join(lines) + "\n"


def _text(path: Path) -> str:
    return path.read_text("utf-8", "replace") if path.is_file() else ""
