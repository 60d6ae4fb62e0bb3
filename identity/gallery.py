"""The templates of a tenant in memory, turned by the tenant's rotation, in step with the database.

Each look at a gallery reads its generation first (one row). When another process has enrolled or forgotten
somebody, only what is new is fetched and opened; who has left is dropped, and their row overwritten.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from identity.errors import KeyDestroyed, SealBroken
from identity.store import GalleryState, Store, TemplateRow
from identity.vault import Holder, Vault

Array = NDArray[np.float32]
NOBODY = GalleryState(-1, 0, b"")


@dataclass(frozen=True)
class Snapshot:
    """A gallery as of one moment: `matrix` is (n, d), row i is customer `ids[i]`. `size` counts every template
    that the database holds, also one whose key is gone."""

    state: GalleryState
    ids: tuple[str, ...]
    matrix: Array
    size: int
    rotation: Array | None = None

    def turned(self, vectors: Array) -> Array:
        """Vectors of the engine, (d,) or (k, d), as they would stand in this gallery."""
        return vectors if self.rotation is None else np.ascontiguousarray(vectors @ self.rotation.T)


@dataclass
class _Held:
    """What is kept of one tenant. Rows beyond `len(ids)` of `buffer` are room for more."""

    buffer: Array
    state: GalleryState = NOBODY
    ids: list[str] = field(default_factory=list)
    dead: set[str] = field(default_factory=set)  # templates that nothing can open any more
    snapshot: Snapshot | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Galleries:
    """All tenants' galleries for one engine pack."""

    def __init__(self, store: Store, vault: Vault, pack: str, size: int) -> None:
        self._store = store
        self._vault = vault
        self._pack = pack
        self._size = size
        self._held: dict[str, _Held] = {}
        self._lock = threading.Lock()

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

    def _follow(self, tenant: str, held: _Held) -> Snapshot:
        """Bring `held` up to date. The caller has its lock."""
        since, known = held.state.generation, len(held.ids) + len(held.dead)
        state, rows, ids = self._store.changes(tenant, self._pack, since, known)
        if (
            held.state is not NOBODY and state.salt != held.state.salt
        ):  # the rotation was renewed: every row is another one now
            held.ids, held.dead = [], set()
            held.buffer[:] = 0
            state, rows, ids = self._store.changes(tenant, self._pack, -1, 0)
        if ids is not None:  # somebody left, or their template was replaced and comes anew
            self._drop(held, ids - {row.customer_id for row in rows})
        self._add(tenant, held, state, rows)
        held.state = state
        rotation = self._vault.rotation(tenant, self._pack, state.salt, self._size)
        matrix = held.buffer[: len(held.ids)].view()
        matrix.flags.writeable = False
        held.snapshot = Snapshot(state, tuple(held.ids), matrix, state.size, rotation)
        return held.snapshot

    def _drop(self, held: _Held, ids: set[str]) -> None:
        """Forget who is not among `ids`. Snapshots in use keep their shape, but lose those rows' numbers."""
        held.dead &= ids
        kept = [n for n, customer in enumerate(held.ids) if customer in ids]
        if len(kept) == len(held.ids):
            return
        gone = sorted(set(range(len(held.ids))) - set(kept))
        fresh = held.buffer[kept]  # a copy: others may be reading the old rows
        held.buffer[gone] = 0
        held.ids = [held.ids[n] for n in kept]
        held.buffer = fresh

    def _add(self, tenant: str, held: _Held, state: GalleryState, rows: list[TemplateRow]) -> None:
        opened: list[Array] = []
        for row in rows:
            vector = self._opened(tenant, state, row)
            if vector is None:
                held.dead.add(row.customer_id)
                continue
            opened.append(vector)
            held.ids.append(row.customer_id)
        needed = len(held.ids)
        if needed > len(held.buffer):
            # Room is never resized in place: a snapshot in use looks at the old rows.
            larger = np.zeros((max(64, needed * 3 // 2), self._size), np.float32)
            filled = needed - len(opened)
            larger[:filled] = held.buffer[:filled]
            held.buffer = larger
        if opened:
            held.buffer[needed - len(opened) : needed] = opened

    def _opened(self, tenant: str, state: GalleryState, row: TemplateRow) -> Array | None:
        holder = Holder(tenant, row.customer_id, row.slot)
        try:
            content = self._vault.open(holder, "template", row.sealed, template_version(self._pack, state.salt))
        except (KeyDestroyed, SealBroken):
            return None
        vector = np.frombuffer(content, np.float32)
        return vector if vector.shape == (self._size,) and np.isfinite(vector).all() else None


def template_version(pack: str, salt: bytes) -> str:
    """Associated data of a sealed template: the pack that made it and the rotation it stands in."""
    return f"{pack}/{salt.hex()}"


def sealed_template(vault: Vault, holder: Holder, pack: str, salt: bytes, turned: Array) -> bytes:
    """A turned template (d,) as it is kept."""
    return vault.seal(holder, "template", np.asarray(turned, "<f4").tobytes(), template_version(pack, salt))
