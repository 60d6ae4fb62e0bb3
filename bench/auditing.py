"""The audit log: what a line costs, how fast all of it is verified, and whether each of six changes is named."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.measure import Row, timed
from identity.audit.check import BEGIN
from identity.audit.lines import NOBODY, Said, place, written
from identity.audit.log import WIDTH, Audit
from identity.audit.seal import AuditSeal, Head
from identity.vault.keyfile import KeyFile
from plumbing.clock import DAY, system_clock

SECTION = "The audit log"
SECRET = "5f" * 16
CHANGES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "altered": lambda lines: [*lines[:500], lines[500].replace(b"matched", b"nobody "), *lines[501:]],
    "deleted": lambda lines: lines[:500] + lines[501:],
    "inserted": lambda lines: [*lines[:500], lines[3], *lines[500:]],
    "reordered": lambda lines: [*lines[:500], lines[501], lines[500], *lines[502:]],
    "truncated": lambda lines: lines[:-20],
    "rewritten": lambda lines: [*lines[:500], *(line[:-65] + b"0" * 64 + b"\n" for line in lines[500:])],
}


def auditing(count: int) -> list[Row]:
    """A log of `count` lines, every fiftieth about one customer."""
    with tempfile.TemporaryDirectory(prefix="usual-bench-") as name:
        home = Path(name)
        keys = KeyFile(home / "identity-keys", lambda: [bytes(32)])
        seal = AuditSeal(home / "identity-audit-head", keys)
        audit = Audit(home / "identity-audit.log", system_clock, seal)
        cost = timed(lambda _: audit.note("bench", "recognise", "matched", SECRET, device="kiosk-1"), 400)
        lines = _filled(audit, seal, count)
        began = time.perf_counter()
        sound = not audit.examined().faults
        verified = time.perf_counter() - began
        began = time.perf_counter()
        audit.lines_of(SECRET)
        found = time.perf_counter() - began
        named = sum(_named(audit, lines, kind) for kind in CHANGES)
        audit.close()
        keys.close()
    return [
        Row(SECTION, f"{count:,} lines verified", verified if sound else float("nan"), "s", 5),
        Row(SECTION, f"one customer's lines found among {count:,}", found, "s", 5),
        Row(SECTION, "changes named, of six", named, "", 6, "more"),
        Row(SECTION, "a line, signing and syncing included (p50)", cost.p50, "ms"),
    ]


def _filled(audit: Audit, seal: AuditSeal, count: int) -> list[bytes]:
    """Put `count` lines into the log and sign them; the lines."""
    lines, before = list[bytes](), BEGIN
    for number in range(count):
        said = Said(
            place("bench"), "recognise", "matched", NOBODY if number % 50 else SECRET, "kiosk-1", ("orders",)
        )
        line = written(number, before, said, system_clock(), seal.nobodys, seal.chained)
        lines.append(line.encode())
        before = line[-65:-1]
    with seal.begin_again(Head(count, before, system_clock() // DAY * DAY)):
        audit.path.write_bytes(b"".join(lines))
    assert audit.path.stat().st_size == count * WIDTH
    return lines


def _named(audit: Audit, lines: list[bytes], kind: str) -> bool:
    audit.path.write_bytes(b"".join(CHANGES[kind](lines)))
    try:
        return kind in {fault.kind for fault in audit.examined().faults}
    finally:
        audit.path.write_bytes(b"".join(lines))
