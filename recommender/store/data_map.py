"""What each table of the recommender holds, in words, for the data map."""

from __future__ import annotations

PERSON = "a customer under a pseudonym, or nobody"
WORDS: dict[str, tuple[str, str, str]] = {
    "events": ("what happened: ordered, rode, shown, accepted, redeemed", PERSON, "until the customer is erased"),
    "lines": ("the items of an event", PERSON, "as long as their event"),
    "account_ties": ("which account of the shop a customer tied", PERSON, "until it is untied or erased"),
    "corrections": ("keyed hashes of events that somebody took back", "nobody who can be named", "always"),
    "forgotten": (
        "whose rows have left the models: keyed hashes",
        "nobody who can be named",
        "until all versions are newer",
    ),
    "link_codes": ("hashes of codes that tie an account", PERSON, "10 minutes"),
    "link_failures": ("counts of wrong codes, by a keyed hash", PERSON, "10 minutes"),
    "version_rows": ("keyed hashes of whose row is where in a version", PERSON, "as long as the version"),
    "tombstones": ("keyed hashes of pseudonyms that were erased", "nobody who can be named", "always"),
    "generations": ("numbers that say when a cache is out of date", "nobody", "always"),
    "imports": ("parts of a file that is being taken in", PERSON, "until the import ends"),
    "catalogue": ("dishes and places", "nobody", "until they are replaced"),
    "offers": ("offers and their budgets", "nobody", "until they are deleted"),
    "offer_settings": ("settings of offers", "nobody", "until they are changed"),
    "offer_decisions": ("which offer was chosen, and why", PERSON, "until the customer is erased"),
    "offer_outcomes": ("what became of an offer", PERSON, "until the customer is erased"),
    "offer_purchases": ("amounts that were spent", PERSON, "until the customer is erased"),
    "offer_reservations": ("budget that is held for an offer", "a device", "hours"),
    "runs": ("trainings: when, how long, how they ended", "nobody", "always"),
    "schedule": ("when to train", "nobody", "until it is changed"),
    "sent": ("how much a device stored today", "devices", "a day"),
    "sharing": ("how many people must stand behind what everybody sees", "nobody", "until it is changed"),
}
"""Of each table: what it holds, whom it is about, how long it is kept."""
