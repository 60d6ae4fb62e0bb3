"""The draft of a data protection impact assessment (GDPR, article 35), from the settings that are active.

What an installation does, and what holds the risks down, follows from its settings. What only the controller can
say is marked TO BE COMPLETED.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from identity.config import PURPOSES
from identity.consent.policy import Facts, PackFacts, filled

COMPLETE = "**TO BE COMPLETED:**"

RISKS = (
    (
        "A person is recognised who did not ask for it",
        "Nothing is read before a press; one face of a picture at most; bystanders are blanked; no template"
        " without a live record of consent for `face` (the database itself refuses it)",
    ),
    (
        "Consent is not free",
        "Each purpose on its own, all off; the same suggestions by code and PIN without a camera; the same prices,"
        " choice and public offers for guests; leaving takes no more steps than joining",
    ),
    (
        "A child is enrolled",
        "Age {minimum_age} or older by declaration of the person at the device, never estimated; no route by which"
        " one person enrols another",
    ),
    (
        "Somebody is taken for somebody else",
        "Thresholds from a promise ({promise} of strangers at most) and the size of the gallery; near ties are"
        " never guessed; `Not me` ends a visit; what would reveal a place needs"
        " the PIN, a history too, or the code where no PIN was set",
    ),
    (
        "A photograph or a screen is shown to the camera",
        "{liveness}. Destinations need the PIN ({pin_tries} wrong ones lock it); history, export and changes need"
        " the PIN too, or the code where no PIN was set",
    ),
    (
        "The databases are stolen",
        "Templates encrypted with a key for each customer, keys in a file of their own; a rotation for each"
        " company; the halves share no identifier and no fine time; without keys nothing joins them",
    ),
    (
        "An erased person comes back",
        "The key is destroyed first; tombstones outside of the databases; every version of a model loses the row;"
        " a receipt lists every place and can be verified again",
    ),
    (
        "Staff, the police or another company search for a person",
        "No route takes a picture without a press at a device, or a list of people; companies share nothing; every"
        " look-up is in the audit log and is shown to the customer",
    ),
    (
        "A profile is used against the person",
        "No price depends on a person; no sensitive items in groups of customers; no age, sex, race, emotion or"
        " health from a face; reasons are shown with each suggestion",
    ),
    (
        "What everybody sees reveals one person",
        "At least {people} different people stand behind each shared place, basket and popular item; places are"
        " areas of 200 m",
    ),
)
"""(risk, what holds it down)."""


def dpia(facts: Facts, day: str) -> str:
    """The draft as Markdown. `day` is the date of the draft, as text."""
    notice = facts.notice
    parts = [
        f"# Data protection impact assessment: recognition by face ({notice.controller})",
        f"Draft of {day}, made from the settings of the installation. Parts marked {COMPLETE[2:-3]} are the"
        " controller's to write.",
        *_description(facts),
        *_necessity(facts),
        *_risks(facts),
        "## 4. Views and decision",
        f"{COMPLETE} the advice of the data protection officer (article 35(2)); the views of customers or their"
        " representatives (article 35(9)); whether the remaining risk is accepted, and by whom; whether the"
        " authority is consulted (article 36); the date of the next review.",
    ]
    return "\n\n".join(parts) + "\n"


def _description(facts: Facts) -> list[str]:
    notice = facts.notice
    rows = [
        ("Controller", notice.controller),
        ("Contact", notice.contact),
        ("Kind of place", notice.place),
        ("Notice", f"version {notice.version}, sha256 {notice.sha256} ({', '.join(notice.languages)})"),
        ("Retention", f"{notice.retention_months} months after the last visit"),
        ("Minimum age", f"{notice.minimum_age}, declared"),
        ("Liveness", _liveness(facts)),
        ("People behind what everybody sees", f"{facts.least_people} at least"),
        ("Life of a token", f"{facts.token_minutes} minutes, one device"),
        ("Recipients, third countries", "none by the product"),
    ]
    purposes = [(f"`{name}`", notice.purposes[name], f"`{facts.needs[name]}`") for name in PURPOSES]
    purposes.insert(0, ("`face`", notice.purposes["face"], "a press, and consent of its own"))
    purposes.append(("`account`", notice.purposes["account"], "the customer's own act, on the screen"))
    return [
        "## 1. What is done",
        "A customer who joined presses a button. Up to five pictures are turned into a template in memory and are"
        " thrown away. The template is compared with those of this company alone. What goes on is a random name in"
        " an encrypted token; suggestions are made from the history under that name.",
        table(("setting", "value"), rows),
        "Purposes, and what opens each:",
        table(("purpose", "as the customer reads it", "needs"), purposes),
        "Engine packs:",
        table(("pack", "vendor", "licence", "grade", "files"), [_pack_row(pack) for pack in facts.packs]),
        f"{COMPLETE} the number of sites and screens; who hosts the machine and under which contract (article 28);"
        " who of the staff has which key; where backups are kept.",
    ]


def _necessity(facts: Facts) -> list[str]:
    return [
        "## 2. Whether it is necessary and in proportion",
        "Legal basis: explicit consent (articles 6(1)(a) and 9(2)(a)), for each purpose on its own, recorded with"
        " the notice's version, hash and language. Who wants suggestions without a camera joins with a code"
        " and a PIN; who wants neither is a guest. Data kept: see the policy page. It ends"
        f" {facts.notice.retention} after the last visit at the latest.",
        f"{COMPLETE} why recognition by face is wanted beside the code; what customers gain by it; why less would"
        " not do.",
    ]


def _risks(facts: Facts) -> list[str]:
    values = {
        "minimum_age": str(facts.notice.minimum_age),
        "promise": f"{facts.promise:.2%}",
        "liveness": _liveness(facts),
        "pin_tries": str(facts.pin_tries),
        "people": str(facts.least_people),
    }
    demo = ""
    if any(pack.grade == "demo" for pack in facts.packs):
        demo = " The engine pack is of grade `demo`: it is not for real customers."
    rows = [(risk, filled(held, values), f"{COMPLETE} likelihood, severity") for risk, held in RISKS]
    return [
        "## 3. Risks, and what holds them down",
        table(("risk to the person", "measure of the product", "remaining"), rows),
        f"`docs/promises.md` names the test behind each measure; `docs/threat-model.md` says what remains.{demo}",
        f"{COMPLETE} measures of the site: where the screen stands, who can see it, training of the staff.",
    ]


def _liveness(facts: Facts) -> str:
    kinds = [f"a passive model ({facts.liveness})"] if facts.liveness else []
    kinds += ["a challenge of moves"] if facts.moves else []
    return " and ".join(kinds) or "Off: no liveness is checked"


def _pack_row(pack: PackFacts) -> tuple[str, ...]:
    files = "; ".join(f"{name} ({licence}, sha256 {sha256[:16]}...)" for name, licence, sha256 in pack.files)
    return (pack.id, pack.vendor, pack.licence, pack.grade, files)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; a bar or a line break in a cell stays in its cell."""

    def line(row: Sequence[str]) -> str:
        return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in row) + " |"

    return "\n".join(map(line, [head, ["---"] * len(head), *rows]))
