"""Writes the audit log of 0.2.0 in the lines of today.

Its lines named a customer by the audit secret itself, and the microsecond: after an erasure a person's lines still
hung together. Each becomes a line that says the same with a tag, the day and sealed details (`lines`), and the
chain is made new with the same key. It is done only when the older log is whole up to its end.

A draft of the whole new log is on the disk first; then the mark, the head and last the log are replaced. Whatever
stops it in between, the next start goes on: with the draft when mark and head agree with it, else from the start.
A draft that somebody planted fits neither the mark nor a head of 0.2.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from identity.audit.check import BEGIN, Examined, examine, torn_text
from identity.audit.lines import NOBODY, WIDTH, Said, place, written
from identity.audit.seal import AuditSeal, Head, HeadForged, Mark
from plumbing.clock import DAY
from plumbing.storage.bytes_file import BytesFile
from plumbing.storage.files import write_atomic

OLD_WIDTH = 12 + 1 + 17 + 1 + 16 + 1 + 10 + 1 + 12 + 1 + 32 + 1 + 64 + 1
OLD_LINE = re.compile(rb"\d{12} \d{17} [0-9a-f]{16} ")


def is_due(path: Path) -> bool:
    """Whether the log is one of 0.2.0, or an upgrade was stopped."""
    with path.open("rb") as file:
        return _is_old(file.read(OLD_WIDTH)) or _draft(path).exists()


def done(path: Path, file: BytesFile, seal: AuditSeal) -> bool:
    """Replace the content of `file`, the log at `path`, whose lock is held; False when the older log is not whole:
    then nothing is changed."""
    draft, mark, head = _draft(path), seal.mark(), _head(seal)
    if not (draft.exists() and _goes_on(draft.read_bytes(), mark, head)):
        if not _is_old(file.read(OLD_WIDTH, 0)):
            draft.unlink()
            return True
        lines = list(_old_lines(file))
        found = examine(lines, seal.chained, head, mark, None, seal.mark_outside())
        if found.faults or mark is None:
            return False
        write_atomic(draft, _converted(lines, found, seal).encode(), mode=0o600)
    content = draft.read_bytes()
    count, last = _end(content)
    moment = head.at_us if head is not None else 0
    with seal.begin_again(Head(count, last, moment // DAY * DAY)):
        file.cut(0)
        file.write(content, 0)
        file.sync()
    draft.unlink()
    return True


def _converted(lines: list[bytes], found: Examined, seal: AuditSeal) -> str:
    """The same lines in the format of today, and one more when a power cut had torn the end off."""
    texts, before, moment = list[str](), BEGIN, 0
    for number, raw in enumerate(lines[: found.lines]):
        old = raw.decode("ascii")
        moment, subject = int(old[13:30]), old[72:104]
        said = Said(old[31:47], old[48:58].rstrip(), old[59:71].rstrip(), subject)
        texts.append(written(number, before, said, moment, seal.nobodys, seal.chained))
        before = texts[-1][-65:-1]
    if found.torn:
        said = Said(place(""), "audit", torn_text(found.torn), NOBODY)
        texts.append(written(found.lines, before, said, moment, seal.nobodys, seal.chained))
    return "".join(texts)


def _draft(path: Path) -> Path:
    return path.with_name(path.name + ".upgraded")


def _is_old(content: bytes) -> bool:
    return OLD_LINE.match(content) is not None


def _old_lines(file: BytesFile) -> Iterator[bytes]:
    size = file.size()
    for number in range(size // OLD_WIDTH):
        yield file.read(OLD_WIDTH, number * OLD_WIDTH)


def _head(seal: AuditSeal) -> Head | None:
    try:
        return seal.head()
    except HeadForged:
        return None


def _end(content: bytes) -> tuple[int, str]:
    return len(content) // WIDTH, content[-65:-1].decode("ascii", "replace")


def _goes_on(content: bytes, mark: Mark | None, head: Head | None) -> bool:
    """Whether an upgrade was stopped after this draft: the mark is at its end, the head there or of 0.2.0."""
    count, last = _end(content)
    if mark != Mark(count, last) or head is None:
        return False
    return head.at_us % DAY != 0 or (head.count, head.last) == (count, last)
