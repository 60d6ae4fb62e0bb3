"""The templates of a tenant in memory, turned by the tenant's rotation, in step with the database.

Every use of a gallery reads its generation first (one row). After an enrolment or erasure in any process, only the
new templates are fetched and decrypted; those of customers who left are dropped, and their rows overwritten.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
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
    """The part of a gallery that a decision needs: `matrix` (n, d) holds the rows nearest to the probes; row i is
    of customer `ids[i]`. `size` is the number of templates in the whole gallery."""

    ids: tuple[str, ...]
    matrix: Array
    size: int

    def without(self, customer_ids: Collection[str]) -> Near:
        """The same without the templates of these customers."""
        kept = [n for n, one in enumerate(self.ids) if one not in customer_ids]
        return Near(tuple(self.ids[n] for n in kept), self.matrix[kept], self.size)


@dataclass(frozen=True)
class Snapshot:
    """A gallery as of one moment. `size` counts all templates in the database, also those whose key is gone.

    A gallery of up to `exact_up_to` templates has its rows in `exact` (n, d). A larger one has them in `rows`; an
    id of None stands for a row that is free.
    """

    state: GalleryState
    ids: tuple[str | None, ...]
    exact: Array
    size: int
    rotation: Array | None = None
    rows: Fp16Rows | None = None

    @property
    def matrix(self) -> Array:
        """All rows (n, d); row i is of customer `ids[i]`. A copy for a large gallery: to compare, use `near`."""
        return self.exact if self.rows is None else self.rows.vectors(np.arange(len(self.ids)))

    def template(self, customer_id: str) -> Array:
        """The template (d,) of a customer, turned. Raises ValueError when they are not in the gallery."""
        row = self.ids.index(customer_id)
        found: Array = self.exact[row] if self.rows is None else self.rows.vectors(np.array([row]))[0]
        return found

    def turned(self, vectors: Array) -> Array:
        """Vectors of the engine, (d,) or (k, d), turned by this gallery's rotation."""
        return vectors if self.rotation is None else np.ascontiguousarray(vectors @ self.rotation.T)

    def near(self, probes: Array, most: int = SHORTLIST) -> Near:
        """All templates; of a large gallery only the `most` nearest to each of the turned `probes` (k, d) and to
        their mean."""
        if self.rows is None:
            return Near(cast(tuple[str, ...], self.ids), self.exact, len(self.ids))
        probes = np.atleast_2d(probes)
        searched = np.vstack([probes, probes.mean(axis=0)]) if len(probes) > 1 else probes
        found = np.unique(self.rows.nearest(searched, most)[1])
        # A row may belong to a customer who enrolled after this moment: they are not in this snapshot.
        mine = [row for row in found.tolist() if 0 <= row < len(self.ids) and self.ids[row] is not None]
        names = tuple(str(self.ids[row]) for row in mine)
        return Near(names, self.rows.vectors(np.array(mine, np.intp)), self.size)


