"""How a tenant's screens look and behave: its brand, light or dark, when they forget, whether staff can be called.

Money and languages of the screens are the tenant's (`tenant_settings.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from plumbing.contrast import AA, is_colour, least_contrast, nearest
from plumbing.storage.database import Database
from recommender.store.logo import LogoRefused, check
from recommender.store.settings_documents import SettingsStore, WrongSettings, wrong_fields

VERSION = 1
THEMES = ("auto", "light", "dark")
TYPEFACES = ("friendly", "plain", "classic", "bookish", "sturdy")
"""Lists of typefaces that devices have, by what they look like: `screens/static/css/theme.css`."""

LEAST_IDLE_S, MOST_IDLE_S = 15.0, 600.0
MOST_NAME = 24
"""Characters of the name: it stands in one line at the top of a phone."""

GROUNDS = {
    "light": {
        "accent": ("#ffffff", "#fbf5ec", "#fffdf9", "#f7e4d6"),
        "second": ("#ffffff", "#fbeadd"),
    },
    "dark": {
        "accent": ("#1d120b", "#17110d", "#241b15", "#3a271b"),
        "second": ("#f6ece1", "#f3dfce"),
    },
}
"""What each colour of a brand must stand out from, by theme: the text on it, and the grounds that it is text on.
The same as in `screens/static/css/theme.css`; a test compares them."""


class WrongScreenSettings(WrongSettings):
    """Nothing was changed."""

    code = "invalid_screen_settings"
    title = "The settings of the screens are not valid"
    what_to_do = "Mend the fields that the reply names, and send it again."


@dataclass(frozen=True, slots=True)
class ScreenSettings:
    """The settings of one tenant's screens; each has a default. Colours are six hexadecimal digits, #a33f17."""

    name: str = ""
    """Stands at the top of each screen where there is no logo. Empty: the product's own."""
    logo: str | None = None
    """The data address of an SVG, PNG or WebP picture."""
    accent: str | None = None
    """What is pressed first, and what stands out. None: the screens' own."""
    second: str | None = None
    """The other large buttons."""
    accent_dark: str | None = None
    """The same on a dark screen. None: `accent`, as much lighter as it must be."""
    second_dark: str | None = None
    typeface: str = "friendly"
    theme: str = "auto"
    """auto: as the device says; in a taxi also dark at night."""
    idle_seconds: float = 60.0
    """After so long without a touch a screen forgets its visit."""
    call_staff: bool = True
    """Whether a kiosk has a button that calls somebody."""
    sound: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @property
    def colours(self) -> dict[str, dict[str, str | None]]:
        """The brand's colours by theme and name; None: the brand does not say, and the screens' own is shown."""
        made: dict[str, dict[str, str | None]] = {"light": {}, "dark": {}}
        for name in ("accent", "second"):
            light, dark = getattr(self, name), getattr(self, f"{name}_dark")
            if light is not None and dark is None:
                dark = nearest(light, GROUNDS["dark"][name])
            made["light"][name], made["dark"][name] = light, dark
        return made

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> ScreenSettings:
        """The inverse of `to_dict`; what is missing keeps its default.

        Raises:
            WrongScreenSettings: names every wrong field; of a colour that is too pale or too dark the nearest
                that is not.
        """
        wrong = wrong_fields(given, _CHECKS)
        for name in ("accent", "second"):
            if given.get(f"{name}_dark") is not None and given.get(name) is None:
                wrong.setdefault(f"{name}_dark", f"needs {name} besides")
        if wrong:
            raise WrongScreenSettings(wrong)
        values = dict(given)
        if "name" in values:
            values["name"] = " ".join(values["name"].split())
        return cls(**values)


def _name(value: object) -> str:
    good = isinstance(value, str) and len(value) <= MOST_NAME and value.isprintable()
    return "" if good else f"must have at most {MOST_NAME} characters, all of them visible"


def _logo(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return "must be a data address, or null"
    try:
        check(value)
    except LogoRefused as error:
        return str(error)
    return ""


def _colour(theme: str, name: str, value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or not is_colour(value):
        return "must be six hexadecimal digits in small letters, such as #a33f17, or null"
    grounds = GROUNDS[theme][name]
    found = least_contrast(value, grounds)
    if found >= AA:
        return ""
    better = nearest(value, grounds)
    return (
        f"{value} has a contrast of only {found:.2f} with what stands on it or under it on a {theme} screen,"
        f" {AA} is needed; the nearest colour that has it is {better}"
    )


def _choice(allowed: tuple[str, ...], value: object) -> str:
    return "" if value in allowed else f"must be one of {', '.join(allowed)}"


def _idle(value: object) -> str:
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    good = number and LEAST_IDLE_S <= float(value) <= MOST_IDLE_S  # type: ignore[arg-type]  # a number: see above
    return "" if good else f"must lie between {LEAST_IDLE_S:.0f} and {MOST_IDLE_S:.0f} seconds"


def _yes_or_no(value: object) -> str:
    return "" if isinstance(value, bool) else "must be true or false"


_CHECKS = {
    "name": _name,
    "logo": _logo,
    "accent": lambda value: _colour("light", "accent", value),
    "second": lambda value: _colour("light", "second", value),
    "accent_dark": lambda value: _colour("dark", "accent", value),
    "second_dark": lambda value: _colour("dark", "second", value),
    "typeface": lambda value: _choice(TYPEFACES, value),
    "theme": lambda value: _choice(THEMES, value),
    "idle_seconds": _idle,
    "call_staff": _yes_or_no,
    "sound": _yes_or_no,
}


class ScreenSettingsStore(SettingsStore[ScreenSettings]):
    """The settings of all tenants' screens. What is stored was checked when it was set."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, "screen_settings", VERSION, _CHECKS, _stored)


def _stored(values: Mapping[str, Any]) -> ScreenSettings:
    return ScreenSettings(**values)
