"""What `deploy/` installs, running: the server as its unit starts it, and nginx with a certificate made here."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.conftest import ROOT
from tests.deploy.units import Unit

READY_S = 120.0
NGINX = ROOT / "deploy" / "nginx"
USUAL = str(ROOT / ".venv" / "bin" / "usual")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def new_house(home: Path, environment: dict[str, str]) -> None:
    """An empty state folder."""
    subprocess.run([USUAL, "init", "--home", str(home)], env=environment, check=True, capture_output=True)


def wait_for(port: int, path: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until `path` answers 200. Raises AssertionError with the log when the process ended or it takes too long."""
    until = time.monotonic() + READY_S
    while time.monotonic() < until and process.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        time.sleep(0.1)
    raise AssertionError(log.read_text(errors="replace")[-2000:])


@contextlib.contextmanager
def server_of(unit: Unit, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """ExecStart of a unit with the settings that it gives, in a folder and on a port of our own."""
    home, port = folder / "home", free_port()
    moved = {"USUAL_HOME": str(home), "USUAL_CACHE": str(ROOT / ".cache" / "models")}
    environment = os.environ | unit.environment | moved
    new_house(home, environment)
    program, *words = unit.order(environment)
    words = [str(port) if words[at - 1] == "--port" else word for at, word in enumerate(words)]
    assert program.endswith("/usual")
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [USUAL, *words, "--workers", "1"],
            env=environment,
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_for(port, "/health/ready", process, log)
        yield process, port
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def certificate(folder: Path) -> Path:
    """A key and a certificate of its own for localhost, as nginx.conf names them; the path of the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir()
    (folder / "fullchain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pkcs8 = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(pkcs8)
    return folder / "fullchain.pem"


@dataclass(frozen=True)
class Front:
    """nginx with TLS in front of a server."""

    port: int
    plain_port: int
    trust: ssl.SSLContext

    def send(
        self, method: str, path: str, body: bytes | None = None, *, plain: bool = False, **headers: str
    ) -> tuple[HTTPResponse, bytes]:
        """One request from outside; the reply and its body."""
        connection: HTTPConnection = (
            HTTPConnection("localhost", self.plain_port, timeout=20)
            if plain
            else HTTPSConnection("localhost", self.port, timeout=20, context=self.trust)
        )
        with contextlib.closing(connection):
            connection.request(
                method, path, body, {name.replace("_", "-"): text for name, text in headers.items()}
            )
            reply = connection.getresponse()
            return reply, reply.read()


@contextlib.contextmanager
def nginx_before(upstream: int, folder: Path, changes: dict[str, str] | None = None) -> Iterator[Front]:
    """The nginx.conf that is shipped, on free ports, with a certificate; `changes` replace words of it."""
    conf, tls, plain = folder / "nginx", free_port(), free_port()
    shutil.copytree(NGINX, conf)
    trust = ssl.create_default_context(cafile=str(certificate(conf / "tls")))
    words: dict[str, Any] = {
        r"user www-data;": "",
        r"/run/nginx\.pid": str(folder / "nginx.pid"),
        r"listen \[::\]:\d+[^;]*;": "",
        r"listen 443": f"listen 127.0.0.1:{tls}",
        r"listen 80": f"listen 127.0.0.1:{plain}",
        r"127\.0\.0\.1:8000": f"127.0.0.1:{upstream}",
        **(changes or {}),
    }
    for path in conf.glob("*.conf"):
        text = path.read_text()
        for pattern, value in words.items():
            text = re.sub(pattern, value, text)
        path.write_text(text)
    file = str(conf / "nginx.conf")
    subprocess.run(["nginx", "-t", "-q", "-c", file], check=True, capture_output=True)
    process = subprocess.Popen(["nginx", "-c", file, "-g", "daemon off;"], stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", tls), timeout=1):
                break
        yield Front(tls, plain, trust)
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(15)
