"""`usual` in processes of its own: the demo's server and its commands."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from data.demo.client import Client, Refused
from data.demo.setting import Setting, StageError

PROGRAM = (sys.executable, "-c", "from app import main; main()")
"""`usual`, whether or not its script is on the path."""


def free_port(wanted: int) -> int:
    """`wanted` if nobody listens there, else any free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StageError("No port of 127.0.0.1 is free.")


@dataclass(frozen=True)
class Server:
    """`usual serve` in a process of its own."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def running(self) -> bool:
        return self.process.poll() is None

    def tail(self, lines: int = 8) -> str:
        """The last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""


@contextmanager
def serving(
    setting: Setting, port: int, *, patience_s: float = 60.0, workers: int | None = None
) -> Iterator[Server]:
    """The real server, ready to answer; stopped in any case when the block is left.

    Raises:
        StageError: it ended, or did not become ready in time; the last lines of its log are in the text.
    """
    log = setting.folder / "server.log"
    command = [*PROGRAM, "serve", "--init", "--host", "127.0.0.1"]
    if workers is not None:
        command += ["--workers", str(workers)]
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 - our own command, arguments as a list
            [*command, "--port", str(port)],
            env=setting.environment(),
            cwd=Path(__file__).resolve().parents[2],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the demo, and the demo stops the server
        )
    server = Server(process, f"http://127.0.0.1:{port}", log)
    try:
        _wait_ready(server, patience_s)
        yield server
    finally:
        stop(process)


def _wait_ready(server: Server, patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if not server.running():
            raise StageError(f"The server ended with status {server.process.returncode}.\n{server.tail()}")
        try:
            with Client(server.url, "", timeout=2) as client:
                parts = client.call("GET", "/health/ready")["parts"]
            if not any("being loaded" in said for said in parts.values()):
                return
        except (Refused, OSError):
            pass
        time.sleep(0.1)
    raise StageError(f"The server was not ready after {patience_s:.0f} s.\n{server.tail()}")


def stop(process: subprocess.Popen[bytes], patience_s: float = 10.0) -> None:
    """End the server and its child processes: SIGTERM first, SIGKILL after `patience_s` seconds."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, number)
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            continue


def command(setting: Setting, *arguments: str) -> str:
    """Run `usual ...` on this state; returns what it said.

    Raises:
        StageError: it ended with another status than 0.
    """
    done = subprocess.run(  # noqa: S603 - our own command, arguments as a list
        [*PROGRAM, *arguments],
        env=setting.environment(),
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip())[-600:]  # a search says on stdout what it found
        raise StageError(f"usual {' '.join(arguments)} ended with {done.returncode}: {said}")
    return done.stdout.strip()
