"""The gallery in memory follows the database, whichever process changed it."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from identity.customers.rotation import renew_templates
from identity.matching.gallery import EXACT_UP_TO, Galleries, Snapshot, sealed_template, template_version
from identity.store import IdentityStores
from identity.store.consents import ConsentLine
from identity.store.customers import CustomerRow
from identity.vault.keyfile import KeyFile
from identity.vault.vault import Holder, Vault, new_salt
from plumbing.storage.state import State
from tests.identity.fakes import FAKE_PACK

PACK, SIZE = FAKE_PACK.id, FAKE_PACK.size
MASTER = [secrets.token_bytes(32)]


class Process:
    """What one process holds of a gallery."""

    def __init__(self, home: Path, exact_up_to: int) -> None:
        self.keys = KeyFile(home / "identity-keys", lambda: MASTER)
        self.vault = Vault(self.keys)
        self.stores = IdentityStores.open(State(home), self.vault)
        self.database = self.stores.database
        self.galleries = Galleries(self.stores.galleries, self.vault, PACK, SIZE, exact_up_to=exact_up_to)

    def add(self, vector: np.ndarray, tenant: str = "north", pack: str = PACK) -> Holder:
        state = self.stores.galleries.open_gallery(tenant, pack, new_salt())
        holder = self.vault.admit(tenant, secrets.token_hex(16))
        turned = self.vault.rotation(tenant, pack, state.salt, SIZE) @ vector
        sealed = sealed_template(self.vault, holder, pack, state.salt, turned)
        row = CustomerRow(
            tenant, holder.customer_id, holder.slot, secrets.token_hex(8), b"", None, None, 0, 0, 0, 0, False, 0
        )
        with self.stores.customers.writing():
            self.stores.customers.add_customer(row)
            face = ConsentLine(secrets.token_hex(16), 0, "given", "face", b"")
            self.stores.consents.append(tenant, holder.customer_id, [face])
            self.stores.galleries.put_template(tenant, holder.customer_id, pack, sealed)
        return holder

    def remove(self, holder: Holder) -> None:
        self.keys.destroy(holder.slot, holder.owner)
        self.stores.customers.delete_customer(holder.tenant, holder.customer_id)

    def best(self, vector: np.ndarray, tenant: str = "north") -> str | None:
        """Who looks most like `vector`, when it is the same to three digits."""
        gallery = self.galleries.current(tenant)
        if not gallery.ids:
            return None
        probe = gallery.turned(vector)
        near = gallery.near(probe)
        scores = near.matrix @ probe
        return near.ids[int(np.argmax(scores))] if len(scores) and np.max(scores) > 0.998 else None

    def close(self) -> None:
        self.database.close()
        self.keys.close()


@pytest.fixture(params=[EXACT_UP_TO, 4], ids=["exact", "large"])
def exact_up_to(request: pytest.FixtureRequest) -> int:
    """Every test runs on both kinds of gallery: the fifth template makes it a large one, or not."""
    return int(request.param)


@pytest.fixture
def one(tmp_path: Path, exact_up_to: int) -> Iterator[Process]:
    process = Process(tmp_path, exact_up_to)
    yield process
    process.close()


@pytest.fixture
def two(tmp_path: Path, one: Process, exact_up_to: int) -> Iterator[Process]:
    process = Process(tmp_path, exact_up_to)
    yield process
    process.close()


def people(count: int) -> np.ndarray:
    vectors = np.random.default_rng(5).normal(size=(count, SIZE)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_a_gallery_nobody_enrolled_in_is_empty(one: Process) -> None:
    assert one.galleries.current("north").ids == ()


def test_who_enrols_in_one_process_is_known_in_the_other_at_once(one: Process, two: Process) -> None:
    vectors = people(70)  # more than the first room of 64
    assert two.best(vectors[0]) is None

    holders = [one.add(vector) for vector in vectors]

    assert [two.best(vector) for vector in vectors] == [holder.customer_id for holder in holders]


def test_who_leaves_in_one_process_is_unknown_in_the_other_at_once(one: Process, two: Process) -> None:
    vectors = people(5)
    holders = [one.add(vector) for vector in vectors]
    assert two.best(vectors[3]) == holders[3].customer_id

    one.remove(holders[3])

    assert two.best(vectors[3]) is None
    assert [two.best(vectors[n]) for n in (0, 1, 2, 4)] == [holders[n].customer_id for n in (0, 1, 2, 4)]


def test_leaving_and_enrolling_between_two_looks_is_seen_as_both(one: Process, two: Process) -> None:
    vectors = people(4)
    holders = [one.add(vector) for vector in vectors[:3]]
    assert two.best(vectors[0]) == holders[0].customer_id

    one.remove(holders[0])
    late = one.add(vectors[3])

    assert (two.best(vectors[0]), two.best(vectors[3])) == (None, late.customer_id)


def test_a_look_in_use_is_not_changed_but_loses_the_numbers_of_who_left(one: Process) -> None:
    vectors = people(3)
    holders = [one.add(vector) for vector in vectors]
    before = one.galleries.current("north")
    one.remove(holders[1])

    after = one.galleries.current("north")

    assert (len(before.ids), len(after.ids)) == (3, 2)
    assert not before.matrix[before.ids.index(holders[1].customer_id)].any()
    assert before.matrix[before.ids.index(holders[0].customer_id)].any()


def test_the_same_look_is_handed_out_until_something_changes(one: Process) -> None:
    one.add(people(1)[0])

    assert one.galleries.current("north") is one.galleries.current("north")


def test_a_template_whose_key_is_gone_is_left_out_and_counted(one: Process, two: Process) -> None:
    vectors = people(3)
    holders = [one.add(vector) for vector in vectors]
    one.keys.destroy(holders[0].slot, holders[0].owner)

    gallery = two.galleries.current("north")
    assert (len(gallery.ids), gallery.size) == (2, 3)
    two.add(people(4)[3])
    assert len(two.galleries.current("north").ids) == 3


def test_templates_of_another_pack_are_never_in_the_gallery(one: Process) -> None:
    vector = people(1)[0]
    one.add(vector, pack="other@1")

    assert one.best(vector) is None
    assert one.stores.galleries.gallery("north", "other@1").size == 1  # type: ignore[union-attr]


def test_a_template_of_another_size_is_left_out(one: Process) -> None:
    holder = one.add(people(1)[0])
    state = one.stores.galleries.gallery("north", PACK)
    assert state is not None
    short = one.vault.seal(holder, "template", bytes(12), template_version(PACK, state.salt))
    one.stores.galleries.renew_gallery("north", PACK, state.salt, {holder.customer_id: short})

    assert one.galleries.current("north").ids == ()


def test_each_tenant_has_a_gallery_and_a_rotation_of_its_own(one: Process) -> None:
    vector = people(1)[0]
    one.add(vector, "north")
    one.add(vector, "south")
    north, south = one.galleries.current("north"), one.galleries.current("south")

    assert abs(float(north.matrix[0] @ south.matrix[0])) < 0.4
    assert one.best(vector, "east") is None


def test_renewed_templates_keep_every_customer_and_match_no_old_template(one: Process, two: Process) -> None:
    vectors = people(20)
    holders = [one.add(vector) for vector in vectors]
    before = two.galleries.current("north").near(vectors)
    old = dict(zip(before.ids, before.matrix.copy(), strict=True))

    assert renew_templates(one.stores, one.vault, one.galleries, FAKE_PACK, "north") == 20

    assert [two.best(vector) for vector in vectors] == [holder.customer_id for holder in holders]
    gallery = two.galleries.current("north")
    after = gallery.near(gallery.turned(vectors))
    new = dict(zip(after.ids, after.matrix, strict=True))
    assert len(old) == len(new) == 20
    assert max(abs(float(old[name] @ new[name])) for name in old) < 0.4


def test_adding_and_removing_under_load_never_shows_a_wrong_customer(one: Process, two: Process) -> None:
    """Ten people stay, others come and go in one process while the other looks: who stays is always found."""
    vectors = people(40)
    stays = [one.add(vector).customer_id for vector in vectors[:10]]
    stop = threading.Event()
    wrong: list[object] = []

    def look() -> None:
        n = 0
        while not stop.is_set():
            n += 1
            if (found := two.best(vectors[n % 10])) != stays[n % 10]:
                wrong.append(found)

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for vector in vectors[10:]:
        one.remove(one.add(vector))
    stop.set()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert sorted(name for name in two.galleries.current("north").ids if name) == sorted(stays)


def test_nothing_of_a_snapshot_can_be_written_to(one: Process) -> None:
    one.add(people(1)[0])
    gallery: Snapshot = one.galleries.current("north")

    with pytest.raises(ValueError, match="read-only"):
        gallery.matrix[0, 0] = 1


def test_of_who_left_a_large_gallery_keeps_no_byte_and_takes_the_row_again(tmp_path: Path) -> None:
    """The index's own memory, before and after: the template's 16-bit floats are in it, and then they are not."""
    process = Process(tmp_path, exact_up_to=4)
    vectors = people(9)
    holders = [process.add(vector) for vector in vectors[:8]]
    gallery = process.galleries.current("north")
    assert gallery.rows is not None
    needle = gallery.turned(vectors[3]).astype(np.float16).tobytes()
    assert needle[:64] in memory(gallery)
    assert needle[:64] in snapshot_of(gallery)

    process.remove(holders[3])
    after = process.galleries.current("north")

    assert needle[:16] not in memory(gallery)
    assert needle[:16] not in snapshot_of(gallery)
    row = gallery.ids.index(holders[3].customer_id)
    assert (after.rows, after.ids[row], after.size) == (gallery.rows, None, 7)
    late = process.add(vectors[8])
    assert process.galleries.current("north").ids[row] == late.customer_id
    assert process.best(vectors[8]) == late.customer_id
    # Who still holds the earlier look finds in that row nobody it knows.
    assert late.customer_id not in gallery.near(gallery.turned(vectors[8])).ids
    process.close()


def test_a_gallery_that_grows_large_forgets_the_exact_rows(tmp_path: Path) -> None:
    process = Process(tmp_path, exact_up_to=4)
    vectors = people(12)
    holders = [process.add(vector) for vector in vectors[:4]]
    exact = process.galleries.current("north")
    assert exact.rows is None

    holders += [process.add(vector) for vector in vectors[4:]]

    assert [process.best(vector) for vector in vectors] == [holder.customer_id for holder in holders]
    large = process.galleries.current("north")
    assert (large.rows is None, len(large.exact)) == (False, 0)
    turned = large.turned(vectors)
    assert large.template(holders[7].customer_id) @ turned[7] == pytest.approx(1, abs=1e-3)
    assert exact.template(holders[2].customer_id) @ turned[2] == pytest.approx(1, abs=1e-5)
    assert np.abs(np.sort((large.matrix @ turned.T).max(axis=0)) - 1).max() < 1e-3
    process.close()


def test_keys_read_in_one_go_open_what_single_reads_open_and_nothing_else(tmp_path: Path) -> None:
    process = Process(tmp_path, exact_up_to=4)
    holders = [process.vault.admit("north", f"customer {n}") for n in range(5)]
    sealed = [process.vault.seal(holder, "template", bytes([n])) for n, holder in enumerate(holders)]
    process.keys.destroy(holders[1].slot, holders[1].owner)
    stranger = Holder("south", "customer 2", holders[2].slot)
    sealed_of = [*zip(holders, sealed, strict=True), (stranger, sealed[2]), (holders[3], sealed[4])]

    opened = list(process.vault.open_many("template", sealed_of))

    assert opened == [b"\0", None, b"\2", b"\3", b"\4", None, None]
    process.close()


def snapshot_of(gallery: Snapshot) -> bytes:
    """What faiss would write into an index file."""
    import faiss

    assert gallery.rows is not None
    return faiss.serialize_index(gallery.rows._faiss).tobytes()


def memory(gallery: Snapshot) -> bytes:
    """All of the room that the index has, used or not."""
    assert gallery.rows is not None
    return gallery.rows.vectors(np.arange(gallery.rows.capacity)).astype(np.float16).tobytes()
