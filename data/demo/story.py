"""The story of the demo: each step runs over HTTP and is checked; the story stops when a check fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np

from data.demo.client import Client, Refused
from data.demo.members import PIN, Member
from data.faces import people
from data.town import menu
from data.town.town import Town, Truth
from plumbing.clock import SECOND, Clock


class StoryBroken(Exception):
    """A check of the story failed."""


def expect(true: bool, claim: str) -> None:
    """Raises StoryBroken with the claim unless it is true."""
    if not true:
        raise StoryBroken(f"This did not come true: {claim}.")


@dataclass(frozen=True)
class Story:
    """The town, those who opted in, the function that prints, and the clock."""

    town: Town
    members: Sequence[Member]
    say: Callable[[str], None]
    now_us: Clock

    # --- the kiosk -----------------------------------------------------------------------------------

    def guest(self, kiosk: Client) -> None:
        """A guest goes on without a face and gets what is popular here and now, from the same menu."""
        at = self.town.moment(self.last_day + 1, menu.HOURS["lunch"])
        answer = kiosk.suggestions("orders", None, {"site": "market", "local_time": at.isoformat()}, 3)
        expect(answer["fallback"] == "no_token" and len(answer["items"]) == 3, "a guest gets what is popular")
        self.say(f"{at:%A, %H:%M}. Somebody touches “As a guest”:")
        self.show(answer["items"])

    def order(self, kiosk: Client) -> None:
        """Press, recognised, the usual with its reason, something new ordered, the next suggestion knows it."""
        member, truth, daypart = self.regular()
        at = self.town.moment(self.last_day + 1, menu.HOURS[daypart])
        context = {"site": "market", "local_time": at.isoformat()}
        self.say(f"{at:%A, %H:%M}, the kiosk at the market. Somebody presses “Recognise me”.")
        began = time.perf_counter()
        seen = kiosk.visit([people.draw_face(member.person_seed, 10)], "orders", context, 10)
        took = 1000 * (time.perf_counter() - began)
        expect(seen["decision"] == "matched", "a customer who opted in is recognised")
        answer = seen["suggestions"]
        self.say(f"Recognised and answered in {took:.0f} ms; no name is known, none is shown.")
        self.show(answer["items"][:4])
        expect(answer["fallback"] is None, "the answer is a personal one")
        first = [item["item_id"] for item in answer["items"]]
        usual = truth.usual[daypart]
        expect(usual in first[:3], f"the true usual, {self.dish(usual)}, is among the first three")

        # Not an explored dish: it stands last by chance, and one order need not lift it into the ten.
        new = [item["item_id"] for item in answer["items"] if not item.get("explored")][-1]
        self.say(f"Today it is something else, from the end of the list: {self.dish(new)}.")
        event = {
            "event_id": "story-order",
            "type": "ordered",
            "items": [{"item_id": new, "quantity": 1}],
            "occurred_at": self.just_now(at),
            "site": "market",
            "recommendation_id": answer["recommendation_id"],
        }
        expect(kiosk.events([event], seen["token"]) == 1, "the order is stored")
        after = kiosk.suggestions("orders", seen["token"], context, 10)["items"]
        ranks = [item["item_id"] for item in after]
        expect(new in ranks[: first.index(new)], f"{self.dish(new)} has risen by the next request")
        reason = next(item["reason"]["text"] for item in after if item["item_id"] == new)
        rank = ranks.index(new) + 1
        self.say(
            f"The next request: {self.dish(new)} was number {len(first)} and is number {rank}, because {reason}."
        )

    def offer(self, kiosk: Client) -> None:
        """One offer or none, decided by the log; shown, redeemed, and not shown again this week."""
        at = self.town.moment(self.last_day + 1, 12.5)
        context = {"site": "market", "local_time": at.isoformat()}
        for k, member in enumerate(m for m in self.members if "offers" in m.purposes):
            seen = kiosk.recognise([people.draw_face(member.person_seed, 11)])
            expect(seen["decision"] == "matched", "a customer who agreed to offers is recognised")
            answer = kiosk.suggestions("offers", seen["token"], context, 1)
            if not answer["items"]:
                self.say("Nothing for this customer: some visits are left alone, to learn what an offer is worth.")
                expect(k < 8, "an offer is shown within eight visits")
                continue
            offer = answer["items"][0]
            self.say(f"Recognised. Offered: {offer['name']} ({offer['reason']['text'].lower()}).")
            event = {
                "scene": "offers",
                "item_id": offer["item_id"],
                "occurred_at": self.just_now(),
                "recommendation_id": answer["recommendation_id"],
            }
            shown = event | {"event_id": "story-offer-shown", "type": "shown"}
            expect(kiosk.events([shown], seen["token"]) == 1, "the offer is shown")
            self.redeem(kiosk, event, offer["offer"], seen["token"])
            again = kiosk.suggestions("offers", seen["token"], context, 1)["items"]
            expect(all(item["item_id"] != offer["item_id"] for item in again), "a redeemed offer does not nag")
            self.say("Redeemed. The next request: " + (again[0]["name"] if again else "nothing more today") + ".")
            return
        raise StoryBroken("Nobody agreed to offers.")

    def redeem(self, kiosk: Client, event: dict[str, Any], terms: dict[str, Any], token: str) -> None:
        """With an order below the minimum it is refused and the order taken; with a large enough one it counts."""
        dish = next(d for d in self.town.dishes if not terms["items"] or d.item_id in terms["items"])
        enough = -(-max(terms["min_spend"], 1) // (dish.price or 1))
        order = {"type": "ordered", "occurred_at": event["occurred_at"], "site": "market"}
        redeemed = event | {"type": "redeemed"}
        for name, quantity in (("small", enough - 1), ("large", enough)):
            if not quantity:
                continue
            line = {"item_id": dish.item_id, "quantity": quantity}
            placed = order | {"event_id": f"story-order-{name}", "items": [line]}
            expect(kiosk.events([placed], None) == 1, "the order is taken")
            try:
                told = {"event_id": f"story-offer-{name}", "order_id": placed["event_id"]}
                expect(kiosk.events([redeemed | told], token) == 1, "the offer is redeemed")
                expect(name == "large", "nothing is redeemed below the minimum")
            except Refused as refused:
                expect(name == "small", f"the offer is redeemed: {refused}")
                self.say(f"An order below {terms['terms']['en'].lower()}: taken, without the offer.")

    # --- the taxi ------------------------------------------------------------------------------------

    def ride(self, taxi: Client) -> None:
        """A face is not enough: the PIN opens the places; the likely one leads; a new one is learned at once."""
        member, truth = self.commuter()
        at = self.workday(17.25)
        self.say(f"{at:%A, %H:%M}, a taxi outside {self.place(truth.work)}. The passenger presses.")
        seen = taxi.recognise([people.draw_face(member.person_seed, 12)])
        expect(seen["decision"] == "matched", "a passenger who opted in is recognised")
        context = {"local_time": at.isoformat(), "pickup": truth.work} | self.position(truth.work)
        with_face = refused_with(lambda: taxi.suggestions("destinations", seen["token"], context, 3))
        expect(with_face == "second_factor_required", "a face alone opens no destination")
        wrong = refused_with(lambda: taxi.raise_level(seen["token"], "1357"))
        expect(wrong == "pin_wrong", "a wrong PIN opens nothing")
        token = taxi.raise_level(seen["token"], PIN)
        self.say("Recognised. A face alone opens no place, a wrong PIN neither; the right PIN does.")
        answer = taxi.suggestions("destinations", token, context, 20)["items"]
        self.show(answer[:3])
        ranks = [item["item_id"] for item in answer]
        expect(truth.home in ranks[:3], "the way home from work is among the first three")
        expect(truth.work not in ranks[:1], "the pick-up place does not lead")

        new = ranks[-1]
        event = {
            "event_id": "story-ride",
            "type": "rode",
            "item_id": new,
            "pickup": truth.work,
            "occurred_at": self.just_now(at),
        }
        expect(taxi.events([event], token) == 1, "the ride is stored")
        after = taxi.suggestions("destinations", token, context, 20)["items"]
        expect(after != answer, "a ride counts at once: the next answer is another one")
        later = at + timedelta(hours=2)
        context = {"local_time": later.isoformat(), "pickup": new} | self.position(new)
        back = taxi.suggestions("destinations", token, context, 3)["items"]
        self.say(f"Today it goes to {self.place(new)}, the last of the list. Two hours later a taxi waits there:")
        self.show(back)
        ranks = [item["item_id"] for item in back]
        expect(bool({truth.home, truth.work} & set(ranks)), "the way home, or back, is among the first three")
        expect(ranks[0] != new, "the pick-up place does not lead")

    # --- leaving -------------------------------------------------------------------------------------

    def opt_out(self, kiosk: Client) -> None:
        """Opted out by face, a guest the same second; the token in flight is worth nothing."""
        member = self.members[-1]
        frames = [people.draw_face(member.person_seed, 13)]
        seen = kiosk.recognise(frames)
        expect(seen["decision"] == "matched", "the customer is known until now")
        expect(kiosk.opt_out(frames) == "forgotten", "opting out by face works")
        began = time.perf_counter()
        after = kiosk.recognise(frames)
        took = time.perf_counter() - began
        expect(after["decision"] == "unknown" and after["token"] is None, "the customer is a guest now")
        self.say(f"Somebody opts out by face: one press. Looked at again, {took:.2f} s later: a stranger.")
        context = {"site": "market", "local_time": self.now().isoformat()}
        late = refused_with(lambda: kiosk.suggestions("orders", seen["token"], context))
        event = {"event_id": "story-late", "type": "ordered", "items": [{"item_id": "dish-01", "quantity": 1}]}
        event["occurred_at"] = self.now().isoformat()
        brought_back = refused_with(lambda: kiosk.events([event], seen["token"]))
        expect(late == "erased" and brought_back == "erased", "a token in flight brings nobody back")
        guest = kiosk.suggestions("orders", None, context, 5)
        prices = {dish.item_id: dish.price for dish in self.town.dishes}
        expect(guest["fallback"] == "no_token" and len(guest["items"]) == 5, "a guest gets what is popular")
        expect(
            all(item["price"] == prices[item["item_id"]] for item in guest["items"]), "prices are for all the same"
        )
        self.say("The token that was still in flight is refused. The guest sees the same menu at the same prices:")
        self.show(guest["items"][:3])

    # --- who, when, what -----------------------------------------------------------------------------

    @property
    def last_day(self) -> int:
        return int(np.max(self.town.visits.day))

    def now(self) -> datetime:
        """The moment of the story's loose ends: yesterday noon has passed everywhere."""
        return self.town.moment(self.last_day + 1, 12.75)

    def just_now(self, at: datetime | None = None) -> str:
        """The present: what a customer does lies within their press. Its clock shows what `at` shows."""
        now = datetime.fromtimestamp(self.now_us() / SECOND, UTC)
        if at is None:
            return now.isoformat()
        apart = (60 * (at.hour - now.hour) + at.minute - now.minute + 720) % 1440 - 720
        return now.astimezone(timezone(timedelta(minutes=15 * round(apart / 15)))).isoformat()

    def regular(self) -> tuple[Member, Truth, str]:
        """The member with the firmest habit at one daypart, by the town's truth and not by the model."""
        visits, best = self.town.visits, (0, self.members[0], "")
        for member in self.members:
            mine = visits.customer == self.town.customers.index(member.customer)
            truth = self.town.truth[member.customer]
            for daypart, dish in truth.usual.items():
                code = next(k for k, d in enumerate(self.town.dishes) if d.item_id == dish)
                count = int((mine & (visits.dish == code) & (visits.day >= (truth.changed or 0))).sum())
                if count > best[0]:
                    best = (count, member, daypart)
        return best[1], self.town.truth[best[1].customer], best[2]

    def commuter(self) -> tuple[Member, Truth]:
        """The member who agreed to destinations and goes to work by taxi most often."""
        riders = [m for m in self.members if "destinations" in m.purposes]

        def commutes(member: Member) -> int:
            rides, truth = self.town.rides, self.town.truth[member.customer]
            mine = rides.customer == self.town.customers.index(member.customer)
            return sum(self.town.places[p].item_id == truth.work for p in rides.place[mine])

        member = max(riders, key=commutes)
        return member, self.town.truth[member.customer]

    def workday(self, hour: float) -> datetime:
        """The latest weekday before the story's day, at an hour of the town's clock."""
        at = self.town.moment(self.last_day + 1, hour)
        while at.weekday() > 4:
            at -= timedelta(days=1)
        return at

    def dish(self, item_id: str) -> str:
        return next(dish.name for dish in self.town.dishes if dish.item_id == item_id)

    def place(self, item_id: str) -> str:
        return next(place.name for place in self.town.places if place.item_id == item_id)

    def position(self, item_id: str) -> dict[str, float]:
        place = next(place for place in self.town.places if place.item_id == item_id)
        return {"lat": place.lat or 0.0, "lon": place.lon or 0.0}

    def show(self, items: Sequence[dict[str, Any]]) -> None:
        """Suggestions with price and reason."""
        for number, item in enumerate(items, 1):
            price = f"{item['price'] / 100:6.2f}" if item["price"] is not None else ""
            self.say(f"  {number}. {item['name']:<26}{price}  {item['reason']['text']}")


def refused_with(ask: Callable[[], object]) -> str:
    """The code of the problem that `ask` is answered with, "" when it is not refused."""
    try:
        ask()
    except Refused as error:
        return error.code
    return ""
