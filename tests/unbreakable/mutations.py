"""Mutated pictures, tokens, tables and JSON: never an error without a name, never more memory.

Each kind begins with good inputs; what reaches a new line of the product is kept and changed further.
"""

from __future__ import annotations

import json
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import cv2
from cryptography.fernet import Fernet
from pydantic import ValidationError

from bench.measure import Row, resident_mb
from data.faces import people
from identity import tokens as minted
from identity.sandbox.decoder import Decoder
from identity.web.schemas import EnrolmentBody, RecognitionBody
from plumbing.columns import DatasetError
from plumbing.problem import Problem
from recommender import tokens as opened
from recommender.exchange.rows import read_rows
from recommender.schemas import EventsBody
from recommender.schemas.catalogue import RowsBody
from tests.unbreakable.mutators import Coverage, changed, keep_input, mended

SECTION = "Mutated inputs, guided by the lines that they reach"
NAMED = (Problem, ValidationError, DatasetError)
FULL_S, SHORT_S = 300.0, 30.0
WARM = 0.4  # of the time: memory may grow while caches fill
MOST_KEPT = 400


@dataclass
class Kind:
    """One kind of input: what reads it, good inputs to begin with, and what happened."""

    name: str
    read: Callable[[bytes], object]
    kept: list[bytes]
    tried: int = 0
    accepted: int = 0
    uncaught: list[str] = field(default_factory=list)
    slowest_s: float = 0.0

    def turn(self, rng: Random, coverage: Coverage) -> None:
        """Read one changed input."""
        data = changed(rng, rng.choice(self.kept), rng.choice(self.kept))
        data = mended(data) if rng.random() < 0.6 else data
        lines, began = coverage.lines, time.perf_counter()
        try:
            self.read(data)
            self.accepted += 1
        except NAMED:
            pass
        except Exception as error:  # this is what the trial looks for
            path = keep_input(Path(tempfile.gettempdir()), self.name, data)
            self.uncaught.append(f"{type(error).__name__}: {str(error)[:80]} ({path.name})")
        self.slowest_s = max(self.slowest_s, time.perf_counter() - began)
        self.tried += 1
        if coverage.lines > lines and len(self.kept) < MOST_KEPT:
            self.kept.append(data)


def rows(short: bool) -> list[Row]:
    """All kinds in turn, for half a minute or five."""
    seconds, rng = SHORT_S if short else FULL_S, Random(12)
    with kinds() as (found, decoder), Coverage() as coverage:
        began, at_first, share = time.monotonic(), 0.0, 0.0
        while share < 1:
            for kind in found:
                for _ in range(20):
                    kind.turn(rng, coverage)
            share = (time.monotonic() - began) / seconds
            if share >= WARM and not at_first:
                at_first = own_mb() + resident_mb(decoder.processes[0])
        grown = own_mb() + resident_mb(decoder.processes[0]) - at_first
        lines = coverage.lines
    figures = [row for kind in found for row in rows_of(kind)]
    used = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    return [
        *figures,
        Row(SECTION, "lines of the product reached", lines, "", note=f"{used:.0f} s of processor time"),
        Row(SECTION, "memory grown in the last 60 % of the time", grown, "MB", 12.0 if short else 24.0),
    ]


def rows_of(kind: Kind) -> list[Row]:
    """The figures of one kind."""
    first = kind.uncaught[0] if kind.uncaught else ""
    return [
        Row(SECTION, f"{kind.name}: uncaught errors", len(kind.uncaught), "", 0, note=first),
        Row(SECTION, f"{kind.name}: tried", kind.tried, "", note=f"{kind.accepted} read, {len(kind.kept)} kept"),
        Row(SECTION, f"{kind.name}: the slowest", 1000 * kind.slowest_s, "ms", 3_000),
    ]


