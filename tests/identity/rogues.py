"""Malicious and faulty engine packs, for `connection.Launch.maker`: they are loaded in the sandboxed process."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from identity.engines.manifests import Pack, load_pack
from identity.engines.protocol import Face, Pixels, Vector
from tests.identity.fakes import face_at

DATABASE = "ROGUE_DATABASE"
ATTEMPTS = (
    "read a file",
    "write a file",
    "write beside itself",
    "open the database",
    "listen",
    "connect",
    "connect through a local socket",
    "start a program",
    "fork",
    "kill the server",
    "make a pipe",
    "make memory with a name",
    "cut the shared pixels short",
    "write into the shared pixels",
    "make the shared pixels writable",
    "raise its limits",
    "take two gigabytes",
    "look into the server's memory",
    "start a thread",
    "import what was not loaded",
)


def attempt(what: str, pixels: Pixels, database: str) -> object:
    """Try one of ATTEMPTS. Raises when it is refused."""
    here = Path(__file__)
    libc = ctypes.CDLL(None, use_errno=True)

    def called(number: int, *arguments: int) -> None:
        if libc.syscall(number, *arguments) < 0:
            raise OSError(ctypes.get_errno(), what)

    def unlock_pixels() -> None:
        page = pixels.ctypes.data // 4096 * 4096
        if libc.mprotect(ctypes.c_void_p(page), 4096, 3):  # PROT_READ | PROT_WRITE
            raise OSError(ctypes.get_errno(), what)

    def write_pixels() -> None:
        pixels.flags.writeable = True
        pixels[0, 0] = 1

    def read_database() -> None:
        with contextlib.closing(sqlite3.connect(database)) as connection:
            connection.execute("SELECT * FROM sqlite_master").fetchall()

    def make_pipe() -> None:
        for end in os.pipe():
            os.close(end)

    def cut_pixels() -> None:
        for descriptor in range(3, 12):
            os.ftruncate(descriptor, 0)

    ways: dict[str, Callable[[], object]] = {
        "read a file": lambda: here.read_text(),
        "write a file": lambda: Path("/tmp/usual-rogue").write_bytes(pixels.tobytes()),
        "write beside itself": lambda: here.with_name("stolen").write_bytes(b"x"),
        "open the database": read_database,
        "listen": lambda: socket.create_server(("127.0.0.1", 0)).close(),
        "connect": lambda: socket.create_connection(("127.0.0.1", 9), 0.2),
        "connect through a local socket": lambda: socket.socket(socket.AF_UNIX),
        "start a program": lambda: subprocess.run(["/bin/true"], check=True),
        "fork": lambda: os.fork() or os._exit(0),
        "kill the server": lambda: os.kill(os.getppid(), signal.SIGKILL),
        "make a pipe": make_pipe,
        "make memory with a name": lambda: os.memfd_create("stolen"),
        "cut the shared pixels short": cut_pixels,
        "write into the shared pixels": write_pixels,
        "make the shared pixels writable": unlock_pixels,
        "raise its limits": lambda: called(302, 0, 7, 0, 0),  # prlimit64 on x86-64
        "take two gigabytes": lambda: np.ones(2**31, np.uint8),
        "look into the server's memory": lambda: called(310, os.getpid(), 0, 0, 0, 0, 0),  # process_vm_readv
        "start a thread": lambda: __import__("_thread").start_new_thread(time.sleep, (0,)),
        "import what was not loaded": lambda: __import__("wave"),
    }
    return ways[what]()


class Rogue:
    """Behaves while it is loaded. After that the first byte of a picture says what it does."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self._loaded = False
        self.database = ""
        self.answers = -1

    def detect(self, pixels: Pixels) -> list[Face]:
        if not self._loaded:
            self._loaded = True
            return []
        order = int(pixels[0, 0, 0])
        if order == CRASH:
            os._exit(3)
        if order == HANG:
            time.sleep(600)
        if order == FAIL:
            raise RuntimeError("no")
        if order == BABBLE:
            os.write(self.answers, b"\7" * 5_000)
        if order == NOBODY_FITS:
            return [Face((0.0, 0.0, float("nan"), 1.0), np.zeros((5, 2), np.float32), 1.0)]
        if order == TRY:
            return [face_at(n, 0, 10, score=float(self._refused(what, pixels))) for n, what in enumerate(ATTEMPTS)]
        return [face_at(order, 0, 10)]

    def _refused(self, what: str, pixels: Pixels) -> bool:
        try:
            attempt(what, pixels, self.database)
        except Exception:
            return True
        return False

    def embed(self, pixels: Pixels, face: Face) -> Vector:
        order = int(pixels[0, 0, 0])
        size = self.pack.size
        return {
            NAN: np.full(size, np.nan, np.float32),
            ZERO: np.zeros(size, np.float32),
            SHORT: np.ones(size - 1, np.float32),
        }.get(order, np.arange(size, dtype=np.float32))


CRASH, HANG, FAIL, BABBLE, NOBODY_FITS, TRY, NAN, ZERO, SHORT = range(201, 210)


def rogue(name: str, models: Path | None, cache: Path) -> Rogue:
    """A Rogue that knows the path of the database and the descriptor of the answers."""
    made = Rogue(load_pack(name))
    made.database = str(cache / "identity.db")
    # Not any descriptor that can be written: one that only loading has open is gone when the order comes.
    made.answers = json.loads(sys.argv[1])["answers"]
    return made


def environment_writer(name: str, models: Path | None, cache: Path) -> Rogue:
    """Writes its environment into its folder, before it is locked down."""
    (cache / "environment").write_text("\n".join([*os.environ, *sys.argv]))
    return rogue(name, models, cache)


class Measuring(Rogue):
    """Returns the sizes of the pictures that it gets, as numbers of a face and of a vector."""

    def detect(self, pixels: Pixels) -> list[Face]:
        height, width = pixels.shape[:2]
        return [Face((0.0, 0.0, float(width), float(height)), np.ones((5, 2), np.float32), width + height / 1e4)]

    def embed(self, pixels: Pixels, face: Face) -> Vector:
        return np.array([*pixels.shape[:2], *face.landmarks.ravel(), *np.zeros(self.pack.size - 12)], np.float32)


def measuring(name: str, models: Path | None, cache: Path) -> Measuring:
    """The pack `name`, as a Measuring engine."""
    return Measuring(load_pack(name))


def broken(name: str, models: Path | None, cache: Path) -> Rogue:
    """Fails to load."""
    raise MemoryError("a secret path")


def foreign(name: str, models: Path | None, cache: Path) -> Rogue:
    """An engine of another pack than the requested one."""
    return Rogue(load_pack("opencv-zoo"))
