"""The settings of an installation, from the environment or from a command's options."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar, Literal, Self
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from plumbing.problem import Problem
from plumbing.security.proxies import TrustedProxies

CACHE = Path(".cache/models")
"""Where converted and fetched packs are stored. Not in the user's cache folder (platformdirs): packs that were
fetched must be found again after an update, and a server's user may have no home."""

PREFIX = "USUAL_"
HOST = r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]"
ORIGIN = r"https?://(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9.-]*[a-z0-9])?)(:[0-9]{1,5})?"
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


def listening_at(value: str) -> tuple[str, int]:
    """Host and port of an address such as 127.0.0.1:8000 or [::1]:8000. Raises ValueError."""
    host, _, port = value.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ValueError("an address is host:port, such as 127.0.0.1:8000")
    return host, int(port)


def wrong_in(error: ValidationError) -> list[tuple[str, str]]:
    """The settings that cannot be, with what is wrong about each."""
    return [(str(one["loc"][0]), one["msg"].removeprefix("Value error, ")) for one in error.errors()]


def origins_of(value: str | None) -> tuple[str, ...]:
    """The origins of a setting, separated by commas, as browsers write them."""
    return tuple(one.rstrip("/") for one in hosts_of(value))


class WrongSetting(Problem, ValueError):
    """A setting of the environment has a value that it cannot have."""

    code: ClassVar[str] = "wrong_setting"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "A setting cannot be used"
    what_to_do: ClassVar[str | None] = "Mend the setting that the reply names, and start again."


