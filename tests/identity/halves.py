"""An identity half in a temporary folder, with a fake engine, a clock that stands still and a recommender that
only collects erasure tokens."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from cryptography.fernet import Fernet
from flask.testing import FlaskClient
from flask_openapi3.models.info import Info
from prometheus_client import CollectorRegistry
from werkzeug.test import TestResponse

from identity import tokens
from identity.config import IdentityConfig
from identity.customers.accounts import digest
from identity.customers.leaving.erasure import CopiesElsewhere
from identity.customers.visits.presses import Presses
from identity.engines.protocol import Face, Pixels
from identity.frames.decode import Decode
from identity.results import Said
from identity.service import Device, Enrolled, Recognition
from identity.store.customers import CustomerRow
from identity.store.presses import PressStore
from identity.web.half import IdentityHalf, build
from plumbing import problem_json as problems
from plumbing.access import access as access_tables
from plumbing.access.access import Access
from plumbing.clock import DAY
from plumbing.describing.later import DescribedApp
from plumbing.storage.state import State
from tests.identity.fakes import FakeEngine, person_picture

TOKEN_KEY = Fernet.generate_key()
START = 20_000 * DAY


@dataclass
class StoppedClock:
    """Time that a test sets."""

    now: int = START

    def __call__(self) -> int:
        return self.now


@dataclass
class Elsewhere:
    """In place of the recommender: keeps the erasure tokens, or refuses them with `error`."""

    tokens: list[str] = field(default_factory=list)
    error: Exception | None = None

    def __call__(self, token: str) -> None:
        if self.error is not None:
            raise self.error
        self.tokens.append(token)


@lru_cache(maxsize=512)
def picture(person: int, frame: int) -> bytes:
    """One frame, as small as a usable face allows; drawing costs more than all that is tested with it."""
    return person_picture(person, frame, 420, 320)


def pictures(person: int, count: int = 3, first: int = 0) -> list[bytes]:
    """Frames of one drawn person."""
    return [picture(person, frame) for frame in range(first, first + count)]


def b64(frames: Sequence[bytes]) -> list[str]:
    """Frames as they are sent."""
    return [base64.b64encode(data).decode() for data in frames]


@dataclass
class World:
    """One process's identity half, on the engine of the test. `other()` is a second process on the same folder."""

    home: Path
    clock: StoppedClock = field(default_factory=StoppedClock)
    engine: FakeEngine = field(default_factory=FakeEngine)
    elsewhere: Elsewhere = field(default_factory=Elsewhere)
    settings: dict[str, Any] = field(default_factory=dict)
    decode: Decode | None = None
    closed: bool = False
    copies: CopiesElsewhere | None = None  # of customers in other houses

    def __post_init__(self) -> None:
        self.access_database = State(self.home).database("access", access_tables.migrations)
        self.access = Access(self.access_database, self.clock)
        config = IdentityConfig(home=self.home, token_keys=(TOKEN_KEY,), **self.settings)
        self.registry = CollectorRegistry()
        self.half: IdentityHalf = build(
            config,
            access=self.access,
            now_us=self.clock,
            forget_elsewhere=self.elsewhere,
            copies=self.copies,
            registry=self.registry,
            engine=self.engine,
            decode=self.decode,
        )
        self.service = self.half.service

    @property
    def presses(self) -> Presses:
        """The presses of this installation, as a process of its own sees them."""
        return Presses(PressStore(self.half.databases[1]), self.half.config, self.clock)

    def count(self, name: str) -> float | None:
        """What a counter of this process says."""
        return self.registry.get_sample_value(f"usual_identity_{name}_total")

    def other(self) -> World:
        """The same installation in another process."""
        return World(self.home, self.clock, FakeEngine(), self.elsewhere, self.settings)

    def lose_moments(self) -> None:
        """Everything that may be lost at any moment is lost."""
        file = self.home / "identity-moments.db"
        if file.exists():
            file.unlink()
            return
        for table in ("presses", "streaks", "windows", "replies"):
            self.half.databases[1].change(f"DELETE FROM {table}")

    def days_pass(self, days: int) -> None:
        """A server runs through these days, and sees them pass."""
        while days > 0:
            step = min(days, 30) * DAY
            self.clock.now += step
            self.half.service.erasures.retention.observe(step)
            days -= 30

    def close(self) -> None:
        if not self.closed:
            self.half.close()
            self.access_database.close()
        self.closed = True

    def enrol(
        self,
        person: int,
        device: Device | None = None,
        purposes: Sequence[str] = ("orders",),
        *,
        confirm: bool = True,
        **more: Any,
    ) -> Enrolled:
        """Press and enrol somebody, who confirms that they have their receipt."""
        device = device or KIOSK
        nonce, _ = self.service.press(device)
        made = self.service.enrol(
            device,
            nonce,
            pictures(person),
            purposes=dict.fromkeys(purposes, True),
            notice_version=self.service.notice.version,
            age_confirmed=True,
            **more,
        )
        if confirm:
            self.service.confirm(device, made.receipt)
        return made

    def join(
        self,
        device: Device | None = None,
        purposes: Sequence[str] = ("orders",),
        *,
        pin: str | None = "4711",
        confirm: bool = True,
        **more: Any,
    ) -> Enrolled:
        """Enrol somebody without a face, who confirms that they have their code."""
        device = device or KIOSK
        said = {"notice_version": self.service.notice.version, "age_confirmed": True, "pin": pin}
        agreed = said | {"purposes": dict.fromkeys(purposes, True)} | more
        made = self.service.customers.joining.without_face(device, **cast(Said, agreed))
        if confirm:
            self.service.confirm(device, made.receipt)
        return made

    def recognise(self, person: int, device: Device | None = None, count: int = 1) -> Recognition:
        """Press and be looked at, in pictures that were not enrolled."""
        device = device or KIOSK
        nonce, _ = self.service.press(device)
        return self.service.recognise(device, nonce, pictures(person, count, first=50))

    def client(self) -> FlaskClient:
        """The routes of this half alone."""
        app = DescribedApp("identity", info=Info(title="identity", version="1"), validation_error_callback=INVALID)
        problems.register(app)
        app.register_api(self.half.blueprint)
        return app.test_client()


