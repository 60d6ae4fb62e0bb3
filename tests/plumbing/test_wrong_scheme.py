"""One side speaks TLS and the other does not: named as that, and nothing else is."""

from __future__ import annotations

import http.client
import ssl

import pytest

from doorway.edge.line import pair
from plumbing.outbox.boxes import CODE
from plumbing.outbox.errors import CentreUnreachable
from plumbing.outbox.seals import PrivateKeys
from plumbing.wrong_scheme import in_words


def of_openssl(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}] (_ssl.c:1020)")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "scheme", "says"),
    [
        (of_openssl("WRONG_VERSION_NUMBER"), "https", "speaks no TLS"),
        (ConnectionResetError(104, "reset"), "http", "https://"),
        (http.client.RemoteDisconnected("no reply"), "http", "https://"),
        (http.client.BadStatusLine("\x15\x03\x03\x00\x02\x02P"), "http", "https://"),
        (http.client.BadStatusLine("garbage"), "http", ""),
        (ConnectionResetError(104, "reset"), "https", ""),
        (of_openssl("CERTIFICATE_VERIFY_FAILED"), "https", ""),
        (TimeoutError("timed out"), "https", ""),
    ],
)
def test_what_is_wrong_with_an_address(error: Exception, scheme: str, says: str) -> None:
    found = in_words(error, scheme)

    assert says in found
    assert bool(says) == bool(found)


def test_a_box_says_it_too() -> None:
    def ask(*_: object, **__: object) -> dict[str, object]:
        raise of_openssl("WRONG_VERSION_NUMBER")

    with pytest.raises(CentreUnreachable, match=r"https://usual\.example does not answer: .*speaks no TLS"):
        pair("https://usual.example", "", f"{CODE}word.print", PrivateKeys(bytes(64)), lambda: 0, ask)
