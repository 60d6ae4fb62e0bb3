"""Square: the item library, the details of items sold; its list of transactions holds no dishes.

Columns as Square's public help and files that its users show have them. A variation is a dish of its own.
"""

from __future__ import annotations

import re
from zoneinfo import available_timezones

from recommender.exchange.reading import Reading
from recommender.exchange.tills.layout import Cells, Layout, called, first_of, item_row, line_row, needs
from recommender.exchange.understood import LeftOut, Row, WrongCell

_AREAS = {
    "atlantic time (canada)": "America/Halifax",
    "eastern time (us & canada)": "America/New_York",
    "central time (us & canada)": "America/Chicago",
    "mountain time (us & canada)": "America/Denver",
    "pacific time (us & canada)": "America/Los_Angeles",
    "newfoundland": "America/St_Johns",
    "arizona": "America/Phoenix",
    "alaska": "America/Juneau",
    "hawaii": "Pacific/Honolulu",
}
"""Zones that Square names by their area; all others by a city."""

_TOKEN = re.compile(r"\s*\([A-Z0-9]{16,}\)$")
IDS = ("sku", "token", "gtin")


def zone_of(name: str) -> str:
    """The IANA name of a zone that Square names; "" where it names none.

    Raises:
        WrongCell: there is no such zone.
    """
    if not name or name.lower() in _AREAS:
        return _AREAS.get(name.lower(), "")
    city = name.replace(" ", "_").lower()
    found = [zone for zone in available_timezones() if zone.lower() == city or zone.lower().endswith(f"/{city}")]
    if not found:
        raise WrongCell("time_zone", f"{name!r} is no zone that is known here", name)
    return min(found, key=lambda zone: (zone.count("/"), zone.startswith("posix"), zone))


def _dish(name: str, variation: str) -> str:
    return name if variation.lower() in ("", "regular", "default") else f"{name} ({variation})"


def _library(cells: Cells, reading: Reading) -> Row | LeftOut:
    name = _dish(cells["item_name"], cells.get("variation_name", "")) if cells["item_name"] else ""
    category = first_of(cells, ("reporting_category", "category", "categories")).split(",")[0]
    category = _TOKEN.sub("", category.split(">")[-1].strip())
    row = item_row(reading, cells, IDS, ("item_name", name), ("price", cells["price"]), category)
    if isinstance(row, dict) and cells.get("archived", "").upper() in ("Y", "YES", "TRUE"):
        row["available"] = False
    return row


def _sold(cells: Cells, reading: Reading) -> Row | LeftOut:
    if cells.get("itemization_type", "").lower() == "custom amount" or cells["item"].lower() == "custom amount":
        return LeftOut("custom amounts: no dish of the menu")
    site = cells.get("location") or reading.options.site
    dish = _dish(cells["item"], cells.get("price_point_name", ""))
    zone = zone_of(cells.get("time_zone", ""))
    return line_row(
        reading,
        kind="refunded" if cells.get("event_type", "").lower() == "refund" else "sold",
        order=cells["transaction_id"],
        at=reading.moment("date", f"{cells['date']} {cells['time']}", site, zone),
        site=site,
        items=[*called(cells, IDS, reading), dish, cells["item"]],
        quantity=("qty", cells["qty"]),
        amount=("gross_sales", cells.get("gross_sales", "")),
    )


LIBRARY = Layout(
    name="Square's item library",
    what="items",
    needs=needs("item_name", "price", "token|variation_name|reference_handle"),
    uses={"sku": "item_id", "token": "item_id, where there is no SKU", "gtin": "item_id, where there is neither"}
    | {"item_name": "name", "variation_name": "name", "price": "price", "archived": "available"}
    | dict.fromkeys(("reporting_category", "category", "categories"), "category"),
    read=_library,
    money=("price",),
)
DETAILS = Layout(
    name="Square's details of items sold",
    what="events",
    needs=needs("date", "time", "item", "qty", "transaction_id"),
    uses={"transaction_id": "event_id", "date": "occurred_at", "time": "occurred_at", "time_zone": "occurred_at"}
    | {"item": "item_id, by name", "price_point_name": "item_id, by name", "sku": "item_id", "token": "item_id"}
    | {"gtin": "item_id", "qty": "quantity", "gross_sales": "price", "location": "site"}
    | {"event_type": "whether it is a refund", "itemization_type": "whether it is a dish"},
    read=_sold,
    money=("gross_sales",),
    times=("date", "time"),
    day_order="mdy",
)
TRANSACTIONS = Layout(
    name="Square's list of transactions",
    what="events",
    needs=needs("date", "time", "transaction_id", "total_collected|card_brand", "description"),
    uses={},
    read=_sold,
    instead="It has a text in place of dishes. Export the details of items sold instead.",
)
LAYOUTS = (LIBRARY, DETAILS, TRANSACTIONS)
