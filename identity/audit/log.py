"""The audit log: lines of one size, each chained to the one before by its hash.

A line names a customer by a tag that no other line has (`lines`). The secret that finds a customer's lines is
sealed under the customer's key: after an erasure nothing links the lines to a person or to one another, and the
chain is still whole. With a seal the hash is keyed, and a signed head lies beside the file (`seal`). `check` finds
what was done to the log, from the file, the head and the key file together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import structlog

from identity.audit import upgrade
from identity.audit.check import BEGIN, OLDER_FAULTY, Examined, Fault, examine, torn_text
from identity.audit.lines import (
    NOBODY,
    PLACE_AT,
    TAG_AT,
    WIDTH,
    AuditLine,
    Said,
    chained,
    opened,
    place,
    tag,
    tag_of,
    written,
)
from identity.audit.seal import AuditSeal, Head, HeadForged, Mark
from plumbing.clock import DAY, Clock
from plumbing.storage.bytes_file import LocalFile, Opened
from plumbing.storage.database import DatabaseBusy
from plumbing.storage.files import write_atomic

__all__ = ["NOBODY", "SIGNED_EVERY", "WIDTH", "Audit", "AuditLine", "chained"]

READ_LINES = 1_024  # at a time
SIGNED_EVERY = 16  # lines: so many wait for the head after a kill
log = structlog.get_logger(__name__)


class Audit:
    """An append-only file. Safe with threads and processes. A line of an erasure is on the disk before the reply.

    Without a `seal` everybody who can write the file can rebuild its chain.
    """

    def __init__(self, place: Path | Opened, now_us: Clock, seal: AuditSeal | None = None) -> None:
        """`place` is a path, or what opens a log that replicas share."""
        if isinstance(place, Path):
            place.parent.mkdir(parents=True, exist_ok=True)
        self._place = place
        self._now_us = now_us
        self.seal = seal
        self._file = LocalFile(place) if isinstance(place, Path) else place(b"")
        self._noted = False
        self._refused: Head | None = None  # logged once for each head: the fault stays in the file
        self._begun = seal is not None and seal.mark() is not None
        self._mended = seal is None
        self._nobodys = bytes(32) if seal is None else seal.nobodys
        self._upgrade()

    @property
    def path(self) -> Path:
        """Where it is, in a message."""
        return Path(self._file.name)

    def note(
        self,
        tenant: str,
        event: str,
        outcome: str,
        subject: str = NOBODY,
        *,
        device: str = "",
        purposes: Sequence[str] = (),
        sync: bool = False,
    ) -> None:
        """Append a line: `event` has up to 10 letters, `outcome` up to 12.

        `subject` is the customer's audit secret, which is not written; `device` and `purposes` are written sealed.
        """
        said = Said(place(tenant), event, outcome, subject, device, purposes)
        with self._file.locked():
            torn = self._mend()
            self._begin()
            count = self._append(said)
            self._noted = True
        if sync:
            self._file.sync()
        if sync or torn or (count + 1) % SIGNED_EVERY == 0:
            self.sign(lasting=sync)

    def _append(self, said: Said) -> int:
        """Write the next line; its number."""
        size = self._file.size()
        count = size // WIDTH
        if size % WIDTH:  # a full disk or a power cut stopped in mid-line: what is left must not mix with the next
            self._file.cut(count * WIDTH)
            self._file.sync()
        line = written(count, self._last(count), said, self._now_us(), self._nobodys, self._chain)
        self._file.write(line.encode(), count * WIDTH)
        return count

    def _chain(self, before: str, text: str) -> str:
        return chained(before, text) if self.seal is None else self.seal.chained(before, text)

    def _upgrade(self) -> None:
        """Write a log of an older release in the lines of this one, once; one that was changed is put aside."""
        if not isinstance(self._place, Path) or not upgrade.is_due(self._place):
            return
        with self._file.locked():
            if not upgrade.is_due(self._place):
                return  # another process did it meanwhile
            if self.seal is None or upgrade.done(self._place, self._file, self.seal):
                return
            log.error("older_audit_was_changed")
            self._put_aside()
            self._append(Said(place(""), "audit", OLDER_FAULTY))
            self._file.sync()
        self.sign(lasting=True)

    def _mend(self) -> int:
        """Cut off what a power cut tore, once in a process, and write a line that says so; how many lines it took.

        Only lines behind the head can be torn: those before it were on the disk when it was signed. What was done
        by hand is left as it is, and is never signed.
        """
        if self.seal is None or self._mended:
            return 0
        self._mended = True
        try:
            head, mark = self.seal.head(), self.seal.mark()
        except HeadForged:
            return 0
        whole, count = self._whole(head), self._count()
        if whole is None or whole == count or (mark is not None and head.count < mark.count):
            return 0
        if b"\0" not in self._file.read(WIDTH, whole * WIDTH):
            return 0
        # Cut off on the disk before the line is written: or a second power cut could mix the two.
        self._file.cut(whole * WIDTH)
        self._file.sync()
        self._append(Said(place(""), "audit", torn_text(count - whole)))
        log.warning("audit_torn_by_a_power_cut", lines=count - whole)
        return count - whole

    def sign(self, *, lasting: bool = False) -> bool:
        """Sign what was written; False, and the old head stays, when it does not follow from what was signed.

        Lines are on the disk before a head counts them: after a power cut the file is never shorter than the head.
        """
        if self.seal is None or not self._begun:
            return False
        if not self._mended:
            with self._file.locked():
                self._mend()
        try:
            while not self._signed_after(self.seal, self.seal.head(), lasting):
                pass  # another process signed meanwhile
        except HeadForged as error:
            log.error("audit_not_signed", why=str(error))
            return False
        return self._refused is None

    def _signed_after(self, seal: AuditSeal, head: Head, lasting: bool) -> bool:
        """Sign what follows from `head`; False when another head lies there by now. Raises HeadForged, once."""
        if head == self._refused:
            return True
        count = self._count()  # after the head, which another process may just have moved on
        self._file.sync()
        if not self._follows(head, count):
            self._refused = head
            raise HeadForged(f"what comes after {head.count} lines does not follow from them")
        self._refused = None
        # A mark that the log does not hold is evidence: it stays, whatever comes after.
        lasting = lasting and self._holds(seal.mark(), count)
        outside = lasting and self._holds(seal.mark_outside(), count)
        fresh = Head(count, self._last(count), self._today())
        return seal.sign(fresh, head, lasting=lasting, outside=outside)

    def _holds(self, mark: Mark | None, count: int) -> bool:
        return mark is None or (mark.count <= count and self._last(mark.count) == mark.last)

    def _today(self) -> int:
        """The beginning of the day: the head is no clock by which lines could be distinguished."""
        return self._now_us() // DAY * DAY

    def count(self, tenant: str, event: str, outcome: str) -> int:
        """How many lines of a tenant have this event and outcome."""
        part = f"{place(tenant)} {event:<10} {outcome:<12} ".encode()
        return sum(line[PLACE_AT : PLACE_AT + len(part)] == part for line in self._lines())

    def lines_of(self, secret: str) -> list[AuditLine]:
        """The lines about the customer who has this audit secret, in their order. Reads the whole log."""
        key, before, found = bytes.fromhex(secret), BEGIN, list[AuditLine]()
        for raw in self._lines():
            if raw[TAG_AT : TAG_AT + 32] == tag(key, before).encode():
                found.append(opened(raw.decode("ascii", "replace"), before, key))
            before = raw[-65:-1].decode("ascii", "replace")
        return found

    def about_nobody(self) -> Iterator[AuditLine]:
        """The lines about nobody: strangers, and the log itself. For an operator with the key file."""
        before = BEGIN
        for raw in self._lines():
            line = raw.decode("ascii", "replace")
            if tag_of(line) == NOBODY:
                yield opened(line, before, self._nobodys)
            before = line[-65:-1]

    def examined(self, kept: Head | None = None) -> Examined:
        """What was done to the log, as far as file, head, key file and `kept` show: a head from an earlier time,
        stored elsewhere."""
        if self.seal is None:
            return examine(self._lines(), chained)
        # The mark first and the lines last: what moves on meanwhile is ahead of it, which is no fault.
        outside, mark = self.seal.mark_outside(), self.seal.mark()
        try:
            head = self.seal.head()
        except HeadForged:
            head = None
        comparable = kept if kept is None or kept.at_us % DAY == 0 else None  # heads of 0.2.0 held the microsecond
        found = examine(self._lines(), self.seal.chained, head, mark, comparable, outside)
        found.faults += [Fault("kept too old", 0)] if comparable is not kept else []
        return found

    def restart(self) -> Path | None:
        """Move the chain and its head aside and begin a new one, whose first line says so; the old path.

        For use after a fault was looked into, or an older log was put back. Does nothing without a seal.
        """
        if self.seal is None:
            return None
        with self._file.locked():
            aside = self._put_aside()
        self.note("", "audit", "restarted", sync=True)
        return aside

    def _put_aside(self) -> Path:
        """Copy log and head, and begin an empty chain; the path of the copy."""
        assert self.seal is not None
        content, ending = self._file.read(self._file.size(), 0), f".{self._now_us()}"
        if isinstance(self._place, Path):
            aside = self._place.with_name(self._place.name + ending)
            write_atomic(aside, content, mode=0o600)
        else:
            aside = Path(self._place(content, ending=ending).name)
        self.seal.keep_aside(aside.with_name(aside.name + ".head"), ending)
        with self.seal.begin_again(Head(0, BEGIN, self._today())):
            self._file.cut(0)
            self._file.sync()
        self._begun = self._mended = True
        return aside

    def close(self) -> None:
        """Sign what this process wrote, and close the file."""
        try:
            if self._noted:
                self.sign()
        except DatabaseBusy as error:  # the next process signs what is there
            log.warning("audit_not_signed", why=error.code)
        finally:
            self._file.close()

    def _begin(self) -> None:
        """Make the first head, once in the life of an installation, before its first line is written."""
        if self.seal is None or self._begun:
            return
        if self.seal.mark() is None:
            self.seal.begin(Head(0, BEGIN, self._today()))
        self._begun = True

    def _count(self) -> int:
        return self._file.size() // WIDTH

    def _last(self, count: int) -> str:
        """The hash that ends the first `count` lines."""
        line = self._file.read(WIDTH, (count - 1) * WIDTH) if count else b""
        return line[-65:-1].decode("ascii", "replace") or BEGIN

    def _follows(self, head: Head, count: int) -> bool:
        """Whether the lines after the head follow from it: lines that somebody inserted must not be signed."""
        return self._whole(head, count) == count

    def _whole(self, head: Head, count: int | None = None) -> int | None:
        """How many of the first `count` lines follow from the head and one from another; None: not even the head
        does."""
        assert self.seal is not None
        count = self._count() if count is None else count
        if count < head.count or self._last(head.count) != head.last:
            return None
        before = head.last
        raw = self._file.read((count - head.count) * WIDTH, head.count * WIDTH)
        for number in range(head.count, count):
            line = raw[(number - head.count) * WIDTH :][:WIDTH].decode("ascii", "replace")
            text, end = line[:-65], line[-65:-1]
            if not text.startswith(f"{number:012d} ") or end != self.seal.chained(before, text):
                return number
            before = end
        return count

    def _lines(self) -> Iterator[bytes]:
        for first in range(0, self._file.size() // WIDTH, READ_LINES):
            part = self._file.read(READ_LINES * WIDTH, first * WIDTH)
            for at in range(0, len(part) - WIDTH + 1, WIDTH):
                yield part[at : at + WIDTH]
