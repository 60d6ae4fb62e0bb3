"""End an experiment: make one of its variants the rule, or change nothing."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from recommender.desk.experiments import Reader, require_variants
from recommender.experiments.errors import WrongState
from recommender.experiments.plan import AS_IT_IS, MODEL, RULES, RUNNING, STOPPED, Experiment, Variant
from recommender.offers.settings import changed
from recommender.service import RecommenderService
from recommender.training.trainer import Trainer

Changes = tuple[Mapping[str, Any], Mapping[str, Any]]
"""What was there earlier and what is there later, for the record of changes."""


@dataclass(frozen=True, slots=True)
class Deciding:
    """Who decides (`who` as the record of changes names them), for which tenant, when."""

    service: RecommenderService
    trainer: Trainer
    tenant: str
    reader: Reader
    who: str
    now_us: int

    def end(self, experiment: Experiment, winner: str) -> tuple[Experiment, Changes]:
        """Apply the variant `winner` in the way in which a person would do it by hand, and note the decision; ""
        for no change. A running experiment is stopped first.

        Raises:
            WrongState: a draft, or decided already; or there is no such variant.
            VariantMissing: the winner cannot be shown any more; nothing was changed.
        """
        if experiment.state not in (RUNNING, STOPPED):
            raise WrongState(experiment.state, f"{RUNNING} or {STOPPED}")
        variant = experiment.variant(winner) if winner else None
        if winner and variant is None:
            raise WrongState(f"without a variant {winner}", "one that has it")
        if variant is not None:
            alone = replace(experiment, variants=(variant,))
            require_variants(self.service, self.tenant, alone, self.reader)
        store = self.service.stores.experiments
        if experiment.state == RUNNING:
            self.service.experimenting.flush()
            store.stop(self.tenant, experiment.experiment_id, self.now_us)
        done = ({}, {}) if variant is None else self._apply(experiment.scene, variant)
        return store.decide(self.tenant, experiment.experiment_id, winner, self.now_us), done

    def _apply(self, scene: str, variant: Variant) -> Changes:
        if variant.kind == AS_IT_IS:
            return {}, {}
        if variant.kind == MODEL:
            earlier = self.trainer.shelf(self.tenant, scene).current()
            self.trainer.pins.go_back(self.tenant, scene, variant.version, who=self.who)
            return {"version": earlier}, {"version": variant.version, "pinned": True}
        if variant.kind == RULES:
            rules = self.service.experimenting.sources.rules
            rules.publish(self.tenant, variant.rules, self.who, self.now_us)
            return {}, {"rules": variant.document}
        return self._apply_offers(variant)

    def _apply_offers(self, variant: Variant) -> Changes:
        """Settings that differed become the tenant's; offers that were off are paused, and can go on any time."""
        offers = self.service.stores.offers
        with offers.transaction():
            now, _ = offers.settings(self.tenant, secrets.token_hex(16))
            later = changed(now, variant.settings)
            if variant.settings:
                offers.save_settings(self.tenant, later)
            paused = [replace(offers.offer(self.tenant, one), status="paused") for one in variant.off]
            if paused:
                offers.save_offers(self.tenant, paused, self.now_us)
        before, after = asdict(now), asdict(later)
        earlier = {"settings": {name: before[name] for name in variant.settings}}
        return earlier, {"settings": {name: after[name] for name in variant.settings}, "paused": list(variant.off)}
