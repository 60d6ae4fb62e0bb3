"""From the vectors of a press to a customer, for one pack.

A pack may have two matchers: one for the face as it is, one for the face above a mask. Each has templates,
thresholds and a promise of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from identity.engines.manifests import Pack, masked_pack
from identity.matching.calibration import Calibration
from identity.matching.decide import NEAR_TIE, Outcome, decide, top_scores
from identity.matching.gallery import SHORTLIST, Galleries, Snapshot, sealed_template
from identity.matching.stages import Stage, decide_in_stages, reaching
from identity.matching.thresholds import Thresholds
from identity.store import IdentityStores
from identity.store.galleries import GalleryState, GalleryStore
from identity.store.homes import NOWHERE, sealed_home
from identity.vault.vault import Holder, Vault, new_salt
from identity.vectors import Array, mean_probe, mean_template, unit
from plumbing.clock import Clock


@dataclass(frozen=True, slots=True)
class CustomerMatch:
    """`customer_id` is set when the outcome is "matched"."""

    outcome: Outcome
    customer_id: str | None = None


class Matcher:
    """The galleries of all tenants for one pack, or for the masked twin of one (`manifests.masked_pack`)."""

    def __init__(
        self, store: GalleryStore, vault: Vault, pack: Pack, galleries: Galleries, thresholds: Thresholds
    ) -> None:
        self.pack = pack
        self.galleries = galleries
        self.thresholds = thresholds
        self._store = store
        self._vault = vault

    def judge(
        self, tenant: str, vectors: Sequence[Array], without: Collection[str] = (), site: str = NOWHERE
    ) -> CustomerMatch:
        """The customer that the (d,) vectors of one press at `site` show; without a threshold in force nobody is
        known. Those `without` count as if they had no template."""
        gallery = self.galleries.current(tenant)
        calibration = self.thresholds.current(tenant, gallery.size)
        if calibration is None:
            return CustomerMatch("unknown")
        probe = gallery.turned(mean_probe(np.stack(vectors))[None, :])
        stages = self._stages(tenant, gallery, probe, calibration, site, without=without)
        return CustomerMatch(*decide_in_stages(probe, stages))

    def _stages(
        self,
        tenant: str,
        gallery: Snapshot,
        probe: Array,
        calibration: Calibration,
        site: str,
        most: int = SHORTLIST,
        without: Collection[str] = (),
    ) -> list[Stage]:
        """The stages of a press at `site`, each with the templates nearest to the turned (1, d) `probe`."""
        found = gallery.near_by(site, probe, most)
        calibrations = self.thresholds.in_stages(tenant, calibration, [near.size for near in found[:-1]])
        found = found[-len(calibrations) :]
        if without:
            found = [near.without(without) for near in found]
        return [
            Stage(near.ids, near.matrix, near.size, one) for near, one in zip(found, calibrations, strict=True)
        ]

    def surely_there(self, tenant: str, gallery: Snapshot, vectors: Array) -> CustomerMatch:
        """The customer that (k, d) vectors of an enrolment surely show, at the stricter threshold of
        `Thresholds.sure`; "ambiguous" when they may show one of two. The whole gallery counts, at every site."""
        sure = self.thresholds.sure(tenant, gallery.size) if gallery.ids else None
        if sure is None:
            return CustomerMatch("unknown")
        probe = gallery.turned(mean_probe(vectors)[None, :])
        near = gallery.near(probe)
        decision = decide(probe, near.matrix, sure, size=near.size)
        return CustomerMatch(decision.outcome, None if decision.index is None else near.ids[decision.index])

    def alike(self, tenant: str, gallery: Snapshot, vectors: Array, site: str = NOWHERE) -> list[str]:
        """All customers that the (k, d) vectors of an enrolment at `site`, judged like those of a press, would
        match."""
        calibration = self.thresholds.current(tenant, gallery.size) if gallery.ids else None
        if calibration is None:
            return []
        probe = gallery.turned(mean_probe(vectors)[None, :])
        stages = self._stages(tenant, gallery, probe, calibration, site, 4 * SHORTLIST)
        found = reaching(probe, stages)
        return [one for one in stages[-1].ids if one in found] + sorted(found.difference(stages[-1].ids))

    def candidates(self, tenant: str, vectors: Sequence[Array], site: str = NOWHERE) -> list[str]:
        """All customers that the (d,) vectors of one press at `site` may show, the nearest first: those that reach
        the threshold of a stage, and those that nearly tie with one. Empty when `judge` says "unknown"."""
        gallery = self.galleries.current(tenant)
        calibration = self.thresholds.current(tenant, gallery.size) if gallery.ids else None
        if calibration is None:
            return []
        probe = gallery.turned(mean_probe(np.stack(vectors))[None, :])
        stages = self._stages(tenant, gallery, probe, calibration, site, 4 * SHORTLIST)
        if decide_in_stages(probe, stages)[0] == "unknown":
            return []
        found = reaching(probe, stages)
        cosine: dict[str, float] = {}
        for stage in stages:
            cosine |= dict(zip(stage.ids, (probe @ stage.matrix.T)[0].tolist(), strict=True))
        best = max(cosine.values())
        may_be = [one for one, score in cosine.items() if one in found or 1 - best > NEAR_TIE * (1 - score)]
        return sorted(may_be, key=lambda one: -cosine[one])

    def has_lookalike(self, tenant: str, customer_id: str) -> bool | None:
        """Whether another customer's template is as near to this customer's as a press of theirs at their own site
        would be; None when there is no threshold to judge it by."""
        gallery = self.galleries.current(tenant)
        calibration = self.thresholds.current(tenant, gallery.size) if gallery.ids else None
        if calibration is None or customer_id not in gallery.ids:
            return None
        probe, home = gallery.template(customer_id)[None, :], gallery.home(customer_id)
        others = self._stages(tenant, gallery, probe, calibration, home, 4 * SHORTLIST, {customer_id})
        return decide_in_stages(probe, others)[0] != "unknown"

    def opened(self, tenant: str) -> Snapshot:
        """The gallery, made when the tenant has none yet."""
        self._store.open_gallery(tenant, self.pack.id, new_salt())
        return self.galleries.current(tenant)

    def unchanged(self, tenant: str, state: GalleryState) -> bool:
        """Whether nobody enrolled or left since. To be called inside `writing()` of a store."""
        return self._store.gallery(tenant, self.pack.id) == state

    def sealed(self, holder: Holder, gallery: Snapshot, template: Array) -> bytes:
        """A template (d,) of the engine, turned and sealed for `gallery`."""
        return self.sealed_turned(holder, gallery, gallery.turned(template))

    def sealed_turned(self, holder: Holder, gallery: Snapshot, turned: Array) -> bytes:
        """The same for a template that is turned already."""
        return sealed_template(self._vault, holder, self.pack.id, gallery.state.salt, turned)

    def put(self, holder: Holder, sealed: bytes, site: str) -> None:
        """Store a sealed template of a customer who enrolled at `site`. A part of a transaction."""
        home = sealed_home(self._vault, holder, site)
        self._store.put_template(holder.tenant, holder.customer_id, self.pack.id, sealed, home)

    def learn_from(self, tenant: str, customer_id: str, gallery: Snapshot, vectors: Array) -> None:
        """Store the best scores of a new customer's (k, d) vectors among the others, and renew the thresholds.

        Called inside the transaction that adds the customer.
        """
        tops = [0.0] * len(vectors)  # of the first customer: without a row they would be known as the first
        if gallery.ids:
            probes = gallery.turned(vectors)
            near = gallery.near(probes)
            tops = top_scores(probes, near.matrix, self.thresholds.scoring, near.size)[1].tolist()
        self.thresholds.add_own(tenant, customer_id, tops, gallery.size)
        self.thresholds.renew(tenant, gallery.size + 1)


@dataclass(frozen=True)
class Matchers:
    """The matchers of one pack. `masked` is None unless the pack ships figures for masks."""

    clear: Matcher
    masked: Matcher | None

    @classmethod
    def of(cls, stores: IdentityStores, vault: Vault, pack: Pack, promise: float, now_us: Clock) -> Matchers:
        """Those of `pack`, whose thresholds follow from `promise` (a share of strangers)."""

        def matcher(pack: Pack, thresholds: Thresholds) -> Matcher:
            galleries = Galleries(stores.galleries, vault, pack.id, pack.size)
            return Matcher(stores.galleries, vault, pack, galleries, thresholds)

        thresholds = Thresholds(stores.thresholds, pack, promise, now_us)
        twin = masked_pack(pack)
        if twin is None:
            return cls(matcher(pack, thresholds), None)
        beside = Thresholds(stores.thresholds, twin, promise, now_us, beside=thresholds)
        return cls(matcher(pack, thresholds), matcher(twin, beside))

    def __iter__(self) -> Iterator[Matcher]:
        yield self.clear
        if self.masked is not None:
            yield self.masked

    def renew_thresholds(self, tenant: str, sizes: Mapping[str, int]) -> None:
        """Recompute stale thresholds after a customer left; `sizes` are the new sizes of their galleries, by pack
        id."""
        for matcher in self:
            matcher.thresholds.renew(tenant, sizes.get(matcher.pack.id, 0))

    def keep_thresholds(self) -> None:
        """Renew every threshold that does not fit the size of its gallery: after work that was interrupted, or
        was done by an older version."""
        for matcher in self:
            for tenant, pack, state in matcher.galleries.stored():
                if pack == matcher.pack.id:
                    matcher.thresholds.renew(tenant, state.size)


def masked_template(clear: Array, masked: Array, pack: Pack) -> Array:
    """The (d,) template for masked probes from (k, d) vectors of a person's frames as they are and with a mask
    drawn over them. `pack` is a `masked_pack`; its calibration has the weight of the clear ones."""
    share = float(pack.calibration["clear_share"])
    mixed = share * mean_template(clear).astype(np.float64) + (1 - share) * mean_template(masked)
    return unit(mixed)
