"""Runs a store box: its outbox, its server, and the questions to the centre, in processes of their own."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from doorway.edge.folder import BoxFolder, Pairing
from doorway.edge.keeper import Keeper, Opened, Over, put_back_catalogue
from doorway.edge.line import Line, Refused, line_of, pair
from doorway.edge.opened import opened
from plumbing.clock import system_clock
from plumbing.outbox.errors import CentreUnreachable, OutboxClosed, SealRefused
from plumbing.outbox.server import NatsServer, box_config, free_port
from plumbing.outbox.stream import Address, JetStreamOutbox
from plumbing.problem import Problem
from plumbing.serving.process import die_with_parent

ASK_S = 1.0
"""Between two questions to the centre; while it does not answer, the box tries twice as often."""
START_S = 15.0
STOP_S = 15.0
log = structlog.get_logger(__name__)
Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Serving:
    """How the box's server is started."""

    host: str
    port: int
    workers: int
    pack: str


class Running:
    """One box."""

    def __init__(self, disk: Path, memory: Path | None, serving: Serving) -> None:
        """Raises NoMemoryFolder."""
        self.folder = BoxFolder(disk, memory)
        self._serving = serving
        self._nats = NatsServer(self.folder.outbox)
        self._outbox = JetStreamOutbox(self.folder.outbox_address)
        self._server: subprocess.Popen[bytes] | None = None
        self._ended = threading.Event()

    def pair(self, centre: str, code: str, line: str | None) -> Pairing:
        """Pair the box; what it had under an earlier pairing is forgotten, its outbox stays.

        Raises BoxCodeRefused, SealRefused, CentreUnreachable, with the earlier pairing as it was.
        """
        keys = self.folder.new_keys_beside()
        pairing = pair(centre, line or line_of(centre), code, keys, system_clock)
        self.folder.take_new_keys()
        self.folder.pair(pairing)
        self.folder.forget()
        return pairing

    def run(self, say: Say) -> None:
        """Until stopped. Raises BoxNotPaired, NatsMissing, OutboxClosed."""
        pairing = self.folder.pairing()
        if self.folder.forget_old_keys():
            say("This box was off for more than a day: it has forgotten its keys. Pair it again.")
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._ended.set())
        self._start_outbox(pairing)
        try:
            while not self._ended.is_set():
                self._live(pairing, say)
        finally:
            self._stop_server()
            self.folder.forget()
            self._outbox.close()
            self._nats.stop()

    def _live(self, pairing: Pairing, say: Say) -> None:
        """From one emptiness to the next: serve, and keep copies while the centre gives some."""
        self.folder.open_home()
        halves = opened(self.folder, self._serving.pack)
        try:
            if self.folder.state() is None:
                put_back_catalogue(self.folder, pairing.tenant, halves.goods)
            self._start_server()
            say(f"The box answers at http://{self._serving.host}:{self._serving.port}")
            self._keep(pairing, halves, say)
        finally:
            self._stop_server()
            halves.close()

    def _keep(self, pairing: Pairing, halves: Opened, say: Say) -> None:
        """Ask the centre again and again. Returns when the box was emptied, or is to stop."""
        try:
            keys = self.folder.keys()
        except SealRefused as error:
            say(f"{error.title}: {error.detail}")
            keys = None
        if keys is None:  # empty for good, until it is paired again; guests are served and the outbox delivers
            while not self._ended.wait(ASK_S):
                self._watch()
            return
        line = Line(pairing, keys, system_clock)
        keeper = Keeper(self.folder, pairing.tenant, line, self._outbox, halves, system_clock)
        cut = False
        while not self._ended.is_set():
            wait_s = ASK_S
            try:
                wait_s = 0.0 if keeper.tick() else ASK_S
                if cut:
                    log.info("line_is_back")
                cut = False
            except (Over, Refused) as error:
                say(f"The box was {error.why}: it has forgotten everything. Pair it again.")
                self._stop_server()
                self.folder.forget_keys()
                return
            except CentreUnreachable as error:
                if not cut:
                    log.warning("line_is_cut", why=error.detail)
                cut, wait_s = True, ASK_S / 2
            except (Problem, OSError) as error:
                log.warning("not_kept_up", why=str(error))
            self._watch()
            self._ended.wait(wait_s)

    def _start_outbox(self, pairing: Pairing) -> None:
        port, password = free_port(), secrets.token_hex(32)
        settings = box_config(
            port=port,
            box_id=pairing.box,
            folder=self.folder.outbox,
            password=password,
            line=pairing.line,
            line_password=pairing.line_password,
        )
        self._nats.start(settings)
        Address(f"nats://127.0.0.1:{port}", password).write(self.folder.outbox_address)
        ends = time.monotonic() + START_S
        while True:
            try:
                self._outbox.prepare()
                return
            except OutboxClosed as error:
                if not self._nats.is_running() or time.monotonic() > ends:
                    raise OutboxClosed(f"The outbox does not start: {self._nats.said()}") from error
                time.sleep(0.05)

    def _watch(self) -> None:
        """Start again what has ended by itself."""
        if self._server is not None and self._server.poll() is not None and not self._ended.is_set():
            log.error("server_ended", status=self._server.returncode)
            self._start_server()

    def _start_server(self) -> None:
        parent, how = os.getpid(), self._serving
        environment = {name: text for name, text in os.environ.items() if name not in ("USUAL_RECOMMENDER_URL",)}
        environment |= {"USUAL_EDGE": str(self.folder.disk), "USUAL_HOME": str(self.folder.home)}
        self._server = subprocess.Popen(  # noqa: S603 - our own command, arguments as a list
            [
                sys.executable,
                "-c",
                "from app import main; main()",
                "serve",
                "--init",
                "--host",
                how.host,
                "--port",
                str(how.port),
                "--workers",
                str(how.workers),
                "--pack",
                how.pack,
            ],
            env=environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(parent),
        )

    def _stop_server(self) -> None:
        server, self._server = self._server, None
        if server is None or server.poll() is not None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(server.pid, number)
            with suppress(subprocess.TimeoutExpired):
                server.wait(STOP_S)
                return
