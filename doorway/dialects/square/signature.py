"""Whether a notification comes from Square: an HMAC-SHA256 over our address, as Square has it, and the body."""

from __future__ import annotations

import base64
import hashlib
import hmac

from plumbing.dialect_peers import Peer
from plumbing.problem import Problem

HEADER = "x-square-hmacsha256-signature"


class SignatureRefused(Problem):
    """A notification that the other system did not sign; an unknown tenant answers the same."""

    code = "signature_refused"
    status = 401
    title = "This is not signed as it should be"
    says = "Compare the signature key and the address of the notifications with what the other system shows."
    security_event = "signature_refused"


def signed(secret: str, address: str, body: bytes) -> str:
    """The value of the header."""
    return base64.b64encode(hmac.digest(secret.encode(), address.encode() + body, hashlib.sha256)).decode()


def check(peer: Peer | None, given: str, body: bytes) -> Peer:
    """Raises SignatureRefused. It takes as long for a tenant that agreed on nothing."""
    known = peer or Peer("nobody", address="https://nobody.invalid/")
    right = [
        hmac.compare_digest(signed(one, known.address, body).encode(), given.encode()) for one in known.secrets
    ]
    if peer is None or not any(right):
        raise SignatureRefused
    return peer
