"""Rules as sentences that a marketer reads, in three languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from babel.dates import format_date
from babel.lists import format_list

from plumbing.words import Words
from recommender.rules.check import Catalogues, Finding
from recommender.rules.document import Allergens, LimitRule, Pin, Rule, RulesDocument, Sponsored, When, label_of

WORDS = Words(Path(__file__).parent / "words")


class RuleWords:
    """The sentences of one reader: a language, and the names of items and places."""

    def __init__(self, language: str, catalogues: Catalogues) -> None:
        self.language = language
        self._catalogues = catalogues

    def say(self, code: str, **values: str | int) -> str:
        """The message `rules-CODE`."""
        return WORDS.text(self.language, f"rules-{code}", **values)

    def has(self, code: str) -> bool:
        """Whether there is such a message."""
        try:
            self.say(code)
        except KeyError:
            return False
        return True

    def name(self, scene: str, item_id: str) -> str:
        """An item's name; its id where the catalogue does not have it."""
        item = self._catalogues.get(scene, {}).get(item_id)
        return item.name if item else item_id

    def sentence(self, rule: Rule) -> str:
        """A rule as one sentence."""
        values: dict[str, str | int] = {
            "when": self._when(rule.when),
            "item": self.name(rule.scene, label_of(rule)),
        }
        if isinstance(rule, Pin | Sponsored):
            values["position"] = rule.position
        if isinstance(rule, Sponsored):
            values["sponsor"] = rule.sponsor
        if isinstance(rule, LimitRule):
            values["most"] = rule.most
        code = f"{rule.kind}-{rule.unknown.replace('_', '-')}" if isinstance(rule, Allergens) else rule.kind
        return self.say(f"sentence-{code}", **values)

    def _when(self, when: When) -> str:
        """The clause of a sentence that says where and when, "" for always."""
        parts = []
        if when.dayparts:
            parts.append(
                self.say("when-dayparts", list=self.list([self.say(f"daypart-{d}") for d in when.dayparts]))
            )
        if when.weekdays:
            days = [format_date(date(2024, 1, 1 + day), "EEEE", self.language) for day in sorted(when.weekdays)]
            parts.append(self.say("when-weekdays", list=self.list(days)))
        if when.sites:
            parts.append(self.say("when-sites", list=self.list(when.sites)))
        if when.from_date:
            parts.append(self.say("when-from", day=self.day(when.from_date)))
        if when.until_date:
            parts.append(self.say("when-until", day=self.day(when.until_date)))
        return "".join(parts)

    def list(self, names: Sequence[str]) -> str:
        """Names as a sentence lists them."""
        return format_list(list(names), locale=self.language)

    def day(self, day: date, today: date | None = None) -> str:
        """A date in words; the weekday alone when it is one of the next six days."""
        near = today is not None and 0 < (day - today).days < 7
        return format_date(day, "EEEE" if near else "long", self.language)

    def finding(self, found: Finding, document: RulesDocument) -> str:
        """What is wrong with a document, or worth knowing."""
        scene = next((rule.scene for rule in document.rules if rule.id in found.rules), "orders")
        values: dict[str, str | int] = dict(found.values)
        for key in ("item", "other"):
            if key in values and found.code not in ("no-such-site", "no-such-category", "too-few"):
                values[key] = self.name(scene, str(values[key]))
        if "daypart" in values:
            values["daypart"] = self.say(f"daypart-{values['daypart']}")
        if found.code == "too-few":
            values["item"] = str(values["item"]) or self.say("everywhere")
        return self.say(found.code, **values)

    def reason(self, code: str, text: str) -> str:
        """Why an item is suggested; what the server says to the customer where there is no message."""
        if code == "usual" and text:
            counted = [part for part in text.split() if part.isdigit()]
            if len(counted) == 2:
                return self.say("reason-counted", times=counted[0], visits=counted[1])
        name = f"reason-{code.replace('_', '-')}"
        return self.say(name) if self.has(name) else text


def answer(
    words: RuleWords,
    document: RulesDocument | None,
    later: Mapping[int, RulesDocument],
    today: date,
    *,
    draft: bool,
) -> str:
    """The first line of the page: what holds today, and what begins later.

    Args:
        document: the published one that holds today, None for none.
        later: published ones that begin on a later day, by number.
    """
    rules = [rule for rule in document.rules if rule.active] if document else []
    holding = [rule for rule in rules if rule.when.on(today) and rule.when.on_weekday(today)]
    starts = [rule.when.from_date for rule in rules if rule.when.from_date and rule.when.from_date > today]
    parts = [words.say("answer-some", n=len(holding)) if holding else words.say("answer-none")]
    if starts:
        parts.append(words.say("answer-later", n=len(starts), day=words.day(min(starts), today)))
    days = sorted(one.effective_from for one in later.values() if one.effective_from)
    if days:
        parts.append(words.say("answer-document", day=words.day(days[0], today)))
    if document and document.expires_on:
        parts.append(words.say("answer-expires", day=words.day(document.expires_on, today)))
    if draft:
        parts.append(words.say("answer-draft"))
    return ("" if words.language == "ja" else " ").join(parts)
