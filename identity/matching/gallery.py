"""The templates of a tenant in memory, turned by the tenant's rotation, in step with the database.

Each look at a gallery reads its generation first (one row). When another process has enrolled or forgotten
somebody, only what is new is fetched and opened; who has left is dropped, and their row overwritten.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray

from identity.matching.fp16_index import Fp16Rows
from identity.store.galleries import GalleryState, GalleryStore, TemplateRow
from identity.vault.vault import Holder, Vault

Array = NDArray[np.float32]
NOBODY = GalleryState(-1, 0, b"")

# Up to here a look compares with every template in float32; beyond it 16-bit floats find the nearest ones.
# Measured (`python -m bench --only index`), 256 numbers each, one thread: 10,000 templates .13 and .09 ms,
# 25,000 .66 and .21, 50,000 1.5 and .58, 100,000 3.3 and 1.6.
EXACT_UP_TO = 25_000
SHORTLIST = 16  # of the nearest, for each probe: a decision looks at 11, the best and its cohort


@dataclass(frozen=True)
class Near:
    """The part of a gallery that a decision needs: `matrix` (n, d) holds the rows nearest to the probes, customer
    `ids[i]` each. `size` tells how many there are in the gallery."""

    ids: tuple[str, ...]
    matrix: Array
    size: int


@dataclass(frozen=True)
class Snapshot:
    """A gallery as of one moment. `size` counts all templates that the database holds, also one whose key is gone.

    A gallery of up to `exact_up_to` has its rows in `exact`. A larger one has them in `rows`, and None among its
    ids for a row that nobody has.
    """

    state: GalleryState
    ids: tuple[str | None, ...]
    exact: Array
    size: int
    rotation: Array | None = None
    rows: Fp16Rows | None = None

    @property
    def matrix(self) -> Array:
        """All rows (n, d), row i is customer `ids[i]`. Of a large gallery a copy: for looking, `near` is meant."""
        return self.exact if self.rows is None else self.rows.vectors(np.arange(len(self.ids)))

    def template(self, customer_id: str) -> Array:
        """One customer's row (d,), turned. Raises ValueError when they are not in it."""
        row = self.ids.index(customer_id)
        return self.exact[row] if self.rows is None else self.rows.vectors(np.array([row]))[0]

    def turned(self, vectors: Array) -> Array:
        """Vectors of the engine, (d,) or (k, d), as they would stand in this gallery."""
        return vectors if self.rotation is None else np.ascontiguousarray(vectors @ self.rotation.T)

    def near(self, probes: Array, most: int = SHORTLIST) -> Near:
        """Everybody; of a large gallery the `most` nearest to each of `probes` (k, d), turned, and to the mean."""
        if self.rows is None:
            return Near(cast(tuple[str, ...], self.ids), self.exact, len(self.ids))
        probes = np.atleast_2d(probes)
        asked = np.vstack([probes, probes.mean(axis=0)]) if len(probes) > 1 else probes
        found = np.unique(self.rows.nearest(asked, most)[1])
        # A row may have been taken by somebody who enrolled after this moment: not of this snapshot.
        kept = [row for row in found.tolist() if 0 <= row < len(self.ids) and self.ids[row] is not None]
        names = tuple(str(self.ids[row]) for row in kept)
        return Near(names, self.rows.vectors(np.array(kept, np.intp)), self.size)


@dataclass
class _Held:
    """What is kept of one tenant: `rows` once it is large, `buffer` before, with room for more behind its rows."""

    buffer: Array
    state: GalleryState = NOBODY
    ids: list[str | None] = field(default_factory=list)
    dead: set[str] = field(default_factory=set)  # templates that nothing can open any more
    free: list[int] = field(default_factory=list)  # rows of `rows` that somebody left
    rows: Fp16Rows | None = None
    snapshot: Snapshot | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def known(self) -> int:
        """Templates that were read already."""
        return len(self.ids) - len(self.free) + len(self.dead)


