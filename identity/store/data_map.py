"""What each table of identity holds, in words, for the data map."""

from __future__ import annotations

PERSON = "a customer who opted in"
GONE = "until the customer opts out or has not come for as long as the notice says"
WORDS: dict[str, tuple[str, str, str]] = {
    "customers": ("hash of the code, sealed links to other stores, sealed PIN", PERSON, GONE),
    "templates": (
        "face templates and the one site where each was enrolled, both sealed under the customer's own key",
        PERSON,
        GONE,
    ),
    "site_regions": ("the region of each site, as the tenant says", "nobody", "until the tenant changes it"),
    "galleries": ("size and rotation salt of each tenant's gallery", "nobody", "as long as the tenant"),
    "tops": ("the best score of an enrolment's frames against other customers", PERSON, GONE),
    "calibrations": ("thresholds", "nobody", "until they are made again"),
    "tails": ("figures of a pack's scores", "nobody", "until they are made again"),
    "consent_events": ("consent: given and withdrawn, for each purpose", PERSON, GONE),
    "consent_totals": ("how many gave and withdrew consent, by purpose and notice", "nobody", "always"),
    "enrolment_answers": ("the reply to an enrolment, sealed", PERSON, "10 minutes"),
    "code_tries": ("sealed counts of wrong codes", "devices", "until a right one"),
    "pending": ("who has not confirmed their code yet", PERSON, "a minute"),
    "receipts": (
        "receipts of erasures: which places were erased, and fingerprints that lead nowhere",
        "somebody who left and cannot be named",
        "400 days",
    ),
    "held": (
        "who was paused when an opt-out by face could not name one person",
        PERSON,
        "until staff end it, 30 days at most",
    ),
    "presses": ("hashes of nonces", "devices", "10 seconds"),
    "streaks": ("failed presses in a row", "devices", "a minute"),
    "day_counts": (
        "misses, enrolments and matches of devices that send vectors, by hour; a customer under a keyed name",
        PERSON,
        "a day, or until they opt out",
    ),
}
"""Of each table: what it holds, whom it is about, how long it is kept."""
