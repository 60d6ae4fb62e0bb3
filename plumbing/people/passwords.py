"""Passwords: argon2id with the library's parameters, which follow RFC 9106.

Twelve characters and no rule of composition; refused is only what is tried first: a well-known word with digits
around it, rows of the keyboard, a few signs over and over, one's own name. `docs/decisions/0130-guessing.md`.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import cache
from itertools import pairwise

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from plumbing.people.errors import PasswordRefused

LEAST = 12  # characters
MOST = 1_000
LEAST_DIFFERENT = 5  # characters
LEAST_BESIDE = 4  # letters beside well-known words and one's own name
AT_ONCE = 2
"""Hashes that a process computes at the same time: each takes 64 MiB."""

WORDS = frozenset(
    [
     "abc", "admin", "administrator", "baseball", "basketball", "changeme", "charlie", "computer", "dragon",
     "flower", "football", "freedom", "geheim", "hallo", "hello", "iloveyou", "ichliebedich", "kennwort",
     "letmein", "liverpool", "login", "master", "michael", "monkey", "mustang", "ninja", "operator",
     "passw", "passwd", "password", "passwort", "pokemon", "princess", "qwerty", "qwertz", "root", "sakura",
     "schatz", "secret", "sommer", "starwars", "summer", "sunshine", "superman", "test", "trustno", "usual",
     "welt", "willkommen", "welcome", "whatever", "winter", "world",
    ]
)  # fmt: skip
"""What most passwords of leaked lists are made of."""

ROWS = ("1234567890", "qwertyuiop", "qwertzuiop", "asdfghjkl", "zxcvbnm", "yxcvbnm", "abcdefghijklmnopqrstuvwxyz")
STEPS = frozenset(pair for row in ROWS for one in (row, row[::-1]) for pair in pairwise(one))
PLAIN = str.maketrans("@430$5!17", "aaeossiit")  # letters that people write as signs
_AROUND = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_hashing = threading.BoundedSemaphore(AT_ONCE)


def hashed(password: str, name: str) -> str:
    """The hash of a new password of the user `name`. Raises PasswordRefused."""
    text = _normal(password)
    if not LEAST <= len(text) <= MOST:
        raise PasswordRefused
    if why := _why_easy(text.casefold(), name.casefold()):
        raise PasswordRefused(
            f"It would be guessed early: {why}. Four words that have nothing in common are good."
        )
    with _hashing:
        return hasher().hash(text)


def matches(stored: str, password: str) -> bool:
    """Whether this is the password; where there is no user (`stored` is empty) it takes the same time."""
    with _hashing:
        nobody = _nobody()  # made at the first call, whoever it is about
        try:
            return hasher().verify(stored or nobody, _normal(password)[:MOST]) and bool(stored)
        except (VerificationError, InvalidHashError):
            return False


def _why_easy(text: str, name: str) -> str:
    """Why it is among those that are tried first; empty when it is not."""
    if name and not _beside(text, name):
        return "it is little more than the sign-in name"
    if len(set(text)) < LEAST_DIFFERENT or _period(text) <= len(text) // 2:
        return "it repeats a few characters"
    if sum(pair in STEPS or pair[0] == pair[1] for pair in pairwise(text)) >= 0.75 * (len(text) - 1):
        return "it follows the keyboard or the alphabet"
    for core in {_AROUND.sub("", text).translate(PLAIN), _AROUND.sub("", text.translate(PLAIN))}:
        rest = core
        for word in sorted(WORDS, key=len, reverse=True):
            rest = rest.replace(word, "")
        if rest != core and len(_AROUND.sub("", rest)) < LEAST_BESIDE:
            return "it is a well-known word with signs around it"
    return ""


def _beside(text: str, name: str) -> bool:
    """Whether the password has four characters besides the name and what stands around it."""
    parts = {name, name.partition("@")[0]}
    return all(
        len(_AROUND.sub("", text.replace(part, ""))) >= LEAST_BESIDE for part in parts if part and part in text
    )


def _period(text: str) -> int:
    """The length of the shortest piece that, repeated, makes the text."""
    return (text + text).find(text, 1)


def _normal(password: str) -> str:
    """One text for what is typed in several ways, as NIST SP 800-63B advises."""
    return unicodedata.normalize("NFKC", password)


@cache
def hasher() -> PasswordHasher:
    """What hashes and checks: the library's own parameters."""
    return PasswordHasher()


@cache
def _nobody() -> str:
    return hasher().hash("nobody has this password")
