"""How the screens look and behave: what a paired screen asks for, and what the desk changes."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from plumbing.access.access import Caller
from plumbing.access.record import note_change
from plumbing.clock import Clock
from plumbing.demands import KIB, BodySize
from plumbing.door import Body, Door
from plumbing.etags import note_tag, require_unchanged
from recommender.assembly import RecommenderStores
from recommender.schemas import BASE, Strict
from recommender.store.logo import MOST_BYTES
from recommender.store.screen_settings import VERSION, ScreenSettings

SCREEN = "/v1/screen"
PATH = BASE + "/desk/screen"
SIZE = BodySize(2 * MOST_BYTES + 16 * KIB, 200)
"""Of a change: the logo as base64, and the rest."""

Theme = Literal["auto", "light", "dark"]
Typeface = Literal["friendly", "plain", "classic", "bookish", "sturdy"]


class Colours(BaseModel):
    """Six hexadecimal digits; what the brand does not say is null, and the screens' own is shown."""

    accent: str | None = None
    second: str | None = None


class ThemedColours(BaseModel):
    light: Colours
    dark: Colours


class Brand(BaseModel):
    name: str = Field(description="empty: the product's own")
    logo: str | None = Field(description="data address of an SVG, PNG or WebP picture; null: the name as text")
    colours: ThemedColours
    typeface: Typeface


class ScreenReply(BaseModel):
    """Everything of it is public: a screen keeps it, for a start without a line."""

    version: int
    brand: Brand
    currency: str = Field(description="ISO 4217; prices are in its minor units")
    digits: int = Field(description="decimal places of the currency")
    languages: list[str] = Field(description="offered, the first one first")
    timezone: str = Field(description="IANA name")
    theme: Theme = Field(description="auto: as the device says; in a taxi also dark at night")
    idle_seconds: float = Field(description="after so long without a touch a screen forgets its visit")
    call_staff: bool
    sound: bool
    sign: str | None = Field(
        description="of this kiosk alone at its site, before the numbers of its orders; null: it draws its own"
    )


class ScreenModel(Strict):
    """A document that replaces the one before."""

    name: str = Field("", description="at most 24 characters; empty: the product's own")
    logo: str | None = Field(None, description="data address (base64) of an SVG, PNG or WebP file of 32 KiB")
    accent: str | None = Field(None, description="#rrggbb, of what is pressed first; null: the screens' own")
    second: str | None = Field(None, description="#rrggbb, of the other large buttons")
    accent_dark: str | None = Field(None, description="on a dark screen; null: as much lighter as it must be")
    second_dark: str | None = Field(None, description="on a dark screen")
    typeface: Typeface = "friendly"
    theme: Theme = "auto"
    idle_seconds: float = Field(60.0, description="15 to 600")
    call_staff: bool = True
    sound: bool = False


class ScreenDocument(BaseModel):
    name: str
    logo: str | None
    accent: str | None
    second: str | None
    accent_dark: str | None
    second_dark: str | None
    typeface: Typeface
    theme: Theme
    idle_seconds: float
    call_staff: bool
    sound: bool
    colours: ThemedColours = Field(description="as the screens show them")


def screen_routes(door: Door, stores: RecommenderStores, now_us: Clock) -> None:
    """What a screen reads, and what the desk reads and replaces."""

    @door.route("GET", SCREEN, scopes=("suggest",), reply=ScreenReply, summary="How this screen looks and behaves")
    def get_screen(caller: Caller) -> Body:
        """What a kiosk or a tablet needs to look like its house: brand, languages, currency, times. Nothing of
        it is about a person.
        """
        sign = (
            stores.signs.sign_of(caller.tenant, caller.site, caller.device, now_us()) if orders(caller) else None
        )
        return screen_of(stores, caller.tenant) | {"sign": sign}

    @door.route("GET", PATH, scopes=("view",), reply=ScreenDocument, summary="How the screens look and behave")
    def get_screen_settings(caller: Caller) -> Body:
        """The settings of all screens of the tenant, for the desk."""
        now = stores.screens.get(caller.tenant)
        note_tag(now.to_dict())
        return now.to_dict() | {"colours": now.colours}

    @door.route(
        "PUT",
        PATH,
        scopes=("train",),
        reply=ScreenDocument,
        size=SIZE,
        approval="settings",
        summary="Change how the screens look and behave",
        errors=("changed_meanwhile", "invalid_screen_settings"),
    )
    def set_screen_settings(caller: Caller, body: ScreenModel) -> Body:
        """Replaces the settings. Screens that listen to `stream_events` show them at once, others soon."""
        later = ScreenSettings.from_dict(body.model_dump())
        with stores.database.write():
            now = stores.screens.get(caller.tenant)
            require_unchanged(now.to_dict())
            note_change("screens", earlier=in_short(now), later=in_short(later))
            stores.screens.save(caller.tenant, later)
        note_tag(later.to_dict())
        return later.to_dict() | {"colours": later.colours}


def orders(caller: Caller) -> bool:
    """Whether orders can come from this caller: from a device that is no taxi."""
    return caller.page != "taxi" and not caller.device.startswith("key:")


def screen_of(stores: RecommenderStores, tenant: str) -> dict[str, object]:
    """What a screen of the tenant gets."""
    own, house = stores.screens.get(tenant), stores.tenants.get(tenant)
    return {
        "version": VERSION,
        "brand": {"name": own.name, "logo": own.logo, "colours": own.colours, "typeface": own.typeface},
        "currency": house.currency,
        "digits": house.digits,
        "languages": list(house.languages),
        "timezone": house.timezone,
        "theme": own.theme,
        "idle_seconds": own.idle_seconds,
        "call_staff": own.call_staff,
        "sound": own.sound,
    }


def in_short(settings: ScreenSettings) -> dict[str, object]:
    """For the record of changes: of the logo its kind and length alone."""
    logo = settings.logo and f"{settings.logo.partition(';')[0]}, {len(settings.logo)} characters"
    return settings.to_dict() | {"logo": logo}
