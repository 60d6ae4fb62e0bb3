"""Toast: the menu's items and the selections of items; the details of orders hold no dishes.

Columns as Toast's public reference of its data export has them. Its dates have the month first.
"""

from __future__ import annotations

from recommender.exchange.reading import Reading
from recommender.exchange.tills.layout import Cells, Layout, called, first_of, item_row, line_row, needs
from recommender.exchange.understood import LeftOut, Row

IDS = ("master_id", "item_id", "sku", "plu")
PRICES = ("price", "base_price", "avg_price")
YES = ("true", "yes", "1", "y")


def _menu(cells: Cells, reading: Reading) -> Row | LeftOut:
    name = cells["menu_item"]
    if not name:
        return LeftOut("totals of a menu or of a group")
    column = next((one for one in PRICES if cells.get(one)), PRICES[-1])
    category = first_of(cells, ("subgroup", "menu_group"))
    row = item_row(reading, cells, IDS, ("menu_item", name), (column, cells.get(column, "")), category)
    if isinstance(row, dict):
        if reading.memory.get(row["item_id"]) == row["name"]:
            return LeftOut("the same dish in another menu")
        reading.memory[row["item_id"]] = row["name"]
    return row


def _selection(cells: Cells, reading: Reading) -> Row | LeftOut:
    site = cells.get("location") or reading.options.site
    time = "order_date" if cells.get("order_date") else "sent_date"
    return line_row(
        reading,
        kind="voided" if cells.get("void?", "").lower() in YES else "sold",
        order=reading.id("order_id", cells["order_id"]),
        at=reading.moment(time, cells.get(time, ""), site),
        site=site,
        items=[*called(cells, IDS, reading), cells["menu_item"]],
        quantity=("qty", cells["qty"]),
        amount=("gross_price", cells.get("gross_price", "")),
    )


MENU = Layout(
    name="Toast's items of the menu",
    what="items",
    needs=needs("menu_item", "menu_group|menu_name", "price|base_price|avg_price"),
    uses={"master_id": "item_id", "item_id": "item_id, where there is no master id", "menu_item": "name"}
    | {"menu_group": "category", "subgroup": "category"}
    | dict.fromkeys(PRICES, "price"),
    read=_menu,
    money=PRICES,
)
SELECTIONS = Layout(
    name="Toast's details of item selections",
    what="events",
    needs=needs("order_id", "order_date|sent_date", "menu_item", "qty"),
    uses={"order_id": "event_id", "order_date": "occurred_at", "sent_date": "occurred_at, where there is no other"}
    | {"master_id": "item_id", "item_id": "item_id", "sku": "item_id", "plu": "item_id"}
    | {"menu_item": "item_id, by name", "qty": "quantity", "gross_price": "price", "location": "site"}
    | {"void?": "whether it was struck off"},
    read=_selection,
    money=("gross_price",),
    times=("order_date", "sent_date"),
    day_order="mdy",
)
ORDERS = Layout(
    name="Toast's details of orders",
    what="events",
    needs=needs("order_id", "opened", "total"),
    uses={},
    read=_selection,
    instead="It has sums and no dishes. Export ItemSelectionDetails instead.",
)
LAYOUTS = (MENU, SELECTIONS, ORDERS)
