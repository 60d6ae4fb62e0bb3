"""The gallery in memory follows the database, whichever process changed it."""

from __future__ import annotations

import secrets
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from identity.customers.rotation import renew_templates
from identity.matching import fixed_point
from identity.matching import gallery as matching_gallery
from identity.matching.fixed_point import FixedPointRows
from identity.matching.gallery import EXACT_UP_TO, Galleries, Snapshot, sealed_template, template_version
from identity.matching.shards import SHARD_ROWS, Shards
from identity.store import IdentityStores
from identity.store import galleries as store_galleries
from identity.store.consents import ConsentLine
from identity.store.customers import CustomerRow
from identity.store.galleries import TemplateRow
from identity.store.homes import opened_home, sealed_home
from identity.vault.keyfile import KeyFile
from identity.vault.vault import Holder, Vault, new_salt
from identity.vectors import unit
from plumbing.storage.state import State
from tests.identity.fakes import FAKE_PACK

PACK, SIZE = FAKE_PACK.id, FAKE_PACK.size
MASTER = [secrets.token_bytes(32)]
KINDS = [
    pytest.param((EXACT_UP_TO, SHARD_ROWS), id="exact"),
    pytest.param((4, SHARD_ROWS), id="large"),
    pytest.param((4, 10), id="shards"),
]


class Process:
    """What one process holds of a gallery."""

    def __init__(self, home: Path, exact_up_to: int, shard_rows: int = SHARD_ROWS) -> None:
        self.keys = KeyFile(home / "identity-keys", lambda: MASTER)
        self.vault = Vault(self.keys)
        self.stores = IdentityStores.open(State(home), self.vault)
        self.database = self.stores.database
        self.galleries = Galleries(
            self.stores.galleries, self.vault, PACK, SIZE, exact_up_to=exact_up_to, shard_rows=shard_rows
        )

    def add(self, vector: np.ndarray, tenant: str = "north", pack: str = PACK, site: str = "") -> Holder:
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
            home = sealed_home(self.vault, holder, site)
            self.stores.galleries.put_template(tenant, holder.customer_id, pack, sealed, home)
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


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> tuple[int, int]:
    """Every test runs on every kind of gallery: the fifth template makes it a large one, or not, and the eleventh
    is in a second shard, or not."""
    found: tuple[int, int] = request.param
    return found


@pytest.fixture
def one(tmp_path: Path, kind: tuple[int, int]) -> Iterator[Process]:
    process = Process(tmp_path, *kind)
    yield process
    process.close()


@pytest.fixture
def two(tmp_path: Path, one: Process, kind: tuple[int, int]) -> Iterator[Process]:
    process = Process(tmp_path, *kind)
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
    """The index's own memory, before and after: the template's bytes are in it, and then they are not."""
    process = Process(tmp_path, exact_up_to=4)
    vectors = people(9)
    holders = [process.add(vector) for vector in vectors[:8]]
    gallery = process.galleries.current("north")
    assert gallery.rows is not None
    row = gallery.ids.index(holders[3].customer_id)
    upper, lower = (part[row].tobytes() for part in gallery.rows.shards[0].parts)
    assert upper[:16] in memory(gallery)
    assert upper[:16] in snapshot_of(gallery)
    assert lower[:16] in memory(gallery)

    process.remove(holders[3])
    after = process.galleries.current("north")

    assert upper[:8] not in memory(gallery)
    assert upper[:8] not in snapshot_of(gallery)
    assert lower[:8] not in memory(gallery)
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
    return b"".join(faiss.serialize_index(shard._faiss).tobytes() for shard in gallery.rows.shards)


def memory(gallery: Snapshot) -> bytes:
    """All of the room that the index has, used or not."""
    assert gallery.rows is not None
    return b"".join(one.tobytes() for shard in gallery.rows.shards for one in (shard._upper, shard._lower))


