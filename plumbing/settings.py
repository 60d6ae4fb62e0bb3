"""The settings of an installation, from the environment or from a command's options."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar, Literal, Self
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from plumbing.problem import Problem

CACHE = Path(".cache/models")
"""Where converted and fetched packs are stored. Not in the user's cache folder (platformdirs): packs that were
fetched must be found again after an update, and a server's user may have no home."""

ONE_LINE = r"^[^\x00-\x1f\x7f\u2028\u2029]*$"


def place_of(url: str) -> tuple[str, str, str]:
    """Host, port and name of the database of an address, without who connects."""
    parts = urlsplit(url)
    said = {name: values[0] for name, values in parse_qs(parts.query).items()}
    at = parts.netloc.rpartition("@")[2]
    host, _, port = at.rpartition(":") if re.search(r":\d*$", at) else (at, "", "")
    name = unquote(parts.path.strip("/")) or said.get("dbname", "")
    return unquote(host) or said.get("host", ""), port or said.get("port", "5432"), name


class WrongSetting(Problem, ValueError):
    """A setting of the environment has a value that it cannot have."""

    code: ClassVar[str] = "wrong_setting"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "A setting cannot be used"


class Config(BaseSettings):
    """Each setting is a variable of the environment: USUAL_ and its name in capitals. An empty one is unset.

    `Config(...)` itself does not look at the environment: `from_environment` does.
    """

    # An address of a database holds a password: no error may show what was given.
    model_config = SettingsConfigDict(
        frozen=True, env_prefix="USUAL_", env_ignore_empty=True, hide_input_in_errors=True
    )

    home: Path = Path("data/state")
    # postgresql://...; None keeps the state in SQLite files of the home. Keys are in another database, or a file.
    database: str | None = Field(default=None, repr=False)
    keys_database: str | None = Field(default=None, repr=False)
    pack: str = "dlib"
    models: Path | None = None  # folder with the files of an engine pack that is not installed
    cache: Path = CACHE
    engines: int = Field(default=1, ge=1)  # processes of each server process in which the engine pack runs
    liveness: str | None = None  # manifest in `models` of a passive liveness model
    needs: str | None = None  # what opens each purpose: "offers=liveness,destinations=liveness_and_pin"
    threads: int = Field(default=3, ge=1)  # of each process of the server, for recognition
    trusted_proxies: str | None = None  # how many stand in front of the server, or their addresses
    only: str | None = Field(default=None, pattern="^(identity|recommender)$")  # one half; None serves both
    least_people: int = Field(default=10, ge=5, le=1_000)  # who must stand behind what everybody sees
    served_km: float = Field(
        default=40.0, gt=0, le=20_000
    )  # around the places of the catalogue; positions beyond are refused
    recommender_url: str | None = None  # where the other process answers, to hand erasures over
    recommender_key: str | None = Field(default=None, repr=False)  # not in a traceback
    identity_url: str | None = None  # where identity's own process answers, to be asked who opted out
    versions: str | None = None  # bucket with the versions of models, "s3://bucket/folder"; None is the home
    edge: Path | None = None  # folder of a store box; `usual edge run` sets it for the server of the box
    tombstones: Path | None = None  # folder on another disk where erasures are remembered; None is the home
    organisation: str | None = Field(default=None, max_length=80, pattern=ONE_LINE)  # the controller
    contact: str | None = Field(default=None, max_length=120, pattern=ONE_LINE)  # how to reach the controller
    place: Literal["restaurant", "taxi"] = "restaurant"  # where the screens stand
    retention_months: int = Field(default=12, ge=1, le=36)  # after the last visit
    minimum_age: int = Field(default=16, ge=16, le=99)  # as customers declare it
    security_log: Literal["file", "stdout", "both", "off"] = "file"  # where it goes

    @field_validator("database", "keys_database")
    @classmethod
    def _is_postgres(cls, value: str | None, given: ValidationInfo) -> str | None:
        if value is None:
            return None
        if not value.startswith(("postgresql://", "postgres://")):
            raise ValueError("an address begins with postgresql://; left out, the state is in files of the home")
        other = given.data.get("database")
        if given.field_name == "keys_database" and other is not None and place_of(value) == place_of(other):
            raise ValueError("keys need a database of their own, which no backup of the other one contains")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments only: no variable changes a Config that is made in code."""
        return (init_settings,)

    @classmethod
    def from_environment(cls) -> Self:
        """The settings of the environment. Raises WrongSetting, a ValueError, on a value that cannot be."""
        try:
            settings = cls(**EnvSettingsSource(cls)())
        except ValidationError as error:
            wrong = [
                f"USUAL_{one['loc'][0]}".upper() + f": {one['msg'].removeprefix('Value error, ')}"
                for one in error.errors()
            ]
            raise WrongSetting(
                f'{". ".join(wrong)}. README.md, "Commands", lists what each setting may be.'
            ) from None
        # Absolute: the processes of the server need not have the same working folder.
        folder = settings.tombstones
        return settings if folder is None else settings.model_copy(update={"tombstones": folder.resolve()})

    def to_environment(self) -> dict[str, str]:
        """The same settings as variables, for the processes of the server."""
        values = self.model_dump(exclude_none=True)
        return {f"USUAL_{name.upper()}": str(value) for name, value in values.items()}