class Galleries:
    """All tenants' galleries for one engine pack."""

    def __init__(
        self, store: GalleryStore, vault: Vault, pack: str, size: int, *, exact_up_to: int = EXACT_UP_TO
    ) -> None:
        self._store = store
        self._vault = vault
        self._pack = pack
        self._size = size
        self.exact_up_to = exact_up_to
        self._held: dict[str, _Held] = {}
        self._lock = threading.Lock()

    def warm(self) -> None:
        """Read every tenant's gallery of this pack."""
        for tenant, pack, _ in self._store.galleries():
            if pack == self._pack:
                self.current(tenant)

    def current(self, tenant: str) -> Snapshot:
        """The tenant's gallery as the database has it now."""
        state = self._store.gallery(tenant, self._pack)
        if state is None:
            return Snapshot(NOBODY, (), np.zeros((0, self._size), np.float32), 0)
        with self._lock:
            held = self._held.setdefault(tenant, _Held(np.zeros((0, self._size), np.float32)))
        snapshot = held.snapshot
        if snapshot is not None and snapshot.state == state:
            return snapshot
        with held.lock:
            return self._follow(tenant, held)

    def templates(self, tenant: str, state: GalleryState) -> Iterator[tuple[str, Array]]:
        """(customer, template) of a gallery as they are kept, read from the database: exact, whatever its size."""
        rows = self._store.changes(tenant, self._pack, -1, 0)[1]
        for row, vector in zip(rows, self._opened(tenant, state, rows), strict=True):
            if vector is not None:
                yield row.customer_id, vector

    def _follow(self, tenant: str, held: _Held) -> Snapshot:
        """Bring `held` up to date. The caller has its lock."""
        state, rows, ids = self._store.changes(tenant, self._pack, held.state.generation, held.known)
        if held.state is not NOBODY and state.salt != held.state.salt:
            # The rotation was renewed: every row is another one now.
            held.ids, held.dead, held.free, held.rows = [], set(), [], None
            held.buffer[:] = 0
            state, rows, ids = self._store.changes(tenant, self._pack, -1, 0)
        if ids is not None:  # somebody left, or their template was replaced and comes anew
            self._drop(held, ids - {row.customer_id for row in rows})
        self._add(tenant, held, state, rows)
        held.state = state
        rotation = self._vault.rotation(tenant, self._pack, state.salt, self._size)
        matrix = held.buffer[: 0 if held.rows is not None else len(held.ids)].view()
        matrix.flags.writeable = False
        held.snapshot = Snapshot(state, tuple(held.ids), matrix, state.size, rotation, held.rows)
        return held.snapshot

    def _drop(self, held: _Held, ids: set[str]) -> None:
        """Forget who is not among `ids`. Snapshots in use keep their shape, but lose those rows' numbers."""
        held.dead &= ids
        left = set(held.ids).difference(ids, (None,))
        if not left:
            return
        gone = [n for n, customer in enumerate(held.ids) if customer in left]
        if held.rows is not None:
            for n in gone:
                held.ids[n] = None
            held.rows.clear(gone)
            held.free += gone
            return
        kept = np.setdiff1d(np.arange(len(held.ids)), gone)
        fresh = held.buffer[kept]  # a copy: others may be reading the old rows
        held.buffer[gone] = 0
        held.ids = [held.ids[n] for n in kept]
        held.buffer = fresh

    def _add(self, tenant: str, held: _Held, state: GalleryState, rows: list[TemplateRow]) -> None:
        needed = len(held.ids) + len(rows)
        if held.rows is None and needed > self.exact_up_to:
            self._grow_large(held, needed)
        if held.rows is not None:
            vectors = np.empty((len(rows), self._size), np.float32)
            names = self._read(tenant, held, state, rows, vectors)
            self._add_large(held, held.rows, names, vectors[: len(names)])
            return
        if needed > len(held.buffer):
            # Room is never resized in place: a snapshot in use looks at the old rows.
            larger = np.zeros((max(64, needed * 3 // 2), self._size), np.float32)
            larger[: len(held.ids)] = held.buffer[: len(held.ids)]
            held.buffer = larger
        held.ids += self._read(tenant, held, state, rows, held.buffer[len(held.ids) : needed])

    def _read(
        self, tenant: str, held: _Held, state: GalleryState, rows: list[TemplateRow], vectors: Array
    ) -> list[str]:
        """Open `rows` into the first rows of `vectors`, as many as open; whose they are."""
        names: list[str] = []
        for row, vector in zip(rows, self._opened(tenant, state, rows), strict=True):
            if vector is None:
                held.dead.add(row.customer_id)
                continue
            vectors[len(names)] = vector
            names.append(row.customer_id)
        return names

    def _grow_large(self, held: _Held, needed: int) -> None:
        """From here on the tenant's rows are 16-bit floats."""
        held.rows = Fp16Rows(self._size, needed * 5 // 4)
        held.rows.put(np.arange(len(held.ids)), held.buffer[: len(held.ids)])
        held.buffer = np.zeros((0, self._size), np.float32)

    def _add_large(self, held: _Held, rows: Fp16Rows, names: list[str], vectors: Array) -> None:
        reused = [held.free.pop() for _ in range(min(len(held.free), len(names)))]
        needed = len(held.ids) + len(names) - len(reused)
        if needed > rows.capacity:
            rows = held.rows = rows.grown(needed * 5 // 4)
        places = [*reused, *range(len(held.ids), needed)]
        held.ids += [None] * (needed - len(held.ids))
        for place, name in zip(places, names, strict=True):
            held.ids[place] = name
        rows.put(np.array(places, np.intp), vectors)

    def _opened(self, tenant: str, state: GalleryState, rows: Sequence[TemplateRow]) -> Iterator[Array | None]:
        """The template of each row, None where nothing opens it any more."""
        sealed = ((Holder(tenant, row.customer_id, row.slot), row.sealed) for row in rows)
        for content in self._vault.open_many("template", sealed, template_version(self._pack, state.salt)):
            vector = None if content is None else np.frombuffer(content, np.float32)
            sound = vector is not None and vector.shape == (self._size,) and np.isfinite(vector).all()
            yield vector if sound else None


def template_version(pack: str, salt: bytes) -> str:
    """Associated data of a sealed template: the pack that made it and the rotation it stands in."""
    return f"{pack}/{salt.hex()}"


def sealed_template(vault: Vault, holder: Holder, pack: str, salt: bytes, turned: Array) -> bytes:
    """A turned template (d,) as it is kept."""
    return vault.seal(holder, "template", np.asarray(turned, "<f4").tobytes(), template_version(pack, salt))
