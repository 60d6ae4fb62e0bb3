"""The chain of the record of changes: each closed row has a keyed hash over itself and the row before.

Pure: rows in, hashes and findings out. The last number and hash stand in a head of their own with a keyed hash, so
that rows cut off at the end are noticed; so does the row after which the kept part begins, because old rows are
removed. Without the key file nobody can write a row, change one or cut some off without it being seen. Somebody
who puts an older copy of the whole database back is found with a head that was kept elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

BEGIN = "0" * 64
VERSION = 1

COLUMNS = (
    "tenant",
    "change_id",
    "at_us",
    "kind",
    "who",
    "second",
    "scopes",
    "route",
    "subject",
    "state",
    "why",
    "earlier",
    "later",
    "times",
)
"""What of a row its hash covers, beside its number."""


@dataclass(frozen=True, slots=True)
class Head:
    """Rows after number `first` (hash `first_hash`) up to number `last` (hash `last_hash`) are kept."""

    tenant: str
    last: int = 0
    last_hash: str = BEGIN
    first: int = 0
    first_hash: str = BEGIN

    def mac(self, key: bytes) -> str:
        """The keyed hash of the head."""
        text = json.dumps([VERSION, self.tenant, self.last, self.last_hash, self.first, self.first_hash])
        return hmac.digest(key, b"usual record head " + text.encode(), hashlib.sha256).hex()

    def kept(self) -> str:
        """What an operator keeps elsewhere: number and hash of the last row."""
        return f"{self.last}:{self.last_hash}"


@dataclass(frozen=True, slots=True)
class Link:
    """A closed row as the check reads it: its number, what its hash covers (COLUMNS), and its hash."""

    number: int
    values: Sequence[object]
    hash: str


def linked(key: bytes, before: str, number: int, values: Sequence[object]) -> str:
    """The hash of row `number`, 64 hexadecimal digits; `values` in the order of COLUMNS."""
    text = json.dumps([VERSION, number, *values], default=str)
    return hmac.digest(key, f"usual record {before} {text}".encode(), hashlib.sha256).hex()


def faults(
    key: bytes, links: Iterable[Link], head: Head | None, mac: str, kept: tuple[int, str] | None = None
) -> list[str]:
    """Everything that is wrong, a sentence each; empty when the record is whole.

    `links` by number; `mac` as it is stored beside the head; `kept` a number and hash from an earlier check.
    """
    rows = list(links)
    if head is None:
        found = ["The head of the record is missing."] if rows or kept else []
        return found + _against(kept, rows, Head(""))
    if not hmac.compare_digest(mac, head.mac(key)):
        return ["The head of the record was not written by this installation."]
    found, before, expected = [], head.first_hash, head.first + 1
    for row in rows:
        if row.number != expected:
            gap = f"{expected}" if row.number == expected + 1 else f"{expected} to {row.number - 1}"
            found.append(f"Missing: row {gap}.")
        elif row.hash != linked(key, before, row.number, row.values):
            found.append(f"Altered: row {row.number} is not the one that was written.")
        before, expected = row.hash, row.number + 1
    if expected != head.last + 1:
        found.append(f"Cut off: the end is missing from row {expected} on.")
    elif before != head.last_hash:
        found.append(f"Altered: row {head.last} is not the one that was written.")
    return list(dict.fromkeys(found + _against(kept, rows, head)))


def _against(kept: tuple[int, str] | None, rows: Sequence[Link], head: Head) -> list[str]:
    """What a head that was kept elsewhere shows: an older record that was put back."""
    if kept is None or kept[0] <= head.first:
        return []
    known = {row.number: row.hash for row in rows}
    if known.get(kept[0]) == kept[1]:
        return []
    return [f"Put back: row {kept[0]} is not the one that was there at the earlier check."]
