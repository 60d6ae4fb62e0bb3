"""The settings of an installation, for commands that open no database."""

from __future__ import annotations

from pathlib import Path

from identity.config import IdentityConfig, config_of
from plumbing.settings import Config

NO_KEYS = (b"not used",)


def config_at(home: Path) -> IdentityConfig:
    """The settings of the environment for the state folder `home`, without its token keys."""
    return config_of(Config.from_environment().model_copy(update={"home": home}), NO_KEYS)
