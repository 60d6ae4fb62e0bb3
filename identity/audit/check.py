"""Finds changes of an audit log: lines altered, deleted, inserted, reordered, truncated or rewritten.

Pure: lines, head and mark in, findings out. A line is in order when its hash is computed from the hash
before it and its own text. So after one altered line the next lines are still in order; in a rebuilt chain not.

A power cut is no fault. Behind the head it leaves lines that were not on the disk yet: they are missing, or bytes
of zero stand where they were. No line of ours holds a zero byte, so from there on the log is `torn`. Who adds
zeros by hand gains no more than by cutting the end off (docs/decisions/0079-power-cuts-and-the-audit.md).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from identity.audit.lines import HASH, Chain, chained, event_of, outcome_of
from identity.audit.seal import Head, Mark

BEGIN = "0" * 64
OLDER_FAULTY = "faulty"  # the outcome in the line that says that an older release's log was changed


@dataclass(frozen=True)
class Fault:
    """What was done (`kind`, a key of WORDS), and the number of the line where it begins."""

    kind: str
    line: int


@dataclass
class Examined:
    """The findings. Three are no faults: `unsigned` counts the last lines that are newer than the head, `torn` the
    places at the end where a power cut left no line, `lost` those that earlier cuts took, as the log itself says.
    """

    lines: int = 0
    unsigned: int = 0
    torn: int = 0
    lost: int = 0
    faults: list[Fault] = field(default_factory=list)

    def in_words(self) -> list[str]:
        """A sentence for each finding, or one that says that nothing was found."""
        if self.faults:
            return [f"{WORDS[fault.kind].format(line=fault.line)}" for fault in self.faults]
        rest = f", the last {self.unsigned} not signed yet" if self.unsigned else ""
        rest += f"; {self.lost} more were lost in power cuts" if self.lost else ""
        whole = [f"whole: {self.lines} lines{rest}"]
        return whole + ([f"torn by a power cut: {self.torn} lines lost at the end"] if self.torn else [])


WORDS = {
    "altered": "altered: line {line} does not follow from the one before",
    "deleted": "deleted: line {line} is missing",
    "inserted": "inserted: line {line} is not the one that was written there",
    "reordered": "reordered: line {line} stands where it was not written",
    "truncated": "truncated: the end is missing from line {line} on",
    "rewritten": "rewritten: from line {line} on this is not what was signed",
    "without key": "without key: from line {line} on an older release wrote, or somebody without the key file",
    "restored": "restored: an older state of the whole folder was put back; {line} lines were known of",
    "head missing": "the signed head is missing or not ours; {line} lines are kept",
    "older log": "older log: what an older release wrote was changed; a copy lies beside this log",
    "kept too old": "the copy of the head is from before the log changed its format: it cannot be compared",
    "head put back": "an older head was put back; the key file knows of {line} lines",
}


def examine(
    lines: Iterable[bytes],
    chain: Chain,
    head: Head | None = None,
    mark: Mark | None = None,
    kept: Head | None = None,
    outside: Mark | None = None,
) -> Examined:
    """Everything that is wrong with the lines (each with its end), as far as head and mark show.

    Without a mark there never was a head, and a missing one is no fault. `kept` is a head from an earlier time,
    stored elsewhere; `outside` is the copy of the mark beside the tombstones.
    """
    numbers, wrong, plain, ends = array("q"), array("q"), array("q"), {}
    known = [end for end in (head, mark, kept, outside) if end is not None and end.count]
    wanted, synced = {end.count - 1 for end in known}, max((end.count for end in known), default=0)
    found, older = Examined(), list[Fault]()
    before = BEGIN
    for place, line in enumerate(lines):
        if found.torn or (place >= synced and b"\0" in line):
            found.torn += 1
            continue
        text = line.decode("ascii", "replace")
        number = int(text[:12]) if text[:12].isdecimal() else -1
        last = text[-HASH:-1]
        if last != chain(before, text[:-HASH]):
            wrong.append(place)
            if place >= synced and last == chained(before, text[:-HASH]):
                plain.append(place)
        found.lost += lost_in(text)
        if event_of(text) == "audit" and outcome_of(text) == OLDER_FAULTY:
            older.append(Fault("older log", place))
        if number in wanted:
            ends[number] = last
        numbers.append(number)
        before = last
    found.lines = len(numbers)
    found.unsigned = max(0, found.lines - (head.count if head else 0)) if mark else 0
    found.faults = _out_of_order(numbers) or _broken(wrong, len(numbers))
    if mark is not None and plain == wrong and wrong and wrong[0] == len(numbers) - len(wrong):
        found.faults = [Fault("without key", wrong[0])]
    if mark is not None:
        found.faults += [] if head else [Fault("head missing", len(numbers))]
        found.faults += [Fault("head put back", mark.count)] if head and head.count < mark.count else []
    if _missing(outside, ends) and not _missing(mark, ends):  # log and key file agree, and are not the latest
        found.faults.append(Fault("restored", outside.count if outside else 0))
    found.faults += _ends(numbers, ends, known, bool(found.faults))
    found.faults += older
    return found


def torn_text(lost: int) -> str:
    """The outcome in the line that says that a power cut took `lost` lines."""
    return f"torn {lost}"


def lost_in(text: str) -> int:
    """How many lines a line says were lost; nearly always 0."""
    outcome = outcome_of(text).split()
    return (
        int(outcome[1]) if event_of(text) == "audit" and outcome[:1] == ["torn"] and outcome[-1].isdecimal() else 0
    )


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


def _missing(mark: Mark | None, ends: Mapping[int, str]) -> bool:
    """Whether the log is without the line that a mark remembers."""
    return mark is not None and mark.count > 0 and ends.get(mark.count - 1) != mark.last


def _ends(numbers: array[int], ends: dict[int, str], known: Sequence[Head | Mark], faulty: bool) -> list[Fault]:
    """Faults at the ends of the log that heads and mark remember."""
    last = max(numbers, default=-1)
    if any(last < end.count - 1 for end in known):
        return [Fault("truncated", last + 1)]
    differ = [end.count - 1 for end in known if ends.get(end.count - 1) != end.last]
    return [Fault("rewritten", min(differ))] if differ and not faulty else []
