"""Keys that can be destroyed for good, and templates that are worth nothing without them."""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.customers.links import Erasure, Links
from identity.errors import KeyDestroyed, KeyFileDamaged, SealBroken, StorageFull
from identity.vault import keyfile, vault
from identity.vault.keyfile import SLOT, KeyFile, master_keys
from identity.vault.vault import Holder, Vault
from tests.identity.halves import KIOSK, World

ids = st.binary(min_size=16, max_size=16).map(bytes.hex)


@pytest.fixture
def masters() -> list[bytes]:
    return [secrets.token_bytes(32)]


@pytest.fixture
def keys(tmp_path: Path, masters: list[bytes]) -> Iterator[KeyFile]:
    keys = KeyFile(tmp_path / "identity-keys", lambda: masters)
    yield keys
    keys.close()


def test_a_key_is_given_to_its_owner_and_to_nobody_else(keys: KeyFile) -> None:
    slot, key = keys.allocate(b"anna")

    assert keys.key(slot, b"anna") == key
    with pytest.raises(KeyDestroyed):
        keys.key(slot, b"berta")


def test_the_file_is_read_in_parts(keys: KeyFile, monkeypatch: pytest.MonkeyPatch) -> None:
    owners = [f"customer {n}".encode() for n in range(9)]
    slots = [keys.allocate(owner)[0] for owner in owners]
    keys.destroy(slots[4], owners[4], b"left to do")
    monkeypatch.setattr(keyfile, "READ", 2 * SLOT)
    read: list[int] = []
    part = keys._file.read

    def noted(size: int, at: int) -> bytes:
        read.append(size)
        return part(size, at)

    monkeypatch.setattr(keys._file, "read", noted)

    assert keys.erasures() == [(slots[4], b"left to do")]
    assert keys.counts() == {"keys": 8, "erasures": 1, "free": keyfile.LEAST_SLOTS - 10}
    assert max(read) == 2 * SLOT


def test_a_key_lies_in_the_file_only_wrapped(keys: KeyFile) -> None:
    slot, key = keys.allocate(b"anna")

    content = keys.path.read_bytes()

    assert key not in content
    assert keys.root not in content
    assert content[slot * SLOT : slot * SLOT + 1] == b"K"


def test_a_destroyed_key_is_gone_and_its_slot_holds_none_of_its_bytes(keys: KeyFile) -> None:
    slot, _ = keys.allocate(b"anna")
    before = keys.path.read_bytes()[slot * SLOT + 1 : slot * SLOT + 77]

    keys.destroy(slot, b"anna")

    assert before not in keys.path.read_bytes()
    assert keys.path.read_bytes()[slot * SLOT : (slot + 1) * SLOT] == bytes(SLOT)
    with pytest.raises(KeyDestroyed):
        keys.key(slot, b"anna")


def test_destroying_does_not_change_the_size_or_place_of_the_file(keys: KeyFile) -> None:
    slot, _ = keys.allocate(b"anna")
    before = keys.path.stat()

    keys.destroy(slot, b"anna", b"what is left to do")

    after = keys.path.stat()
    assert (after.st_size, after.st_ino, after.st_blocks) == (before.st_size, before.st_ino, before.st_blocks)


def test_a_full_disk_refuses_new_keys_and_still_destroys_old_ones(
    keys: KeyFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyfile, "LEAST_SLOTS", keyfile.GROW)
    monkeypatch.setattr(keyfile, "ROOMY", 10**9)  # it grows as late as it can
    slots = [keys.allocate(b"%d" % n) for n in range(keyfile.GROW - 1)]
    size = keys.path.stat().st_size

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(StorageFull):
        keys.allocate(b"one too many")
    keys.destroy(slots[5][0], b"5")

    assert keys.path.stat().st_size == size
    assert keys.allocate(b"in the free slot")[0] == slots[5][0]


def test_the_file_grows_when_all_slots_are_taken(keys: KeyFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyfile, "LEAST_SLOTS", keyfile.GROW)
    slots = [keys.allocate(b"%d" % n)[0] for n in range(keyfile.GROW + 3)]

    assert len(set(slots)) == len(slots)
    assert keys.counts()["keys"] == len(slots)


def test_what_is_left_of_an_erasure_survives_a_restart_and_ends_with_it(
    keys: KeyFile, masters: list[bytes]
) -> None:
    slot, _ = keys.allocate(b"anna")
    keys.destroy(slot, b"anna", b"not done yet")

    again = KeyFile(keys.path, lambda: masters)

    assert again.erasures() == [(slot, b"not done yet")]
    again.finish(slot)
    assert keys.erasures() == []
    assert keys.counts()["free"] == keyfile.LEAST_SLOTS - 1
    again.close()


