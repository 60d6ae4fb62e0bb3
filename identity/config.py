"""What an operator decides about the identity half."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from plumbing.clock import DAY, MINUTE, SECOND
from plumbing.settings import Config
from plumbing.storage.state import State

PURPOSES = ("orders", "offers", "destinations")
"""What a customer may agree to, one by one; the order in which the notice names them."""

LEDGER_PURPOSES = ("face", *PURPOSES, "account")
"""What the consent ledger has records of: beside PURPOSES being recognised by the face at all, and the tie to a
shop's own account."""

NEEDS = ("face", "liveness", "pin", "liveness_and_pin")
"""What opens a purpose, from the least to the most."""

DOCUMENTS = "identity-files"
"""The part of the state that holds the documents of this half: published notices, the time of the house."""

LONGEST_NAME = 64  # bytes of a tenant's or a device's name: tokens and key slots have a fixed size


DEFAULT_NEEDS = {"orders": "face", "offers": "face", "destinations": "pin"}


def needs_of(text: str | None) -> dict[str, str]:
    """DEFAULT_NEEDS with the changes in `text`, which an operator writes as `purpose=need,...`.

    Raises ValueError on a part that is no pair.
    """
    needs = dict(DEFAULT_NEEDS)
    for pair in (text or "").replace(" ", "").split(","):
        if pair:
            purpose, sign, need = pair.partition("=")
            if not sign:
                raise ValueError(f"{pair!r} is no purpose=need")
            needs[purpose] = need
    return needs


@dataclass(frozen=True)
class IdentityConfig:
    """Settings of one installation. The limits are promises: a site may make them stricter.

    `token_keys` are Fernet keys, newest first. `master_file` holds the keys that wrap every customer's own, one a
    line, newest first; left out, it is `home/master.key`. `tombstones` is the folder where erasures are
    remembered; left out, it is `home`. `promise` is the share of strangers who may be greeted
    by mistake: a threshold follows from it, the engine pack and the size of the gallery. `needs` says of each
    purpose what opens it (NEEDS); destinations are never opened by less than the PIN. `engines` is the
    number of processes that the pack runs in, 0 where all devices send vectors; `liveness` names the manifest of a
    passive model in `models_folder`.
    `organisation` is the controller's name and `contact` how to reach them, as notices show them; `place` is where
    the screens stand, `restaurant` or `taxi`.
    """

    home: Path
    token_keys: Sequence[bytes] = field(repr=False)
    needs: Mapping[str, str] = field(default_factory=lambda: dict(DEFAULT_NEEDS))
    master_file: Path | None = None
    tombstones: Path | None = None
    pack: str = "dlib"
    models_folder: Path | None = None
    cache: Path = Path(".cache/models")
    engines: int = 1
    liveness: str | None = None
    promise: float = 0.01
    organisation: str = ""
    contact: str = ""
    place: str = "restaurant"
    retention_months: int = 12
    minimum_age: int = 16
    press_life_us: int = 10 * SECOND
    token_life_us: int = 10 * MINUTE
    pin_setup_life_us: int = 15 * MINUTE
    failed_presses_a_minute: int = 10
    failures_in_a_row: int = 5
    pause_us: int = 30 * SECOND
    receipts_a_minute: int = 10
    pin_tries: int = 5
    pin_lock_us: int = 15 * MINUTE
    longest_pin_lock_us: int = DAY
    database: str | None = field(default=None, repr=False)  # as in `State`
    keys_database: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not self.token_keys:
            raise ValueError("identity needs at least one token key")
        if self.engines < 0:
            raise ValueError("the engine pack needs a process at least, or none where devices send vectors")
        if set(self.needs) != set(PURPOSES) or not set(self.needs.values()) <= set(NEEDS):
            raise ValueError(f"needs gives each of {', '.join(PURPOSES)} one of {', '.join(NEEDS)}")
        if "pin" not in self.needs["destinations"]:
            raise ValueError("destinations need the PIN: a photograph must not reveal where a customer lives")
        if not 0 < self.promise < 0.5:
            raise ValueError("the promise is a share of strangers between 0 and 0.5")
        if not 1 <= self.retention_months <= 36:
            raise ValueError("a template is kept for 1 to 36 months")
        if self.minimum_age < 16:
            raise ValueError("a customer is 16 or older")
        if self.place not in ("restaurant", "taxi"):
            raise ValueError("the place is a restaurant or a taxi")
        if not 0 < self.press_life_us <= 10 * SECOND:
            raise ValueError("a press is good for 10 s at most")
        if not 0 < self.token_life_us <= 10 * MINUTE:
            raise ValueError("a token is good for 10 minutes at most")

    @property
    def state(self) -> State:
        """Where the state of the installation is."""
        return State(self.home, self.database, self.keys_database)

    @property
    def asks_for_moves(self) -> bool:
        """Whether any purpose needs a living head."""
        return any("liveness" in need for need in self.needs.values())

    def opened(self, purposes: Sequence[str], *, live: bool, pin: bool) -> tuple[str, ...]:
        """Those of a customer's purposes that a token names. Destinations are named before the PIN was given: the
        token's level keeps them shut until then."""

        def opens(purpose: str) -> bool:
            need = self.needs[purpose]
            return (live or "liveness" not in need) and (pin or purpose == "destinations" or "pin" not in need)

        return tuple(purpose for purpose in purposes if opens(purpose))


def config_of(settings: Config, token_keys: Sequence[bytes]) -> IdentityConfig:
    """The part of an installation's settings that concerns this half. Raises ValueError: a setting is wrong."""
    return IdentityConfig(
        home=settings.home,
        token_keys=token_keys,
        tombstones=settings.tombstones,
        database=settings.database,
        keys_database=settings.keys_database,
        needs=needs_of(settings.needs),
        pack=settings.pack,
        models_folder=settings.models,
        cache=settings.cache,
        engines=settings.engines,
        liveness=settings.liveness,
        organisation=(settings.organisation or "").strip(),
        contact=(settings.contact or "").strip(),
        place=settings.place,
        retention_months=settings.retention_months,
        minimum_age=settings.minimum_age,
    )