def names_near(process: Process, site: str, vector: np.ndarray) -> list[list[str]]:
    """Who is looked through by a press at a site, part by part, the nearest to `vector` first."""
    gallery = process.galleries.current("north")
    probe = gallery.turned(vector)[None]
    return [[near.ids[n] for n in np.argsort(-(near.matrix @ probe[0]))] for near in gallery.near_by(site, probe)]


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of the gallery is small enough to be searched on its own."""
    monkeypatch.setattr(matching_gallery, "LEAST_GAIN", 4)


@pytest.mark.usefixtures("small_parts")
def test_a_press_looks_through_its_site_then_its_region_then_all(one: Process, two: Process) -> None:
    """Sixteen customers of eight sites; market and station belong to one region, which another process sets."""
    vectors, sites = people(16), ["market", "station", *"abcdef"]
    holders = [one.add(vector, site=sites[n % 8]).customer_id for n, vector in enumerate(vectors)]
    market, station = {holders[0], holders[8]}, {holders[1], holders[9]}
    first, everybody = names_near(two, "market", vectors[8])
    assert (set(first), first[0], everybody[0]) == (market, holders[8], holders[8])

    one.stores.regions.put("north", {"market": "centre", "station": "centre"})

    first, second, everybody = names_near(two, "market", vectors[1])
    assert (set(first), set(second), second[0], everybody[0]) == (market, market | station, holders[1], holders[1])
    for nowhere in ("", "elsewhere"):
        assert len(names_near(two, nowhere, vectors[1])) == 1
    one.stores.regions.put("north", {"station": ""})
    assert len(names_near(two, "market", vectors[1])) == 2


@pytest.mark.usefixtures("small_parts")
def test_who_leaves_leaves_every_part_at_once_and_whoever_takes_the_row_has_a_site_of_their_own(
    one: Process, two: Process
) -> None:
    vectors = people(17)
    holders = [one.add(vector, site="market" if n < 2 else f"site {n}") for n, vector in enumerate(vectors[:16])]
    assert set(names_near(two, "market", vectors[0])[0]) == {holder.customer_id for holder in holders[:2]}

    one.remove(holders[1])
    late = one.add(vectors[16], site="harbour")

    assert names_near(two, "market", vectors[1])[0] == [holders[0].customer_id]
    assert names_near(two, "harbour", vectors[16])[0] == [late.customer_id]
    gallery = two.galleries.current("north")
    assert (gallery.home(holders[0].customer_id), gallery.home(late.customer_id)) == ("market", "harbour")


def test_a_homes_seal_has_one_size_and_opens_with_the_customers_key_alone(one: Process) -> None:
    """A site's name, no name and one that is too long look alike; without the key there is nothing to read."""
    holders = [
        one.add(vector, site=site) for vector, site in zip(people(3), ("market", "", "x" * 65), strict=True)
    ]
    rows = one.database.rows("SELECT customer_id, home FROM templates")
    homes = {row["customer_id"]: row["home"] for row in rows}
    assert len({len(home) for home in homes.values()}) == 1
    assert not any(b"market" in home for home in homes.values())

    opened = [opened_home(one.vault, holder, homes[holder.customer_id]) for holder in holders]
    assert opened == ["market", "", ""]
    assert opened_home(one.vault, holders[1], homes[holders[0].customer_id]) == ""
    one.keys.destroy(holders[0].slot, holders[0].owner)
    assert opened_home(one.vault, holders[0], homes[holders[0].customer_id]) == ""


