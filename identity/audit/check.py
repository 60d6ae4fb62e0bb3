"""Finds changes of an audit log: lines altered, deleted, inserted, reordered, truncated or rewritten.

Pure: lines, head and mark in, findings out. A line is in order when its hash is computed from the hash
before it and its own text. So after one altered line the next lines are still in order; in a rebuilt chain not.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from identity.audit.seal import Head, Mark

BEGIN = "0" * 64
HASH = 64 + 1  # and the end of the line
Chain = Callable[[str, str], str]
"""(hash of the line before, text of the line) -> the hash that ends the line."""


@dataclass(frozen=True)
class Fault:
    """What was done (`kind`, a key of WORDS), and the number of the line where it begins."""

    kind: str
    line: int


@dataclass
class Examined:
    """The findings. `unsigned` counts the last lines that are newer than the head, which is no fault."""

    lines: int = 0
    unsigned: int = 0
    faults: list[Fault] = field(default_factory=list)

    def in_words(self) -> list[str]:
        """A sentence for each finding, or one that says that nothing was found."""
        if self.faults:
            return [f"{WORDS[fault.kind].format(line=fault.line)}" for fault in self.faults]
        rest = f", the last {self.unsigned} not signed yet" if self.unsigned else ""
        return [f"whole: {self.lines} lines{rest}"]


WORDS = {
    "altered": "altered: line {line} does not follow from the one before",
    "deleted": "deleted: line {line} is missing",
    "inserted": "inserted: line {line} is not the one that was written there",
    "reordered": "reordered: line {line} stands where it was not written",
    "truncated": "truncated: the end is missing from line {line} on",
    "rewritten": "rewritten: from line {line} on this is not what was signed",
    "head missing": "the signed head is missing or not ours; {line} lines are kept",
    "head put back": "an older head was put back; the key file knows of {line} lines",
}


def examine(
    lines: Iterable[bytes],
    chain: Chain,
    head: Head | None = None,
    mark: Mark | None = None,
    kept: Head | None = None,
) -> Examined:
    """Everything that is wrong with the lines (each with its end), as far as head and mark show.

    Without a mark there never was a head, and a missing one is no fault. `kept` is a head from an earlier time,
    stored elsewhere.
    """
    numbers, wrong, ends = array("q"), array("q"), {}
    known = [end for end in (head, mark, kept) if end is not None and end.count]
    wanted = {end.count - 1 for end in known}
    before = BEGIN
    for place, line in enumerate(lines):
        text = line.decode("ascii", "replace")
        number = int(text[:12]) if text[:12].isdecimal() else -1
        last = text[-HASH:-1]
        if last != chain(before, text[:-HASH]):
            wrong.append(place)
        if number in wanted:
            ends[number] = last
        numbers.append(number)
        before = last
    found = Examined(len(numbers), max(0, len(numbers) - (head.count if head else 0)) if mark else 0)
    found.faults = _out_of_order(numbers) or _broken(wrong, len(numbers))
    if mark is not None:
        found.faults += [] if head else [Fault("head missing", len(numbers))]
        found.faults += [Fault("head put back", mark.count)] if head and head.count < mark.count else []
    found.faults += _ends(numbers, ends, known, bool(found.faults))
    return found


def _out_of_order(numbers: array[int]) -> list[Fault]:
    """Lines that are missing, that are there twice, or that stand elsewhere."""
    order = [place for place, number in enumerate(numbers) if number != place]
    if not order:
        return []
    there, last = set(numbers), max(numbers)
    missing = next((number for number in range(last + 1) if number not in there), None)
    faults = [] if missing is None else [Fault("deleted", missing)]
    if len(there) < len(numbers) or -1 in there:
        faults.append(Fault("inserted", order[0]))
    if not faults:
        faults.append(Fault("reordered", order[0]))
    return faults


def _broken(wrong: array[int], count: int) -> list[Fault]:
    """Numbers in order, hashes not: here and there, or from some line to the end."""
    if not wrong:
        return []
    start = count
    for place in reversed(wrong):
        if place != start - 1:
            break
        start = place
    if start >= count - 1:  # a chain of one line is that line
        return [Fault("altered", wrong[0])]
    return [*([Fault("altered", wrong[0])] if wrong[0] < start else []), Fault("rewritten", start)]


def _ends(numbers: array[int], ends: dict[int, str], known: Sequence[Head | Mark], faulty: bool) -> list[Fault]:
    """Faults at the ends of the log that heads and mark remember."""
    last = max(numbers, default=-1)
    if any(last < end.count - 1 for end in known):
        return [Fault("truncated", last + 1)]
    differ = [end.count - 1 for end in known if ends.get(end.count - 1) != end.last]
    return [Fault("rewritten", min(differ))] if differ and not faulty else []
