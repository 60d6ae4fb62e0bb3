"""Open the opaque text that crosses from recognition to suggestions.

This half knows the layout and cannot mint: `"usual-t1." + Fernet(JSON padded to 400 bytes)`. What is inside is
a pseudonym, where it may be used and for what; nothing about a face.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cryptography.fernet import InvalidToken

from plumbing.access.token_keys import opened
from recommender.errors import PurposeNotGiven, SecondFactorRequired, TokenAltered, TokenExpired, TokenForeign

PREFIX = "usual-t1."
LONGEST_US = 10 * 60 * 1_000_000
PAYLOAD_BYTES = 400
SKEW_US = 5_000_000  # two processes on one machine agree on the time; two machines nearly


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says. Times in microseconds UTC."""

    pseudonym: str
    tenant: str
    device: str
    purposes: tuple[str, ...]
    level: Literal["face", "second_factor"]
    issued_us: int
    expires_us: int
    token_id: str


def open_token(
    keys: Sequence[bytes],
    text: str,
    *,
    tenant: str | None,
    device: str | None,
    purpose: str,
    now_us: int,
    not_before_us: int = 0,
    second_factor: bool = False,
) -> Claims:
    """The claims of a token that is valid here, now and for `purpose`.

    Tokens issued before `not_before_us` are closed: the clock went back since.
    `tenant=None` or `device=None` leaves that binding unchecked: only for erasures handed over inside the house.

    Raises:
        TokenAltered: not made with our keys, or not of this layout.
        TokenExpired: too old, or not valid yet.
        TokenForeign: made for another tenant or device.
        PurposeNotGiven: the customer did not consent to `purpose`.
        SecondFactorRequired: `second_factor` is wanted and the token rests on a face alone.
    """
    claims = read(keys, text)
    if claims.expires_us - claims.issued_us > LONGEST_US or claims.issued_us > now_us + SKEW_US:
        raise TokenExpired
    if now_us >= claims.expires_us or claims.issued_us < not_before_us:
        raise TokenExpired
    if (tenant is not None and claims.tenant != tenant) or (device is not None and claims.device != device):
        raise TokenForeign
    if purpose not in claims.purposes:
        raise PurposeNotGiven(purpose)
    if second_factor and claims.level != "second_factor":
        raise SecondFactorRequired
    return claims


def read(keys: Sequence[bytes], text: str) -> Claims:
    """What a token says, wherever, whenever and for whatever it is good. Raises TokenAltered."""
    if not text.startswith(PREFIX) or len(text) > 4 * PAYLOAD_BYTES or not text.isascii():
        raise TokenAltered
    try:
        payload = opened(keys, text.removeprefix(PREFIX))
        content = json.loads(payload)
        claims = Claims(**(content | {"purposes": tuple(content["purposes"])}))
        whole = isinstance(claims.issued_us, int) and isinstance(claims.expires_us, int)
        texts = (claims.pseudonym, claims.tenant, claims.device, claims.level, claims.token_id)
    except (InvalidToken, ValueError, TypeError, KeyError) as error:
        raise TokenAltered from error
    if not whole or not all(isinstance(part, str) for part in texts) or not claims.pseudonym:
        raise TokenAltered
    return claims
