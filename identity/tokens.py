"""Mint the opaque, short-lived text that crosses to the recommender.

It wraps a pseudonym, is encrypted and authenticated (Fernet), and always has the same length. The recommender has
its own definition of the same layout; a contract test holds the two together, no shared module does.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from identity.errors import NameTooLong, TokenAltered, TokenExpired, TokenForeign
from plumbing.access.token_keys import opened
from plumbing.clock import SECOND, SLACK

PREFIX = "usual-t1."  # must change when the meaning of the text does
CLAIMS_BYTES = 400  # padded with spaces, so that the length says nothing


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says. `level` is "face" or "second_factor"; times are microseconds UTC."""

    pseudonym: str
    tenant: str
    device: str
    purposes: tuple[str, ...]
    level: str
    issued_us: int
    expires_us: int
    token_id: str


def mint(keys: Sequence[bytes], claims: Claims) -> str:
    """The token of `claims`, encrypted with the first of `keys` (Fernet keys, newest first).

    Raises NameTooLong when tenant and device do not fit.
    """
    body = asdict(claims) | {"purposes": sorted(claims.purposes)}
    content = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    if len(content) > CLAIMS_BYTES:
        raise NameTooLong
    fernet = MultiFernet([Fernet(key) for key in keys])
    sealed = fernet.encrypt_at_time(content.ljust(CLAIMS_BYTES), claims.issued_us // SECOND)
    return PREFIX + sealed.decode()


def open_own(
    keys: Sequence[bytes], text: str, *, tenant: str | None, device: str, now_us: int, not_before_us: int = 0
) -> Claims:
    """The claims of a token that this half minted, for raising its level, or for the customer's own page, where
    the token itself says the tenant (`tenant` is None). One that was issued before
    `not_before_us` or after `now_us` belongs to another time of the clock: it is closed.

    Raises TokenAltered, TokenForeign (another tenant or device) or TokenExpired.
    """
    claims = read(keys, text)
    if tenant not in (None, claims.tenant) or claims.device != device:
        raise TokenForeign
    if claims.expires_us <= now_us or not not_before_us <= claims.issued_us <= now_us + SLACK:
        raise TokenExpired
    return claims


def read(keys: Sequence[bytes], text: str) -> Claims:
    """What a token of ours says, wherever and whenever. Raises TokenAltered."""
    if not text.startswith(PREFIX):
        raise TokenAltered
    try:
        content = opened(keys, text[len(PREFIX) :])
        raw = json.loads(content)
        claims = Claims(**{**raw, "purposes": tuple(raw["purposes"])})
    except (InvalidToken, ValueError, TypeError, KeyError) as error:
        raise TokenAltered from error
    return claims


def token_id_for(secret: bytes, customer_id: str) -> str:
    """An id that is new each time, and in which only identity can read which customer it was made for.

    So a token can be raised without a table of tokens. It needs no tag of its own: a token is authenticated.
    """
    nonce = secrets.token_bytes(16)
    encryptor = Cipher(algorithms.AES(secret), modes.CTR(nonce)).encryptor()
    return base64.urlsafe_b64encode(nonce + encryptor.update(bytes.fromhex(customer_id))).rstrip(b"=").decode()


def customer_of(secret: bytes, token_id: str) -> str:
    """The customer that `token_id_for` was given. Raises TokenAltered for an id of another kind."""
    try:
        raw = base64.urlsafe_b64decode(token_id + "=" * (-len(token_id) % 4))
    except ValueError as error:
        raise TokenAltered from error
    if len(raw) != 32:
        raise TokenAltered
    decryptor = Cipher(algorithms.AES(secret), modes.CTR(raw[:16])).decryptor()
    return decryptor.update(raw[16:]).hex()
