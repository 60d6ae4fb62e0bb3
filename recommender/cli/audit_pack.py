"""What the recommender adds to `usual audit pack`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from plumbing.audit_pack.bill_of_materials import ModelFile
from plumbing.audit_pack.data_map import About
from plumbing.audit_pack.pack import Contents
from plumbing.settings import Config
from recommender.store.data_map import WORDS


class RecommenderPart:
    """Published models, each with its manifest."""

    def contents(self, home: Path) -> Contents:
        """`models.json`: the manifests as they are published."""
        return {"models.json": lambda: json.dumps(list(_manifests(home)), indent=1, sort_keys=True) + "\n"}

    def words(self) -> Mapping[str, About]:
        """What each table of recommender.db holds."""
        return {name: About(*words) for name, words in WORDS.items()}

    def models(self) -> list[ModelFile]:
        """None: its models are trained here, and `models.json` lists them."""
        return []


def _manifests(home: Path) -> Iterator[dict[str, Any]]:
    from recommender.assembly import place_of
    from recommender.config import RecommenderConfig

    settings = Config.from_environment().model_copy(update={"home": home})
    for where, shelf in place_of(RecommenderConfig.of(settings)).stores():
        current = shelf.current()
        for name in shelf.names():
            manifest = shelf.manifest(name)
            yield {"version": f"{where}/{name}", "current": name == current, "manifest": manifest}
