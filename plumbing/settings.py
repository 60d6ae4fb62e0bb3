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

HOST = r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]"
ONE_LINE = r"^[^\x00-\x1f\x7f\u2028\u2029]*$"


def place_of(url: str) -> tuple[str, str, str]:
    """Host, port and name of the database of an address, without who connects."""
    parts = urlsplit(url)
    said = {name: values[0] for name, values in parse_qs(parts.query).items()}
    at = parts.netloc.rpartition("@")[2]
    host, _, port = at.rpartition(":") if re.search(r":\d*$", at) else (at, "", "")
    name = unquote(parts.path.strip("/")) or said.get("dbname", "")
    return unquote(host) or said.get("host", ""), port or said.get("port", "5432"), name


def hosts_of(value: str | None) -> tuple[str, ...]:
    """The names of hosts of a setting, separated by commas, in small letters."""
    return tuple(host for one in (value or "").split(",") if (host := one.strip().lower()))


class WrongSetting(Problem, ValueError):
    """A setting of the environment has a value that it cannot have."""

    code: ClassVar[str] = "wrong_setting"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "A setting cannot be used"
    what_to_do: ClassVar[str | None] = "Mend the setting that the reply names, and start again."


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
    training_memory: int | None = Field(default=None, ge=200)  # MB that a training may use; None: half of all
    organisation: str | None = Field(default=None, max_length=80, pattern=ONE_LINE)  # the controller
    contact: str | None = Field(default=None, max_length=120, pattern=ONE_LINE)  # how to reach the controller
    place: Literal["restaurant", "taxi"] = "restaurant"  # where the screens stand
    retention_months: int = Field(default=12, ge=1, le=36)  # after the last visit
    minimum_age: int = Field(default=16, ge=16, le=99)  # as customers declare it
    webhook_hosts: str | None = None  # hosts of webhooks that may be in a private network, separated by commas
    mail_server: str | None = None  # host or host:port, for alerts; None: nothing is mailed
    mail_from: str | None = Field(default=None, max_length=200, pattern=ONE_LINE)
    mail_to: str | None = Field(default=None, max_length=1_000, pattern=ONE_LINE)  # addresses, separated by commas
    mail_security: Literal["starttls", "tls", "none"] = "starttls"
    mail_user: str | None = Field(default=None, max_length=200, pattern=ONE_LINE)
    mail_password_file: Path | None = None
    image_hosts: str | None = None  # from where screens may load pictures of dishes: "img.example.com,..."
    security_log: Literal["file", "stdout", "both", "off"] = "file"  # where it goes
    changes_days: int = Field(default=400, ge=30, le=3_650)  # how long the record of changes is kept
    passwords: Literal["on", "off"] = "on"  # whether people may sign in with one, beside the provider below
    oidc_issuer: str | None = Field(
        default=None, pattern=r"^https?://[^\s?#]+$"
    )  # OpenID Connect: who signs people in
    oidc_client_id: str | None = None
    oidc_client_secret: str | None = Field(default=None, repr=False)
    oidc_client_secret_file: Path | None = None  # a file with the secret, in place of the variable
    oidc_name: str | None = Field(default=None, max_length=60, pattern=ONE_LINE)  # of the provider, on the button
    oidc_domains: str | None = None  # e-mail domains that may sign in, "grill.example,grill.test"; left out: all
    oidc_roles_claim: str | None = (
        None  # the claim of the provider that names the roles; left out: those of the desk
    )
    oidc_hosts: str | None = None  # further hosts of the provider, where its keys and tokens lie elsewhere
    oidc_sign_out: Literal["on", "off"] = "on"  # signing out ends the session with the provider as well, if it can
    oidc_return: str | None = Field(default=None, pattern=r"^https?://[^\s?#]+$")  # where browsers reach the desk

    @field_validator("image_hosts")
    @classmethod
    def _are_hosts(cls, value: str | None) -> str | None:
        for host in hosts_of(value):
            if not re.fullmatch(HOST, host):
                raise ValueError(f"{host!r} is no name of a host such as img.example.com")
        return value

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

    @property
    def hosts_of_webhooks(self) -> frozenset[str]:
        """Hosts that may be called although they are in a private network."""
        return frozenset(name.strip().lower() for name in (self.webhook_hosts or "").split(",") if name.strip())

    def to_environment(self) -> dict[str, str]:
        """The same settings as variables, for the processes of the server."""
        values = self.model_dump(exclude_none=True)
        return {f"USUAL_{name.upper()}": str(value) for name, value in values.items()}
