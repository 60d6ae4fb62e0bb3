"""The device's side of a message, as a reference: for programs of one's own, for tests and for measuring."""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from identity.device_vectors.message import SIGNATURE, Content, Shape, bound_text, header_of, pack_content
from identity.device_vectors.opening import SUITE, signed_text


def sealed_message(
    content: Content,
    shape: Shape,
    *,
    pack: str,
    device: str,
    nonce: str,
    key_id: bytes,
    seal_key: bytes,
    signing_key: EllipticCurvePrivateKey,
) -> bytes:
    """A message for one press. `pack`, `device`, `key_id` and `seal_key` are what the reply to the press said.

    Raises ValueError: the content does not fit the shape, or the pack's name is too long.
    """
    bound = bound_text(shape.purpose, pack, device, nonce)
    sealed = SUITE.encrypt(pack_content(content, shape), X25519PublicKey.from_public_bytes(seal_key), bound)
    message = header_of(shape.purpose, key_id, pack) + sealed
    return message + signature_of(signing_key, signed_text(bound, message))


def signature_of(key: EllipticCurvePrivateKey, text: bytes) -> bytes:
    """ECDSA with SHA-256 as WebCrypto writes it: r and s, 32 bytes each."""
    r, s = decode_dss_signature(key.sign(text, ECDSA(hashes.SHA256())))
    return r.to_bytes(SIGNATURE // 2, "big") + s.to_bytes(SIGNATURE // 2, "big")


def public_key_of(key: EllipticCurvePrivateKey) -> bytes:
    """The public half as it is registered: 65 bytes."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
