"""A house in this process, and a helper of a kiosk of it. The engine of both is the fake one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from doorway.kiosk_helper.errors import HouseAway
from doorway.kiosk_helper.folder import Device, KioskFolder
from doorway.kiosk_helper.house import House
from doorway.kiosk_helper.line import Answer
from doorway.kiosk_helper.looks import Looks
from doorway.kiosk_helper.web import LOOKS, create_kiosk
from identity.device_vectors.looking import Looking
from identity.device_vectors.sealing import public_key_of
from identity.frames.decode import decode
from tests.identity.fakes import FakeEngine
from tests.identity.halves import KIOSK, World, b64

SERVER = "https://usual.example"
PORT = 8020
OWN = f"http://127.0.0.1:{PORT}"


@dataclass
class InProcess:
    """In place of a line: the house answers here. `heard` are the bodies that it got."""

    client: FlaskClient
    away: bool = False
    heard: list[bytes] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)

    def __call__(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, within_s: float
    ) -> Answer:
        if self.away:
            raise HouseAway("https://usual.example does not answer: no route to host.")
        self.heard.append(body or b"")
        self.headers.append(headers)
        reply = self.client.open(target, method=method, headers=dict(headers), data=body)
        return Answer(reply.status_code, tuple(reply.headers.items()), reply.data)


@dataclass
class Helped:
    """A helper that is paired with a house as the device `kiosk-1` of the tenant `north`."""

    world: World
    home: Path
    engine: FakeEngine = field(default_factory=FakeEngine)
    signing: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))

    def __post_init__(self) -> None:
        access, said = self.world.access, list[str]()
        self.said = said
        self.line = InProcess(self.world.client().application.test_client(use_cookies=False))
        self.key = access.create_key(KIOSK.tenant, ("identify", "enrol"), device=KIOSK.name)
        access.modes.choose(KIOSK.tenant, KIOSK.name, "vectors", attested=True)
        access.modes.register(KIOSK.tenant, KIOSK.name, public_key_of(self.signing))
        folder = KioskFolder(self.home)
        folder.keep(Device(SERVER, "kiosk", self.key, self.signing))
        self.house = House(folder, said.append, send=self.line, now_us=self.world.clock)
        self.looks = Looks(Looking(self.engine, decode))
        self.client = create_kiosk(self.house, self.looks, PORT).test_client()

    def ask(self, method: str, path: str, body: Any = None, *, at: str = OWN, **headers: str) -> TestResponse:
        """A request of the page, as its browser sends it."""
        sent = {"Origin": OWN, "Sec-Fetch-Site": "same-origin"} if at == OWN else {}
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return self.client.open(path, method=method, json=body, headers=sent | named, base_url=at)

    def press(self) -> str:
        reply = self.ask("POST", "/identity/v1/presses", {})
        assert reply.status_code == 201, reply.text
        return str(reply.get_json()["nonce"])

    def look(self, frames: list[bytes], purpose: str = "recognise", **more: Any) -> TestResponse:
        """Press, and have pictures looked at."""
        nonce = self.press()
        return self.ask("POST", LOOKS, {"nonce": nonce, "purpose": purpose, "frames": b64(frames), **more})

    def sealed(self, frames: list[bytes], purpose: str = "recognise", **more: Any) -> dict[str, Any]:
        """Press, and what the house gets of pictures."""
        nonce = self.press()
        sent = {"nonce": nonce, "purpose": purpose, "frames": b64(frames), **more}
        reply = self.ask("POST", LOOKS, sent)
        assert reply.status_code == 200, reply.text
        return {"nonce": nonce, **reply.get_json()}
