"""Webhooks: signed as the public specification says, to public hosts alone, at least once within an hour."""

from __future__ import annotations

import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from prometheus_client import CollectorRegistry

from plumbing.clock import HOUR, MINUTE, SECOND
from plumbing.storage.state import State
from plumbing.webhooks import sending
from plumbing.webhooks.kinds import LATER_US
from plumbing.webhooks.sending import AddressRefused, NotDelivered, checked, public_address
from plumbing.webhooks.signature import headers_of, new_secret
from plumbing.webhooks.tables import addresses
from plumbing.webhooks.tables import sending as sending_tables
from plumbing.webhooks.webhooks import Webhooks
from tests.plumbing.webhooks.conftest import Clock, Make, Receiver

EVENT = "destination.confirmed"
DATA = {"version": 1, "device": "taxi-1", "place": {"name": "Linden Street"}}


def test_the_signature_is_that_of_the_specification() -> None:
    """The example of the reference implementation, python `standardwebhooks` 1.0.0."""
    headers = headers_of(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLjSw",  # pragma: allowlist secret - an example
        "msg_p5jXN8AQM9LWM0D4loKWxJek",  # pragma: allowlist secret - an example
        1614265330,
        b'{"test": 2432232314}',
    )

    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",  # pragma: allowlist secret - an example
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,q6KMVIJHk4Gs770FfR5f591Ftx7uVJSGl5wHV1ri978=",  # pragma: allowlist secret - spec
    }
    assert new_secret().startswith("whsec_")


def test_a_message_reaches_who_wants_it_signed_with_their_secret(make: Make) -> None:
    clock, receiver = Clock(), Receiver()
    webhooks = make(clock, receiver)
    _, secret = webhooks.add("mill", "https://fleet.example/hook", [EVENT])
    webhooks.add("quay", "https://other.example/", [EVENT])

    assert webhooks.tell("mill", EVENT, DATA) == 1
    assert webhooks.send_next()
    assert not webhooks.send_next()

    [(url, body, headers)] = receiver.got
    assert url == "https://fleet.example/hook"
    assert json.loads(body)["type"] == EVENT
    assert json.loads(body)["data"] == DATA
    assert headers == headers_of(secret, headers["webhook-id"], clock.now // SECOND, body)


def test_what_did_not_arrive_is_sent_again_under_its_own_id_and_given_up_within_the_hour(make: Make) -> None:
    clock, receiver = Clock(), Receiver(fails=100)
    webhooks = make(clock, receiver)
    webhooks.add("mill", "https://fleet.example/hook", [EVENT])
    webhooks.tell("mill", EVENT, DATA)
    began = clock.now
    while clock.now - began < 2 * HOUR:
        webhooks.send_next()
        clock.now += SECOND * 5

    assert 5 <= len(receiver.got) < 1 + len(LATER_US)
    assert len({headers["webhook-id"] for _, _, headers in receiver.got}) == 1
    assert webhooks._passing.rows("SELECT * FROM messages") == []


def test_it_arrives_when_the_receiver_is_there_again_also_by_another_process(make: Make) -> None:
    clock, receiver = Clock(), Receiver(fails=1)
    make(clock, receiver).add("mill", "https://fleet.example/hook", [EVENT])
    first, second = make(clock, receiver), make(clock, receiver)
    first.tell("mill", EVENT, DATA)
    assert first.send_next()
    assert not second.send_next()  # not before its time
    clock.now += 6 * SECOND
    assert second.send_next()
    assert not first.send_next()

    assert len(receiver.got) == 2


def test_a_process_that_ends_while_it_sends_leaves_the_message_to_another(make: Make) -> None:
    clock, receiver = Clock(), Receiver()

    def killed(*given: Any, **more: Any) -> None:
        raise KeyboardInterrupt

    make(clock, receiver).add("mill", "https://fleet.example/hook", [EVENT])
    first, second = make(clock, killed), make(clock, receiver)
    first.tell("mill", EVENT, DATA)
    with pytest.raises(KeyboardInterrupt):
        first.send_next()
    assert not second.send_next()
    clock.now += MINUTE + SECOND

    assert second.send_next()
    assert len(receiver.got) == 1


def test_who_is_removed_gets_nothing_that_still_waits(make: Make) -> None:
    clock, receiver = Clock(), Receiver()
    webhooks = make(clock, receiver)
    made, _ = webhooks.add("mill", "https://fleet.example/hook", [EVENT])
    webhooks.tell("mill", EVENT, DATA)

    assert not webhooks.remove("quay", made.webhook_id)
    assert webhooks.remove("mill", made.webhook_id)
    assert not webhooks.send_next()
    assert (receiver.got, webhooks.all("mill")) == ([], [])


def test_neither_a_secret_nor_a_place_is_readable_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plumbing.webhooks.webhooks.public_address", lambda host, port, allowed: "203.0.113.7")
    state = State(tmp_path)
    lasting, passing = state.database("access", addresses), state.passing("access-moments", sending_tables)
    webhooks = Webhooks(lasting, passing, Fernet.generate_key(), Clock(), registry=CollectorRegistry())
    _, secret = webhooks.add("mill", "https://fleet.example/hook", [EVENT])
    webhooks.tell("mill", EVENT, DATA)
    lasting.close()
    passing.close()

    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert b"fleet.example" in kept
    assert secret.encode() not in kept
    assert b"Linden" not in kept


@pytest.mark.parametrize(
    "url",
    [
        "http://fleet.example/",
        "https://",
        "fleet.example",
        "https://user:word@fleet.example/",  # pragma: allowlist secret - made up
        "https://fleet.example/#a",
        "https://fleet.example:99999/",
        "https://fleet.example/a b",
        "https://fleet.example/\r\nX: y",
        "https://fl\u00e9et.example/",
        "file:///etc/passwd",
        "https://fleet.example/" + "a" * 500,
    ],
)
def test_an_address_that_is_none_of_https_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        checked(url)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:10.0.0.1",
        "2002:0a00:0001::",
        "64:ff9b::a00:1",
    ],
)
def test_no_private_host_is_called_unless_the_operator_allowed_it(address: str) -> None:
    def resolve(host: str, port: int) -> list[str]:
        return ["93.184.216.34", address]  # one public address hides no other

    with pytest.raises(AddressRefused):
        public_address("fleet.example", 443, (), resolve)
    assert public_address("fleet.example", 443, ("fleet.example",), resolve)
    assert public_address("fleet.example", 443, (), lambda host, port: ["93.184.216.34"]) == "93.184.216.34"


