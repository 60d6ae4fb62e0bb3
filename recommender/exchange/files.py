"""Files in and out: items, places, offers and events as CSV or JSON lines. A file is imported whole or not at all.

CSV has a header; lists in a cell are separated by `|`; an empty cell is a missing value. Events in CSV have one
row for each item, rows with the same event_id form one event. `customer` is the pseudonym ("" for a guest).
Rows are counted as a spreadsheet does: the header of a CSV is row 1. Files of tills are read too (`tills/`).
"""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, fields
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TextIO

from plumbing.clock import SECOND
from plumbing.columns import escaped
from plumbing.problem import Problem
from plumbing.storage.database import DatabaseBusy
from plumbing.storage.room import DiskFull
from recommender.assembly import RecommenderStores
from recommender.errors import BadRows, FileUnreadable, PricesUnclear, RowProblem
from recommender.exchange.checks import check_image_hosts, check_offers, check_rows
from recommender.exchange.clocks import NotATime
from recommender.exchange.event_files import Show, import_events
from recommender.exchange.item_columns import as_json, cell_of_choices, cells_of, columns_of
from recommender.exchange.reading import Menu, Options, Reading
from recommender.exchange.rows import NONE, What, each_row, is_csv
from recommender.exchange.understood import Row
from recommender.exchange.wrong_rows import kept
from recommender.offers.portfolio import Known, Offer, as_row
from recommender.scene import KINDS, TAKES_BACK, Item, Kind
from recommender.service import RecommenderService
from recommender.store.recorded import options_in

EVENT_COLUMNS = (
    *("event_id", "type", "occurred_at", "customer", "item_id", "quantity", "price", "scene", "site", "region"),
    *("pickup", "recommendation_id", "device", "options", "retired", "line", "order_id", "order_sender"),
)
MOST_QUARTERS = 4 * 24 - 1
"""Of an hour, in an offset from UTC: a device may send +23:59, which is nearer to a whole day."""

EVENT_TYPES = frozenset({"ordered", "rode", "shown", "accepted", "dismissed", "redeemed", *TAKES_BACK})
ONLY_OF_ITEMS = frozenset({"price", "dayparts", "allergens", "sites", "texts", "image", "options"})


LEAST_OF_A_MENU = 100
"""Minor units: some dish costs more, or the prices are in another unit."""

MOST_OF_A_CATALOGUE = 64 * 2**20
"""Letters of a file of items, places or offers, which is checked in memory: some hundred thousand of them."""


def _nobody(stage: str, share: float) -> None:
    """Nobody watches."""


def import_file(
    service: RecommenderService,
    stores: RecommenderStores,
    what: What,
    path: Path,
    tenant: str,
    now_us: int,
    show: Show = _nobody,
    reading: Reading | None = None,
) -> int:
    """Import a file; returns how many items, places, offers or events are new or written.

    What became of it stands in the log of imports (`stores.import_log`), with the first wrong rows and how many
    there are. Events may be more than fit into memory.

    Args:
        show: gets the stage and the share of the whole that is done (0 to 1).
        reading: how the file is to be read (`reading_of`); gets what was found in it. Of a preview nothing is
            stored, nor is it in the log; the number is what would be.

    Raises:
        FileUnreadable: not CSV or JSON lines, a required column is missing, or prices or times are unlikely.
        BadRows: names every wrong row; nothing was stored.
        DatabaseBusy: nothing was stored.
    """
    reading = reading or reading_of(stores, tenant, Options())
    if not reading.options.store:
        return _taken(service, stores, what, path, tenant, now_us, show, reading)[1]
    log, began = stores.import_log, time.monotonic()
    import_id = log.begin(tenant, what, path.name[-80:], now_us)
    ended: dict[str, Any] = {"state": "stopped"}
    try:
        read, stored = _taken(service, stores, what, path, tenant, now_us, show, reading)
        ended = {"state": "stored", "rows_read": read, "stored": stored}
    except BadRows as error:
        rows = kept(error.wrong, _known_ids(stores, tenant))
        ended = {"state": "refused", "wrong": error.total, "why": error.code, "rows": rows}
        raise
    except Problem as error:
        ended = {"state": "failed", "why": error.code}
        raise
    finally:
        took_us = int((time.monotonic() - began) * SECOND)
        with suppress(DatabaseBusy, DiskFull):  # the import is what counts
            log.end(tenant, import_id, now_us=now_us + took_us, **ended)
    return stored


