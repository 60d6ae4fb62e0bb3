"""The gallery in memory: its search beside faiss alone and beside numpy, whom it finds, and how it starts."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.measure import Row, in_turn
from identity.evaluation.identification import interval
from identity.matching.fixed_point import FixedPointRows
from identity.matching.gallery import EXACT_UP_TO, SHORTLIST, Galleries, Snapshot, sealed_template
from identity.store import IdentityStores
from identity.store.consents import ConsentLine
from identity.store.customers import CustomerRow
from identity.store.galleries import GalleryState
from identity.vault.keyfile import KeyFile
from identity.vault.vault import Holder, Vault, new_salt
from identity.vectors import unit
from plumbing.clock import DAY, system_clock
from plumbing.storage.state import State

PACK, TENANT, SIZE = "bench@1", "bench", 256
OTHER_WORK = 64 << 20  # bytes; twice what the largest cache of a small machine holds
Array = NDArray[np.float32]


class Unsynced(KeyFile):
    """A key file that does not wait for the disk: 100,000 keys are made to be measured, not to be kept."""

    def _write(self, slot: int, content: bytes) -> None:
        with self.path.open("r+b") as file:
            file.seek(256 * slot)
            file.write(content.ljust(256, b"\0"))


def index(count: int, looks: int) -> list[Row]:
    """Search, recall and start of one gallery of `count` templates, then where exact comparing stops to pay."""
    rng = np.random.default_rng(0)
    vectors = unit(rng.standard_normal((count, SIZE)))
    picked = rng.choice(count, min(count, 5_000), replace=False)
    # A look at an enrolled person: a cosine of .6 with their template, as photographs have it.
    probes = unit(0.6 * vectors[picked] + 0.8 * unit(rng.standard_normal((len(picked), SIZE))))
    with installation(vectors) as (galleries, seconds, used):
        snapshot = galleries.current(TENANT)
        rows = searched(snapshot, vectors, probes, looks)
        note = f"{used:.1f} s of processor time"
        rows.append(Row(rows[0].section, "start: read, open and hold all of them", seconds, "s", 10, note=note))
    return rows + crossing(vectors, probes, looks)


def searched(snapshot: Snapshot, vectors: Array, probes: Array, looks: int) -> list[Row]:
    """Our look (turn the probe, search, fetch the shortlist) and faiss' own search, turn by turn."""
    import faiss

    faiss.omp_set_num_threads(1)
    turned = snapshot.turned(vectors)
    reference = faiss.index_factory(SIZE, "IDMap2,SQfp16", faiss.METRIC_INNER_PRODUCT)
    reference.train(turned[:10])
    reference.add_with_ids(turned, np.arange(len(turned)))
    queries = snapshot.turned(probes)
    ours, theirs = in_turn(
        [
            lambda k: snapshot.near(snapshot.turned(probes[k % len(probes)][None])),
            lambda k: reference.search(queries[k % len(queries)][None], 1),
        ],
        looks,
        clock=time.thread_time,
    )
    strangers = unit(np.random.default_rng(1).standard_normal((len(queries), SIZE)))
    section = f"Gallery of {len(vectors):,} templates of {SIZE} numbers, one thread (processor time, p50)"
    return [
        Row(section, f"a look: turn, search, the {SHORTLIST} nearest", ours.p50, "ms"),
        Row(section, "faiss IDMap2,SQfp16 alone", theirs.p50, "ms"),
        Row(section, "a look / faiss alone", ours.p50 / theirs.p50, "x", 1.15),
        recall(section, "recall@1 against float32, customers", snapshot, turned, queries),
        recall(section, "recall@1 against float32, strangers", snapshot, turned, strangers),
    ]


def recall(section: str, name: str, snapshot: Snapshot, turned: Array, queries: Array) -> Row:
    """How often the first found is the first in float32; a stranger's first and second lie close together."""
    right = np.concatenate([np.argmax(turned @ part.T, axis=0) for part in np.array_split(queries, 20)])
    share = sum(_first(snapshot, probe) == best for probe, best in zip(queries, right, strict=True)) / len(queries)
    low, high = interval(share, len(queries))
    note = f"{len(queries):,} probes, 95 % interval {low:.4f} to {high:.4f}"
    return Row(section, name, share, "", 0.999, "more", note=note)