# --- over a real TLS connection


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of fleet.test, and its key, in one file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "t")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("fleet.test"), x509.IPAddress(ipaddress.ip_address("::1"))])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(7).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    signed = made.add_extension(names, critical=False).sign(key, hashes.SHA256())
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + signed.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def served(certificate: Path) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """A receiver on this machine: its port, and what it got. /moved redirects to itself."""
    got = list[dict[str, Any]]()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append({"path": self.path, "body": body, "host": self.headers["Host"]})
            self.send_response(302 if self.path == "/moved" else 500 if self.path == "/broken" else 204)
            if self.path == "/moved":
                self.send_header("Location", "/taken")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *given: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server.server_port, got
    server.shutdown()
    thread.join()
    server.server_close()


def post(port: int, certificate: Path, path: str = "/hook", host: str = "fleet.test", **more: Any) -> None:
    trusted = ssl.create_default_context(cafile=str(certificate))
    sending.send(
        f"https://{host}:{port}{path}",
        b"{}",
        {"webhook-id": "msg_1"},
        context=trusted,
        resolve=lambda host, port: ["127.0.0.1"],
        **({"allowed": (host,)} | more),
    )


def test_it_is_sent_to_the_address_that_was_checked_under_the_hosts_own_name(
    served: tuple[int, list[dict[str, Any]]], certificate: Path
) -> None:
    port, got = served
    post(port, certificate)

    assert got == [{"path": "/hook", "body": b"{}", "host": f"fleet.test:{port}"}]
    with pytest.raises(AddressRefused):
        post(port, certificate, allowed=())
    with pytest.raises(NotDelivered):
        post(port, certificate, host="another.test")  # a certificate of somebody else
    assert len(got) == 1


@pytest.mark.parametrize("path", ["/moved", "/broken"])
def test_a_redirect_is_not_followed_and_no_delivery(
    served: tuple[int, list[dict[str, Any]]], certificate: Path, path: str
) -> None:
    port, got = served
    with pytest.raises(NotDelivered):
        post(port, certificate, path)

    assert [one["path"] for one in got] == [path]
