"""What all routes of this dialect work with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response

from doorway.dialects.gorse import schemas
from doorway.dialects.gorse.feedback import event_of
from doorway.dialects.gorse.problems import NoDelay, NotForDevices, TypeUnknown, UserDeleted
from doorway.dialects.users import account_of
from plumbing.access.caller import NO_DEVICE, Caller
from plumbing.access.dialects import Dialects
from plumbing.clock import SECOND, Clock
from recommender.errors import Erased
from recommender.recording import Sender
from recommender.replies import SuggestRequest
from recommender.scene import Context, Event
from recommender.service import RecommenderService

NAME = "gorse"
A_MINUTE = 600
OF_DIALECT = ("dialect_off", NotForDevices.code)
OF_ITEM = (*OF_DIALECT, "not_found")
OF_USER = (*OF_DIALECT, UserDeleted.code)
SUGGESTED = (*OF_USER, NoDelay.code, TypeUnknown.code)


@dataclass(frozen=True)
class Gorse:
    """What the routes work with."""

    service: RecommenderService
    dialects: Dialects
    now_us: Clock

    def account(self, caller: Caller, user_id: str) -> str:
        """Under what a user is kept. Raises UserDeleted."""
        account = account_of(self.service.stores.key("accounts"), caller.tenant, user_id)
        if self.service.events.is_erased(caller.tenant, account):
            raise UserDeleted
        return account

    def require(self, caller: Caller) -> None:
        """Raises DialectOff, NotForDevices."""
        self.dialects.require(caller.tenant, NAME)
        if not caller.device.startswith(NO_DEVICE):
            raise NotForDevices

    def context(self, caller: Caller, basket: tuple[str, ...] = ()) -> Context:
        """Now, on the tenant's clock: clients of Gorse do not say when or where. Repeats are allowed."""
        zone = self.service.stores.tenants.get(caller.tenant).zone
        return Context(
            site=caller.site, local_time=datetime.fromtimestamp(self.now_us() / SECOND, zone), basket=basket
        )

    def record(self, caller: Caller, rows: list[schemas.Feedback]) -> int:
        """Store feedback, of each user apart; returns how many were new. Raises any problem of an event."""
        zone = self.service.stores.tenants.get(caller.tenant).zone
        by_account: dict[str, list[Event]] = {}
        for one in rows:
            account = self.account(caller, one.UserId)
            event = event_of(one, account, caller.site, zone, self.now_us())
            by_account.setdefault(account, []).append(event)
        sender, new = Sender(caller.device, caller.site, in_bulk=True), 0
        try:
            with self.service.database.write(shared=True):
                for account, events in sorted(by_account.items()):
                    new += self.service.take_of_account(caller.tenant, account, events, sender).new
        except Erased as error:
            raise UserDeleted from error
        return new

    def suggest(self, caller: Caller, context: Context, n: int, account: str = "") -> list[dict[str, Any]]:
        """The best `n` dishes, with scores."""
        asked = SuggestRequest(
            caller.tenant, caller.device, "orders", None, context, n, sender=caller.device, account=account
        )
        return [{"Id": row["item_id"], "Score": row["score"]} for row in self.service.suggest(asked).items]


def done(n: int) -> dict[str, object]:
    return {"RowAffected": n}


def as_list(rows: list[Any]) -> Response:
    """Gorse answers lists; the door makes JSON of objects alone."""
    return Response(json.dumps(rows, separators=(",", ":")), mimetype="application/json")
