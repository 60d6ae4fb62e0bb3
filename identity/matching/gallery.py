"""The templates of a tenant in memory, turned by the tenant's rotation, in step with the database.

Every use of a gallery reads its generation first (one row). After an enrolment or erasure in any process, only the
new templates are fetched and decrypted; those of customers who left are dropped, and their rows overwritten.

A press looks for the customers of its own site first, then for those of its region, then for all (`stages`): a
snapshot says which rows these are.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray

from identity.matching import preloaded
from identity.matching.gallery_rows import GalleryRows
from identity.matching.shards import SHARD_ROWS, Shards
from identity.store.galleries import Changes, GalleryState, GalleryStore, TemplateRow
from identity.store.homes import HOME, NOWHERE, RegionStore, home_in
from identity.vault.vault import Holder, Vault

Array = NDArray[np.float32]
Rows = NDArray[np.intp]
NOBODY = GalleryState(-1, 0, b"")

# Up to here a look compares with every template in float32; beyond it their upper bytes find the nearest ones.
# Measured (`python -m bench --only index`), 256 numbers each, one thread, the cache filled with other work before
# each look as in a visit: 2,000 templates .26 and .26 ms, 10,000 1.2 and .38, 25,000 2.5 and .56.
EXACT_UP_TO = 2_000
SHORTLIST = 16  # of the nearest, for each probe: a decision looks at 11, the best and its cohort
LEAST_GAIN = 20  # a site or region is searched on its own when it is so many times smaller than the whole
ROUNDS = 5  # of following a gallery that changes while it is followed


@dataclass(frozen=True)
class Near:
    """The part of a gallery that a decision needs: `matrix` (n, d) holds the rows nearest to the probes; row i is
    of customer `ids[i]`. `size` is the number of templates in the whole gallery."""

    ids: Sequence[str]
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
    id of None stands for a row that is free. Row i is of a customer who enrolled at `sites[homes[i]]`.
    """

    state: GalleryState
    ids: Sequence[str | None]
    exact: Array
    size: int
    rotation: Array | None = None
    rows: Shards | None = None
    homes: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    sites: tuple[str, ...] = ()
    regions: Mapping[str, str] = field(default_factory=dict)
    _parts: dict[str, tuple[Rows, ...]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def matrix(self) -> Array:
        """All rows (n, d); row i is of customer `ids[i]`. A copy for a large gallery: to compare, use `near`."""
        return self.exact if self.rows is None else self.rows.vectors(np.arange(len(self.ids)))

    def template(self, customer_id: str) -> Array:
        """The template (d,) of a customer, turned. Raises ValueError when they are not in the gallery."""
        row = self.ids.index(customer_id)
        found: Array = self.exact[row] if self.rows is None else self.rows.vectors(np.array([row]))[0]
        return found

    def home(self, customer_id: str) -> str:
        """The site where a customer enrolled; NOWHERE when that is not known. Raises ValueError as `template`."""
        code = int(self.homes[self.ids.index(customer_id)])
        return self.sites[code] if 0 <= code < len(self.sites) else NOWHERE

    def turned(self, vectors: Array) -> Array:
        """Vectors of the engine, (d,) or (k, d), turned by this gallery's rotation."""
        return vectors if self.rotation is None else np.ascontiguousarray(vectors @ self.rotation.T)

    def near(self, probes: Array, most: int = SHORTLIST) -> Near:
        """All templates; of a large gallery only the `most` nearest to each of the turned `probes` (k, d) and to
        their mean."""
        if self.rows is None:
            return Near(cast(Sequence[str], self.ids), self.exact, len(self.ids))
        probes = np.atleast_2d(probes)
        searched = np.vstack([probes, probes.mean(axis=0)]) if len(probes) > 1 else probes
        return self._listed(np.unique(self.rows.nearest(searched, most)[1]), self.size)

    def near_by(self, site: str, probe: Array, most: int = SHORTLIST) -> list[Near]:
        """`near` one turned `probe` (1, d) in each part that a press at `site` looks through: the nearest part
        first, at last the whole gallery."""
        found = []
        for part in self.parts(site):
            if self.rows is None:
                found.append(Near(tuple(str(self.ids[row]) for row in part), self.exact[part], len(part)))
            else:
                found.append(self._listed(self.rows.nearest(probe, most, part)[1].ravel(), len(part)))
        return [*found, self.near(probe, most)]

    def parts(self, site: str) -> tuple[Rows, ...]:
        """The rows of customers who enrolled at `site`, then of those of its region, in rising order: each where
        it is small enough to make a difference, and the region where it is more than the site."""
        found = self._parts.get(site)
        if found is None:
            found = self._parts[site] = self._found_parts(site)
        return found

    def _found_parts(self, site: str) -> tuple[Rows, ...]:
        if not site or site == NOWHERE or not self.ids:
            return ()
        region = self.regions.get(site)
        same = {site} if region is None else {site, *(one for one, its in self.regions.items() if its == region)}
        homes = self.homes[: len(self.ids)]
        here = np.array([one == site for one in self.sites])
        around = np.array([one in same for one in self.sites])
        mine = np.flatnonzero((homes >= 0) & here[homes])
        theirs = np.flatnonzero((homes >= 0) & around[homes])
        most = len(self.ids) // LEAST_GAIN
        parts = [mine] if 0 < len(mine) <= most else []
        if max(1, 2 * len(mine)) <= len(theirs) <= most:
            parts.append(theirs)
        return tuple(parts)

    def _listed(self, rows: NDArray[np.int64], size: int) -> Near:
        # A row may belong to a customer who enrolled after this moment: they are not in this snapshot.
        assert self.rows is not None
        mine = [row for row in rows.tolist() if 0 <= row < len(self.ids) and self.ids[row] is not None]
        names = tuple(str(self.ids[row]) for row in mine)
        return Near(names, self.rows.vectors(np.array(mine, np.intp)), size)


class _Loaded:
    """One tenant's gallery in this process."""

    def __init__(self, rows: GalleryRows) -> None:
        self.rows = rows
        self.state = NOBODY
        self.snapshot: Snapshot | None = None
        self.lock = threading.Lock()


class Galleries:
    """All tenants' galleries for one engine pack."""

    def __init__(
        self,
        store: GalleryStore,
        vault: Vault,
        pack: str,
        size: int,
        *,
        exact_up_to: int = EXACT_UP_TO,
        shard_rows: int = SHARD_ROWS,
    ) -> None:
        self._store = store
        self._regions = RegionStore(store.database, store)
        self._vault = vault
        self._pack = pack
        self._size = size
        self.exact_up_to = exact_up_to
        self._shard_rows = shard_rows
        self._loaded: dict[str, _Loaded] = {}
        self._lock = threading.Lock()

    def warm(self) -> None:
        """Read every tenant's gallery of this pack."""
        for tenant, pack, _ in self.stored():
            if pack == self._pack:
                self.current(tenant)

    def opened(self) -> dict[tuple[str, str], tuple[GalleryState, GalleryRows]]:
        """State and rows of each gallery that is in memory, by tenant and pack."""
        return {(tenant, self._pack): (one.state, one.rows) for tenant, one in self._loaded.items()}

    def stored(self) -> list[tuple[str, str, GalleryState]]:
        """(tenant, pack, state) of every gallery in the database."""
        return self._store.galleries()

    def current(self, tenant: str) -> Snapshot:
        """The tenant's gallery as the database has it now."""
        state = self._store.gallery(tenant, self._pack)
        if state is None:
            return Snapshot(NOBODY, (), np.zeros((0, self._size), np.float32), 0)
        with self._lock:
            loaded = self._loaded.get(tenant)
            if loaded is None:
                rows = GalleryRows(self._size, self.exact_up_to, self._shard_rows)
                loaded = self._loaded[tenant] = _Loaded(rows)
        snapshot = loaded.snapshot
        if snapshot is not None and snapshot.state == state:
            return snapshot
        with loaded.lock:
            return self._follow(tenant, loaded)

    def templates(self, tenant: str, state: GalleryState) -> Iterator[tuple[str, Array]]:
        """(customer id, turned template) of a whole gallery, read from the database: exact for every size."""
        for page in self._store.templates(tenant, self._pack):
            vectors, sound, _ = self._opened(tenant, state, page)
            for row, vector, is_sound in zip(page, vectors, sound, strict=True):
                if is_sound:
                    yield row.customer_id, vector

    def _follow(self, tenant: str, loaded: _Loaded) -> Snapshot:
        """Bring `loaded` up to date. The caller has locked it."""
        if loaded.state is NOBODY:
            loaded.state = preloaded.take(tenant, self._pack, loaded.rows) or NOBODY
        for _ in range(ROUNDS):
            changes = self._store.changes(tenant, self._pack, loaded.state.generation)
            if changes is None or not self._apply(tenant, loaded, changes):
                self._compare(tenant, loaded)
            if self._store.gallery(tenant, self._pack) == loaded.state:
                break  # else it has changed while it was read
        rows, state = loaded.rows, loaded.state
        rotation = self._vault.rotation(tenant, self._pack, state.salt, self._size)
        loaded.snapshot = Snapshot(
            state,
            rows.names,
            rows.exact(),
            state.size,
            rotation,
            rows.shards,
            rows.homes,
            tuple(rows.sites),
            self._regions.of_tenant(tenant),
        )
        return loaded.snapshot

    def _apply(self, tenant: str, loaded: _Loaded, changes: Changes) -> bool:
        """Apply the last changes; False, with nothing done, when they do not explain how many there are now."""
        if changes.state.salt != loaded.state.salt:
            return False
        known = loaded.rows.known()
        gone = known[np.isin(known, np.fromiter(changes.gone, np.int64, len(changes.gone)))]
        there = known[np.isin(known, np.array([row.place for row in changes.rows], np.int64))]
        fresh = [row for row in changes.rows if row.place not in there]
        if len(known) - len(gone) + len(fresh) != changes.state.size:
            return False
        loaded.rows.drop(gone)
        self._add(tenant, loaded.rows, changes.state, fresh)
        loaded.state = changes.state
        return True

    def _compare(self, tenant: str, loaded: _Loaded) -> None:
        """Compare with the places of all templates in the database: drop what is gone, read what is missing."""
        state, listed = self._store.places(tenant, self._pack)
        if state.salt != loaded.state.salt:
            loaded.rows.empty()  # the rotation was renewed: every row has changed
        places = np.array(listed, np.int64)
        known = loaded.rows.known()
        loaded.rows.drop(np.setdiff1d(known, places))
        missing = np.setdiff1d(places, known)
        loaded.rows.reserve(len(places))
        whole = len(missing) == len(places)
        pages = self._store.templates(tenant, self._pack) if whole else self._store.at(tenant, self._pack, missing)
        for page in pages:
            self._add(tenant, loaded.rows, state, page)
        loaded.state = state

    def _add(self, tenant: str, rows: GalleryRows, state: GalleryState, page: list[TemplateRow]) -> None:
        """Decrypt a page of templates and add those whose keys exist."""
        if not page:
            return
        vectors, sound, homes = self._opened(tenant, state, page)
        rows.dead.update(row.place for row, is_sound in zip(page, sound, strict=True) if not is_sound)
        kept = np.flatnonzero(sound).tolist()
        rows.add(
            [page[n].customer_id for n in kept],
            [page[n].place for n in kept],
            [homes[n] for n in kept],
            vectors[kept] if len(kept) < len(page) else vectors,
        )

    def _opened(
        self, tenant: str, state: GalleryState, page: Sequence[TemplateRow]
    ) -> tuple[Array, NDArray[np.bool_], list[str]]:
        """The templates (n, size) of a page, whether each is sound, and their homes. One that is not sound is
        opened by no key any more, or is of another size."""
        version, length, nothing = template_version(self._pack, state.salt), 4 * self._size, bytes(4 * self._size)
        sealed = (
            (
                Holder(tenant, row.customer_id, row.slot),
                [("template", row.sealed, version), (HOME, row.home, "1")][: 1 + bool(row.home)],
            )
            for row in page
        )
        contents: list[bytes] = []
        homes: list[str] = []
        for content, *home in self._vault.open_each(sealed):
            contents.append(content if content is not None and len(content) == length else nothing)
            homes.append(home_in(home[0]) if home else NOWHERE)
        vectors = np.frombuffer(b"".join(contents), np.float32).reshape(len(page), self._size)
        there = np.fromiter((content is not nothing for content in contents), np.bool_, len(contents))
        return vectors, there & np.isfinite(vectors).all(axis=1), homes


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
