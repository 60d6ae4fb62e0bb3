"""What the desk does with a tenant's rules: show, check, save a draft, publish, restore."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from plumbing.access.caller import Caller
from recommender.desk.rule_words import RuleWords, answer
from recommender.desk.rules_of_sites import require_own_sites, seen_by, with_hidden
from recommender.desk.versions import NameOf, by_id
from recommender.errors import SiteUnknown
from recommender.rules.check import Catalogues, conflicts, remarks
from recommender.rules.document import RulesDocument
from recommender.rules.errors import RulesConflict, RulesUnreadable
from recommender.service import RecommenderService
from recommender.store.rules import StoredRules
from recommender.times import from_us

KINDS = {"orders": "item", "destinations": "place"}


@dataclass(frozen=True)
class RulesDesk:
    """The rules of all tenants, for whoever may see or change them."""

    service: RecommenderService
    now_us: Callable[[], int]
    name_of: NameOf = by_id

    # --- look

    def published(self, tenant: str) -> StoredRules | None:
        """The document that was published last, whatever its dates."""
        return next(iter(self.service.stores.rules.history(tenant)), None)

    def words(self, tenant: str, language: str) -> RuleWords:
        """The sentences in a language."""
        return RuleWords(language, self.catalogues(tenant))

    def catalogues(self, tenant: str) -> Catalogues:
        """What each scene suggests from, by id."""
        return {
            scene: self.service.caches.menu(tenant, "item" if kind == "item" else "place").by_id
            for scene, kind in KINDS.items()
        }

    def today(self, tenant: str) -> date:
        """The tenant's own day."""
        zone = self.service.caches.rules(tenant).zone
        return datetime.fromtimestamp(self.now_us() / 1e6, zone or UTC).date()

    def shown(self, tenant: str, language: str, sites: Collection[str] = ()) -> dict[str, Any]:
        """What holds now, with sentences: the body of GET /recommender/v1/desk/rules. For a person of some `sites`
        without the rules of other sites."""
        stored, today = self.published(tenant), self.today(tenant)
        live, words = self.service.caches.rules(tenant), self.words(tenant, language)
        now = live.on(today)
        coming = [(n, one) for n, one in live.documents if one.effective_from and one.effective_from > today]
        later = {n: seen_by(sites, one) for n, one in coming}
        holding = seen_by(sites, now[1]) if now else None
        draft = self.service.stores.rules.draft(tenant)
        document, trouble = _readable(stored)
        document = seen_by(sites, document) if document else None
        return {
            "answer": answer(words, holding, later, today, draft=draft is not None),
            "document": (document or RulesDocument()).to_json(),
            "number": stored.number if stored else None,
            "number_now": now[0] if now else None,
            "published_at": from_us(stored.at_us) if stored else None,
            "who": self.name_of(tenant, stored.who) if stored else "",
            "trouble": words.say("unreadable", number=stored.number) if trouble and stored else "",
            "rules": self.described(tenant, document, words) if document else [],
            "remarks": self.remarks(tenant, document, words) if document else [],
        }

    def shown_draft(self, tenant: str, language: str, sites: Collection[str] = ()) -> dict[str, Any] | None:
        """The draft with sentences, as `shown` shows it; None without one."""
        stored, words = self.service.stores.rules.draft(tenant), self.words(tenant, language)
        document, _ = _readable(stored)
        if stored is None or document is None:
            return None
        document = seen_by(sites, document)
        return self.checked(tenant, document, words) | {
            "document": document.to_json(),
            "saved_at": from_us(stored.at_us),
            "who": self.name_of(tenant, stored.who),
        }

    def checked(self, tenant: str, document: RulesDocument, words: RuleWords) -> dict[str, Any]:
        """A document's sentences, and what is wrong with it."""
        return {
            "rules": self.described(tenant, document, words),
            "conflicts": self.conflicts(tenant, document, words),
            "remarks": self.remarks(tenant, document, words),
        }

    def described(self, tenant: str, document: RulesDocument, words: RuleWords) -> list[dict[str, Any]]:
        """Each rule as a sentence, and whether it holds today."""
        today = self.today(tenant)
        rows = []
        for rule in document.rules:
            ended = rule.when.until_date is not None and rule.when.until_date < today
            state = "ended" if ended else "later" if not rule.when.on(today) else "holds"
            state = "waits" if state == "holds" and not rule.when.on_weekday(today) else state
            state = state if rule.active else "paused"
            rows.append(
                {
                    "id": rule.id,
                    "kind": rule.kind,
                    "scene": rule.scene,
                    "sentence": words.sentence(rule),
                    "state": state,
                    "state_text": words.say(f"state-{state}"),
                    "note": rule.note,
                }
            )
        return rows

    def history(self, tenant: str, sites: Collection[str] = ()) -> list[dict[str, Any]]:
        """What was published, the newest first, as `shown` shows it."""
        now = self.service.caches.rules(tenant).on(self.today(tenant))
        rows = []
        for stored in self.service.stores.rules.history(tenant):
            document, trouble = _readable(stored)
            document = seen_by(sites, document) if document else None
            rows.append(
                {
                    "number": stored.number,
                    "published_at": from_us(stored.at_us),
                    "who": self.name_of(tenant, stored.who),
                    "rules": len(document.rules) if document else None,
                    "effective_from": _iso(document.effective_from) if document else None,
                    "expires_on": _iso(document.expires_on) if document else None,
                    "holds": now is not None and now[0] == stored.number,
                    "readable": not trouble,
                    "document": document.to_json() if document else None,
                }
            )
        return rows

    # --- check

    def conflicts(self, tenant: str, document: RulesDocument, words: RuleWords) -> list[dict[str, Any]]:
        """Why it would be refused, as JSON."""
        found = conflicts(document, self.catalogues(tenant), self._unknown_sites(tenant, document))
        return [
            {"rules": list(one.rules), "code": one.code, "message": words.finding(one, document)} for one in found
        ]

    def remarks(self, tenant: str, document: RulesDocument, words: RuleWords) -> list[dict[str, Any]]:
        """What its author should know, as JSON."""
        found = remarks(document, self.catalogues(tenant), self.today(tenant))
        return [
            {"rules": list(one.rules), "code": one.code, "message": words.finding(one, document)} for one in found
        ]

    def _unknown_sites(self, tenant: str, document: RulesDocument) -> frozenset[str]:
        return frozenset(
            site
            for site in {site for rule in document.rules for site in rule.when.sites}
            if self._is_new(tenant, site)
        )

    def _is_new(self, tenant: str, site: str) -> bool:
        try:
            self.service.check_site(tenant, site)
        except SiteUnknown:
            return True
        return False

    # --- change

    def save_draft(self, caller: Caller, document: RulesDocument | None, who: str) -> None:
        """Save a draft, or remove it (None): then what was published is all there is. A draft may contradict
        itself: it is work in progress.

        Raises:
            RulesOfOtherSites: see `require_own_sites`.
        """
        store = self.service.stores.rules
        published, draft = self._both(caller.tenant)
        require_own_sites(caller, draft or published, document or published or RulesDocument())
        store.save_draft(caller.tenant, document, who, self.now_us())

    def whole(self, caller: Caller, sent: RulesDocument, *, draft: bool = False) -> RulesDocument:
        """What the caller sent, with the published rules (or those of the draft) that they do not see.

        Raises:
            RulesOfOtherSites: see `with_hidden`.
        """
        published, drafted = self._both(caller.tenant)
        return with_hidden(caller, sent, (drafted or published) if draft else published)

    def _both(self, tenant: str) -> tuple[RulesDocument | None, RulesDocument | None]:
        """The published document and the draft; None where there is none, or none that can be read."""
        return _readable(self.published(tenant))[0], _readable(self.service.stores.rules.draft(tenant))[0]

    def may_publish(self, tenant: str, document: RulesDocument, language: str, caller: Caller | None) -> None:
        """Check a document before it is published. `caller` None: a command of the operator.

        Raises:
            RulesConflict: it contradicts itself or names what is not there.
            RulesOfOtherSites: see `require_own_sites`.
        """
        found = self.conflicts(tenant, document, self.words(tenant, language))
        if found:
            raise RulesConflict(found)
        if caller is not None:
            require_own_sites(caller, _readable(self.published(tenant))[0], document)

    def publish(self, tenant: str, document: RulesDocument, who: str) -> int:
        """Publish a document that was checked; returns its number."""
        return self.service.stores.rules.publish(tenant, document, who, self.now_us())

    def earlier(self, tenant: str, number: int) -> RulesDocument:
        """A document as it is restored: it holds from now on, and ends when it would have ended.

        Raises:
            NoSuchRules: there is no such document. RulesUnreadable: it cannot be read.
        """
        document = self.service.stores.rules.of_number(tenant, number).document()
        over = document.expires_on is not None and document.expires_on < self.today(tenant)
        return document.model_copy(
            update={"effective_from": None, "expires_on": None if over else document.expires_on}
        )

    # --- what can be chosen

    def choices(self, tenant: str) -> dict[str, Any]:
        """Items, places, categories and sites, for the pickers of a form."""
        found: dict[str, Any] = {}
        sites: set[str] = set(self.service.sites(tenant))
        for scene, items in self.catalogues(tenant).items():
            sites |= {site for item in items.values() for site in item.sites}
            found[scene] = {
                "items": [
                    {
                        "id": item.item_id,
                        "name": item.name,
                        "category": item.category,
                        "can_be_placed": not item.sensitive,
                    }
                    for item in items.values()
                ],
                "categories": sorted({item.category for item in items.values()} - {""}),
            }
        return {"scenes": found, "sites": sorted(sites)}


def _readable(stored: StoredRules | None) -> tuple[RulesDocument | None, bool]:
    """The document, and whether there is one that cannot be read."""
    if stored is None:
        return None, False
    try:
        return stored.document(), False
    except RulesUnreadable:
        return None, True


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
