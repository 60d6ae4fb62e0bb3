"""An attacker who can write the audit log, but not the key file, can do six things to it: all are found."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from identity.audit.check import BEGIN
from identity.audit.log import SIGNED_EVERY, WIDTH, Audit, chained
from identity.audit.seal import AuditSeal, Head, HeadForged, Mark, opened
from identity.vault.keyfile import KeyFile
from tests.conftest import ROOT
from tests.identity.halves import StoppedClock

MASTERS = [bytes(32)]
LINES = 2 * SIGNED_EVERY + 3
Lines = list[str]


class House:
    """An audit with its key file; `other()` is another process on the same files."""

    def __init__(self, home: Path, masters: list[bytes] = MASTERS) -> None:
        self.home, self.masters = home, masters
        self.keys = KeyFile(home / "identity-keys", lambda: masters)
        self.seal = AuditSeal(home / "identity-audit-head", self.keys)
        self.audit = Audit(home / "identity-audit.log", StoppedClock(), self.seal)

    def other(self) -> House:
        return House(self.home, self.masters)

    def visits(self, count: int, outcome: str = "nobody") -> None:
        for _ in range(count):
            self.audit.note("north", "recognise", outcome)

    @property
    def kinds(self) -> set[str]:
        return {fault.kind for fault in self.audit.examined().faults}

    @property
    def lines(self) -> Lines:
        return self.audit.path.read_text().splitlines(True)

    def put(self, lines: Lines) -> None:
        self.audit.path.write_text("".join(lines))

    def close(self) -> None:
        self.audit.close()
        self.keys.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.close()


def made_anew(lines: Lines, since: int = 0) -> Lines:
    """The chain from line `since` on, as an attacker without the key can make it."""
    done = lines[:since]
    before = lines[since - 1][-65:-1] if since else BEGIN
    for number, line in enumerate(lines[since:], since):
        said = f"{number:012d}" + line[12:-65]
        before = chained(before, said)
        done.append(said + before + "\n")
    return done


def says(line: str, outcome: str = "raised") -> str:
    return line.replace("nobody", f"{outcome:<6}")


SIX: dict[str, Callable[[Lines], Lines]] = {
    "altered": lambda lines: [*lines[:5], says(lines[5]), *lines[6:]],
    "altered: the first": lambda lines: [says(lines[0]), *lines[1:]],
    "altered: the last": lambda lines: [*lines[:-1], says(lines[-1])],
    "altered: with a hash of its own": lambda lines: [
        *lines[:5],
        made_anew([*lines[:5], says(lines[5])], 5)[5],
        *lines[6:],
    ],
    "deleted": lambda lines: lines[:5] + lines[6:],
    "deleted: the first": lambda lines: lines[1:],
    "inserted": lambda lines: [*lines[:5], lines[3], *lines[5:]],
    "inserted: one that was made": lambda lines: [*lines[:5], says(made_anew(lines)[5]), *lines[5:]],
    "reordered": lambda lines: [*lines[:5], lines[6], lines[5], *lines[7:]],
    "truncated": lambda lines: lines[:-SIGNED_EVERY],
    "truncated: all of it": lambda _: [],
    "rewritten": lambda lines: made_anew([says(line) for line in lines]),
    "rewritten: from the middle on": lambda lines: made_anew([*lines[:5], *map(says, lines[5:])], 5),
    "rewritten: without a line": lambda lines: [*made_anew(lines[:5] + lines[6:], 5), lines[-1]],
}


@pytest.mark.parametrize("done", SIX)
def test_each_of_the_six_changes_is_reported_by_name(house: House, done: str) -> None:
    house.visits(LINES)
    house.audit.sign()
    assert house.kinds == set()

    house.put(SIX[done](house.lines))

    assert done.partition(":")[0] in house.kinds
    assert house.audit.examined().faults
    for sentence in house.audit.examined().in_words():
        assert sentence.partition(":")[0] in house.kinds


@given(st.lists(st.integers(0, LINES - 1), min_size=1, max_size=2 * LINES))
def test_no_other_choice_of_the_lines_passes_for_the_whole(
    tmp_path_factory: pytest.TempPathFactory, chosen: list[int]
) -> None:
    """Any lines, in any order, any number of times: only all of them in their order are whole."""
    house = House(tmp_path_factory.mktemp("chosen"))
    house.visits(LINES)
    house.audit.sign()
    lines = house.lines

    house.put([lines[number] for number in chosen])

    assert house.kinds or chosen == list(range(LINES))
    house.close()


class TestWithoutTheKeyFile:
    def test_not_even_the_next_line_can_be_written(self, house: House) -> None:
        """Nor is it signed by the server that goes on behind it."""
        house.visits(3)
        forged = house.lines
        forged.append(made_anew([*forged, says(forged[-1])])[-1])
        house.put(forged)

        with structlog.testing.capture_logs() as logs:
            house.visits(SIGNED_EVERY)

        assert [fault.line for fault in house.audit.examined().faults] == [3]
        assert [entry["event"] for entry in logs] == ["audit_not_signed"]
        assert house.seal.head().count == 0

    def test_what_is_cut_off_under_a_server_is_seen_and_never_signed(self, house: House) -> None:
        house.visits(SIGNED_EVERY)
        house.put(house.lines[:4])

        house.visits(2, "matched")
        assert house.kinds == {"truncated"}
        house.visits(4 * SIGNED_EVERY)

        assert house.kinds == {"rewritten"}
        assert house.seal.head().count == SIGNED_EVERY

    def test_the_key_file_reveals_an_older_head_with_its_older_lines(self, house: House) -> None:
        house.visits(SIGNED_EVERY)
        log, head = house.audit.path.read_bytes(), house.seal.path.read_bytes()
        house.audit.note("north", "enrol", "enrolled", "ab" * 16, sync=True)
        assert house.kinds == set()

        house.audit.path.write_bytes(log)
        house.seal.path.write_bytes(head)

        assert house.kinds == {"head put back", "truncated"}

    def test_an_older_head_from_after_that_needs_a_copy_kept_elsewhere(self, house: House) -> None:
        house.visits(SIGNED_EVERY)
        log, head = house.audit.path.read_bytes(), house.seal.path.read_bytes()
        house.visits(SIGNED_EVERY, "matched")
        kept = house.seal.head()
        assert house.audit.examined(kept).faults == []

        house.audit.path.write_bytes(log)
        house.seal.path.write_bytes(head)
        assert house.kinds == set()
        assert [fault.kind for fault in house.audit.examined(kept).faults] == ["truncated"]
        house.visits(2 * SIGNED_EVERY)

        assert house.kinds == set()  # it was signed again, and only the copy knows
        assert [fault.kind for fault in house.audit.examined(kept).faults] == ["rewritten"]

    def test_a_head_cannot_be_made_or_taken_away(self, house: House) -> None:
        house.visits(SIGNED_EVERY)
        head = house.seal.path.read_bytes()

        for content in (head.replace(b"0", b"1", 1), head[:50], b"", bytes(len(head))):
            house.seal.path.write_bytes(content)
            assert house.kinds == {"head missing"}
            assert not house.audit.sign()
        house.seal.path.unlink()

        assert house.other().kinds == {"head missing"}  # who opens it does not make a first one again
        house.seal.path.write_bytes(head)
        assert house.kinds == set()

    def test_a_head_that_cannot_be_opened_keeps_nobody_from_being_noted(self, house: House) -> None:
        """A folder in its place stands for whatever the system refuses."""
        house.visits(1)
        house.seal.path.unlink()
        house.seal.path.mkdir()

        house.visits(LINES)
        house.audit.note("north", "enrol", "enrolled", sync=True)

        assert not house.audit.sign()
        assert house.kinds == {"head missing"}

    def test_a_chain_that_was_restarted_meanwhile_is_not_signed_over(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        house.visits(SIGNED_EVERY - 1)
        other, follows, again = house.other(), Audit._follows, list[bool]()

        def slowly(audit: Audit, head: Head, count: int) -> bool:
            found = follows(audit, head, count)
            if not again:
                again.append(True)
                other.audit.restart()
            return found

        monkeypatch.setattr(Audit, "_follows", slowly)
        house.visits(1)

        assert again
        assert house.kinds == set()
        assert house.audit.examined().lines == house.seal.head().count == 1

    def test_all_of_it_taken_away_is_seen(self, house: House) -> None:
        house.visits(SIGNED_EVERY)
        house.audit.note("north", "forget", "receipt", sync=True)
        house.audit.path.unlink()
        house.seal.path.unlink()

        assert house.other().kinds == {"truncated", "head missing"}


def test_a_head_is_verified_elsewhere_by_the_public_key_alone(house: House) -> None:
    house.visits(SIGNED_EVERY)
    content, public = house.seal.path.read_bytes(), house.seal.public

    assert opened(content, public) == Head(SIGNED_EVERY, house.lines[-1][-65:-1], StoppedClock().now)
    with pytest.raises(HeadForged):
        opened(content, bytes(32))
    assert not {house.keys.derive("audit head"), house.keys.derive("audit lines")} & {public, content}


KILLED = """
import os, signal, sys
from pathlib import Path
from identity.audit.seal import AuditSeal
from tests.identity.audit.test_audit import House

