"""One line of the audit: what stands in it, how it is written, and who can read which part.

    number  day  tenant (hash)  event  outcome  tag  details  hash

* The day is all the time that stands there in plain.
* `tag` stands for the customer: a keyed hash of the line before, under the customer's audit secret. Each line has
  another one, so two lines of one customer have nothing in common. Who has the secret finds them all.
* `details` (moment, device, purposes) open with the same secret; those of a line about nobody with a key of the
  installation.

The secret lies sealed under the customer's own key: once that is destroyed, the lines lead nowhere.

Every line has the same size. Lines of 0.2.0 named a customer and the microsecond in plain (`upgrade`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from plumbing.clock import DAY, SECOND

NOBODY = "-" * 32
TIME_BYTES, DEVICE_BYTES, PURPOSES_BYTES = 8, 64, 39
DETAILS_BYTES = TIME_BYTES + DEVICE_BYTES + PURPOSES_BYTES  # divisible by three: base64 needs no padding
DETAILS = DETAILS_BYTES // 3 * 4
HASH = 64 + 1  # and the end of the line
PLACE_AT = 12 + 1 + 10 + 1
EVENT_AT = PLACE_AT + 16 + 1
OUTCOME_AT = EVENT_AT + 10 + 1
TAG_AT = OUTCOME_AT + 12 + 1
DETAILS_AT = TAG_AT + 32 + 1
WIDTH = DETAILS_AT + DETAILS + 1 + HASH

Chain = Callable[[str, str], str]
"""(hash of the line before, text of the line) -> the hash that ends the line."""


@dataclass(frozen=True, slots=True)
class AuditLine:
    """A line as who may read it sees it. `moment_us` is microseconds UTC; `day` the same day as text."""

    number: int
    day: str
    event: str
    outcome: str
    moment_us: int
    device: str
    purposes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """What is to be noted. `where` is the tenant as `place` writes it; `subject` a customer's audit secret (32
    hexadecimal digits), or NOBODY."""

    where: str
    event: str
    outcome: str
    subject: str = NOBODY
    device: str = ""
    purposes: Sequence[str] = ()


def chained(before: str, text: str) -> str:
    """The hash that ends a line without a seal: of the hash before it and of the line's text."""
    return hashlib.sha256((before + text).encode()).hexdigest()


def written(number: int, before: str, said: Said, moment_us: int, nobodys: bytes, chain: Chain) -> str:
    """Line `number` with its end, after a line that ends with the hash `before`; `nobodys` seals the details of
    lines about nobody."""
    known = said.subject != NOBODY
    key = bytes.fromhex(said.subject) if known else nobodys
    details = _packed(moment_us, said.device, said.purposes)
    text = _text(
        number,
        day_of(moment_us),
        said.where,
        said.event,
        said.outcome,
        tag(key, before) if known else NOBODY,
        base64.urlsafe_b64encode(_turned(key, before, details)).decode(),
    )
    line = text + chain(before, text) + "\n"
    assert len(line) == WIDTH, line
    return line


def opened(line: str, before: str, key: bytes) -> AuditLine:
    """A line whose details open with `key`; `before` is the hash of the line before it."""
    sealed = base64.urlsafe_b64decode(line[DETAILS_AT : DETAILS_AT + DETAILS])
    moment_us, device, purposes = _unpacked(_turned(key, before, sealed))
    return AuditLine(
        number=int(line[:12]),
        day=line[13 : PLACE_AT - 1],
        event=event_of(line),
        outcome=outcome_of(line),
        moment_us=moment_us,
        device=device,
        purposes=purposes,
    )


def tag(secret: bytes, before: str) -> str:
    """What names a customer in the line after `before`, and in no other."""
    return hmac.digest(secret, b"usual audit tag " + before.encode(), hashlib.sha256)[:16].hex()


def tag_of(line: str) -> str:
    """The tag that stands in a line."""
    return line[TAG_AT : TAG_AT + 32]


def event_of(line: str) -> str:
    """What happened."""
    return line[EVENT_AT : EVENT_AT + 10].rstrip()


def outcome_of(line: str) -> str:
    """How it ended."""
    return line[OUTCOME_AT : OUTCOME_AT + 12].rstrip()


def place(tenant: str) -> str:
    """A tenant as it stands in a line."""
    return hashlib.sha256(tenant.encode()).hexdigest()[:16]


def day_of(moment_us: int) -> str:
    """The day as ten characters; of a clock that no calendar knows the number of the day."""
    try:
        return datetime.fromtimestamp(moment_us // DAY * DAY // SECOND, UTC).strftime("%Y-%m-%d").rjust(10, "0")
    except (ValueError, OverflowError, OSError):
        return f"{moment_us // DAY % 10**10:010d}"


def _text(number: int, day: str, where: str, event: str, outcome: str, subject: str, details: str) -> str:
    return f"{number:012d} {day} {where} {event:<10.10} {outcome:<12.12} {subject} {details} "


def _packed(moment_us: int, device: str, purposes: Sequence[str]) -> bytes:
    words = ",".join(purposes).encode()[:PURPOSES_BYTES]
    name = device.encode()[:DEVICE_BYTES]
    return (
        (moment_us % 2**63).to_bytes(8, "big")
        + name.ljust(DEVICE_BYTES, b"\0")
        + words.ljust(PURPOSES_BYTES, b"\0")
    )


def _unpacked(content: bytes) -> tuple[int, str, tuple[str, ...]]:
    device = content[TIME_BYTES : TIME_BYTES + DEVICE_BYTES].rstrip(b"\0").decode(errors="replace")
    words = content[TIME_BYTES + DEVICE_BYTES :].rstrip(b"\0").decode(errors="replace")
    return int.from_bytes(content[:TIME_BYTES], "big"), device, tuple(filter(None, words.split(",")))


def _turned(secret: bytes, before: str, content: bytes) -> bytes:
    """Encrypt or decrypt (AES-CTR): the key is of this line alone, and the chain shows whether it was altered."""
    key = hmac.digest(secret, b"usual audit details " + before.encode(), hashlib.sha256)
    return Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor().update(content)