def reading_of(stores: RecommenderStores, tenant: str, options: Options) -> Reading:
    """How a file of this tenant is read. Raises FileUnreadable: there is no such zone."""
    try:
        return Reading(options, stores.tenants.get(tenant), Menu.of(stores.catalogue.all(tenant, "item")))
    except NotATime as error:
        raise FileUnreadable(f"{error}.") from error


def _taken(
    service: RecommenderService,
    stores: RecommenderStores,
    what: What,
    path: Path,
    tenant: str,
    now_us: int,
    show: Show,
    reading: Reading,
) -> tuple[int, int]:
    """Rows read, and how many of what they are about are new or written. Raises as `import_file` does."""
    if what == "events":
        return import_events(service, stores, path, tenant, now_us, show, reading)
    return _catalogue(stores, what, path, tenant, now_us, service.config.image_hosts, reading)


def _catalogue(
    stores: RecommenderStores,
    what: What,
    path: Path,
    tenant: str,
    now_us: int,
    hosts: Collection[str],
    reading: Reading,
) -> tuple[int, int]:
    """Rows read, and how many items, places or offers are written. Raises as `import_file` does."""
    unreadable: list[RowProblem] = []  # also after a wrong row: one look at the file names all of its mistakes
    numbered = list(each_row(path, what, unreadable.append, _bounded(path), reading))
    if not numbered and not unreadable and not reading.left_out:
        raise FileUnreadable(f"{path.name} holds no rows.")
    numbers, rows = [number for number, _ in numbered], [row for _, row in numbered]
    with _also(unreadable):
        if what == "offers":
            offers = check_offers(rows, _known(stores, tenant, reading), numbers, from_file=True)
        else:
            items = check_rows(rows, "item" if what == "items" else "place", numbers)
            check_image_hosts(items, hosts)
    if what == "items" and is_csv(path):
        _check_prices(path, items, reading)
    if not reading.options.store:
        return len(rows), len(rows)
    if what == "offers":
        stores.offers.save_offers(tenant, offers, now_us)
        return len(rows), len(offers)
    kind: Kind = "item" if what == "items" else "place"
    return len(rows), stores.catalogue.put(tenant, kind, items)


def _known(stores: RecommenderStores, tenant: str, reading: Reading) -> Known:
    """What the offers of a file may name."""
    if reading.options.retired == "keep":
        return Known()
    menu = stores.catalogue.all(tenant, "item")
    gone = {one.item_id for one in stores.catalogue.former(tenant, "item")}
    return Known({item.item_id for item in menu} | gone, categories={item.category for item in menu})


def _check_prices(path: Path, items: Sequence[Item], reading: Reading) -> None:
    """Raises PricesUnclear: a whole menu costs less than one unit of the currency, and nobody said so."""
    digits, currency = reading.settings.digits, reading.settings.currency
    prices = [item.price for item in items if item.price]
    if reading.decimal or reading.options.prices or digits < 2 or not prices or max(prices) >= LEAST_OF_A_MENU:
        return
    says = (
        f"{path.name}: no dish costs more than {max(prices) / 10**digits:.{digits}f} {currency}: prices are in"
        f" minor units (cents), so that 380 is 3.80 {currency}. If these are whole {currency}, import it with"
        " --prices decimal; if they are right, with --prices minor. Nothing was stored."
    )
    if reading.options.store:
        raise PricesUnclear(says)
    reading.warnings.append(says)


def _bounded(path: Path) -> Callable[[int], None]:
    """Raises FileUnreadable when a file turns out to be too large for what it should hold."""

    def seen(letters: int) -> None:
        if letters > MOST_OF_A_CATALOGUE:
            raise FileUnreadable(
                f"{path.name} is larger than {MOST_OF_A_CATALOGUE // 2**20} MB. Import it in parts."
            )

    return seen


@contextmanager
def _also(unreadable: Sequence[RowProblem]) -> Iterator[None]:
    """Inside, checks find what is wrong; those that could not even be read are wrong as well. Raises BadRows."""
    wrong = list(unreadable)
    try:
        yield
    except BadRows as error:
        named = {one.row for one in unreadable}
        wrong += [one for one in error.wrong if one.row not in named]
    if wrong:
        raise BadRows(sorted(wrong, key=lambda one: one.row))


def _known_ids(stores: RecommenderStores, tenant: str) -> set[str]:
    """Ids that a wrong value may resemble: then it is shown."""
    items = [*stores.catalogue.all(tenant, "item"), *stores.catalogue.all(tenant, "place")]
    sites = {site for item in items for site in item.sites} | set(stores.figures.sites(tenant))
    offers = {offer.offer_id for offer in stores.offers.offers(tenant)}
    return {item.item_id for item in items} | sites | offers | EVENT_TYPES


