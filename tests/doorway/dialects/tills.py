"""A house with the dialects of tills on, and what Square and Toast send, made after their public documentation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cryptography.fernet import Fernet
from werkzeug.test import TestResponse

from doorway.dialects.peers import peers
from doorway.dialects.square.fetching import SquareSilent
from doorway.dialects.square.routes import square
from doorway.dialects.square.signature import HEADER, signed
from doorway.dialects.switch import dialects
from doorway.dialects.toast.routes import toast
from doorway.dialects.users import account_of
from plumbing.access.dialects import Dialects
from plumbing.dialect_peers import Peer, PeersOfDialects
from plumbing.idempotency import Idempotency
from plumbing.limits import Limits
from recommender.item import Choice, Item, OptionGroup
from recommender.store import open_moments
from tests.recommender.service_fixtures import Installation, World

TENANT = "grill"
HOST = "https://usual.example"
SIGNING, TOKEN = "signing-key-of-the-subscription", "access-token-of-the-tenant"
KEY = "the-signature-key-of-a-test"
RESTAURANT = "76cb1b05-cb1e-4adf-863a-b2a94a5ecdcf"

MILK = OptionGroup("milk", "Milk", {}, "one", (Choice("oat", "Oat milk", {}, 60), Choice("none", "No milk")))
MORE = [Item("latte", "Latte (Large)", "coffee", 480, options=(MILK,)), Item("W662KBTT", "Pancakes", "sweet", 760)]


class House:
    """A recommender with the dialects of tills; `orders` are those that Square has."""

    def __init__(self, installation: Installation, home: Path) -> None:
        self.world: World = installation.open(home)
        service = self.world.half.service
        service.stores.catalogue.put(TENANT, "item", [*service.caches.menu(TENANT, "item").items, *MORE])
        self.moments = open_moments(service.config.state)
        now_us = self.world.now_us
        shared: Any = SimpleNamespace(
            access=self.world.access,
            limits=Limits(self.moments, now_us),
            once=Idempotency(service.database, Fernet.generate_key(), now_us),
            now_us=now_us,
            dialects=Dialects(self.world.door),
            peers=PeersOfDialects(self.world.door, Fernet.generate_key(), now_us),
        )
        self.shared: Any = shared
        self.address = HOST + shared.peers.path(TENANT, "square")
        self.orders: dict[str, Any] = {}
        self.asked: list[str] = []
        self.world.app.register_api(dialects(shared))
        self.world.app.register_api(peers(shared))
        self.world.app.register_api(square(shared, service, self.fetch))
        self.world.app.register_api(toast(shared, service))
        self.shared.dialects.choose(TENANT, ["square", "toast"])
        self.client = self.world.app.test_client()

    def fetch(self, peer: Peer, order_id: str) -> Mapping[str, Any]:
        assert peer.access_token == TOKEN
        self.asked.append(order_id)
        if order_id not in self.orders:
            raise SquareSilent
        found: Mapping[str, Any] = self.orders[order_id]
        return found

    def close(self) -> None:
        self.moments.close()
        self.world.close()

    # --- Square

    def agree_with_square(self, **more: Any) -> None:
        self.shared.peers.put(TENANT, "square", Peer(SIGNING, TOKEN, self.address, **more))

    def post(self, body: bytes, signature: str, tenant: str = TENANT) -> TestResponse:
        return self.client.post(
            self.shared.peers.path(tenant, "square"),
            data=body,
            content_type="application/json",
            headers={HEADER: signature},
        )

    def notify(self, kind: str, order_id: str, event_id: str = "") -> dict[str, Any]:
        """Square tells of an order; the reply."""
        body = json.dumps(
            notification(kind, order_id, event_id or f"{kind}-{order_id}-{len(self.asked)}")
        ).encode()
        reply = self.post(body, signed(SIGNING, self.address, body))
        assert reply.status_code == 200, reply.get_json()
        said: dict[str, Any] = reply.get_json()
        return said

    # --- Toast

    def agree_with_toast(self) -> None:
        self.shared.peers.put(TENANT, "toast", Peer(KEY, sites={RESTAURANT: ""}))

    def transact(self, kind: str, guid: str, body: Any = None, **headers: str) -> tuple[int, dict[str, Any]]:
        """A transaction of Toast: status and reply. `headers` by their names with `_` for `-`."""
        given = {
            "Authorization": KEY,
            "Toast-Restaurant-External-ID": RESTAURANT,
            "Toast-Transaction-GUID": guid,
            "Toast-Transaction-Type": f"LOYALTY_{kind}",
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        sent = json.dumps({"toastTransactionType": f"LOYALTY_{kind}"} | (body or {}))
        reply = self.client.post(
            self.shared.peers.path(TENANT, "toast"), data=sent, content_type="application/json", headers=given
        )
        said: dict[str, Any] = reply.get_json()
        return reply.status_code, said

    def history(self, identifier: str) -> list[str]:
        """The dishes that an account ordered."""
        service = self.world.half.service
        account = account_of(service.stores.key("accounts"), TENANT, identifier)
        own = service.stores.own.of(TENANT, account)
        return [
            line[0]
            for event in own
            if event.type == "ordered" and event.taken_back != "all"
            for line in event.lines
        ]

    # --- what the house has

    def lines(self, sender: str = "dialect:square") -> list[tuple[str, int, int | None, str]]:
        """(item, quantity, price, choices) of all orders that count."""
        rows = self.world.half.service.database.rows(
            "SELECT l.item, l.quantity, l.price, l.options FROM events e JOIN lines l ON l.tenant = e.tenant"
            " AND l.sender = e.sender AND l.event_id = e.event_id WHERE e.type = 'ordered' AND e.sender = ?"
            " ORDER BY e.event_id, l.position",
            (sender,),
        )
        return [(row["item"], row["quantity"], row["price"], row["options"]) for row in rows]


def notification(kind: str, order_id: str, event_id: str) -> dict[str, Any]:
    """An event as Square's reference of webhooks shows it: what the order has is not in it."""
    about, _, what = kind.partition(".")
    name = f"order_{what}" if about == "order" else about
    notice = {"order_id": order_id, "version": 4, "location_id": "L8GY3KXM4ND5R", "state": "OPEN"}
    return {
        "merchant_id": "5S9MXCS9Y99KK",
        "type": kind,
        "event_id": event_id,
        "created_at": "2026-11-23T11:30:10Z",
        "data": {"type": about, "id": order_id, "object": {name: notice}},
    }


