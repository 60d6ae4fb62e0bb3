"""Files that are written in place: in a home, and shared by replicas."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from identity.audit.log import Audit
from identity.audit.seal import AuditSeal
from identity.errors import KeyDestroyed
from identity.vault.keyfile import KeyFile
from plumbing.clock import monotonic_us, system_clock
from plumbing.closed import FOR_EVER, ClosedTokens
from plumbing.storage.bytes_file import BytesFile, opened
from plumbing.storage.state import Files, State
from plumbing.storage.tombstones import Tombstones

KEYS = [b"k" * 32]


@pytest.fixture
def files(state: State) -> Iterator[Files]:
    made = state.files("access-files")
    yield made
    made.close()


@pytest.fixture
def other(state: State) -> Iterator[Files]:
    """The same files as another replica opens them."""
    made = state.files("access-files")
    yield made
    made.close()


@pytest.fixture
def file(files: Files) -> Iterator[BytesFile]:
    made = opened(files.place("some", held=True), lambda: b"begin")
    yield made
    made.close()


def test_bytes_stay_where_they_were_written(file: BytesFile) -> None:
    stamps = {file.changed()}
    model = bytearray(b"begin")
    for at, size in ((3, 10), (510, 4), (1_500, 1_100), (0, 1), (2_048, 512)):
        content = secrets.token_bytes(size)
        model.extend(bytes(max(0, at + size - len(model))))
        model[at : at + size] = content
        time.sleep(0.002)
        with file.locked():
            file.write(content, at)
            assert file.read(size, at) == content
        stamps.add(file.changed())
        assert file.read(10_000, 0) == bytes(model)
        assert file.read(7, at) == bytes(model[at : at + 7])
    assert len(stamps) == 6
    file.grow(4_000)
    assert (file.size(), file.read(100, 3_990)) == (4_000, bytes(10))
    file.cut(1_600)
    file.grow(2_000)
    assert file.read(5_000, 0) == bytes(model[:1_600]) + bytes(400)  # what was cut off does not come back


@pytest.mark.postgresql
def test_what_fails_under_the_lock_is_not_half_written(files: Files) -> None:
    file = opened(files.place("some"), lambda: bytes(2_000))

    def fail() -> None:
        with file.locked():
            file.write(b"x", 0)
            file.write(b"x", 1_500)
            raise KeyError

    with pytest.raises(KeyError):
        fail()

    assert file.read(2_000, 0) == bytes(2_000)


def test_writers_wait_for_each_other(files: Files, other: Files) -> None:
    both = [opened(one.place("count"), lambda: bytes(8)) for one in (files, other)]

    def count(n: int) -> None:
        file = both[n % 2]
        with file.locked():
            file.write((int.from_bytes(file.read(8, 0), "big") + 1).to_bytes(8, "big"), 0)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(40)))

    assert int.from_bytes(both[0].read(8, 0), "big") == 40


def test_an_opt_out_is_seen_by_another_replica_at_once(files: Files, other: Files) -> None:
    here, there = ClosedTokens.shared(files, KEYS), ClosedTokens.shared(other, KEYS)
    assert there.closed_until("north", "ann") == 0

    here.close("north", "ann")

    seen = threading.Event()
    ends = time.monotonic() + 1.0
    while time.monotonic() < ends and not seen.is_set():
        if there.closed_until("north", "ann") == FOR_EVER:
            seen.set()
    assert seen.is_set()
    assert there.closed_until("north", "bob") == 0


def test_a_sign_of_life_is_as_old_there_as_here(files: Files, other: Files) -> None:
    here, there = ClosedTokens.shared(files, KEYS), ClosedTokens.shared(other, KEYS)
    said = monotonic_us() - 2_000_000

    here.note_heard(said)

    time.sleep(0.2)
    heard = there.heard_us()
    assert heard is not None
    assert abs(heard - said) < 1_000_000


def test_keys_and_erasures_are_the_same_in_every_replica(files: Files, other: Files, tmp_path: Path) -> None:
    masters = [secrets.token_bytes(32)]
    one, two = (KeyFile(each.place("identity-keys"), lambda: masters) for each in (files, other))
    slot, key = one.allocate(b"ann")
    assert (two.root, two.key(slot, b"ann")) == (one.root, key)
    before = two.changed()

    one.destroy(slot, b"ann", b"to do")

    with pytest.raises(KeyDestroyed):
        two.key(slot, b"ann")
    assert two.changed() != before
    assert two.erasures() == [(slot, b"to do")]
    left, right = (Tombstones.shared(each, None, "gone") for each in (files, other))
    left.add([b"a" * 32, b"b" * 32])
    right.add([b"b" * 32, b"c" * 32])
    assert len(Tombstones.shared(files, None, "gone")) == 3


def test_two_replicas_write_one_audit(state: State, files: Files) -> None:
    masters = [secrets.token_bytes(32)]
    logs = [state.files("identity-audit", lazily=True) for _ in range(2)]
    keys = KeyFile(files.place("identity-keys"), lambda: masters)
    audits = [
        Audit(each.place("identity-audit.log"), system_clock, AuditSeal(each.place("identity-audit-head"), keys))
        for each in logs
    ]

    def note(n: int) -> None:
        audits[n % 2].note("north", "recognise", "known", sync=n % 10 == 0)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(note, range(40)))

    assert audits[0].examined().faults == []
    assert audits[1].examined().lines == 40
    assert audits[0].restart() is not None
    assert (audits[1].examined().lines, audits[1].examined().faults) == (1, [])
    for each in logs:
        each.close()
