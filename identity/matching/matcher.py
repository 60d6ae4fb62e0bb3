"""A side of a face that people are told apart by: as it is, or above a mask. Each has templates, thresholds and a
promise of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from identity.engines.manifests import Pack, masked_pack
from identity.matching.decide import decide, top_scores
from identity.matching.gallery import SHORTLIST, Galleries, Snapshot, sealed_template
from identity.matching.thresholds import ONE_FRAME, Thresholds
from identity.store.customers import Store
from identity.store.galleries import GalleryState
from identity.vault.vault import Holder, Vault, new_salt
from identity.vectors import Array, mean_probe, mean_template, unit
from plumbing.clock import Clock

Outcome = Literal["matched", "unknown", "ambiguous"]


class Matcher:
    """The galleries of all tenants for one pack, or for the masked twin of one (`covers.masked_pack`)."""

    def __init__(
        self, store: Store, vault: Vault, pack: Pack, galleries: Galleries, thresholds: Thresholds
    ) -> None:
        self.pack = pack
        self.galleries = galleries
        self.thresholds = thresholds
        self._store = store
        self._vault = vault

    def judge(self, tenant: str, vectors: Sequence[Array]) -> tuple[Outcome, str | None]:
        """(outcome, customer id) for the vectors of one press; without a threshold in force nobody is known."""
        gallery = self.galleries.current(tenant)
        calibration = self.thresholds.current(tenant, gallery.size)
        if calibration is None:
            return "unknown", None
        probes = gallery.turned(np.stack(vectors))
        near = gallery.near(probes)
        decision = decide(probes, near.matrix, calibration, size=near.size)
        return decision.outcome, None if decision.index is None else near.ids[decision.index]

    def surely_there(self, tenant: str, gallery: Snapshot, vectors: Array) -> str | None:
        """The customer that (k, d) vectors of an enrolment surely are ("" when it may be one of two), or None."""
        sure = self.thresholds.sure(tenant, gallery.size) if gallery.ids else None
        if sure is None:
            return None
        probes = gallery.turned(vectors)
        near = gallery.near(probes)
        decision = decide(probes, near.matrix, sure, size=near.size)
        if decision.outcome == "unknown":
            return None
        return "" if decision.index is None else near.ids[decision.index]

    def alike(self, tenant: str, gallery: Snapshot, vectors: Array) -> list[str]:
        """Customers whom the (k, d) vectors of an enrolment, together as those of a press, would be taken for."""
        calibration = self.thresholds.current(tenant, gallery.size) if gallery.ids else None
        if calibration is None:
            return []
        probe = gallery.turned(mean_probe(vectors)[None, :])
        near = gallery.near(probe, 4 * SHORTLIST)
        cosines = (probe @ near.matrix.T)[0]
        cohort = cosines.max() - top_scores(probe, near.matrix, calibration.scoring, near.size)[1][0]
        return [near.ids[n] for n in np.flatnonzero(cosines - cohort >= calibration.threshold)]

    def opened(self, tenant: str) -> Snapshot:
        """The gallery, made when the tenant has none yet."""
        self._store.open_gallery(tenant, self.pack.id, new_salt())
        return self.galleries.current(tenant)

    def unchanged(self, tenant: str, state: GalleryState) -> bool:
        """Whether nobody enrolled or left since. Ask inside `store.writing()`."""
        return self._store.gallery(tenant, self.pack.id) == state

    def sealed(self, holder: Holder, gallery: Snapshot, template: Array) -> bytes:
        """A template (d,) of the engine as it is kept in `gallery`."""
        return self.sealed_turned(holder, gallery, gallery.turned(template))

    def sealed_turned(self, holder: Holder, gallery: Snapshot, turned: Array) -> bytes:
        """The same of one that stands in the gallery's rotation already."""
        return sealed_template(self._vault, holder, self.pack.id, gallery.state.salt, turned)

    def learn_from(self, tenant: str, customer_id: str, gallery: Snapshot, vectors: Array) -> None:
        """Keep what the frames of somebody new score among the others, as scores only, and renew the thresholds.

        Inside the transaction that adds them.
        """
        if gallery.ids:
            probes = gallery.turned(vectors)
            near = gallery.near(probes)
            tops = top_scores(probes, near.matrix, self.thresholds.scoring, near.size)[1]
            self._store.keep_tops(tenant, self.pack.id, customer_id, ONE_FRAME, tops.tolist(), size=gallery.size)
        self.thresholds.renew(tenant, gallery.size + 1)


def matchers_of(
    store: Store, vault: Vault, pack: Pack, promise: float, now_us: Clock
) -> tuple[Matcher, Matcher | None]:
    """The clear side of a pack, and the masked one when it ships figures for masks."""
    clear = Matcher(
        store,
        vault,
        pack,
        Galleries(store, vault, pack.id, pack.size),
        Thresholds(store, pack, promise, now_us),
    )
    twin = masked_pack(pack)
    if twin is None:
        return clear, None
    thresholds = Thresholds(store, twin, promise, now_us, beside=clear.thresholds)
    return clear, Matcher(store, vault, twin, Galleries(store, vault, twin.id, twin.size), thresholds)


def renew_all(sides: Sequence[Matcher | None], tenant: str, sizes: Mapping[str, int]) -> None:
    """Make stale thresholds anew after somebody left: `sizes` are those of the galleries they were in."""
    for side in sides:
        if side is not None:
            side.thresholds.renew(tenant, sizes.get(side.pack.id, 0))


def masked_template(clear: Array, masked: Array, pack: Pack) -> Array:
    """The (d,) template for masked probes from (k, d) vectors of a person's frames as they are and with a mask
    drawn over them. `pack` is a `masked_pack`; its calibration says how much the clear ones count."""
    share = float(pack.calibration["clear_share"])
    mixed = share * mean_template(clear).astype(np.float64) + (1 - share) * mean_template(masked)
    return unit(mixed)