def test_one_change_is_followed_by_reading_that_change_alone(
    one: Process, two: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither all templates nor the list of all are read again: who joined, left or was renewed is enough."""
    vectors = people(8)
    holders = [one.add(vector) for vector in vectors[:6]]
    two.galleries.current("north")

    def refuse(*_: object) -> None:
        raise AssertionError("the whole gallery was read")

    for name in ("places", "templates", "at"):
        monkeypatch.setattr(two.stores.galleries, name, refuse)
    state = one.stores.galleries.gallery("north", PACK)
    assert state is not None
    late = one.add(vectors[6])
    assert two.best(vectors[6]) == late.customer_id
    one.remove(holders[2])
    assert two.best(vectors[2]) is None
    turned = one.vault.rotation("north", PACK, state.salt, SIZE) @ vectors[7]
    sealed = sealed_template(one.vault, holders[3], PACK, state.salt, turned)
    one.stores.galleries.put_template("north", holders[3].customer_id, PACK, sealed)

    assert (two.best(vectors[7]), two.best(vectors[3])) == (holders[3].customer_id, None)
    assert two.best(vectors[0]) == holders[0].customer_id


def test_a_gallery_that_changes_while_it_is_read_is_right_in_the_end(
    one: Process, two: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two pages somebody leaves, somebody joins, and all templates get another rotation."""
    vectors = people(7)
    holders = [one.add(vector) for vector in vectors[:6]]
    monkeypatch.setattr(store_galleries, "PAGE", 2)
    pages = two.stores.galleries.templates
    late: list[Holder] = []

    def interrupted(tenant: str, pack: str) -> Iterator[list[TemplateRow]]:
        for n, page in enumerate(pages(tenant, pack)):
            yield page
            if n == 0 and not late:
                one.remove(holders[0])
                late.append(one.add(vectors[6]))
                renew_templates(one.stores, one.vault, one.galleries, FAKE_PACK, "north")

    monkeypatch.setattr(two.stores.galleries, "templates", interrupted)

    gallery = two.galleries.current("north")

    assert gallery.state == two.stores.galleries.gallery("north", PACK)
    assert two.best(vectors[0]) is None
    expected = [holder.customer_id for holder in [*holders[1:], *late]]
    assert [two.best(vector) for vector in vectors[1:]] == expected


def test_the_nearest_by_upper_bytes_are_the_nearest_by_all() -> None:
    """Who comes, and strangers, among faces that lie close together: the same eleven that a decision looks at, and
    their cosines to five digits."""
    rng = np.random.default_rng(8)
    faces = unit(rng.standard_normal((3_000, 128)) + 2 * rng.standard_normal(128))
    probes = unit(
        np.vstack([faces[:20] + 0.03 * rng.standard_normal((20, 128)), faces[1_000:1_020] * -0.5 + faces[:20]])
    )
    rows = FixedPointRows(128, 3_200)
    rows.put(np.arange(3_000), faces)

    cosines, found = rows.nearest(probes, 11)

    exact = np.sort(probes @ faces.T, axis=1)[:, :-12:-1]
    assert np.abs(cosines - exact).max() < 5e-5
    assert np.array_equal(found[:20, 0], np.arange(20))
    assert np.abs(np.take_along_axis(probes @ faces.T, found, 1) - exact).max() < 5e-5


@pytest.mark.parametrize("size", [4, 128, 512])
def test_fixed_point_numbers_are_the_numbers(size: int) -> None:
    """Also the largest that a template can have, zeros, and a number that no rotated template has."""
    largest = min(1.0, 6 / size**0.5)
    vectors = np.random.default_rng(9).uniform(-largest, largest, (7, size)).astype(np.float32)
    vectors[0], vectors[1] = largest, -largest
    vectors[2] = 0
    vectors[3] = 1
    rows = FixedPointRows(size, 9)
    rows.put(np.arange(7), vectors)

    read = rows.vectors(np.arange(7))

    assert np.abs(read - vectors.clip(-largest, largest)).max() <= largest / 127 / 256
    assert (read[2] == 0).all()
    rows.clear([4])
    assert (rows.vectors(np.array([4])) == 0).all()


def test_a_part_that_is_searched_is_copied_once_into_rows_that_are_overwritten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not through an array of numpy's own, whose memory nobody overwrites."""
    monkeypatch.setattr(fixed_point, "WORTH_COPYING", 1)
    rows, part = FixedPointRows(64, 1_000), np.arange(0, 1_000, 2)
    rows.put(np.arange(1_000), unit(np.random.default_rng(4).standard_normal((1_000, 64))))
    taken: list[int] = []

    def measured(*given: Any, take: Callable[..., Any] = np.take, **named: Any) -> None:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        take(*given, **named)
        taken.append(tracemalloc.get_traced_memory()[1] - before)

    monkeypatch.setattr(np, "take", measured)
    tracemalloc.start()
    rows.nearest(rows.vectors(part[:1]), 2, part)
    tracemalloc.stop()

    assert len(taken) == 1
    assert taken[0] < len(part) * rows.size / 2


def test_shards_find_what_one_index_finds() -> None:
    """Seventy rows in shards of 16: the same rows and cosines, in the whole and in a part, and as they grow."""
    vectors = people(70)
    whole, shards = FixedPointRows(SIZE, 70), Shards(SIZE, 20, 16)
    whole.put(np.arange(70), vectors)
    for first in range(0, 70, 7):
        shards = shards.grown(first + 7) if first + 7 > shards.capacity else shards
        shards.put(np.arange(first, first + 7), vectors[first : first + 7])
    part = np.arange(3, 70, 5)

    cosines, rows = shards.nearest(vectors[:9], 12)

    assert len(shards.shards) == 5
    expected, where = whole.nearest(vectors[:9], 12)
    assert np.array_equal(where, rows)
    assert np.allclose(expected, cosines)
    among = shards.nearest(vectors[:9], 20, part)[1]
    assert {int(row) for row in among[among >= 0]} <= set(part.tolist())
    assert np.array_equal(among[:, 0], part[np.argmax(vectors[:9] @ vectors[part].T, axis=1)])
    assert (among >= 0).sum(axis=1).tolist() == [14] * 9
    assert np.array_equal(shards.vectors(np.array([69, 0, 33])), whole.vectors(np.array([69, 0, 33])))
