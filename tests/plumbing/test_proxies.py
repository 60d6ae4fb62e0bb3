"""Whose address it is: nobody is believed but the proxies that the operator named."""

from __future__ import annotations

import pytest

from plumbing.security.proxies import TrustedProxies


@pytest.mark.parametrize(
    ("setting", "peer", "forwarded", "client"),
    [
        (None, "10.0.0.7", ["203.0.113.9"], "10.0.0.7"),
        ("", "10.0.0.7", ["203.0.113.9"], "10.0.0.7"),
        ("0", "10.0.0.7", ["203.0.113.9"], "10.0.0.7"),
        ("1", "10.0.0.7", ["203.0.113.9"], "203.0.113.9"),
        ("1", "10.0.0.7", ["192.0.2.1", "203.0.113.9"], "203.0.113.9"),
        ("2", "10.0.0.7", ["198.51.100.1", "192.0.2.1", "10.0.0.8"], "192.0.2.1"),
        ("1", "10.0.0.7", [], "10.0.0.7"),
        ("1", "10.0.0.7", ["not an address"], "10.0.0.7"),
        ("10.0.0.7", "10.0.0.7", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.0/8, ::1", "::1", ["192.0.2.1", "203.0.113.9", "10.2.3.4"], "203.0.113.9"),
        ("10.0.0.0/8", "203.0.113.1", ["192.0.2.1"], "203.0.113.1"),
        ("10.0.0.0/8", "10.0.0.1", ["10.0.0.2"], "10.0.0.2"),
    ],
)
def test_the_clients_address(setting: str | None, peer: str, forwarded: list[str], client: str) -> None:
    assert TrustedProxies.parse(setting).client_of(peer, forwarded)[0] == client


@pytest.mark.parametrize("setting", ["proxy.example", "10.0.0.0/99", "99", "10.0.0.1,,10.0.0.2"])
def test_a_setting_that_is_neither_number_nor_addresses_is_refused(setting: str) -> None:
    with pytest.raises(ValueError, match="proxies"):
        TrustedProxies.parse(setting)