def _first(snapshot: Snapshot, probe: Array) -> int:
    near = snapshot.near(probe)
    return int(near.ids[int(np.argmax(near.matrix @ probe))])


def _exact(some: Array, probes: Array, keep: int, k: int) -> Array:
    return np.partition(some @ probes[k % len(probes)], len(some) - keep)


def _by_bytes(rows: FixedPointRows, probes: Array, keep: int, k: int) -> object:
    return rows.nearest(probes[k % len(probes)][None], keep)


def _fill_cache(other: NDArray[np.float64], k: int) -> None:
    other += k


def crossing(vectors: Array, probes: Array, looks: int) -> list[Row]:
    """Exact comparison in numpy and upper bytes in faiss at growing sizes: where the gallery changes over. Before
    each look the processor's cache is filled with something else, as by the rest of a visit."""
    rows = []
    other = np.zeros(OTHER_WORK // 8)
    for count in (2_000, 10_000, 25_000):
        if count > len(vectors):
            continue
        some, fixed = vectors[:count].copy(), FixedPointRows(SIZE, count)
        fixed.put(np.arange(count), some)
        _, exact, _, found = in_turn(
            [
                partial(_fill_cache, other),
                partial(_exact, some, probes, SHORTLIST),
                partial(_fill_cache, other),
                partial(_by_bytes, fixed, probes, SHORTLIST),
            ],
            looks,
            clock=time.thread_time,
        )
        section = f"Exact in numpy or upper bytes in faiss (processor time, p50): exact up to {EXACT_UP_TO:,}"
        rows += [
            Row(section, f"{count:,} templates, exact", exact.p50, "ms"),
            Row(section, f"{count:,} templates, upper bytes, then all bits", found.p50, "ms"),
        ]
    return rows


@contextmanager
def installation(vectors: Array) -> Iterator[tuple[Galleries, float, float]]:
    """A database and a key file with a sealed template for each vector; customer ids are row numbers. With it the
    seconds that opening all of them took, and those of the processor."""
    with tempfile.TemporaryDirectory(prefix="usual-bench-") as folder:
        master = [secrets.token_bytes(32)]
        keys = Unsynced(Path(folder) / "identity-keys", lambda: master)
        vault = Vault(keys)
        stores = IdentityStores.open(State(Path(folder)), vault, durable=False)
        enrol(stores, vault, vectors)
        galleries = Galleries(stores.galleries, vault, PACK, SIZE)
        began, used = time.perf_counter(), time.process_time()
        galleries.current(TENANT)
        seconds, used = time.perf_counter() - began, time.process_time() - used
        try:
            yield galleries, seconds, used
        finally:
            stores.database.close()
            keys.close()


def enrol(stores: IdentityStores, vault: Vault, vectors: Array, pack: str = PACK, tenant: str = TENANT) -> None:
    """A customer for each of `vectors` (n, d), as an enrolment would leave them, in one transaction."""
    state: GalleryState = stores.galleries.open_gallery(tenant, pack, new_salt())
    turned = vectors @ vault.rotation(tenant, pack, state.salt, vectors.shape[1]).T
    today = system_clock() // DAY  # nobody is due to be forgotten
    with stores.customers.writing():
        for n, vector in enumerate(turned):
            holder: Holder = vault.admit(tenant, str(n))
            row = CustomerRow(
                tenant, str(n), holder.slot, secrets.token_hex(32), b"", None, None, 0, 0, 0, 0, 0, today
            )
            stores.customers.add_customer(row)
            stores.consents.append(tenant, str(n), [ConsentLine(f"{n:032x}", 0, "given", "face", b"")])
            sealed = sealed_template(vault, holder, pack, state.salt, vector)
            stores.galleries.put_template(tenant, str(n), pack, sealed)
