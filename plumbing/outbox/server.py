"""The program nats-server: how a box's and the centre's are set up, started and stopped.

A box keeps its outbox in a JetStream of its own and hangs on the centre as a leaf node; the centre keeps nothing.
Each box is an account of its own there: it sees no other box's messages.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from plumbing.outbox.errors import EdgeError, NatsMissing
from plumbing.serving.process import die_with_parent

LEFT, EVENTS = "usual.left", "usual.events"
"""Subjects: who left, which goes first, and what happened."""
STREAMS = {LEFT: "LEFT", EVENTS: "EVENTS"}
LEAF_PORT = 7422
PING_S = 2
PATIENCE_S = 10.0


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def program() -> str:
    """The program's path. Raises NatsMissing."""
    beside = Path(sys.executable).with_name("nats-server")
    found = str(beside) if beside.is_file() else shutil.which("nats-server")
    if found is None:
        raise NatsMissing
    return found


def domain_of(box_id: str) -> str:
    """The name of a box's JetStream, as the centre addresses it."""
    return f"box-{box_id}"


def box_config(*, port: int, box_id: str, folder: Path, password: str, line: str, line_password: str) -> str:
    """The settings of a box's server; `line` is the address of the centre's, `nats-leaf://` or `tls://`.

    Raises EdgeError: the address is none.
    """
    parts = urlsplit(line)
    if parts.scheme not in ("nats-leaf", "tls", "ws", "wss") or not parts.hostname:
        raise EdgeError(
            f"{line} is no address of the centre's outbox: write nats-leaf://host:{LEAF_PORT} or tls://."
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    who = f"{box_id}:{line_password}"
    url = f"{parts.scheme}://{who}@{host}:{parts.port or LEAF_PORT}"
    return _written(
        {
            "listen": f"127.0.0.1:{port}",
            "server_name": domain_of(box_id),
            "pid_file": str(folder / "server.pid"),
            "ping_interval": f"{PING_S}s",
            "authorization": {"user": "box", "password": password},
            # Acknowledged is what the disk has: a power cut loses no event.
            "jetstream": {"store_dir": str(folder), "domain": domain_of(box_id), "sync_interval": "always"},
            # The address that the operator named, and no other that a server may speak of.
            "leafnodes": {"reconnect": 1, "remotes": [{"url": url, "ignore_discovered_servers": True}]},
        }
    )


def hub_config(
    *,
    port: int,
    listen: str,
    folder: Path,
    boxes: Mapping[str, tuple[str, str]],
    certificate: tuple[Path, Path] | None = None,
) -> str:
    """The settings of the centre's server; `boxes` gives (the box's password, the centre's password) by box id."""
    leafnodes: dict[str, object] = {"listen": listen, "no_advertise": True}
    if certificate is not None:
        leafnodes["tls"] = {"cert_file": str(certificate[0]), "key_file": str(certificate[1]), "timeout": 5}
    accounts = {
        domain_of(box_id): {
            "users": [
                {"user": box_id, "password": theirs},
                {"user": f"centre-{box_id}", "password": ours},
            ]
        }
        for box_id, (theirs, ours) in sorted(boxes.items())
    }
    return _written(
        {
            "listen": f"127.0.0.1:{port}",
            "server_name": "centre",
            "pid_file": str(folder / "server.pid"),
            "ping_interval": f"{PING_S}s",
            "accounts": accounts or {"nobody": {"users": [{"user": "nobody", "password": os.urandom(16).hex()}]}},
            "leafnodes": leafnodes,
        }
    )


def _written(settings: Mapping[str, object]) -> str:
    return json.dumps(settings, indent=1) + "\n"  # the program reads JSON as a form of its own language


class NatsServer:
    """One running nats-server, which ends with the process that started it."""

    def __init__(self, folder: Path) -> None:
        """`folder` holds its settings and its store."""
        self._folder = folder
        self._config = folder / "server.conf"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, settings: str) -> None:
        """Write the settings and start the program. Raises NatsMissing."""
        path = program()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._end_earlier()
        self.configure(settings)
        parent = os.getpid()
        with (self._folder / "server.log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program, arguments as a list
                [path, "-c", str(self._config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=lambda: die_with_parent(parent),
            )

    def configure(self, settings: str) -> None:
        """Write the settings, readable by their owner alone: passwords are in them."""
        draft = self._config.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text(settings, encoding="utf-8")
        draft.replace(self._config)

    def reload(self, settings: str) -> None:
        """Take other accounts over while it runs."""
        self.configure(settings)
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)

    def is_running(self) -> bool:
        """Whether the program runs."""
        return self._process is not None and self._process.poll() is None

    def said(self) -> str:
        """The last lines of its log, for an error."""
        with suppress(OSError):
            lines: Sequence[str] = (self._folder / "server.log").read_text(errors="replace").splitlines()
            return " ".join(lines[-2:])
        return ""

    def stop(self) -> None:
        """End the program; what it has acknowledged is on the disk."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _end_earlier(self) -> None:
        """End the program of a process that was killed: two may not write one store."""
        try:
            pid = int((self._folder / "server.pid").read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return
        if str(self._config).encode() not in command:
            return
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
            ends = time.monotonic() + PATIENCE_S
            while time.monotonic() < ends and Path(f"/proc/{pid}").exists():
                time.sleep(0.05)