def test_two_processes_never_get_the_same_slot(keys: KeyFile, masters: list[bytes]) -> None:
    files = [keys, *(KeyFile(keys.path, lambda: masters) for _ in range(3))]
    slots: list[int] = []

    def take(file: KeyFile) -> None:
        slots.extend(file.allocate(b"x")[0] for _ in range(20))

    threads = [threading.Thread(target=take, args=(file,)) for file in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(slots) == len(set(slots)) == 80
    for file in files[1:]:
        file.close()


def test_a_wrong_master_key_or_an_altered_slot_is_named(keys: KeyFile) -> None:
    with pytest.raises(KeyFileDamaged):
        KeyFile(keys.path, lambda: [secrets.token_bytes(32)])

    slot, _ = keys.allocate(b"anna")
    with keys.path.open("r+b") as file:
        file.seek(slot * SLOT + 20)
        file.write(b"\xff\x00")
    with pytest.raises(KeyFileDamaged):
        keys.key(slot, b"anna")


def test_a_slot_copied_to_another_place_opens_nothing(keys: KeyFile) -> None:
    one, two = keys.allocate(b"anna")[0], keys.allocate(b"berta")[0]
    content = bytearray(keys.path.read_bytes())
    content[two * SLOT : (two + 1) * SLOT] = content[one * SLOT : (one + 1) * SLOT]
    keys.path.write_bytes(bytes(content))

    with pytest.raises(KeyFileDamaged):
        keys.key(two, b"anna")


def test_after_a_new_master_key_the_old_one_opens_nothing(keys: KeyFile, masters: list[bytes]) -> None:
    slot, key = keys.allocate(b"anna")
    pending, _ = keys.allocate(b"berta")
    keys.destroy(pending, b"berta", b"left to do")
    old = masters[0]

    masters.insert(0, secrets.token_bytes(32))
    keys.rewrap()
    del masters[1]

    again = KeyFile(keys.path, lambda: masters)
    assert again.key(slot, b"anna") == key
    assert again.root == keys.root
    assert again.erasures() == [(pending, b"left to do")]
    again.close()
    with pytest.raises(KeyFileDamaged):
        KeyFile(keys.path, lambda: [old])


def test_a_process_that_runs_follows_a_new_master_key(keys: KeyFile, masters: list[bytes]) -> None:
    running = KeyFile(keys.path, lambda: masters)
    slot, key = keys.allocate(b"anna")

    masters.insert(0, secrets.token_bytes(32))
    keys.rewrap()
    del masters[1]

    assert running.key(slot, b"anna") == key
    late, _ = running.allocate(b"berta")
    assert keys.key(late, b"berta")
    running.close()


@pytest.mark.parametrize("content", [b"not base64!", base64.urlsafe_b64encode(b"short"), b"\n"])
def test_a_master_key_that_is_none_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "master.key"
    path.write_bytes(content)

    with pytest.raises(KeyFileDamaged):
        master_keys(path)


def test_only_its_owner_may_read_the_master_key_and_the_key_file(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    keys = KeyFile(tmp_path / "identity-keys", lambda: master_keys(path))

    assert (path.stat().st_mode & 0o777, keys.path.stat().st_mode & 0o777) == (0o600, 0o600)
    keys.close()


@given(content=st.binary(max_size=600), what=st.sampled_from(["template", "links", "pin"]))
def test_what_was_sealed_is_what_is_opened(content: bytes, what: str) -> None:
    sealed = SEALS.seal(ANNA, what, content)

    assert SEALS.open(ANNA, what, sealed) == content
    assert len(sealed) == len(content) + 28


class MemoryKeys:
    """A key file without a file."""

    def key(self, slot: int, owner: bytes) -> bytes:
        return slot.to_bytes(32, "big")


SEALS = Vault(MemoryKeys())  # type: ignore[arg-type]
ANNA = Holder("north", "00" * 16, 7)


@pytest.mark.parametrize(
    "moved",
    [
        lambda sealed: SEALS.open(Holder("south", ANNA.customer_id, ANNA.slot), "template", sealed, "v1"),
        lambda sealed: SEALS.open(Holder("north", "11" * 16, ANNA.slot), "template", sealed, "v1"),
        lambda sealed: SEALS.open(ANNA, "pin", sealed, "v1"),
        lambda sealed: SEALS.open(ANNA, "template", sealed, "v2"),
        lambda sealed: SEALS.open(ANNA, "template", sealed[:-1] + bytes([sealed[-1] ^ 1]), "v1"),
        lambda sealed: SEALS.open(ANNA, "template", sealed[:5], "v1"),
    ],
    ids=["another tenant", "another customer", "as something else", "another version", "altered", "cut short"],
)
def test_a_sealed_template_opens_nowhere_but_in_its_place(moved: Callable[[bytes], bytes]) -> None:
    sealed = SEALS.seal(ANNA, "template", b"secret", "v1")

    with pytest.raises(SealBroken):
        moved(sealed)


@given(
    pseudonym=st.binary(min_size=16, max_size=16),
    audit=ids,
    consents=st.dictionaries(
        st.sampled_from(["orders", "offers", "destinations"]), ids.filter(lambda i: int(i, 16))
    ),
    customer=ids,
    tenant=st.text(min_size=1, max_size=16).filter(lambda t: not t.endswith("\0")),
)
def test_links_and_erasures_come_back_as_they_were(
    pseudonym: bytes, audit: str, consents: dict[str, str], customer: str, tenant: str
) -> None:
    links = Links(base64.urlsafe_b64encode(pseudonym).rstrip(b"=").decode(), audit, consents)
    erasure = Erasure(tenant, customer, links)

    assert len(links.packed()) == 80
    assert Links.unpacked(links.packed()) == links
    assert Erasure.unpacked(erasure.packed()) == erasure
    assert len(erasure.packed()) <= keyfile.MOST_ERASURE


def test_a_rotation_is_orthogonal_and_keeps_every_cosine() -> None:
    rng = np.random.default_rng(1)
    people = rng.normal(size=(50, 128)).astype(np.float32)
    turn = vault.rotation(b"s" * 32, b"north", b"salt" * 8, 128)

    turned = people @ turn.T

    np.testing.assert_allclose(turn @ turn.T, np.eye(128), atol=1e-5)
    np.testing.assert_allclose(turned @ turned.T, people @ people.T, atol=1e-3)


@pytest.mark.parametrize(
    "other",
    [(b"t" * 32, b"north", b"salt" * 8), (b"s" * 32, b"south", b"salt" * 8), (b"s" * 32, b"north", b"tlas" * 8)],
    ids=["another secret", "another tenant", "another salt"],
)
def test_each_secret_tenant_and_salt_gives_an_unrelated_rotation(other: tuple[bytes, bytes, bytes]) -> None:
    one = vault.rotation(b"s" * 32, b"north", b"salt" * 8, 64)
    two = vault.rotation(*other, 64)

    # The product of unrelated rotations is one more: its trace is around 0, that of R R^T is 64.
    assert abs(np.trace(one @ two.T)) < 6


def test_a_rotation_is_the_same_on_every_machine() -> None:
    turn = vault.rotation(b"s" * 32, b"north", b"salt" * 8, 4)

    np.testing.assert_allclose(turn[0], [-0.07125180, -0.23953432, -0.95991892, -0.12689422], atol=1e-6)


@pytest.mark.sqlite
def test_yesterdays_database_opens_everybody_but_the_erased(world: World) -> None:
    """A backup from before the erasure, put back beside today's key file."""
    gone, kept = world.enrol(1), [world.enrol(n) for n in (2, 3, 4)]
    world.half.databases[0].scrub()
    shutil.copy(world.home / "identity.db", world.home / "backup.db")
    world.service.forget(KIOSK, gone.receipt)
    world.close()

    for suffix in ("", "-wal", "-shm"):
        (world.home / f"identity.db{suffix}").unlink(missing_ok=True)
    shutil.copy(world.home / "backup.db", world.home / "identity.db")
    restored = World(world.home, world.clock)

    assert len(restored.half.galleries.current("north").ids) == len(kept)
    assert [restored.recognise(n).decision for n in (1, 2, 3, 4)] == ["unknown", *["matched"] * 3]
    with sqlite3.connect(world.home / "identity.db") as raw:
        assert raw.execute("SELECT count(*) FROM templates").fetchone() == (4,)
    raw.close()
    # Opting out again with the old receipt ends the row that the backup brought back.
    assert restored.service.forget(KIOSK, gone.receipt)
    assert restored.half.galleries.current("north").size == len(kept)
    restored.close()


def test_a_key_file_cut_within_a_slot_is_named(tmp_path: Path, masters: list[bytes]) -> None:
    path = tmp_path / "cut"
    keys = KeyFile(path, lambda: masters)
    keys.close()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 100)

    with pytest.raises(KeyFileDamaged, match="cut short"):
        KeyFile(path, lambda: masters)


def test_of_a_key_file_cut_between_slots_the_rest_opens(tmp_path: Path, masters: list[bytes]) -> None:
    """Who had a key beyond the end cannot be greeted any more; everybody else is."""
    path = tmp_path / "cut"
    keys = KeyFile(path, lambda: masters)
    vault = Vault(keys)
    holders = sorted((vault.admit("north", str(n)) for n in range(4)), key=lambda holder: holder.slot)
    sealed = [(holder, vault.seal(holder, "template", b"x")) for holder in holders]
    with path.open("r+b") as file:
        file.truncate(256 * holders[2].slot)

    assert list(vault.open_many("template", sealed)) == [b"x", b"x", None, None]
    keys.close()