def own_mb() -> float:
    """Memory of this process alone."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(float(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


@contextmanager
def kinds() -> Iterator[tuple[list[Kind], Decoder]]:
    """Pictures go to a decoder in its process, as in the server; the rest is read here."""
    with ExitStack() as stack:
        decoder = stack.enter_context(closing(Decoder()))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="usual-mutations-")))
        decoder.start()
        key = Fernet.generate_key()
        yield (
            [
                *(Kind(f"pictures {kind[1:]}", decoder.decode, seeds) for kind, seeds in pictures().items()),
                Kind("tokens", lambda data: read_token(key, data), token_seeds(key)),
                Kind("what tokens hold", lambda data: read_token(key, sealed(key, data)), payloads(key)),
                Kind("tables", lambda data: read_table(folder, "csv", data), TABLES),
                Kind("lines of JSON", lambda data: read_table(folder, "jsonl", data), LINES),
                Kind("JSON", read_json, BODIES),
            ],
            decoder,
        )


def pictures() -> dict[str, list[bytes]]:
    """Drawn people in each format, plain and with what the format can do."""
    faces = [people.draw_face(n, n, (320, 240)) for n in range(2)]
    small = [cv2.resize(face, (96, 72), interpolation=cv2.INTER_AREA) for face in faces]
    options: dict[str, Sequence[tuple[int, ...]]] = {
        ".jpg": ((), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1), (cv2.IMWRITE_JPEG_RST_INTERVAL, 4)),
        ".png": ((), (cv2.IMWRITE_PNG_COMPRESSION, 1), (cv2.IMWRITE_PNG_COMPRESSION, 9)),
        ".webp": ((cv2.IMWRITE_WEBP_QUALITY, 60), (cv2.IMWRITE_WEBP_QUALITY, 101)),
    }
    return {
        kind: [
            cv2.imencode(kind, face, list(chosen))[1].tobytes()
            for chosen in several
            for face in (*small, faces[0])
        ]
        for kind, several in options.items()
    }


def token_seeds(key: bytes) -> list[bytes]:
    """Two tokens of identity's own."""
    return [
        minted.mint(
            [key], minted.Claims("p" * 22, "north", "kiosk-1", ("orders",), level, 1, 10**15, "t")
        ).encode()
        for level in ("face", "second_factor")
    ]


def payloads(key: bytes) -> list[bytes]:
    """What is inside them."""
    return [Fernet(key).decrypt(token.decode().removeprefix(minted.PREFIX).encode()) for token in token_seeds(key)]


def sealed(key: bytes, content: bytes) -> bytes:
    """A token that holds anything."""
    return minted.PREFIX.encode() + Fernet(key).encrypt(content[:4_000])


def read_token(key: bytes, data: bytes) -> None:
    """By both halves."""
    text = data.decode("utf-8", "surrogateescape")
    for read in (
        lambda: minted.open_own([key], text, tenant="north", device="kiosk-1", now_us=5),
        lambda: opened.open_token([key], text, tenant="north", device="kiosk-1", purpose="orders", now_us=5),
    ):
        try:
            read()
        except Problem:
            continue


TABLES = [
    b'item_id,name,price_cents,categories\ntea,Tea,250,drinks\npie,"Pie, warm",390,food|sweet\n',
    b"event_id,time,item_id,kind\ne1,2026-03-01T12:00:00+01:00,tea,ordered\n",
]
LINES = [b'{"item_id": "tea", "name": "Tea", "price_cents": 250}\n{"item_id": "pie", "name": "Pie"}\n']
BODIES = [
    json.dumps(body).encode()
    for body in (
        {"nonce": "n" * 32, "frames": ["aGVsbG8="]},
        {
            "nonce": "n" * 32,
            "frames": ["aGVsbG8="],
            "consent": {"purposes": {"orders": True}, "age_confirmed": True},
        },
        {"events": [{"event_id": "e1", "kind": "ordered", "item_id": "tea", "time": "2026-03-01T12:00:00+01:00"}]},
        {"items": [{"item_id": "tea", "name": "Tea", "price_cents": 250}]},
    )
]


def read_table(folder: Path, ending: str, data: bytes) -> None:
    """As `usual import` reads a file."""
    path = folder / f"table.{ending}"
    path.write_bytes(data)
    for what in ("items", "events"):
        try:
            list(read_rows(path, what))
        except NAMED:
            continue


def read_json(data: bytes) -> None:
    """As the bodies of requests."""
    for model in (RecognitionBody, EnrolmentBody, EventsBody, RowsBody):
        try:
            model.model_validate_json(data)
        except ValidationError:
            continue
