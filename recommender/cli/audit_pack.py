"""What the recommender adds to `usual audit pack`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from plumbing.audit_pack.bill_of_materials import ModelFile
from plumbing.audit_pack.data_map import About
from plumbing.audit_pack.pack import Contents
from recommender.store.data_map import WORDS


class RecommenderPart:
    """Published models, each with its manifest."""

    def contents(self, home: Path) -> Contents:
        """`models.json`: the manifests as they lie in the state folder."""
        return {"models.json": lambda: json.dumps(list(_manifests(home)), indent=1, sort_keys=True) + "\n"}

    def words(self) -> Mapping[str, About]:
        """What each table of recommender.db holds."""
        return {name: About(*words) for name, words in WORDS.items()}

    def models(self) -> list[ModelFile]:
        """None: its models are trained here, and `models.json` lists them."""
        return []


def _manifests(home: Path) -> Iterator[dict[str, Any]]:
    for path in sorted((home / "models").glob("**/manifest.json")):
        folder = path.parent.relative_to(home / "models")
        pointer = path.parent.parent / "current"
        current = pointer.read_text("utf-8").strip() if pointer.is_file() else ""
        manifest = json.loads(path.read_text("utf-8"))
        yield {"version": str(folder), "current": current == path.parent.name, "manifest": manifest}
