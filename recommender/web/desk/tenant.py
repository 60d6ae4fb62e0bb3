"""What a tenant says about itself: currency, margin, zone, languages, hours, retention."""

from __future__ import annotations

from pydantic import BaseModel, Field

from plumbing.access.access import Caller
from plumbing.access.record import note_change
from plumbing.door import Body, Door
from plumbing.etags import note_tag, require_unchanged
from plumbing.storage.database import Database
from recommender.schemas import BASE, Strict
from recommender.store.tenant_settings import TenantSettings, TenantSettingsStore

PATH = BASE + "/desk/tenant"


class TenantModel(Strict):
    currency: str = Field("EUR", description="ISO 4217; prices are in its minor units")
    margin_share: float | None = Field(None, description="of the revenue; null: not given, figures are revenue")
    timezone: str = Field("UTC", description="IANA name")
    languages: list[str] = Field(default=["en", "de", "ja"], description="of the screens")
    opening_hours: dict[str, list[str]] = Field(default={}, description="[opens, closes] by day, mon to sun")
    retention_days: int | None = Field(
        None,
        description="older events, decisions about offers and purchases go; null: kept until an erasure",
    )


class TenantReply(BaseModel):
    currency: str
    digits: int = Field(description="decimal places of the currency")
    margin_share: float | None
    value_is: str = Field(description="revenue or margin: what figures of money are")
    timezone: str
    languages: list[str]
    opening_hours: dict[str, list[str]]
    retention_days: int | None


def tenant_routes(door: Door, database: Database, tenants: TenantSettingsStore) -> None:
    """Read and replace the document."""

    def reply(settings: TenantSettings) -> dict[str, object]:
        return settings.to_dict() | {"digits": settings.digits, "value_is": settings.value_is}

    @door.route("GET", PATH, scopes=("view",), reply=TenantReply, summary="What the tenant says about itself")
    def get_tenant(caller: Caller) -> Body:
        """Name, currency, time zone and languages of the tenant, and its sites."""
        now = tenants.get(caller.tenant)
        note_tag(now.to_dict())
        return reply(now)

    @door.route(
        "PUT",
        PATH,
        scopes=("train",),
        reply=TenantReply,
        approval="settings",
        summary="Replace what it says about itself",
        errors=("changed_meanwhile", "invalid_tenant_settings"),
    )
    def set_tenant(caller: Caller, body: TenantModel) -> Body:
        """Replaces what the tenant says about itself."""
        later = TenantSettings.from_dict(body.model_dump())
        with database.write():
            now = tenants.get(caller.tenant)
            require_unchanged(now.to_dict())
            note_change("settings of the tenant", earlier=now.to_dict(), later=later.to_dict())
            tenants.save(caller.tenant, later)
        note_tag(later.to_dict())
        return reply(later)
