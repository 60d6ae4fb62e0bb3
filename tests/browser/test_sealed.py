"""The message of a device that sends vectors: the bytes of the contract, and a seal for the server alone."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from playwright.sync_api import Page

from tests.browser.test_modules import run
from tests.conftest import ROOT

pytestmark = pytest.mark.browser

FIXED: dict[str, Any] = json.loads((ROOT / "tests/fixtures/vectors/messages-1.json").read_text())
MESSAGES = {message["name"]: message for message in FIXED["messages"]}
SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
SERVER = X25519PrivateKey.from_private_bytes(bytes.fromhex(FIXED["seal_private_key"]))
HEADER, SIGNATURE = 48, 64  # bytes
HEX = "Array.from({}, (byte) => byte.toString(16).padStart(2, '0')).join('')"
KEYS = "crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])"


def look_of(message: dict[str, Any]) -> dict[str, Any]:
    """What the engine gives for a message of the fixture."""
    frames = message["frames"]
    claims = [{**frame["claims"], "eyeDistance": frame["claims"]["eye_distance"]} for frame in frames]
    look = {
        "pack": message["pack"],
        "vectors": [frame["vector_int8"] for frame in frames],
        "scales": [frame["vector_scale"] for frame in frames],
        "claims": {"qualities": claims, "liveness": message["liveness"], "moves": message["moves"]},
    }
    masked = [frame for frame in frames if "masked_int8" in frame]
    if masked:
        look["masked"] = [{"numbers": one["masked_int8"], "scale": one["masked_scale"]} for one in masked]
    return look


@pytest.fixture(params=list(MESSAGES))
def message(request: pytest.FixtureRequest) -> dict[str, Any]:
    return dict(MESSAGES[request.param])


def test_content_header_and_bound_text_are_those_of_the_contract(page: Page, message: dict[str, Any]) -> None:
    look, shape = json.dumps(look_of(message)), json.dumps(message)
    assert run(page, "engine/message", HEX.format(f"m.contentOf({look}, {shape})")) == message["content"]
    assert run(page, "engine/message", f"new TextDecoder().decode(m.boundText({shape}))") == message["bound"]
    key = json.dumps(list(bytes.fromhex(FIXED["key_id"])))
    header = HEX.format(f"m.headerOf({json.dumps(message['purpose'])}, {key}, {json.dumps(message['pack'])})")
    assert run(page, "engine/message", header) == message["message"][: 2 * HEADER]


def test_the_servers_key_opens_what_was_sealed_and_the_devices_signed_it(
    page: Page, message: dict[str, Any]
) -> None:
    sent, public = sealed(page, message)
    bound = message["bound"].encode()

    assert len(sent) == len(bytes.fromhex(message["message"]))
    assert SUITE.decrypt(sent[HEADER:-SIGNATURE], SERVER, bound).hex() == message["content"]
    r, s = (int.from_bytes(part, "big") for part in (sent[-64:-32], sent[-32:]))
    key = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), public)
    key.verify(encode_dss_signature(r, s), bound + b"\0" + sent[:-SIGNATURE], ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidTag):
        SUITE.decrypt(sent[HEADER:-SIGNATURE], SERVER, bound + b"x")


def sealed(page: Page, message: dict[str, Any]) -> tuple[bytes, bytes]:
    """A message, and the public key that it is signed with."""
    public_key = base64.urlsafe_b64encode(bytes.fromhex(FIXED["seal_public_key"])).decode().rstrip("=")
    seal = {name: message[name] for name in ("pack", "device", "size", "masks")}
    press = {"purpose": message["purpose"], "nonce": message["nonce"]}
    press["seal"] = seal | {"public_key": public_key, "key_id": FIXED["key_id"]}
    given = f"{json.dumps(look_of(message))}, {json.dumps(press)}"
    sent, public = run(
        page,
        "engine/sealed",
        f"{KEYS}.then(async ({{ privateKey, publicKey }}) => ["
        f"[...await m.sealedMessage({given}, privateKey)],"
        " [...new Uint8Array(await crypto.subtle.exportKey('raw', publicKey))]])",
    )
    return bytes(sent), bytes(public)


def test_two_seals_of_the_same_have_nothing_in_common_but_the_header(page: Page) -> None:
    (first, _), (second, _) = (sealed(page, next(iter(MESSAGES.values()))) for _ in range(2))

    assert first[:HEADER] == second[:HEADER]
    assert first[HEADER : HEADER + 32] != second[HEADER : HEADER + 32]
    assert sum(a == b for a, b in zip(first[HEADER:], second[HEADER:], strict=True)) < len(first) / 20


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("look.pack = 'other@1'", "the server compares vectors of open-model-zoo@1"),
        ("look.vectors = []", "0 vectors for recognise"),
        ("look.vectors = Array(4).fill(look.vectors[0])", "4 vectors for recognise"),
        ("look.vectors = [look.vectors[0].slice(1)]", "a vector of another pack"),
    ],
)
def test_what_fits_no_message_is_not_sealed(page: Page, change: str, said: str) -> None:
    message = next(one for one in MESSAGES.values() if one["purpose"] == "recognise")
    press = {"purpose": "recognise", "nonce": "n", "seal": {**message, "public_key": "", "key_id": ""}}
    refused = run(
        page,
        "engine/sealed",
        f"{{ const look = {json.dumps(look_of(message))}; {change};"
        f" return m.sealedMessage(look, {json.dumps(press)}, null).then(() => '', (error) => error.message); }}",
    )

    assert said in refused


def test_the_signing_key_stays_in_this_browser_and_is_kept_until_it_is_forgotten(page: Page) -> None:
    seen = run(
        page,
        "browser/signingkey",
        "(async () => { const keys = [await m.signingKey(), await m.signingKey()]; await m.forgetSigningKey();"
        " keys.push(await m.signingKey());"
        " const read = await crypto.subtle.exportKey('pkcs8', keys[0].privateKey).then(() => true, () => false);"
        " return { read, usages: keys[0].privateKey.usages,"
        " publics: await Promise.all(keys.map(async (one) => [...await m.publicHalf(one)].join())) }; })()",
    )

    assert seen["read"] is False
    assert seen["usages"] == ["sign"]
    first, again, other = seen["publics"]
    assert first == again != other
    assert len(first.split(",")) == 65
