"""Writes `tests/fixtures/vectors/messages-1.json`: fixed messages, the same for every implementation.

    python -m tests.identity.device_vectors.make_fixture

The key pairs in it are of nobody. HPKE draws a key for each message, so a sender cannot repeat these bytes: it
compares content, bound text and signed text, opens the messages with the private key, and checks the signatures.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from identity.device_vectors.message import (
    COVERS,
    LIVENESS,
    MOVES,
    PURPOSES,
    Claims,
    Content,
    Purpose,
    Shape,
    Sight,
    bound_text,
    pack_content,
    rounded,
)
from identity.device_vectors.opening import signed_text
from identity.device_vectors.seal_keys import SealKey
from identity.device_vectors.sealing import public_key_of, sealed_message
from identity.vectors import Array, unit
from tests.conftest import ROOT

FILE = ROOT / "tests" / "fixtures" / "vectors" / "messages-1.json"
PACK, DEVICE = "open-model-zoo@1", "kiosk-7f3a~2"
SEAL = SealKey(X25519PrivateKey.from_private_bytes(bytes(range(1, 33))))
SIGNING = derive_private_key(0x1234_5678_9ABC_DEF0_0FED_CBA9_8765_4321, SECP256R1())


BY_HPKE_CORE = (
    "ee1b7d7de8834aa0cd55febe3dbac73d7fc54e5e1335b9e48381fefe"  # pragma: allowlist secret - for tests
    "8203ca0e8297a6154452d3be6cc5db8bdb7dfe3455525e7bc86551ea"  # pragma: allowlist secret - for tests
    "3526bd5cba8d46fe41af0693e12372e3414c90b0c3bd56ce18a58a7e"  # pragma: allowlist secret - for tests
    "050b1232a8f128ca35ac6f4b7420cdf3f90b3078b530ebc20b062ea3"  # pragma: allowlist secret - for tests
    "c8c7739c0601c02a81db758e2341b98d"  # pragma: allowlist secret - for tests
)
"""The content of the first message, sealed by another implementation (the npm package @hpke/core 1.9.0)."""


def vector(seed: int, size: int) -> Array:
    """A unit vector of simple numbers, the same in every language."""
    return unit(np.array([((seed * 7919 + n * 104_729) % 257) - 128 for n in range(size)], np.float64))


def claims(n: int) -> Claims:
    return Claims(96.5 + n, 4.25, 12.75, 131.5, 41.25, COVERS[n % 2], faces=1 + n)


def case(name: str, purpose: Purpose, size: int, count: int, **more: Any) -> dict[str, Any]:
    twins = purpose == "enrol"
    sights = tuple(
        Sight(vector(n, size), Claims(120.0, 3.0, 20.0, 120.0, 40.0, faces=1) if twins else claims(n),
              vector(n + 100, size) if twins else None)
        for n in range(count)
    )  # fmt: skip
    content, shape, nonce = Content(sights, **more), Shape(purpose, size, twins), f"nonce-of-{name}".ljust(32, "x")
    message = sealed_message(
        content, shape, pack=PACK, device=DEVICE, nonce=nonce,
        key_id=SEAL.key_id, seal_key=SEAL.public, signing_key=SIGNING,
    )  # fmt: skip
    bound = bound_text(purpose, PACK, DEVICE, nonce)
    return {
        "name": name,
        "purpose": purpose,
        "pack": PACK,
        "device": DEVICE,
        "nonce": nonce,
        "size": size,
        "masks": twins,
        "liveness": content.liveness,
        "moves": list(content.moves),
        "frames": [_frame(one) for one in sights],
        "content": pack_content(content, shape).hex(),
        "bound": bound.decode(),
        "signed": signed_text(bound, message[:-64]).hex(),
        "message": message.hex(),
    }


def _frame(sight: Sight) -> dict[str, Any]:
    said = {name: getattr(sight.claims, name) for name in Claims.__dataclass_fields__}
    vectors = {"vector": sight.vector, "masked": sight.masked}
    numbers: dict[str, Any] = {}
    for name, one in vectors.items():
        if one is not None:
            scale, whole = rounded(one)
            numbers[name] = [float(number) for number in one]
            numbers[f"{name}_int8"] = whole.tolist()
            numbers[f"{name}_scale"] = scale
    return {"claims": said, **numbers}


def main(file: Path = FILE) -> None:
    cases = [
        case("one frame", "recognise", 8, 1),
        case(
            "three frames and a challenge",
            "recognise",
            256,
            3,
            liveness="passed",
            moves=("left", "right", "closer"),
        ),
        case("an enrolment with twins", "enrol", 8, 4),
    ]
    content = {
        "format": "usual-vectors-1",
        "orders": {"purposes": PURPOSES, "moves": MOVES, "liveness": LIVENESS, "covers": COVERS},
        "seal_private_key": SEAL.private.private_bytes_raw().hex(),
        "seal_public_key": SEAL.public.hex(),
        "key_id": SEAL.key_id.hex(),
        "signing_private_key": f"{SIGNING.private_numbers().private_value:064x}",
        "signing_public_key": public_key_of(SIGNING).hex(),
        "sealed_by_hpke_core": BY_HPKE_CORE,
        "messages": cases,
    }
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