INVALID: Callable[..., Any] = problems.invalid_request
KIOSK = Device("north", "kiosk-1")
OTHER_DEVICE, OTHER_TENANT = Device("north", "kiosk-2"), Device("south", "kiosk-1")


def claims_of(seen: Recognition) -> tokens.Claims:
    assert seen.token is not None
    assert seen.expires_us is not None
    return tokens.open_own(
        [TOKEN_KEY],
        seen.token,
        tenant="north",
        device="kiosk-1",
        now_us=seen.expires_us - 1,
    )


def stored(world: World) -> tuple[int, ...]:
    """How many customers, templates, consents (but those to the face) and keys there are."""
    given = "consent_events WHERE event_type = 'given' AND purpose <> 'face'"
    tables = ("customers", "templates", given)
    rows = (world.half.databases[0].row(f"SELECT count(*) AS n FROM {name}") for name in tables)
    return (*(row["n"] for row in rows if row is not None), world.half.vault.keys.counts()["keys"])


def row_of(world: World, receipt: str) -> CustomerRow:
    row = world.half.stores.customers.customer_of_receipt(KIOSK.tenant, digest(receipt))
    assert row is not None
    return row


class Scripted(FakeEngine):
    """Detects the faces of its script, frame after frame."""

    def __init__(self, script: list[list[Face] | None]) -> None:
        super().__init__()
        self.script = script

    def detect(self, pixels: Pixels) -> list[Face]:
        self.faces = self.script.pop(0)
        return super().detect(pixels)


@dataclass
class Kiosk:
    """A device with a key that speaks HTTP."""

    client: FlaskClient
    key: str

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        named = {"X-API-Key": self.key} | {name.replace("_", "-"): text for name, text in headers.items()}
        return self.client.open("/identity/v1" + path, method=method, json=body, headers=named)

    def press(self) -> str:
        reply = self.send("POST", "/presses", {})
        assert reply.status_code == 201, reply.text
        return str(reply.get_json()["nonce"])

    def recognise(self, frames: Sequence[bytes], **headers: str) -> TestResponse:
        body = {"nonce": self.press(), "frames": b64(frames)}
        return self.send("POST", "/recognitions", body, **headers)

    def enrol(
        self, frames: Sequence[bytes], consent: Any = None, *, confirm: bool = True, **more: Any
    ) -> TestResponse:
        version = self.send("GET", "/notice").get_json()["version"]
        agreed = {"purposes": {"orders": True}, "notice_version": version, "age_confirmed": True}
        body = {"nonce": self.press(), "frames": b64(frames), "consent": agreed if consent is None else consent}
        reply = self.send("POST", "/enrolments", body | more)
        if confirm and reply.status_code == 201:
            confirmed = self.send("PUT", f"/enrolments/{reply.get_json()['receipt']}/confirmed")
            assert confirmed.status_code == 204, confirmed.text
        return reply


def kiosk_of(world: World, tenant: str = "north", device: str = "kiosk-1", *scopes: str) -> Kiosk:
    """A paired device."""
    return Kiosk(world.client(), world.access.create_key(tenant, scopes or ("identify", "enrol"), device=device))
