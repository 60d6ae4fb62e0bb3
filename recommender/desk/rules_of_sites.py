"""Whose rules a person of some sites sees and changes: those of these sites, and those of all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from plumbing.access.caller import Caller
from recommender.rules.document import Rule, RulesDocument
from recommender.rules.errors import RulesOfOtherSites

WHOLE = ""
"""Stands for what a document says about all of its rules; no rule has this id."""


def seen_by(sites: Collection[str], document: RulesDocument) -> RulesDocument:
    """The document without the rules that hold at other sites alone; `sites` empty: all of it."""
    return document.model_copy(update={"rules": tuple(r for r in document.rules if not _is_hidden(r, sites))})


def with_hidden(caller: Caller, sent: RulesDocument, stored: RulesDocument | None) -> RulesDocument:
    """What a person of some sites sent, and in their places the stored rules that they do not see.

    Raises:
        RulesOfOtherSites: a rule that was sent has the id of one that they do not see.
    """
    if not caller.sites or stored is None:
        return sent
    rules, before = list(sent.rules), WHOLE
    taken = {rule.id: rule for rule in rules}
    for rule in stored.rules:
        if taken.get(rule.id, rule) != rule:
            if _is_hidden(rule, caller.sites):
                raise RulesOfOtherSites([rule.id], sorted(caller.sites))
        elif rule.id not in taken and _is_hidden(rule, caller.sites):
            ids = [one.id for one in rules]
            rules.insert(ids.index(before) + 1 if before in ids else 0, rule)
        before = rule.id
    return sent.model_copy(update={"rules": tuple(rules)})


def require_own_sites(caller: Caller, earlier: RulesDocument | None, later: RulesDocument) -> None:
    """A person of some sites changes rules of these sites alone.

    Raises:
        RulesOfOtherSites: names the rules.
    """
    if not caller.sites:
        return
    before, after = _by_id(earlier or RulesDocument()), _by_id(later)
    changed = [one for one in before.keys() | after.keys() if before.get(one) != after.get(one)]
    foreign = [
        one for one in changed if not all(_is_of(rule, caller) for rule in (before.get(one), after.get(one)))
    ]
    if foreign:
        raise RulesOfOtherSites(
            [one or "dates and least number of all rules" for one in sorted(foreign)], sorted(caller.sites)
        )


def _is_hidden(rule: Rule, sites: Collection[str]) -> bool:
    return bool(sites) and bool(rule.when.sites) and not set(rule.when.sites) & set(sites)


def _by_id(document: RulesDocument) -> dict[str, Mapping[str, Any]]:
    """The rules by id; what the document says about all of them counts as a rule of all sites."""
    whole: Mapping[str, Any] = document.model_dump(mode="json", exclude={"rules"})
    return {rule.id: rule.model_dump(mode="json") for rule in document.rules} | {WHOLE: whole}


def _is_of(rule: Mapping[str, Any] | None, caller: Caller) -> bool:
    if rule is None:
        return True
    sites = rule.get("when", {}).get("sites", [])
    return bool(sites) and set(sites) <= caller.sites
