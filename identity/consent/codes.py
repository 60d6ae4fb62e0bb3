"""The customer's code. People write it down, read it out and type it in, so a wrong sign is noticed at once.

A code has four groups of five signs, four random ones and a check sign. All sums are modulo 31, the number of
signs; it is prime, so a wrong sign, two signs of a group that changed places and two groups that changed places
are always noticed, and the group is named. 16 random signs are 79 bits.

Codes of earlier releases have five groups of five signs of base32 and no check signs; they stay valid.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Sequence

from identity.errors import CodeMistyped

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # pragma: allowlist secret - the signs of every code
"""31 signs; 0, 1, I, L and O are left out because they look like others."""

GROUPS = 4
SIGNS = 5  # of a group; the last one is its check sign
EARLIER_GROUPS = 5
_EARLIER = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
_VALUE = {sign: value for value, sign in enumerate(ALPHABET)}
_WEIGHTS = (1, 2, 3, 4)  # and 5 for the check sign: all differ, so no two signs can change places unnoticed
_CHECK_WEIGHT = 5
_GROUP_WEIGHT = 7
_BETWEEN = re.compile(r"[\s\-_.,:;/\u2010-\u2015\u2212\u30fb\u30fc]+")
MOST = 64  # characters that are looked at


def new_code() -> str:
    """A code that nobody can guess."""
    groups = []
    for number in range(1, GROUPS + 1):
        signs = "".join(secrets.choice(ALPHABET) for _ in _WEIGHTS)
        groups.append(signs + check_sign(signs, number))
    return "-".join(groups)


def check_sign(signs: str, number: int) -> str:
    """The check sign of the first four signs of group `number` (from 1)."""
    total = sum(weight * _VALUE[sign] for weight, sign in zip(_WEIGHTS, signs, strict=True))
    total += _GROUP_WEIGHT * number
    return ALPHABET[-total * pow(_CHECK_WEIGHT, -1, len(ALPHABET)) % len(ALPHABET)]


def normal(text: str) -> str:
    """A code as it is stored and compared: capitals, groups of five with hyphens between them.

    Small letters, wide letters, spaces, dots and any kind of hyphen are accepted. Raises CodeMistyped, which
    names the first group that is wrong (`group` in the reply, from 1).
    """
    if len(text) > MOST:
        raise CodeMistyped(GROUPS)
    plain = unicodedata.normalize("NFKC", text).upper()
    typed = [part for part in _BETWEEN.split(plain) if part]
    joined = "".join(typed)
    if len(joined) == EARLIER_GROUPS * SIGNS:
        return _earlier(joined)
    groups = typed if len(typed) == GROUPS else _cut(joined)
    for number in range(1, GROUPS + 1):
        if number > len(groups) or not _fits(groups[number - 1], number):
            raise CodeMistyped(number)
    if len(groups) > GROUPS:
        raise CodeMistyped(GROUPS)
    return "-".join(groups)


def last_group(code: str) -> str:
    """What a receipt shows of a code: the customer knows which one it is, and nobody can use it."""
    return code.rpartition("-")[2]


def _fits(group: str, number: int) -> bool:
    known = len(group) == SIGNS and all(sign in _VALUE for sign in group)
    return known and check_sign(group[:-1], number) == group[-1]


def _earlier(joined: str) -> str:
    groups = _cut(joined)
    for number, group in enumerate(groups, start=1):
        if not _EARLIER.issuperset(group):
            raise CodeMistyped(number)
    return "-".join(groups)


def _cut(joined: str) -> Sequence[str]:
    return [joined[n : n + SIGNS] for n in range(0, len(joined), SIGNS)]
