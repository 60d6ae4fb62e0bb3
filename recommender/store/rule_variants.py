"""The documents of rules that a variant of an experiment may try (`experimenting.RulesPort`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recommender.rules.document import RulesDocument
from recommender.rules.errors import NoSuchRules, RulesUnreadable
from recommender.store.rules import RulesStore

DRAFT_NAME = "draft"


class RuleVariants:
    """The draft and the published documents of all tenants."""

    def __init__(self, rules: RulesStore) -> None:
        self._rules = rules

    def content(self, tenant: str, name: str) -> Mapping[str, Any] | None:
        """The document of this name, as JSON: "draft", or a number; None: there is none, or it is unreadable."""
        try:
            stored = self._rules.draft(tenant) if name == DRAFT_NAME else self._rules.of_number(tenant, int(name))
            return None if stored is None else stored.document().to_json()
        except (NoSuchRules, RulesUnreadable, ValueError):
            return None

    def usable(self, tenant: str, content: Mapping[str, Any]) -> bool:
        """Whether the rules of a variant can be applied."""
        try:
            RulesDocument.read(content)
        except RulesUnreadable:
            return False
        return True

    def choices(self, tenant: str) -> list[str]:
        """The names of the documents that a variant may try."""
        draft = [DRAFT_NAME] if self._rules.draft(tenant) is not None else []
        return draft + [str(one.number) for one in self._rules.history(tenant)[1:]]  # the first one is live

    def publish(self, tenant: str, content: Mapping[str, Any], who: str, now_us: int) -> None:
        """Make the rules of a variant the rules of everybody. Raises RulesUnreadable."""
        self._rules.publish(tenant, RulesDocument.read(content), who, now_us)
