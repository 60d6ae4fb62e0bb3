"""A gallery of a million: one press beside exact comparison, its memory, how it is filled and how it follows.

The people are simulated: a direction each, with frames scattered around it, in a space where few axes carry most
of the variance, as in real embeddings (`identity.evaluation.simulation`).
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray

from bench.measure import Row, peak_mb, resident_mb, run_in_own_process, timed
from identity.evaluation.identification import interval
from identity.matching.calibration import Calibration
from identity.matching.gallery import SHORTLIST, Galleries, Snapshot, sealed_template
from identity.matching.stages import Stage, decide_in_stages
from identity.store import IdentityStores
from identity.store.homes import sealed_home
from identity.vault.keyfile import KEY, KEY_BYTES, SLOT, KeyFile, owner_digest
from identity.vault.vault import Holder, Vault, new_salt
from identity.vectors import unit
from plumbing.storage.state import State

PACK, TENANT, SIZE = "bench@1", "bench", 256
COUNT, SHARD_ROWS = 1_000_000, 250_000
SITES, REGIONS = 2_000, 25
CHUNK = 50_000
PROBES = 1_000  # of each kind
Array = NDArray[np.float32]


def gallery_size(count: int = COUNT, presses: int = 1_000) -> list[Row]:
    """The rows, measured in a process of its own: its memory is the gallery's."""
    found = run_in_own_process("bench.gallery_size", str(count), str(presses))
    shards = -(-count // shard_rows(count))
    section = (
        f"Gallery of {count:,} templates of {SIZE} numbers, {SITES:,} sites, {shards} shards, one press at a time"
    )
    low, high = (interval(found["customers"], PROBES), interval(found["strangers"], PROBES))
    return [
        Row(section, "a press in its three stages, p50", found["p50"], "ms"),
        Row(section, "the same, p99", found["p99"], "ms", 60),
        Row(section, "the same, processor time", found["processor"], "ms"),
        Row(section, "without stages, p50", found["whole"], "ms"),
        Row(section, "recall@1 against exact, customers", found["customers"], "", 0.999, "more", _between(low)),
        Row(section, "recall@1 against exact, strangers", found["strangers"], "", 0.999, "more", _between(high)),
        Row(section, "memory for each template", found["bytes"], "bytes", 900),
        Row(section, "memory at most while it is filled / afterwards", found["peak"], "x", 1.3),
        Row(
            section,
            "filled from the store in",
            found["fill"],
            "s",
            note=f"{found['opened']:.0f} templates a second",
        ),
        Row(section, "it follows one who enrols in", found["joined"], "ms"),
        Row(section, "it follows one who leaves in", found["left"], "ms"),
    ]


def _between(bounds: tuple[float, float]) -> str:
    return f"{PROBES:,} probes, 95 % interval {bounds[0]:.4f} to {bounds[1]:.4f}"


def shard_rows(count: int) -> int:
    """Four shards, however many templates."""
    return min(SHARD_ROWS, -(-count // 4))


@dataclass(frozen=True)
class People:
    """The same people whenever they are asked for, CHUNK at a time."""

    count: int

    def chunk(self, n: int) -> tuple[Array, Array]:
        """(templates, frames of the same people), each (m, SIZE)."""
        rng = np.random.default_rng([7, n])
        axes = 1 / np.sqrt(1 + np.arange(SIZE) / 32)
        size = min(CHUNK, self.count - n * CHUNK)
        centres = unit(rng.standard_normal((size, SIZE), np.float32) * axes)

        def scattered(by: float) -> Array:
            return unit(centres + rng.standard_normal((size, SIZE), np.float32) * axes * by)

        return scattered(0.03), scattered(0.06)

    def templates(self) -> Iterator[Array]:
        """All templates."""
        for n in range(-(-self.count // CHUNK)):
            yield self.chunk(n)[0]


def site_of(row: int) -> str:
    """Where customer `row` enrolled."""
    return f"site {row % SITES}"


def measure(count: int, presses: int) -> dict[str, float]:
    """All figures, in this process."""
    people = People(count)
    with tempfile.TemporaryDirectory(prefix="usual-bench-") as folder:
        keys = KeyFile(Path(folder) / "identity-keys", lambda: [bytes(KEY_BYTES)])
        vault = Vault(keys)
        stores = IdentityStores.open(State(Path(folder)), vault, durable=False)
        fill_store(stores, vault, keys, people)
        stores.regions.put(TENANT, {f"site {n}": f"region {n % REGIONS}" for n in range(SITES)})
        galleries = Galleries(stores.galleries, vault, PACK, SIZE, shard_rows=shard_rows(count), exact_up_to=1_000)
        import faiss  # noqa: F401 - its libraries are not the gallery's memory

        before, began = resident_mb(os.getpid()), time.perf_counter()
        gallery = galleries.current(TENANT)
        fill = time.perf_counter() - began
        after, peak = resident_mb(os.getpid()), peak_mb()
        figures = {
            "fill": fill,
            "opened": count / fill,
            "bytes": (after - before) * 2**20 / count,
            "peak": peak / after,
        }
        figures |= press_times(galleries, people, presses)
        figures |= recalls(gallery, people)
        figures |= followed(galleries, stores, vault)
        stores.database.close()
        keys.close()
    return figures


def press_times(galleries: Galleries, people: People, presses: int) -> dict[str, float]:
    """A look at the generation, the turn, three searches and the decision; and one search alone."""
    frames = people.chunk(0)[1]
    toy = Calibration(PACK, 0.5, people.count, 0.01, 0)

    def press(k: int) -> object:
        gallery = galleries.current(TENANT)
        row = k * 37 % len(frames)
        probe = gallery.turned(frames[row][None])
        return decide_in_stages(
            probe, [Stage(n.ids, n.matrix, n.size, toy) for n in gallery.near_by(site_of(row), probe)]
        )

    def whole(k: int) -> object:
        gallery = galleries.current(TENANT)
        return gallery.near(gallery.turned(frames[k * 37 % len(frames)][None]))

    taken, plain = timed(press, presses), timed(whole, max(20, presses // 10))
    return {"p50": taken.p50, "p99": taken.p99, "processor": taken.processor_ms, "whole": plain.p50}


def recalls(gallery: Snapshot, people: People) -> dict[str, float]:
    """How often the first found is the first in float32, of customers and of strangers."""
    rng = np.random.default_rng(1)
    axes = 1 / np.sqrt(1 + np.arange(SIZE) / 32)
    customers = people.chunk(0)[1][rng.choice(min(CHUNK, people.count), PROBES, replace=False)]
    strangers = unit(rng.standard_normal((PROBES, SIZE)) * axes)
    found = {}
    for name, probes in (("customers", customers), ("strangers", strangers)):
        best, which = np.full(PROBES, -np.inf, np.float32), np.zeros(PROBES, np.int64)
        for n, templates in enumerate(people.templates()):
            cosines = probes @ templates.T
            top = cosines.argmax(axis=1)
            better = cosines[np.arange(PROBES), top] > best
            best = np.where(better, cosines[np.arange(PROBES), top], best)
            which = np.where(better, top + n * CHUNK, which)
        firsts = [_first(gallery, probe) for probe in gallery.turned(probes)]
        found[name] = float(np.mean([one == int(row) for one, row in zip(firsts, which, strict=True)]))
    return found


def _first(gallery: Snapshot, probe: Array) -> int:
    near = gallery.near(probe[None], SHORTLIST)
    return int(near.ids[int(np.argmax(near.matrix @ probe))])


def followed(galleries: Galleries, stores: IdentityStores, vault: Vault, times: int = 9) -> dict[str, float]:
    """How long the next look takes after one enrolment, and after one opt-out; the medians."""
    joined, left = [], []
    for n in range(times):
        gallery = galleries.current(TENANT)
        holder = vault.admit(TENANT, f"new {n}")
        vector = unit(np.random.default_rng(n).standard_normal(SIZE))
        sealed = sealed_template(vault, holder, PACK, gallery.state.salt, gallery.turned(vector))
        with stores.galleries.writing() as _:
            insert_customer(stores, holder)
            stores.galleries.put_template(TENANT, f"new {n}", PACK, sealed, sealed_home(vault, holder, "site 1"))
        began = time.perf_counter()
        galleries.current(TENANT)
        joined.append(1000 * (time.perf_counter() - began))
        vault.keys.destroy(holder.slot, holder.owner)
        stores.customers.delete_customer(TENANT, f"new {n}")
        began = time.perf_counter()
        galleries.current(TENANT)
        left.append(1000 * (time.perf_counter() - began))
    return {"joined": float(np.median(joined)), "left": float(np.median(left))}


CUSTOMER = "INSERT INTO customers VALUES (?, ?, ?, ?, x'', NULL, NULL, 0, 0, 0, 1, x'')"


def insert_customer(stores: IdentityStores, holder: Holder) -> None:
    """The row of a customer, as far as a gallery needs it."""
    stores.database.change(CUSTOMER, (holder.tenant, holder.customer_id, holder.slot, secrets.token_hex(8)))


def fill_store(stores: IdentityStores, vault: Vault, keys: KeyFile, people: People) -> None:
    """Everybody's key, row and template as enrolments leave them, written in bulk; customer ids are row
    numbers."""
    state = stores.galleries.open_gallery(TENANT, PACK, new_salt())
    rotation = vault.rotation(TENANT, PACK, state.salt, SIZE)
    # A million consents say nothing about a gallery.
    stores.database.change("DROP TRIGGER no_template_without_consent")
    first = 0
    for templates in people.templates():
        holders = [Holder(TENANT, str(n), n + 1) for n in range(first, first + len(templates))]
        write_keys(keys, holders)
        turned = templates @ rotation.T
        sealed = [
            (
                secrets.randbits(63),
                holder.tenant,
                holder.customer_id,
                PACK,
                sealed_template(vault, holder, PACK, state.salt, vector),
                sealed_home(vault, holder, site_of(holder.slot - 1)),
            )
            for holder, vector in zip(holders, turned, strict=True)
        ]
        with stores.database.write() as connection:
            connection.executemany(CUSTOMER, [(h.tenant, h.customer_id, h.slot, f"r{h.slot}") for h in holders])
            connection.executemany(
                "INSERT INTO templates (place, tenant, customer_id, pack, sealed, home) VALUES (?, ?, ?, ?, ?, ?)",
                sealed,
            )
        first += len(templates)
    stores.database.change("UPDATE galleries SET size = ?, generation = ?", (people.count, people.count))


def write_keys(keys: KeyFile, holders: list[Holder]) -> None:
    """A key in the slot of each holder, one slot after the other, in one go."""
    content = b"".join(
        (KEY + keys._wrap(AESGCM.generate_key(256) + owner_digest(holder.owner), holder.slot)).ljust(SLOT, b"\0")
        for holder in holders
    )
    with keys.path.open("r+b") as file:
        file.seek(SLOT * holders[0].slot)
        file.write(content)


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))))