def export_rows(stores: RecommenderStores, what: What, tenant: str) -> Iterator[Row]:
    """What `import_file` would read back, as plain values.

    What names dishes or places that were deleted since says so (`retired`): it is read back all the same.
    """
    if what == "events":
        there = {kind: {one.item_id for one in stores.catalogue.all(tenant, kind)} for kind in KINDS}
        offers = {offer.offer_id for offer in stores.offers.offers(tenant)}
        for row in stores.events.export(tenant):
            yield _event_row(row, {"orders": there["item"], "destinations": there["place"], "offers": offers})
    elif what == "offers":
        menu = stores.catalogue.all(tenant, "item")
        there_now = {item.item_id for item in menu}, {item.category for item in menu}
        for offer in stores.offers.offers(tenant):
            gone = _retired_of(offer, *there_now)
            yield as_row(offer) | ({"retired": gone} if gone else {})
    else:
        for item in stores.catalogue.all(tenant, "item" if what == "items" else "place"):
            yield as_json(asdict(item))


def _retired_of(offer: Offer, items: Collection[str], categories: Collection[str]) -> list[str]:
    free = (offer.discount.item,) if offer.discount and offer.discount.item else ()
    named = {one for one in (*offer.items, *free) if one not in items}
    return sorted(named | {one for one in offer.categories if one not in categories})


def _event_row(row: Mapping[str, Any], there: Mapping[str, Collection[str]]) -> Row:
    named = [one for one in (row["item"], row["origin"]) if one and not one.startswith("geo:")]
    same = {name: row[name] for name in ("event_id", "type", "customer", "scene", "site", "region")}
    return same | {
        "occurred_at": _local(row["time_us"], row["hour"], row["weekday"]),
        "item_id": row["item"],
        "quantity": row["quantity"],
        "price": row["price"],
        "pickup": row["origin"],
        "recommendation_id": row["recommendation_id"],
        "device": row["sender"],
        "options": list(options_in(row)) or "",
        "retired": True if any(one not in there[row["scene"]] for one in named) else "",
        "line": row["position"],
        "order_id": row["order_id"],
        "order_sender": row["order_sender"] if row["type"] in TAKES_BACK else "",
    }


def _local(time_us: int, hour: float, weekday: int) -> str:
    """The time as ISO 8601, with the UTC offset that gives the stored hour and weekday."""
    utc = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)
    there = hour - (utc.hour + utc.minute / 60 + utc.second / 3600)
    days = (weekday - utc.weekday() + 3) % 7 - 3
    quarters = max(-MOST_QUARTERS, min(MOST_QUARTERS, round((there + 24 * days) * 4)))
    return utc.astimezone(timezone(timedelta(minutes=15 * quarters))).isoformat()


def export_columns(what: What) -> tuple[str, ...]:
    """The fields of what is exported: the columns of a CSV, but for those that stand in it by language."""
    if what == "events":
        return EVENT_COLUMNS
    if what == "offers":
        return (*(field.name for field in fields(Offer)), "retired")
    names = tuple(field.name for field in fields(Item))
    return names if what == "items" else tuple(name for name in names if name not in ONLY_OF_ITEMS)


def write_rows(rows: Iterable[Row], what: What, out: TextIO, *, as_csv: bool) -> int:
    """Write rows as CSV or JSON lines; returns how many."""
    names, count = export_columns(what), 0
    if as_csv and what != "events":  # a menu fits in memory; its header names each language in it
        menu = list(rows)
        names, rows = columns_of(names, menu), map(cells_of, menu)
    elif as_csv:
        rows = map(cell_of_choices, rows)
    writer = csv.writer(out, lineterminator="\n") if as_csv else None
    if writer:
        writer.writerow(names)
    for row in rows:
        count += 1
        if writer:
            writer.writerow([_cell(NONE if _is_free(name, row) else row.get(name)) for name in names])
        else:
            kept = {name: row[name] for name in names if row.get(name) not in (None, "")}
            out.write(json.dumps(kept, ensure_ascii=False) + "\n")
    return count


def _is_free(name: str, row: Row) -> bool:
    """Whether the row says that its item has no allergen: an empty cell would say that nobody knows."""
    return name == "allergens" and row.get(name) is not None and not row[name]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return "|".join(str(part) for part in value)
    return "" if value is None else str(value)


def _cell(value: object) -> str:
    """A value as the cell of a CSV: a text is never a formula, a number stays a number."""
    text = _text(value)
    return text if isinstance(value, bool | int | float) else escaped(text)
