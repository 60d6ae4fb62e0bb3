"""Twelve characters, no rule of composition, and not what is tried first."""

from __future__ import annotations

import unicodedata

import pytest

from plumbing.people.errors import PasswordRefused
from plumbing.people.passwords import hashed, matches

NAME = "ana.meyer@example.org"


@pytest.mark.parametrize(
    "password",
    [
        "elevenchars",
        "x" * 1001,
        "ana.meyer@example.org",
        "Ana.Meyer@Example.Org1",
        "ana.meyer123456"[:12],
        "aaaaaaaaaaaa",
        "abababababab",
        "passwordpassword",
        "123456789012",
        "qwertyuiopas",
        "QWERTZUIOPÜ1"[:12].replace("Ü", "a"),
        "abcdefghijklm",
        "Password2026!",
        "P@ssw0rd!!!!!",
        "Willkommen2026",
        "!!Summer2026!!",
        "letmein123456",
        "iloveyou12345",
        "welcomesummer1",
        "            ",
    ],
)
def test_what_is_tried_first_is_refused(password: str) -> None:
    with pytest.raises(PasswordRefused):
        hashed(password, NAME)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "allsmallletters",
        "4815162342987",
        "ひとりで静かに海を見るのが好き",
        "my password is long enough",
        "meyer and the four winds",
        "ünïcödé wörds hére",
        "🐟🐠🐡🦈🐙🦑🦐🦞🦀🐚🐳🐋",
    ],
)
def test_anything_else_is_taken_and_is_the_same_however_it_is_typed(password: str) -> None:
    stored = hashed(password, NAME)

    assert matches(stored, unicodedata.normalize("NFD", password))
    assert not matches(stored, password + "x")
    assert not matches("", password)
