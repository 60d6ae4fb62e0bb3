"""What an operator decides about the identity half."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from plumbing.clock import DAY, MINUTE, SECOND

PURPOSES = ("orders", "offers", "destinations")
"""What a customer may agree to, one by one; the order in which the notice names them."""

LONGEST_NAME = 64  # bytes of a tenant's or a device's name: tokens and key slots have a fixed size


@dataclass(frozen=True)
class IdentityConfig:
    """Settings of one installation. The limits are promises: a site may make them stricter.

    `token_keys` are Fernet keys, newest first. `master_file` holds the keys that wrap every customer's own, one a
    line, newest first; left out, it is `home/master.key`. `promise` is the share of strangers who may be greeted
    by mistake: a threshold follows from it, the engine pack and the size of the gallery. `engines` is the number
    of processes that the pack runs in.
    """

    home: Path
    token_keys: tuple[bytes, ...]
    master_file: Path | None = None
    pack: str = "dlib"
    models_folder: Path | None = None
    cache: Path = Path(".cache/models")
    engines: int = 1
    promise: float = 0.01
    organisation: str = "this restaurant"
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

    def __post_init__(self) -> None:
        if not self.token_keys:
            raise ValueError("identity needs at least one token key")
        if self.engines < 1:
            raise ValueError("the engine pack needs a process at least")
        if not 0 < self.promise < 0.5:
            raise ValueError("the promise is a share of strangers between 0 and 0.5")
        if not 1 <= self.retention_months <= 36:
            raise ValueError("a template is kept for 1 to 36 months")
        if not 0 < self.press_life_us <= 10 * SECOND:
            raise ValueError("a press is good for 10 s at most")
        if not 0 < self.token_life_us <= 10 * MINUTE:
            raise ValueError("a token is good for 10 minutes at most")