house = House(Path(sys.argv[1]))
house.visits(int(sys.argv[2]) - 1)
if sys.argv[3] == "before the head":
    AuditSeal.sign = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
house.visits(1)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(
    ("count", "when", "unsigned"),
    [
        (SIGNED_EVERY, "before the head", SIGNED_EVERY),
        (SIGNED_EVERY, "after the head", 0),
        (2 * SIGNED_EVERY - 1, "after the line", SIGNED_EVERY - 1),
    ],
)
def test_after_a_kill_the_last_lines_are_unsigned_and_nothing_is_wrong(
    tmp_path: Path, count: int, when: str, unsigned: int
) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path), str(count), when]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -signal.SIGKILL

    house = House(tmp_path)
    found = house.audit.examined()
    assert (found.lines, found.unsigned, found.faults) == (count, unsigned, [])
    assert found.in_words()[0].endswith(f"the last {unsigned} not signed yet") == (unsigned > 0)

    house.visits(SIGNED_EVERY)
    house.close()
    again = House(tmp_path)
    assert again.audit.examined().in_words() == [f"whole: {count + SIGNED_EVERY} lines"]
    again.close()


def test_lines_are_on_the_disk_before_the_head_says_so(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a power cut the log may be longer than the head, and never shorter."""
    synced, fsync, sign = [0], os.fsync, AuditSeal.sign

    def watched(file: int) -> None:
        fsync(file)
        synced[0] = house.audit.path.stat().st_size // WIDTH

    def signs(seal: AuditSeal, head: Head, after: Head, **more: bool) -> bool:
        assert head.count <= synced[0]
        return sign(seal, head, after, **more)

    monkeypatch.setattr(os, "fsync", watched)
    monkeypatch.setattr(AuditSeal, "sign", signs)
    house.visits(LINES)

    assert house.seal.head().count == 2 * SIGNED_EVERY


WRITER = """
import sys
from pathlib import Path
from tests.identity.audit.test_audit import House

house = House(Path(sys.argv[1]))
for number in range(300):
    house.audit.note("north", "enrol", "enrolled", sync=number % 50 == 0)
house.close()
"""


def test_two_processes_write_and_sign_one_chain(tmp_path: Path) -> None:
    House(tmp_path).close()
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    writers = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in "ab"]
    seen: list[set[str]] = []
    house = House(tmp_path)
    while any(writer.poll() is None for writer in writers):
        seen.append(house.kinds)  # read while they write, nothing looks wrong

    output = [writer.communicate()[0] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0], output
    assert output == [b"", b""]  # and neither refused to sign
    assert set().union(*seen) == set()
    assert house.audit.examined().in_words() == ["whole: 600 lines"]
    mark = house.seal.mark()
    assert mark is not None
    assert mark.last == house.lines[mark.count - 1][-65:-1]
    house.close()


def test_lines_without_a_key_are_never_taken_for_ours(tmp_path: Path) -> None:
    """A log that was there before the first head: it is reported, and what comes after it is not signed."""
    audit = Audit(tmp_path / "identity-audit.log", StoppedClock())
    for _ in range(20):
        audit.note("north", "recognise", "nobody")
    audit.close()
    house = House(tmp_path)

    assert house.seal.mark() is None  # reading makes no head
    assert house.kinds == {"rewritten"}
    house.visits(SIGNED_EVERY)

    assert house.audit.examined().faults
    assert house.seal.head().count == 0
    house.close()


def test_a_new_master_key_leaves_head_and_mark_as_they_are(tmp_path: Path) -> None:
    masters = [secrets.token_bytes(32)]
    house = House(tmp_path, masters)
    house.visits(3)
    house.audit.note("north", "enrol", "enrolled", sync=True)
    mark = house.seal.mark()

    masters.insert(0, secrets.token_bytes(32))
    house.keys.rewrap()
    del masters[1]

    again = house.other()
    assert again.seal.mark() == mark == Mark(4, house.lines[-1][-65:-1])
    assert again.seal.public == house.seal.public
    again.visits(SIGNED_EVERY)
    assert again.audit.examined().faults == []
    again.close()
    house.close()


def test_a_restart_puts_the_chain_aside_and_a_server_that_runs_goes_on(house: House) -> None:
    house.visits(SIGNED_EVERY)
    house.put(house.lines[:4])
    house.visits(SIGNED_EVERY, "matched")
    assert house.kinds == {"rewritten"}
    operator = house.other()
    kept = house.audit.path.read_bytes()

    aside = operator.audit.restart()
    operator.close()
    house.visits(2 * SIGNED_EVERY)

    assert aside is not None
    assert aside.read_bytes() == kept
    assert " audit      restarted    " in house.lines[0]
    assert house.kinds == set()
    assert house.seal.head().count == 2 * SIGNED_EVERY


def test_an_opt_outs_line_is_on_the_disk_also_when_nothing_may_be_signed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.visits(SIGNED_EVERY)
    house.seal.path.unlink()
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(house.audit.path.stat().st_size // WIDTH))

    house.audit.note("north", "forget", "receipt", sync=True)

    assert synced[:1] == [SIGNED_EVERY + 1]