@dataclass
class _Loaded:
    """One tenant's gallery: in `buffer`, with spare room after its rows, or in `rows` once it is large."""

    buffer: Array
    state: GalleryState = NOBODY
    ids: list[str | None] = field(default_factory=list)
    dead: set[str] = field(default_factory=set)  # templates that no key opens any more
    free: list[int] = field(default_factory=list)  # rows of `rows` that are free again
    rows: Fp16Rows | None = None
    snapshot: Snapshot | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def known(self) -> int:
        """The number of templates that were read already."""
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
        self._loaded: dict[str, _Loaded] = {}
        self._lock = threading.Lock()

    def warm(self) -> None:
        """Read every tenant's gallery of this pack."""
        for tenant, pack, _ in self.stored():
            if pack == self._pack:
                self.current(tenant)

    def stored(self) -> list[tuple[str, str, GalleryState]]:
        """(tenant, pack, state) of every gallery in the database."""
        return self._store.galleries()

    def current(self, tenant: str) -> Snapshot:
        """The tenant's gallery as the database has it now."""
        state = self._store.gallery(tenant, self._pack)
        if state is None:
            return Snapshot(NOBODY, (), np.zeros((0, self._size), np.float32), 0)
        with self._lock:
            loaded = self._loaded.setdefault(tenant, _Loaded(np.zeros((0, self._size), np.float32)))
        snapshot = loaded.snapshot
        if snapshot is not None and snapshot.state == state:
            return snapshot
        with loaded.lock:
            return self._follow(tenant, loaded)

    def templates(self, tenant: str, state: GalleryState) -> Iterator[tuple[str, Array]]:
        """(customer id, turned template) of a whole gallery, read from the database: exact for every size."""
        rows = self._store.changes(tenant, self._pack, -1, 0)[1]
        for row, vector in zip(rows, self._opened(tenant, state, rows), strict=True):
            if vector is not None:
                yield row.customer_id, vector

    def _follow(self, tenant: str, loaded: _Loaded) -> Snapshot:
        """Bring `loaded` up to date. The caller has locked it."""
        state, rows, ids = self._store.changes(tenant, self._pack, loaded.state.generation, loaded.known)
        if loaded.state is not NOBODY and state.salt != loaded.state.salt:
            # The rotation was renewed: every row has changed.
            loaded.ids, loaded.dead, loaded.free, loaded.rows = [], set(), [], None
            loaded.buffer[:] = 0
            state, rows, ids = self._store.changes(tenant, self._pack, -1, 0)
        if ids is not None:  # customers left, or their templates were replaced and are among `rows`
            self._drop(loaded, ids - {row.customer_id for row in rows})
        self._add(tenant, loaded, state, rows)
        loaded.state = state
        rotation = self._vault.rotation(tenant, self._pack, state.salt, self._size)
        matrix = loaded.buffer[: 0 if loaded.rows is not None else len(loaded.ids)].view()
        matrix.flags.writeable = False
        loaded.snapshot = Snapshot(state, tuple(loaded.ids), matrix, state.size, rotation, loaded.rows)
        return loaded.snapshot

    def _drop(self, loaded: _Loaded, ids: set[str]) -> None:
        """Drop the customers that are not among `ids`. Snapshots in use keep their shape; the rows become zero."""
        loaded.dead &= ids
        left = set(loaded.ids).difference(ids, (None,))
        if not left:
            return
        gone = [n for n, customer in enumerate(loaded.ids) if customer in left]
        if loaded.rows is not None:
            for n in gone:
                loaded.ids[n] = None
            loaded.rows.clear(gone)
            loaded.free += gone
            return
        stay = np.setdiff1d(np.arange(len(loaded.ids)), gone)
        fresh = loaded.buffer[stay]  # a copy: other threads may be reading the old rows
        loaded.buffer[gone] = 0
        loaded.ids = [loaded.ids[n] for n in stay]
        loaded.buffer = fresh

    def _add(self, tenant: str, loaded: _Loaded, state: GalleryState, rows: list[TemplateRow]) -> None:
        needed = len(loaded.ids) + len(rows)
        if loaded.rows is None and needed > self.exact_up_to:
            self._grow_large(loaded, needed)
        if loaded.rows is not None:
            vectors = np.empty((len(rows), self._size), np.float32)
            names = self._read(tenant, loaded, state, rows, vectors)
            self._add_large(loaded, loaded.rows, names, vectors[: len(names)])
            return
        if needed > len(loaded.buffer):
            # The buffer is never resized in place: a snapshot in use reads the old rows.
            larger = np.zeros((max(64, needed * 3 // 2), self._size), np.float32)
            larger[: len(loaded.ids)] = loaded.buffer[: len(loaded.ids)]
            loaded.buffer = larger
        loaded.ids += self._read(tenant, loaded, state, rows, loaded.buffer[len(loaded.ids) : needed])

    def _read(
        self, tenant: str, loaded: _Loaded, state: GalleryState, rows: list[TemplateRow], vectors: Array
    ) -> list[str]:
        """Decrypt `rows` into the first rows of `vectors`, as far as their keys exist; the customer ids."""
        names: list[str] = []
        for row, vector in zip(rows, self._opened(tenant, state, rows), strict=True):
            if vector is None:
                loaded.dead.add(row.customer_id)
                continue
            vectors[len(names)] = vector
            names.append(row.customer_id)
        return names

    def _grow_large(self, loaded: _Loaded, needed: int) -> None:
        """From here on the tenant's rows are 16-bit floats."""
        loaded.rows = Fp16Rows(self._size, needed * 5 // 4)
        loaded.rows.put(np.arange(len(loaded.ids)), loaded.buffer[: len(loaded.ids)])
        loaded.buffer = np.zeros((0, self._size), np.float32)

    def _add_large(self, loaded: _Loaded, rows: Fp16Rows, names: list[str], vectors: Array) -> None:
        reused = [loaded.free.pop() for _ in range(min(len(loaded.free), len(names)))]
        needed = len(loaded.ids) + len(names) - len(reused)
        if needed > rows.capacity:
            rows = loaded.rows = rows.grown(needed * 5 // 4)
        places = [*reused, *range(len(loaded.ids), needed)]
        loaded.ids += [None] * (needed - len(loaded.ids))
        for place, name in zip(places, names, strict=True):
            loaded.ids[place] = name
        rows.put(np.array(places, np.intp), vectors)

    def _opened(self, tenant: str, state: GalleryState, rows: Sequence[TemplateRow]) -> Iterator[Array | None]:
        """The template of each row, None where no key opens it any more."""
        sealed = ((Holder(tenant, row.customer_id, row.slot), row.sealed) for row in rows)
        for content in self._vault.open_many("template", sealed, template_version(self._pack, state.salt)):
            vector = None if content is None else np.frombuffer(content, np.float32)
            sound = vector is not None and vector.shape == (self._size,) and np.isfinite(vector).all()
            yield vector if sound else None


def template_version(pack: str, salt: bytes) -> str:
    """Associated data of a sealed template: the pack that made it and the rotation it stands in."""
    return f"{pack}/{salt.hex()}"


def sealed_template(vault: Vault, holder: Holder, pack: str, salt: bytes, turned: Array) -> bytes:
    """A turned template (d,), sealed for the database."""
    return vault.seal(holder, "template", np.asarray(turned, "<f4").tobytes(), template_version(pack, salt))


def templates_of(store: GalleryStore, vault: Vault, holder: Holder) -> Iterator[Array]:
    """Every template of a customer, turned as it is kept, and as the engine made it.

    Raises KeyDestroyed or SealBroken.
    """
    for pack, salt, sealed in store.templates_of(holder.tenant, holder.customer_id):
        content = vault.open(holder, "template", sealed, template_version(pack, salt))
        turned = np.frombuffer(content, np.float32)
        yield turned
        yield turned @ vault.rotation(holder.tenant, pack, salt, len(turned))
