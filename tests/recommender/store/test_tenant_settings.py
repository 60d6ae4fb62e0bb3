"""What a tenant says about itself: checked field by field, one document for each tenant, on both engines."""

from __future__ import annotations

from typing import Any

import pytest

from plumbing.access.changes import Wanted
from plumbing.storage.state import State
from recommender.store import open_database
from recommender.store.tenant_settings import (
    SiteSettings,
    TenantSettings,
    TenantSettingsStore,
    WrongTenantSettings,
    zones,
)
from tests.recommender.service_fixtures import World

PATH = "/desk/tenant"


def test_saved_and_read(state: State) -> None:
    """Defaults without a document; each tenant has its own."""
    database = open_database(state)
    store = TenantSettingsStore(database)
    assert store.get("grill") == TenantSettings()
    own = TenantSettings("JPY", 0.62, "Asia/Tokyo", ("ja", "en"), {"mon": ("07:00", "24:00")}, 400)
    store.save("grill", own)
    assert store.get("grill") == own
    assert store.get("other") == TenantSettings()
    database.close()


@pytest.mark.parametrize(("currency", "digits"), [("EUR", 2), ("JPY", 0), ("KWD", 3)])
def test_minor_units(currency: str, digits: int) -> None:
    assert TenantSettings(currency).digits == digits


def test_revenue_is_no_margin() -> None:
    """Until a share is given, money is called revenue."""
    assert (TenantSettings().value_is, TenantSettings().worth(1000)) == ("revenue", 1000)
    given = TenantSettings(margin_share=0.3)
    assert (given.value_is, given.worth(1000)) == ("margin", 300)


WRONG: list[dict[str, Any]] = [
    {"currency": "EURO"},
    {"currency": 7},
    {"margin_share": 0},
    {"margin_share": 1.5},
    {"margin_share": float("nan")},
    {"margin_share": True},
    {"timezone": "Berlin"},
    {"languages": []},
    {"languages": ["en", "en"]},
    {"languages": ["fr"]},
    {"opening_hours": {"monday": ["07:00", "22:00"]}},
    {"opening_hours": {"mon": ["25:00", "22:00"]}},
    {"opening_hours": {"mon": ["07:00"]}},
    {"retention_days": 3},
    {"sites": {"pier": {"timezone": "Berlin"}}},
    {"sites": {"": {}}},
    {"sites": {"pier": {"currency": "EUR"}}},
    {"sites": []},
    {"unknown": 1},
]


@pytest.mark.parametrize("given", WRONG, ids=str)
def test_wrong_fields_are_named(given: dict[str, Any]) -> None:
    with pytest.raises(WrongTenantSettings) as caught:
        TenantSettings.from_dict(given)
    assert [one["field"] for one in caught.value.extra["fields"]] == list(given)


def test_zones_are_places() -> None:
    assert {"Europe/Berlin", "Asia/Tokyo", "UTC"} <= set(zones())
    assert not [name for name in zones() if name.startswith("Etc/")]


def test_a_site_has_its_own_clock_and_hours_or_its_tenants() -> None:
    own = SiteSettings("America/Los_Angeles", {"mon": ("06:30", "22:00")})
    house = TenantSettings(opening_hours={"mon": ("07:00", "23:00")}, sites={"pier": own, "mill": SiteSettings()})

    assert TenantSettings.from_dict(house.to_dict()) == house
    assert str(house.zone_of("pier")) == "America/Los_Angeles"
    assert (house.zone_of("mill"), house.timezone_of("mill")) == (None, "UTC")
    assert (house.hours_of("pier"), house.hours_of("mill")) == (own.opening_hours, house.opening_hours)


def test_what_an_earlier_release_saved_is_read(state: State) -> None:
    database = open_database(state)
    document = '{"version": 1, "currency": "JPY", "timezone": "Asia/Tokyo", "opening_hours": {}}'
    database.change("INSERT INTO tenant_settings VALUES (?, ?)", ("grill", document))

    assert TenantSettingsStore(database).get("grill") == TenantSettings("JPY", timezone="Asia/Tokyo")
    database.close()


def test_sites_stay_where_they_are_not_named(still: World) -> None:
    """A script of an earlier release knows no sites, and keeps them."""
    sites = {"pier": {"timezone": "Asia/Tokyo", "opening_hours": {}}}
    sent = {"currency": "JPY", "timezone": "Asia/Tokyo", "languages": ["ja"], "opening_hours": {}}
    assert still.call("PUT", PATH, key="desk", json=sent | {"sites": sites}).json["sites"] == sites

    assert still.call("PUT", PATH, key="desk", json=sent).json["sites"] == sites
    assert still.call("PUT", PATH, key="desk", json=sent | {"sites": {}}).json["sites"] == {}


def test_sites_to_choose_from_are_those_of_settings_keys_and_orders(still: World) -> None:
    sites = {"pier": {"timezone": "Asia/Tokyo", "opening_hours": {}}}
    assert still.call("PUT", PATH, key="desk", json={"sites": sites}).status_code == 200

    assert still.call("GET", "/desk/choices", key="desk").json["sites"] == ["north", "pier"]
    assert still.call("GET", "/desk/choices").status_code == 403


def test_a_changed_site_is_on_record_and_an_older_page_does_not_undo_it(still: World) -> None:
    read = still.call("GET", PATH, key="desk")
    sites = {"pier": {"timezone": "Asia/Tokyo", "opening_hours": {"mon": ["06:30", "22:00"]}}}
    headers = {"If-Match": read.headers["ETag"]}
    assert still.call("PUT", PATH, key="desk", json={"sites": sites}, headers=headers).status_code == 200

    stale = still.call("PUT", PATH, key="desk", json={"sites": {}}, headers=headers)
    assert (stale.status_code, stale.json["code"]) == (412, "changed_meanwhile")
    assert still.call("GET", PATH, key="desk").json["sites"] == sites
    rows = still.access.record.latest("grill", 9, Wanted(subject="settings of the tenant"))
    assert [(one.state, "Asia/Tokyo" in str(one.later)) for one in rows][-1] == ("done", True)


def test_two_who_save_at_once(still: World) -> None:
    """The second one is refused; the first one's document stays."""
    read = still.call("GET", PATH, key="desk")
    tag = read.headers["ETag"]
    sent = {name: read.json[name] for name in ("timezone", "languages", "opening_hours")}
    headers = {"X-API-Key": still.keys["desk"], "If-Match": tag}
    url = f"/recommender/v1{PATH}"
    first = still.client.put(url, json=sent | {"currency": "KWD"}, headers=headers)
    second = still.client.put(url, json=sent | {"currency": "JPY"}, headers=headers)
    assert (first.status_code, second.status_code) == (200, 412)
    assert still.call("GET", PATH, key="desk").json["currency"] == "KWD"
    wrong: Any = still.client.put(url, json=sent | {"currency": "XYZ1"}, headers={"X-API-Key": still.keys["desk"]})
    assert (wrong.status_code, wrong.json["code"]) == (422, "invalid_tenant_settings")
