"""The helper of a kiosk in a process that imports what `usual edge kiosk` does. Its house is a stand-in, which
answers a press at once."""

from __future__ import annotations

import base64
import json
import secrets
import sys
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from doorway.kiosk_helper.command import CONNECTIONS, HOST, THREADS
from doorway.kiosk_helper.folder import Device, KioskFolder
from doorway.kiosk_helper.house import House
from doorway.kiosk_helper.line import Answer, Send
from doorway.kiosk_helper.looks import Looks
from doorway.kiosk_helper.native import Native
from doorway.kiosk_helper.web import create_kiosk, most_bytes
from identity.sandbox.connection import Launch
from plumbing.serving.listener import listening
from plumbing.serving.server import serve_plainly


def _house_of(pack_id: str) -> Send:
    key = X25519PrivateKey.generate().public_key().public_bytes_raw()
    seal = {
        "public_key": base64.urlsafe_b64encode(key).decode().rstrip("="),
        "key_id": secrets.token_hex(8),
        "device": "front",
        "pack": pack_id,
    }

    def send(*_: object) -> Answer:
        said = {"nonce": secrets.token_urlsafe(16), "challenge": [], "seal": seal}
        return Answer(201, (("Content-Type", "application/json"),), json.dumps(said).encode())

    return send


def main() -> None:
    """The helper until it is stopped: PACK MODELS CACHE PORT."""
    pack, models, cache, port = sys.argv[1:]
    looking = Native(Launch(pack, Path(models) if models else None, Path(cache))).start()
    with tempfile.TemporaryDirectory(prefix="usual-bench-") as folder, listening(HOST, int(port)) as listener:
        kept = KioskFolder(Path(folder))
        kept.keep(Device("https://usual.example", "kiosk", "key", generate_private_key(SECP256R1())))
        house = House(kept, lambda said: print(said, file=sys.stderr), send=_house_of(looking.pack.id))
        app = create_kiosk(house, Looks(looking), int(port))
        serve_plainly(app, listener, threads=THREADS, connections=CONNECTIONS, most_bytes=most_bytes)


if __name__ == "__main__":
    main()
