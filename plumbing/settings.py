"""What an installation is told, by its environment or by a command's options."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Config:
    """What an installation is told. Everything else has a default that is safe."""

    home: Path = Path("data/state")
    pack: str = "dlib"
    models: Path | None = None  # folder with the files of an engine pack that is not installed
    cache: Path = Path(".cache/models")  # where converted and fetched packs are kept
    engines: int = 1  # processes of each server process in which the engine pack runs
    liveness: str | None = None  # manifest in `models` of a passive liveness model
    needs: str | None = None  # what opens each purpose: "offers=liveness,destinations=liveness_and_pin"
    only: str | None = None  # "identity" or "recommender"; None serves both
    recommender_url: str | None = None  # where the other process answers, to hand erasures over
    recommender_key: str | None = None

    @classmethod
    def from_environment(cls) -> Self:
        """Settings from USUAL_HOME, USUAL_PACK, USUAL_MODELS, USUAL_ENGINES, USUAL_LIVENESS,
        USUAL_NEEDS, USUAL_ONLY, USUAL_RECOMMENDER_URL and _KEY."""
        told: dict[str, Any] = {name: os.environ.get(f"USUAL_{name.upper()}") for name in cls.__dataclass_fields__}
        paths = {name: Path(told[name]) for name in ("home", "models", "cache") if told[name]}
        counts = {"engines": int(told["engines"])} if told["engines"] else {}
        return cls(**{name: text for name, text in told.items() if text} | paths | counts)

    def to_environment(self) -> dict[str, str]:
        """The same for the processes of the server."""
        return {f"USUAL_{name.upper()}": str(told) for name, told in asdict(self).items() if told is not None}
