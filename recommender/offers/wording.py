"""Sentences about offers in the languages of the desk and of the screens. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from babel.dates import format_date, format_time, get_day_names
from babel.numbers import format_currency, get_currency_precision

from plumbing.words import LANGUAGES, Words
from recommender.offers.discount import AMOUNT, PERCENT
from recommender.offers.portfolio import Offer

WORDS = Words(Path(__file__).parent / "words")
LOCALES: Mapping[str, str] = {"en": "en_GB", "de": "de_DE", "ja": "ja_JP"}


def money(minor: float, currency: str, language: str, *, signed: bool = False) -> str:
    """Minor units of `currency` as people of a language write it: 1234 is 12.34 EUR, and 1,234 JPY."""
    amount = Decimal(round(minor)) / 10 ** get_currency_precision(currency)
    text = format_currency(abs(amount), currency, locale=LOCALES[language])
    sign = "−" if amount < 0 else "+" if signed and amount > 0 else ""
    return sign + str(text)


def day(iso: str, language: str) -> str:
    """A date with its month by name."""
    return str(format_date(date.fromisoformat(iso), "long", locale=LOCALES[language]))


def hour(number: int, language: str) -> str:
    """A full hour, 0 to 24."""
    return "24:00" if number == 24 else str(format_time(time(number), "HH:mm", locale=LOCALES[language]))


def weekdays(numbers: tuple[int, ...], language: str) -> str:
    """Names of days, 0 being Monday."""
    names = get_day_names("abbreviated", locale=LOCALES[language])
    return ("・" if language == "ja" else ", ").join(str(names[number]) for number in numbers)


def gift(offer: Offer, currency: str, language: str, names: Mapping[str, str]) -> str:
    """What the customer gets, in a few words; empty when the offer does not say it."""
    given = offer.discount
    if given is None:
        return ""
    if given.kind == PERCENT:
        return WORDS.text(language, "terms-percent", percent=given.value)
    if given.kind == AMOUNT:
        return WORDS.text(language, "terms-amount", amount=money(given.value, currency, language))
    return WORDS.text(language, "terms-free-item", item=names.get(given.item, given.item))


def terms(offer: Offer, currency: str, names: Mapping[str, str]) -> dict[str, str]:
    """The terms as shown, by language.

    Those that the marketer wrote in it, else those that they wrote for all, else a sentence made of the fields.

    `names` are the names of dishes by id: of the free one.
    """
    free = offer.discount.item if offer.discount else ""
    return dict(_terms(offer, currency, names.get(free, free)))


@lru_cache(maxsize=4_096)
def _terms(offer: Offer, currency: str, free: str) -> tuple[tuple[str, str], ...]:
    """Kept, as they go out with every suggestion of an offer."""
    made = {language: offer.terms or _sentence(offer, currency, free, language) for language in LANGUAGES}
    return tuple({**made, **offer.terms_in}.items())


def _sentence(offer: Offer, currency: str, free: str, language: str) -> str:
    def say(message_id: str, **values: str) -> str:
        return WORDS.text(language, message_id, **values)

    names = {offer.discount.item: free} if offer.discount else {}
    parts = [gift(offer, currency, language, names)]
    if offer.items or offer.categories:
        parts.append(say("terms-some-dishes"))
    if offer.min_spend:
        parts.append(say("terms-minimum", amount=money(offer.min_spend, currency, language)))
    if offer.once_per_visit:
        parts.append(say("terms-once"))
    if offer.weekdays and len(offer.weekdays) < 7:
        parts.append(say("terms-days", days=weekdays(offer.weekdays, language)))
    if (offer.from_hour, offer.to_hour) != (0, 24):
        parts.append(say("terms-hours", start=hour(offer.from_hour, language), end=hour(offer.to_hour, language)))
    if offer.ends_on:
        parts.append(say("terms-until", day=day(offer.ends_on, language)))
    joined = ("、" if language == "ja" else ", ").join(part for part in parts if part)
    return joined[:1].upper() + joined[1:]