def money(amount: int, currency: str = "EUR") -> dict[str, Any]:
    return {"amount": amount, "currency": currency}


@dataclass
class Line:
    """A line of an order of Square."""

    name: str
    price: int
    quantity: str = "1"
    catalog: str = ""
    size: str = "Regular"
    modifiers: list[tuple[str, int]] = field(default_factory=list)
    currency: str = "EUR"
    kind: str = "ITEM"

    def json(self, *, returned: bool = False) -> dict[str, Any]:
        pieces = float(self.quantity)
        extra = sum(price for _, price in self.modifiers)
        gross = money(round((self.price + extra) * pieces), self.currency)
        modifiers = [
            {
                "uid": f"m{i}",
                "name": name,
                "quantity": "1",
                "base_price_money": money(price, self.currency),
                "total_price_money": money(round(price * pieces), self.currency),
            }
            for i, (name, price) in enumerate(self.modifiers)
        ]
        return {
            "uid": f"uid-{self.name}",
            "name": self.name,
            "quantity": self.quantity,
            "catalog_object_id": self.catalog,
            "variation_name": self.size,
            "item_type": self.kind,
            "base_price_money": money(self.price, self.currency),
            "note": "for Ann, no onions",
            "return_modifiers" if returned else "modifiers": modifiers,
            "gross_return_money" if returned else "gross_sales_money": gross,
        }


def square_order(order_id: str, *lines: Line, **changes: Any) -> dict[str, Any]:
    """An order as RetrieveOrder answers it."""
    return {
        "id": order_id,
        "location_id": "L8GY3KXM4ND5R",
        "customer_id": "CUST-ANN-4711",
        "created_at": "2026-11-23T11:30:00.000Z",
        "state": "COMPLETED",
        "version": 4,
        "line_items": [line.json() for line in lines],
        "tenders": [{"id": "t1", "type": "CARD", "customer_id": "CUST-ANN-4711"}],
        "net_amount_due_money": money(0),
        "discounts": [{"uid": "d1", "name": "Ten off", "percentage": "10", "applied_money": money(95)}],
    } | changes


def selection(guid: str, name: str, price: float, quantity: float = 1, **changes: Any) -> dict[str, Any]:
    """A selection of a check, as Toast's reference has it; `price` of all pieces, before discounts."""
    return {
        "guid": guid,
        "entityType": "MenuItemSelection",
        "externalId": None,
        "deferred": False,
        "preDiscountPrice": price,
        "price": price,
        "displayName": name,
        "item": {"guid": f"item-{name}", "entityType": "MenuItem", "externalId": None},
        "quantity": quantity,
        "unitOfMeasure": "NONE",
        "selectionType": "NONE",
        "voided": False,
        "modifiers": [],
        "appliedDiscounts": [],
        "tax": 0.5,
    } | changes


def about_check(
    guid: str,
    *selections: dict[str, Any],
    account: str | None = "card-4711",
    redemptions: Any = (),
    **changes: Any,
) -> dict[str, Any]:
    """The body of an inquire, redeem or accrue transaction."""
    check = {
        "guid": guid,
        "displayNumber": "183",
        "tabName": "Ann Smith",
        "customer": {"firstName": "Ann", "lastName": "Smith", "phone": "1111111111"},
        "voided": False,
        "deleted": False,
        "paymentStatus": "CLOSED",
        "openedDate": "2026-11-23T11:00:00.000+0000",
        "paidDate": None,
        "closedDate": None,
        "selections": list(selections),
        "payments": [],
        "appliedDiscounts": [],
    } | changes
    about = {"loyaltyIdentifier": account, "check": check, "redemptions": list(redemptions)}
    return {
        "searchTransactionInformation": None,
        "checkTransactionInformation": about,
        "reverseTransactionInformation": None,
    }


def reversal(transaction: str, account: str | None = "card-4711") -> dict[str, Any]:
    """The body of a reverse transaction."""
    about = {"loyaltyIdentifier": account, "transactionId": transaction, "redemptions": None}
    return {"checkTransactionInformation": None, "reverseTransactionInformation": about}