class Config(BaseSettings):
    """Each setting is a key of `usual.toml` and a variable of the environment: USUAL_ and its name in capitals.

    An empty variable is unset. `Config(...)` itself does not look at the environment: `from_environment` does;
    what a settings file says was added to it before (`plumbing/configuration/file.py`). The sentence under a
    setting is its entry in `docs/settings.md`.
    """

    # An address of a database holds a password: no error may show what was given.
    model_config = SettingsConfigDict(
        frozen=True,
        env_prefix=PREFIX,
        env_ignore_empty=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    home: Path = Path("data/state")
    """the state folder: databases, keys and models"""
    tenant: str = Field(default="demo", max_length=64, pattern=ONE_LINE)
    """the chain or fleet that commands work for, where --tenant says nothing else"""
    listen: str = "127.0.0.1:8000"
    """where `usual serve` listens, `host:port`; its --host and --port go before"""
    workers: int = Field(default=2, ge=1)
    """processes of the server: one for each processor (130 MB each)"""
    database: str | None = Field(default=None, repr=False)
    """postgresql://... of the state; left out, it is in SQLite files of the home. The address holds a password"""
    keys_database: str | None = Field(default=None, repr=False)
    """postgresql://... of the keys: another database, which no backup of the other one contains"""
    pack: str = "dlib"
    """the engine pack"""
    models: Path | None = None
    """folder with the files of an engine pack that is not installed"""
    cache: Path = CACHE
    """where fetched and converted packs are kept"""
    engines: int = Field(default=1, ge=0)
    """processes in which the engine pack runs, for each process of the server; 0: none, and no picture is taken,
    for a house whose devices all send vectors"""
    liveness: str | None = None
    """a passive liveness model: NAME for the manifest `NAME.json` in the folder of `models` (decision 49)"""
    needs: str | None = None
    """what opens each purpose: `face`, `liveness`, `pin` or `liveness_and_pin`, as in
    "offers=liveness,destinations=liveness_and_pin"; destinations never less than the PIN"""
    threads: int = Field(default=3, ge=1)
    """threads of each process of the server for recognition; other work has its own"""
    trusted_proxies: str | None = None
    """the reverse proxies in front: how many ("1"), or their addresses ("10.0.0.7,10.1.0.0/16"); only then are
    `X-Forwarded-For` and `X-Forwarded-Proto` believed, and cookies marked `Secure`"""
    only: str | None = Field(default=None, pattern="^(identity|recommender)$")
    """serve one half, `identity` or `recommender`; left out: both"""
    least_people: int = Field(default=10, ge=5, le=1_000)
    """how many different people must have chosen what everybody sees; a tenant may change it on the desk"""
    served_km: float = Field(default=40.0, gt=0, le=20_000)
    """a position farther than this from every place of the catalogue is refused"""
    recommender_url: str | None = None
    """where identity's own process hands erasures over, and says that it is there"""
    recommender_key: str | None = Field(default=None, repr=False)
    """a key of scope `privacy` for it, of any tenant"""
    identity_url: str | None = None
    """where the recommender's own process asks identity, with every token, who opted out"""
    versions: str | None = None
    """where the versions of models lie: `s3://bucket/folder`, `gs://`, `az://`, or `file:///mnt/folder` that
    several machines mount (decision 110); left out: `models` in the home. Keys of the store go into its own
    variables, such as `AWS_ACCESS_KEY_ID`"""
    edge: Path | None = None
    """the folder of a store box; `usual edge run` sets it for the box's server"""
    tombstones: Path | None = None
    """a folder on another disk, one for each installation, where erasures are remembered: then not even a home
    that is put back as a whole brings anybody back; left out: the home"""
    training_memory: int | None = Field(default=None, ge=200)
    """MB of memory that a training may use; one that needs more ends with a sentence, and the server goes on; left
    out: half of the machine's"""
    organisation: str | None = Field(default=None, max_length=80, pattern=ONE_LINE)
    """who is responsible (the controller's name): notices, signs and the policy page show it"""
    contact: str | None = Field(default=None, max_length=120, pattern=ONE_LINE)
    """how to reach the controller, shown beside the name"""
    place: Literal["restaurant", "taxi"] = "restaurant"
    """where the screens stand"""
    retention_months: int = Field(default=12, ge=1, le=36)
    """a customer who stops coming is forgotten after so many months"""
    minimum_age: int = Field(default=16, ge=16, le=99)
    """how old a customer has to be, as they declare it"""
    webhook_hosts: str | None = None
    """hosts of webhooks that may be in a private network, separated by commas"""
    mail_server: str | None = None
    """host or `host:port` of a mail server: what needs attention is mailed once when it begins and once when it
    ends; left out: nothing is mailed"""
    mail_from: str | None = Field(default=None, max_length=200, pattern=ONE_LINE)
    """the sender of these mails"""
    mail_to: str | None = Field(default=None, max_length=1_000, pattern=ONE_LINE)
    """their receivers, separated by commas"""
    mail_security: Literal["starttls", "tls", "none"] = "starttls"
    """`starttls` (port 587), `tls` (465) or `none` (25)"""
    mail_user: str | None = Field(default=None, max_length=200, pattern=ONE_LINE)
    """a name at the mail server"""
    mail_password_file: Path | None = None
    """the file with its password"""
    image_hosts: str | None = None
    """hosts from which screens may load pictures of dishes, separated by commas ("img.example.com"); left out:
    only the house itself"""
    security_log: Literal["file", "stdout", "both", "off"] = "file"
    """where refused keys, lock-outs and administration are noted; the file is `security.log` in the home"""
    access_log: Literal["file", "stdout", "both", "off"] = "off"
    """where each request is noted: route, status and duration, nothing of a person, a key or an address; the file
    is `access.log` in the home"""
    changes_days: int = Field(default=400, ge=30, le=3_650)
    """how many days the record of changes is kept"""
    passwords: Literal["on", "off"] = "on"
    """`off`: people sign in at the desk with the OpenID provider only"""
    oidc_issuer: str | None = Field(default=None, pattern=r"^https?://[^\s?#]+$")
    """OpenID Connect: the address of the provider that signs people in (decision 134)"""
    origins: str | None = None
    """from where pages of one's own may call the API, separated by commas: "https://kiosk.example,..."; left out:
    from the house's own pages alone"""
    oidc_client_id: str | None = None
    """the id that the provider gave this installation"""
    oidc_client_secret: str | None = Field(default=None, repr=False)
    """the secret that it gave"""
    oidc_client_secret_file: Path | None = None
    """a file with that secret, in its place"""
    oidc_name: str | None = Field(default=None, max_length=60, pattern=ONE_LINE)
    """what the provider is called on the button; left out: its host"""
    oidc_domains: str | None = None
    """e-mail domains that may sign in ("grill.example,grill.test"); left out: all"""
    oidc_roles_claim: str | None = None
    """the claim of the provider that names the roles; left out: those given at the desk"""
    oidc_hosts: str | None = None
    """further hosts of the provider, where its keys or tokens lie elsewhere"""
    oidc_sign_out: Literal["on", "off"] = "on"
    """whether signing out ends the session with the provider as well, where it has a page for that"""
    oidc_return: str | None = Field(default=None, pattern=r"^https?://[^\s?#]+$")
    """the address under which browsers reach the desk; left out: that of the request"""

    @field_validator("listen")
    @classmethod
    def _is_address(cls, value: str) -> str:
        listening_at(value)
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_proxies(cls, value: str | None) -> str | None:
        TrustedProxies.parse(value)
        return value

    @field_validator("image_hosts")
    @classmethod
    def _are_hosts(cls, value: str | None) -> str | None:
        for host in hosts_of(value):
            if not re.fullmatch(HOST, host):
                raise ValueError(f"{host!r} is no name of a host such as img.example.com")
        return value

    @field_validator("origins")
    @classmethod
    def _are_origins(cls, value: str | None) -> str | None:
        for origin in origins_of(value):
            if not re.fullmatch(ORIGIN, origin):
                raise ValueError(f"{origin!r} is no origin such as https://kiosk.example or http://127.0.0.1:8090")
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
            wrong = ". ".join(f"{PREFIX}{name}".upper() + f": {why}" for name, why in wrong_in(error))
            raise WrongSetting(f"{wrong}. docs/settings.md lists what each setting may be.") from None
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
        return {f"{PREFIX}{name.upper()}": str(value) for name, value in values.items()}
