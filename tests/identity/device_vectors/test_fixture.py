"""The fixed messages: what the contract says is what this implementation makes and opens, today and later."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from identity.device_vectors.message import (
    Claims,
    Content,
    Shape,
    Sight,
    bound_text,
    header_of,
    pack_content,
    read,
    unpack_content,
)
from identity.device_vectors.opening import SUITE, signed_text
from identity.device_vectors.sealing import public_key_of
from tests.identity.device_vectors.make_fixture import FILE, SIGNING

FIXED: dict[str, Any] = json.loads(FILE.read_text())
SEAL = X25519PrivateKey.from_private_bytes(bytes.fromhex(FIXED["seal_private_key"]))


@pytest.mark.parametrize("fixed", FIXED["messages"], ids=lambda one: one["name"])
def test_a_fixed_message(fixed: dict[str, Any]) -> None:
    shape = Shape(fixed["purpose"], fixed["size"], fixed["masks"])
    frames = fixed["frames"]
    sights = tuple(
        Sight(
            np.array(one["vector"], np.float32),
            Claims(**one["claims"]),
            np.array(one["masked"], np.float32) if "masked" in one else None,
        )
        for one in frames
    )
    content = Content(sights, fixed["liveness"], tuple(fixed["moves"]))
    data = bytes.fromhex(fixed["message"])
    message = read(data)
    bound = bound_text(fixed["purpose"], fixed["pack"], fixed["device"], fixed["nonce"])

    assert pack_content(content, shape).hex() == fixed["content"]
    assert bound.decode() == fixed["bound"]
    assert signed_text(bound, message.signed).hex() == fixed["signed"]
    assert data.startswith(header_of(fixed["purpose"], bytes.fromhex(FIXED["key_id"]), fixed["pack"]))
    assert len(data) == shape.message_bytes
    opened = SUITE.decrypt(message.sealed, SEAL, bound)
    assert opened.hex() == fixed["content"]
    found = unpack_content(opened, shape)
    for sight, one in zip(found.sights, frames, strict=True):
        assert sight.claims == Claims(**one["claims"])
        assert float(sight.vector @ np.array(one["vector"], np.float32)) > 0.9999


def test_its_keys() -> None:
    assert SEAL.public_key().public_bytes_raw().hex() == FIXED["seal_public_key"]
    assert public_key_of(SIGNING).hex() == FIXED["signing_public_key"]


def test_what_another_implementation_sealed_is_opened() -> None:
    """HPKE as RFC 9180 says it: the encapsulated key, then ciphertext and tag."""
    first, sealed = FIXED["messages"][0], bytes.fromhex(FIXED["sealed_by_hpke_core"])

    assert SUITE.decrypt(sealed, SEAL, first["bound"].encode()).hex() == first["content"]
