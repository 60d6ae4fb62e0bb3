"""One installation on PostgreSQL, served by several replicas behind nginx, all of it on this machine."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg

from data.demo import stage
from data.demo.client import Client, Refused
from data.demo.members import Member, purposes_of
from data.demo.server import PROGRAM, free_port, serving, stop
from data.demo.setting import TENANT, Setting, sweep
from data.demo.terminal import Bar
from data.faces import people
from data.town.town import Town
from plumbing.clock import system_clock
from tests import postgres
from tests.conftest import ROOT
from tests.unbreakable.installation import PACKS

KIOSK = ("identify", "enrol", "suggest", "event")
CONTEXT = {"site": "market"}
READY_S = 120.0


class _NoBar:
    def update(self, n: int) -> None:
        """Nothing is printed."""


@contextmanager
def silent(label: str, total: int) -> Iterator[Bar]:
    """No progress bar."""
    yield _NoBar()


# --- the server of the databases ---------------------------------------------------------------------


@contextmanager
def database_server() -> Iterator[postgres.Server]:
    """PostgreSQL as an operator has it: on a disk, with every commit in it before it is acknowledged."""
    if postgres.binaries() is None:
        raise RuntimeError(postgres.WANTED)
    folder = Path(tempfile.mkdtemp(prefix="usual-pg-"))
    server = postgres.Server(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def kill(server: postgres.Server) -> None:
    """SIGKILL for the first process of PostgreSQL and all its children, as when the machine goes away."""
    first = int((server.data / "postmaster.pid").read_text().split()[0])
    children = (Path(f"/proc/{first}/task/{first}/children")).read_text().split()
    for pid in (first, *map(int, children)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    while Path(f"/proc/{first}").exists() and _state(first) != "Z":
        time.sleep(0.01)


def _state(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return "Z"


# --- replicas ----------------------------------------------------------------------------------------


@dataclass
class Replica:
    """One `usual serve` with a folder of its own."""

    setting: Setting
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Begin to serve; output goes to the log in its folder."""
        with (self.setting.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*PROGRAM, "serve", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"],
                env=self.setting.environment() | {"USUAL_TRUSTED_PROXIES": "1"},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def ready(self) -> None:
        """Wait until it recognises customers. Raises RuntimeError."""
        until = time.monotonic() + READY_S
        while time.monotonic() < until:
            if self.process is None or self.process.poll() is not None:
                break
            with suppress(Refused, OSError), Client(self.url, "", timeout=5) as client:
                if client.call("GET", "/health/ready")["parts"].get("identity") == "ok":
                    return
            time.sleep(0.1)
        log = (self.setting.folder / "server.log").read_text(errors="replace").splitlines()
        raise RuntimeError("A replica is not ready:\n" + "\n".join(log[-8:]))

    def end(self) -> None:
        """Stop it in order, when it runs."""
        if self.process is not None:
            stop(self.process)

    def kill(self) -> None:
        """SIGKILL for all its processes; returns when nothing listens any more, which takes a moment."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        while _listens(self.port):
            time.sleep(0.001)


def _listens(port: int) -> bool:
    """Whether somebody takes connections there; one that is broken by the end of a server says "yes"."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionRefusedError:
        return False
    except OSError:
        pass
    return True


@dataclass
class House:
    """Members of an installation on PostgreSQL, and its keys."""

    server: postgres.Server
    setting: Setting
    members: list[Member]
    keys: dict[str, str] = field(default_factory=dict)

    def key(self, name: str, *scopes: str) -> str:
        """A key of the device `name`."""
        if name not in self.keys:
            access, database = stage.access_of(self.setting)
            try:
                self.keys[name] = access.create_key(TENANT, scopes or KIOSK, device=name, site="market")
            finally:
                database.close()
        return self.keys[name]

    def rows(self, sql: str, *values: object) -> list[Any]:
        """What the database has."""
        assert self.setting.database is not None
        with psycopg.connect(self.setting.database) as raw:
            return raw.execute(sql.encode(), values).fetchall()

    @contextmanager
    def replicas(self, number: int) -> Iterator[list[Replica]]:
        """So many, each with a folder of its own and the same secrets; all of them are ready."""
        with ExitStack() as stack:
            made = []
            for place in range(1, number + 1):
                folder = self.setting.folder / f"replica-{place}"
                setting = replace(self.setting, folder=folder)
                setting.home.mkdir(parents=True, exist_ok=True, mode=0o700)
                for secret in self.setting.home.glob("*.key"):
                    shutil.copy2(secret, setting.home / secret.name)
                one = Replica(setting, free_port(0))
                one.start()
                made.append(one)
                stack.callback(one.end)
            for one in made:
                one.ready()
            yield made


@contextmanager
def house(*, customers: int) -> Iterator[House]:
    """An installation on a PostgreSQL of its own, with so many drawn customers."""
    with database_server() as server, tempfile.TemporaryDirectory(prefix="usual-many-") as folder:
        with psycopg.connect(server.url, autocommit=True) as admin:
            admin.execute("CREATE DATABASE usual")
            admin.execute("CREATE DATABASE usual_keys")
        urls = [server.url.replace("/postgres?", f"/{name}?") for name in ("usual", "usual_keys")]
        setting = Setting(Path(folder), "dlib", None, PACKS, system_clock, *urls)
        sweep(setting)
        made = House(server, setting, [])
        stage.calibrate_pack(setting, silent, 60)
        key, office = made.key("first"), made.key("office", "admin", "train", "suggest")
        with serving(setting, free_port(0), patience_s=READY_S) as served:
            with Client(served.url, office) as desk:
                stage.load_catalogue(desk, Town.build(days=30, customers=40))
            with Client(served.url, key) as kiosk:
                made.members = enrolled(kiosk, customers)
        yield made


def enrolled(kiosk: Client, customers: int, first: int = 60_000) -> list[Member]:
    """So many people opt in, one after the other."""
    members: list[Member] = []
    for seed in range(first, first + 2 * customers + 8):
        if len(members) == customers:
            break
        frames = [people.draw_face(seed, moment) for moment in range(3)]
        try:
            receipt = kiosk.enrol(frames, purposes_of(1), None)["receipt"]
        except Refused as error:
            if error.code in ("already_enrolled", "frames_differ", "no_face", "low_quality"):
                continue  # two drawn people look alike, or one is not seen as a person
            raise
        members.append(Member(f"member-{seed}", seed, purposes_of(1), receipt))
    return members


# --- nginx -------------------------------------------------------------------------------------------


def start_module() -> ModuleType:
    """`deploy/replicas/start.py`."""
    name = "replicas_start"
    if name not in sys.modules:
        spec = spec_from_file_location(name, ROOT / "deploy" / "replicas" / "start.py")
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


@contextmanager
def proxy(replicas: Sequence[Replica]) -> Iterator[str]:
    """nginx of `deploy/replicas` in front of them; its address. Raises RuntimeError: there is none."""
    if shutil.which("nginx") is None:
        raise RuntimeError("nginx is not installed; on Debian: apt-get install nginx-light")
    start, port = start_module(), free_port(0)
    servers = [start.Replica(place, one.setting.home, one.port) for place, one in enumerate(replicas)]
    with tempfile.TemporaryDirectory(prefix="usual-nginx-") as run:
        Path(run).chmod(0o755)  # the processes of nginx belong to another user
        file = Path(run) / "nginx.conf"
        file.write_text(start.configuration(servers, Path(run), f"127.0.0.1:{port}"))
        nginx = subprocess.Popen(["nginx", "-c", str(file)], start_new_session=True)
        url = f"http://127.0.0.1:{port}"
        try:
            _answers(url, nginx)
            yield url
        finally:
            nginx.send_signal(signal.SIGQUIT)
            try:
                nginx.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(nginx.pid, signal.SIGKILL)


def _answers(url: str, nginx: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until and nginx.poll() is None:
        with suppress(OSError, Refused), Client(url, "", timeout=5) as client:
            client.call("GET", "/health/live")
            return
        time.sleep(0.05)
    raise RuntimeError("nginx does not answer")


# --- what many do at once ----------------------------------------------------------------------------


@contextmanager
def at_once(*works: Callable[[threading.Event], None]) -> Iterator[threading.Event]:
    """Each work in a thread, until the block ends; each ends when its event is set."""
    ended = threading.Event()
    threads = [threading.Thread(target=work, args=(ended,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield ended
    finally:
        ended.set()
        for thread in threads:
            thread.join(60)
