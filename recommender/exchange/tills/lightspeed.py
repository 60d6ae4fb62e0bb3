"""Lightspeed Retail (X-Series): the products and the history of sales.

Columns as Lightspeed's public help and files that its users show have them. A sale has a row of its own, then one
for each line and each payment.
"""

from __future__ import annotations

from recommender.exchange.reading import Reading
from recommender.exchange.tills.layout import Cells, Layout, called, first_of, item_row, line_row, needs
from recommender.exchange.understood import LeftOut, Row, WrongCell

IDS = ("sku", "handle", "id")
VARIANTS = ("variant_option_one_value", "variant_option_two_value", "variant_option_three_value")
CATEGORIES = ("product_category", "product_type", "type")
SALE, LINE, PAYMENT = "sale", "sale line", "payment"


def _product(cells: Cells, reading: Reading) -> Row | LeftOut:
    variants = " ".join(cells[one] for one in VARIANTS if cells.get(one))
    name = f"{cells['name']} ({variants})" if variants and cells["name"] else cells["name"]
    category = first_of(cells, CATEGORIES).split("/")[-1].strip()
    row = item_row(reading, cells, IDS, ("name", name), ("retail_price", cells["retail_price"]), category)
    if isinstance(row, dict) and cells.get("active") in ("0", "false", "no"):
        row["available"] = False
    return row


def _sale(cells: Cells, reading: Reading) -> Row | LeftOut:
    line = cells["line_type"].lower()
    if line == SALE:  # what it says holds for the rows that follow
        reading.memory |= {name: cells.get(name, "") for name in ("receipt_number", "date", "status")}
        return LeftOut("heads of sales, whose lines follow")
    if line != LINE:
        if line != PAYMENT:
            says = f"{cells['line_type']!r} is not Sale, Sale Line or Payment"
            raise WrongCell("line_type", says, cells["line_type"])
        return LeftOut("payments")
    same = cells["receipt_number"] in ("", reading.memory.get("receipt_number"))
    sale = reading.memory if same else {}
    date = sale.get("date") or cells["date"]  # a line that was added later is of the same order
    status = (cells.get("status") or sale.get("status", "")).lower()
    site = cells.get("outlet") or reading.options.site
    return line_row(
        reading,
        kind="voided" if "void" in status else "refunded" if "return" in status else "sold",
        order=reading.id("receipt_number", cells["receipt_number"] or sale.get("receipt_number", "")),
        at=reading.moment("date", date, site),
        site=site,
        items=[*called(cells, ("sku",), reading), first_of(cells, ("details", "product_name", "sku"))],
        quantity=("quantity", cells["quantity"]),
        amount=("subtotal", cells.get("subtotal", "")),
    )


PRODUCTS = Layout(
    name="Lightspeed's products",
    what="items",
    needs=needs("handle", "sku", "name", "retail_price"),
    uses={"sku": "item_id", "handle": "item_id, where there is no SKU", "id": "item_id, where there is neither"}
    | {"name": "name", "retail_price": "price", "active": "available"}
    | dict.fromkeys(VARIANTS, "name")
    | dict.fromkeys(CATEGORIES, "category"),
    read=_product,
    money=("retail_price",),
)
SALES = Layout(
    name="Lightspeed's history of sales",
    what="events",
    needs=needs("date", "receipt_number", "line_type", "quantity", "sku"),
    uses={"receipt_number": "event_id", "date": "occurred_at", "sku": "item_id", "details": "item_id, by name"}
    | {"quantity": "quantity", "subtotal": "price", "outlet": "site", "line_type": "whether it is a dish"}
    | {"status": "whether it was struck off or brought back"},
    read=_sale,
    money=("subtotal",),
    times=("date",),
)
LAYOUTS = (PRODUCTS, SALES)
