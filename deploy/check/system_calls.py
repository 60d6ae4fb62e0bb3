"""Does the server make a system call that its unit forbids? strace watches it start, answer and stop.

Usage: .venv/bin/python deploy/check/system_calls.py      needs strace and systemd-analyze; changes nothing

systemd itself cannot be started everywhere. What it would do to the server follows from the calls that the server
makes and from the list in hardening.conf, whose groups `systemd-analyze` spells out. Status 1 names the calls that
would fail.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DROP_IN = ROOT / "deploy" / "systemd" / "usual-.service.d" / "hardening.conf"
USUAL = ROOT / ".venv" / "bin" / "usual"
READY_S = 600.0
AS_ROOT = {"fchown"}
"""SQLite gives new files to the owner of the database, when root runs it and for no other user."""


def group(name: str) -> set[str]:
    """The calls of a group such as "@system-service", with those of the groups in it."""
    said = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True)
    found = set[str]()
    for word in re.findall(r"^    (\S+)$", said.stdout, re.MULTILINE):
        found |= group(word) if word.startswith("@") else {word}
    return found


def permitted(lines: list[str]) -> set[str]:
    """What a unit may call, from the values of its SystemCallFilter= in their order."""
    found = group("@default")
    for line in lines:
        words = line.removeprefix("~").split()
        named = set[str]().union(*(group(word) if word.startswith("@") else {word} for word in words))
        found = found - named if line.startswith("~") else found | named
    return found


def made(folder: Path) -> set[str]:
    """The calls of the server and of all its processes until it stops. Raises RuntimeError: it was never ready."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    counts, home = folder / "calls", folder / "home"
    order = ["strace", "-f", "-qq", "-c", "-o", str(counts), str(USUAL), "serve", "--init", "--home", str(home)]
    process = subprocess.Popen([*order, "--port", str(port), "--workers", "1"], start_new_session=True)
    until = time.monotonic() + READY_S
    try:
        while not ready(port):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("the server was not ready")
            time.sleep(0.5)
    finally:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(children[0]) if children else process.pid, signal.SIGTERM)
        process.wait(120)
    lines = counts.read_text().splitlines()
    return {line.split()[-1] for line in lines if re.match(r"\s*[\d.]+\s", line) and line.split()[-1] != "total"}


def ready(port: int) -> bool:
    """Whether /health/ready answers 200."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def main() -> int:
    """The comparison."""
    may = permitted(re.findall(r"^SystemCallFilter=(.*)$", DROP_IN.read_text(), re.MULTILINE))
    with tempfile.TemporaryDirectory() as folder:
        calls = made(Path(folder))
    refused = sorted(calls - may - (AS_ROOT if os.geteuid() == 0 else set()))
    print(f"{len(calls)} system calls were made; forbidden are {', '.join(refused) or 'none of them'}")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
