"""What each table of the recommender holds, in words, for the data map."""

from __future__ import annotations

PERSON = "a customer under a pseudonym, or nobody"
KEPT = "until the customer is erased, or as long as the tenant keeps events"
WORDS: dict[str, tuple[str, str, str]] = {
    "events": (
        "what happened: ordered, rode, shown, accepted, redeemed",
        PERSON,
        KEPT,
    ),
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
    "version_notes": ("why a version of a model was published or not", "nobody", "as long as the version"),
    "version_pins": ("which version stays live, and who said so", "a user of the desk", "until it is unpinned"),
    "accepted_changes": ("trainings whose changed log somebody accepted, and who", "a user of the desk", "always"),
    "version_rows": ("keyed hashes of whose row is where in a version", PERSON, "as long as the version"),
    "tombstones": ("keyed hashes of pseudonyms that were erased", "nobody who can be named", "always"),
    "generations": ("numbers that say when a cache is out of date", "nobody", "always"),
    "imports": ("parts of a file that is being taken in", PERSON, "until the import ends"),
    "catalogue": ("dishes and places", "nobody", "until they are replaced"),
    "images": ("small pictures of dishes, without what a camera wrote", "nobody", "until no dish names them"),
    "offers": ("offers and their budgets", "nobody", "until they are deleted"),
    "offer_settings": ("settings of offers", "nobody", "until they are changed"),
    "offer_decisions": ("which offer was chosen, and why", PERSON, KEPT),
    "offer_outcomes": ("what became of an offer", PERSON, KEPT),
    "offer_purchases": ("amounts that were spent", PERSON, KEPT),
    "offer_reservations": ("budget that is held for an offer", "a device", "hours"),
    "offer_reports": ("what offers earned, in sums", "nobody", "until they are counted again"),
    "offer_shown_before": ("how often an offer was shown before what is kept", "nobody", "always"),
    "offer_refusals": ("how many redemptions were refused, by offer and cause", "nobody", "always"),
    "runs": ("trainings: when, their log, how they ended, which account wanted them", "staff", "always"),
    "schedule": ("when to train, and which account paused it", "staff", "until it is changed"),
    "sent": ("how much a device stored today", "devices", "a day"),
    "tenant_settings": ("currency, margin, zone, languages, hours, retention", "nobody", "until it is changed"),
    "screen_settings": ("brand, theme and times of the screens", "nobody", "until they are changed"),
    "screen_signs": ("which kiosk has which sign before its order numbers", "a device", "30 days without a look"),
    "staff_calls": ("at which screen somebody is wanted, since when", "a device", "15 minutes, or until answered"),
    "daily_figures": ("sums by day and site for the desk", "nobody", "always"),
    "daily_people": ("how many different people came on a day", "nobody who can be named", "always"),
    "figures_due": ("days that are to be summed", "nobody", "minutes"),
    "kept_reports": (
        "figures for the desk, made beside requests",
        "nobody",
        "until they are made again",
    ),
    "import_log": ("what became of files that were taken in", "nobody", "the last 200"),
    "import_rows": ("which rows of such a file were wrong, and why", "nobody", "as long as their import"),
    "attention_mails": ("what needed attention, and whether it was mailed", "nobody", "400 days"),
    "scene_rules": ("what the house pins, hides and limits, and who saved it", "staff", "the last 20"),
    "experiments": (
        "experiments: their variants, and figures of each variant",
        "nobody",
        "until they are deleted",
    ),
    "experiment_visits": ("the present visit of a keyed hash in a running experiment", PERSON, "until it stops"),
    "experiment_units": ("sums of visits by a keyed hash in a running experiment", PERSON, "until it stops"),
    "sharing": ("how many people must stand behind what everybody sees", "nobody", "until it is changed"),
}
"""Of each table: what it holds, whom it is about, how long it is kept."""
