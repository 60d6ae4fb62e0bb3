"""Usual, for the program of a till or of a kiosk: press, recognise, suggest, order, forget.

One file without dependencies (Python 3.11 or newer). Every house serves it at `/clients/1/usual_client.py`. Each
method names its route, which `/docs/swagger` of the house describes. `docs/clients.md` shows how it is used.

    till = Usual("https://usual.example", key)
    for dish in till.suggest("orders", site="market", n=3)["items"]:
        print(dish["name"], "-", dish["reason"]["text"])

A request that fails for a moment (no line, a server with too much to do) is sent again, `tries` times at most,
after the pause that the server names. No repeat does harm: the `Idempotency-Key` of a POST is the same each time.
"""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import random
import ssl
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Concatenate, Literal, NotRequired, ParamSpec, TypedDict, TypeVar, Unpack
from urllib.parse import quote, urlencode, urlsplit

__version__ = "1.0.0"

Scene = Literal["orders", "offers", "destinations"]
Kind = Literal["items", "places", "offers"]
Outcome = Literal["shown", "accepted", "dismissed", "redeemed"]
Json = dict[str, Any]

LONGEST_PAUSE_S = 10.0
"""A server that names a longer pause is not waited for: the till goes on without it."""

WAIT_S = 40.0
"""Longer than the server lets a request wait for news."""

FIRST_PAUSE_S = 0.25  # doubled at each further try
BUSY = frozenset({429, 502, 503, 504})
NOT_TLS = (
    "WRONG_VERSION_NUMBER",
    "RECORD_LAYER_FAILURE",
    "PACKET_LENGTH_TOO_LONG",
    "UNKNOWN_PROTOCOL",
)  # OpenSSL's


# --- what can go wrong ---


class UsualError(Exception):
    """Base of what this file raises."""


class NoAnswer(UsualError):
    """The server could not be reached, or did not answer in time, at any try."""


class Problem(UsualError):
    """The server refused: a stable `code`, a `detail` with what happened and what to do, the whole `body`."""

    codes: ClassVar[tuple[str, ...]] = ()

    def __init__(self, status: int, body: Mapping[str, Any], retry_after_s: float | None = None) -> None:
        self.status = status
        self.body = body
        self.code = str(body.get("code", "problem"))
        self.detail = str(body.get("detail", f"status {status}"))
        self.retry_after_s = retry_after_s
        super().__init__(f"{self.detail} ({self.code})")

    @classmethod
    def of(cls, status: int, body: Mapping[str, Any], retry_after_s: float | None = None) -> Problem:
        """The class of the problem's code; Problem itself for a code without one."""
        return BY_CODE.get(str(body.get("code")), Problem)(status, body, retry_after_s)


class KeyRefused(Problem):
    """No key, an unknown one, one that has ended, or one for something else: see `usual keys`."""

    codes = ("key_refused", "scope_missing")


class RequestInvalid(Problem):
    """A field is wrong; `body["fields"]` names it."""

    codes = ("invalid_request",)


class Busy(Problem):
    """The server has too much to do, or heard too much from this key: go on without its answer."""

    codes = ("overloaded", "too_many_requests", "too_many_events", "request_in_progress", "database_busy")


class PressRefused(Problem):
    """The press is too old, was used, or is another device's: press again."""

    codes = ("press_refused", "press_expired")


class PictureRefused(Problem):
    """No single usable face in the pictures. `hint` is a stable code of what the person can do."""

    codes = (
        "no_face",
        "several_faces",
        "face_too_small",
        "face_off_centre",
        "face_turned",
        "face_blurred",
        "face_covered",
        "too_dark",
        "too_bright",
    )

    @property
    def hint(self) -> str:
        return str(self.body.get("hint", "try_again"))


class TokenRefused(Problem):
    """The token has ended, or its customer has left: they are a guest now."""

    codes = (
        "token_expired",
        "token_altered",
        "token_foreign",
        "token_refused",
        "customer_left",
        "purpose_not_given",
    )


class PinRefused(Problem):
    """A PIN is needed, is wrong, or is locked for a while."""

    codes = (
        "pin_needed",
        "pin_wrong",
        "pin_locked",
        "code_or_pin_wrong",
        "too_many_codes",
        "second_factor_required",
    )


class ItemUnknown(Problem):
    """An item that the catalogue does not have, or that cannot be had."""

    codes = ("unknown_item", "item_unavailable", "unknown_offer")


class OfferRefused(Problem):
    """The offer cannot be redeemed with this order."""

    codes = (
        "redemption_refused",
        "redemption_without_order",
        "redemption_too_late",
        "redemption_of_other_items",
        "redemption_of_another_offer",
        "redeemed_before",
        "below_minimum_spend",
        "offer_ended",
        "offer_of_another_site",
    )


class Conflict(Problem):
    """The same id or key was used before, for something else: nothing was stored."""

    codes = ("idempotency_conflict", "event_conflict")


NAMED = (
    KeyRefused,
    RequestInvalid,
    Busy,
    PressRefused,
    PictureRefused,
    TokenRefused,
    PinRefused,
    ItemUnknown,
    OfferRefused,
    Conflict,
)
BY_CODE: dict[str, type[Problem]] = {code: kind for kind in NAMED for code in kind.codes}


# --- what is sent and answered ---


class Context(TypedDict, total=False):
    """Where and when something is asked. `local_time` has the place's offset: 2026-05-04T08:30:00+02:00."""

    site: str
    region: str
    local_time: str
    basket: Sequence[str]
    party_size: int
    lat: float
    lon: float
    pickup: str
    repeat: Literal["prefer", "allow", "avoid"]
    without_allergens: Sequence[str]
    max_price: int
    min_price: int


class Line(TypedDict):
    """A line of an order; `price` in minor units, each."""

    item_id: str
    quantity: NotRequired[int]
    price: NotRequired[int]
    options: NotRequired[Sequence[str]]


class Event(TypedDict):
    """What happened. Sent again with the same `event_id` it counts once."""

    event_id: str
    type: Literal["ordered", "rode", "shown", "accepted", "dismissed", "redeemed"]
    occurred_at: str
    scene: NotRequired[Scene]
    site: NotRequired[str]
    region: NotRequired[str]
    items: NotRequired[Sequence[Line]]
    order_id: NotRequired[str]
    recommendation_id: NotRequired[str]
    pickup: NotRequired[Json | str]


class About(TypedDict, total=False):
    """What else an event says: where, when, after which suggestions, and which order redeems an offer."""

    site: str
    region: str
    occurred_at: str
    recommendation_id: str
    order_id: str


class Seal(TypedDict):
    """What a device that sends vectors seals them with (docs/api/vectors.md)."""

    public_key: str
    key_id: str
    device: str
    pack: str
    size: int
    masks: bool


class Press(TypedDict):
    """`challenge` lists the head moves to show; `nonce` is good for one recognition, for ten seconds. `seal` is
    None unless the operator set this device to vectors."""

    nonce: str
    expires_at: str
    challenge: list[str]
    seal: Seal | None


class Reason(TypedDict):
    """Why something is suggested: a stable code, and a sentence to show."""

    code: str
    text: str


class Suggestion(TypedDict):
    """One suggestion, the best first."""

    item_id: str
    name: str
    score: float
    reason: Reason
    price: NotRequired[int | None]
    bundle: NotRequired[list[Json] | None]
    sponsored: NotRequired[str | None]
    text: NotRequired[str | None]
    offer: NotRequired[Json | None]


class Suggestions(TypedDict):
    """`fallback` says why it is what everybody gets; None: it is this customer's own."""

    recommendation_id: str
    scene: Scene
    model_version: str | None
    fallback: NotRequired[str | None]
    items: list[Suggestion]
    generation: int
    took_ms: float


class Recognition(TypedDict):
    """`token` opens what the customer agreed to (`purposes`), on this device, for ten minutes; None: a guest."""

    decision: str
    token: str | None
    expires_at: str | None
    purposes: list[str]
    hint: str | None
    liveness: str
    news: list[str]


class Visit(Recognition):
    """A recognition with suggestions; `second_factor_required`: a PIN would open them (`raise_token`)."""

    second_factor_required: bool
    suggestions: Suggestions


class Stored(TypedDict):
    """How many events are new; lines that were taken otherwise, events of a batch that were refused."""

    accepted: int
    duplicates: int
    problems: NotRequired[list[Json]]
    refused: NotRequired[list[Json]]


def event(kind: str, **fields: Any) -> Event:
    """An event of now, with an id of its own unless `fields` have one."""
    now = datetime.now().astimezone().isoformat("T", "seconds")
    made: Any = {"event_id": str(uuid.uuid4()), "occurred_at": now, "type": kind, **_said(fields)}
    happened: Event = made
    return happened


def pictures(frames: Iterable[bytes]) -> list[str]:
    """Image files (JPEG, PNG or WebP) as the API takes them."""
    return [base64.b64encode(frame).decode() for frame in frames]


def _look(
    nonce: str, frames: Iterable[bytes], message: bytes | None = None, moves: Iterable[bytes] | None = None
) -> Json:
    """What is sent after a press: pictures, or the sealed message of a device that makes vectors itself."""
    if message is not None:
        return {"nonce": nonce, "device_message": base64.b64encode(message).decode()}
    more = {} if moves is None else {"moves": pictures(moves)}
    return {"nonce": nonce, "frames": pictures(frames), **more}


def _said(fields: Mapping[str, Any]) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


# --- the client ---


class Usual:
    """One house. Threads may share it: every request has a connection of its own.

    Every method raises NoAnswer, or the Problem of the server's refusal (`NAMED`, by its code).
    """

    def __init__(
        self,
        server: str,
        key: str,
        *,
        timeout_s: float = 8.0,
        tries: int = 3,
        tls: ssl.SSLContext | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`server` is the house's address, `key` an API key (`usual keys create`); `timeout_s` is for one try."""
        parts = urlsplit(server)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{server!r} is no address such as https://usual.example")
        self._parts, self._key, self._tls = parts, key, tls
        self._timeout_s, self._tries, self._sleep = timeout_s, max(1, tries), sleep

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        token: str | None = None,
        once: str | None = None,
        timeout_s: float | None = None,
    ) -> Any:
        """Any route: its JSON reply, None where it has none. `once` is the Idempotency-Key of a POST, `timeout_s`
        that of a route that waits.
        """
        headers = {"X-API-Key": self._key, "Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if method == "POST":
            headers["Idempotency-Key"] = once or str(uuid.uuid4())
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            headers["Content-Type"] = "application/json"
        asked = urlencode(_said(query or {}), doseq=True)
        address = self._parts.path.rstrip("/") + path + (f"?{asked}" if asked else "")
        for left in range(self._tries - 1, -1, -1):
            try:
                return self._send(method, address, content, headers, timeout_s or self._timeout_s)
            except (NoAnswer, Problem) as error:
                pause_s = self._pause(error, self._tries - 1 - left)
                if left == 0 or pause_s is None:
                    raise
            self._sleep(pause_s)
        raise AssertionError  # the last try returns or raises

    def _pause(self, error: NoAnswer | Problem, tried: int) -> float | None:
        """How long to wait before the next try; None: another one would not help."""
        own: float = FIRST_PAUSE_S * 2**tried * random.uniform(0.5, 1.5)  # noqa: S311 - not all tills at once; no secret
        if isinstance(error, NoAnswer):
            return own
        if error.status not in BUSY and error.code != "request_in_progress":
            return None
        wanted = error.retry_after_s
        return own if wanted is None else wanted if wanted <= LONGEST_PAUSE_S else None

    def _send(
        self, method: str, address: str, content: bytes | None, headers: Mapping[str, str], timeout_s: float
    ) -> Any:
        host, port = str(self._parts.hostname), self._parts.port
        line = (
            http.client.HTTPSConnection(host, port, timeout=timeout_s, context=self._tls)
            if self._parts.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=timeout_s)
        )
        try:
            line.request(method, address, content, dict(headers))
            reply = line.getresponse()
            raw, status, said = reply.read(), reply.status, reply.headers.get("Retry-After", "")
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(f"{host} does not answer: {self._why(error)}") from error
        finally:
            line.close()
        try:
            answer = json.loads(raw) if raw else None
        except ValueError:  # of a proxy in front
            answer = None
        if 200 <= status < 300:
            return answer
        found = answer if isinstance(answer, dict) else {}
        raise Problem.of(status, found, float(said) if said.isdecimal() else None)

    def _why(self, error: Exception) -> str:
        """Why there is no answer; plain where one side speaks TLS and the other does not."""
        if isinstance(error, ssl.SSLError) and error.reason in NOT_TLS:
            return "what answers there speaks no TLS: is it another port, or an http:// address?"
        if self._parts.scheme == "http" and isinstance(error, ConnectionResetError):  # RemoteDisconnected is one
            return "the connection was closed at once: does that port speak TLS (https://)?"
        return str(error) or type(error).__name__

    # this device

    def live(self) -> Json:
        """Whether the server answers. GET /health/live"""
        return dict(self.call("GET", "/health/live"))

    def settings(self) -> Json:
        """How the house wants its screens: name, colours, money, languages. GET /v1/screen"""
        return dict(self.call("GET", "/v1/screen"))

    def call_staff(self) -> Json:
        """Somebody is wanted at this device. POST /v1/screen/calls"""
        return dict(self.call("POST", "/v1/screen/calls"))

    def news(self, since: str = "", *, token: str | None = None) -> Json | None:
        """What changed since the `id` of the last answer: settings, the menu, or that the visit of `token` ended.
        It waits up to 28 seconds; None: nothing did. GET /v1/events
        """
        query = {"since": since or None}
        found: Json | None = self.call("GET", "/v1/events", query=query, token=token, timeout_s=WAIT_S)
        return found

    # recognition

    def press(self) -> Press:
        """The customer pressed; call it for no other reason. POST /identity/v1/presses"""
        press: Press = self.call("POST", "/identity/v1/presses", body={})
        return press

    def register_key(self, public_key: bytes) -> None:
        """The key that this device signs vectors with, once: 65 bytes, a point of P-256. PUT /v1/device-key"""
        text = base64.urlsafe_b64encode(public_key).rstrip(b"=").decode()
        self.call("PUT", "/v1/device-key", body={"public_key": text})

    def recognise(
        self,
        nonce: str,
        frames: Iterable[bytes] = (),
        *,
        moves: Iterable[bytes] = (),
        message: bytes | None = None,
    ) -> Recognition:
        """Who pressed; one to three pictures, or a sealed message with vectors. POST /identity/v1/recognitions"""
        body = _look(nonce, frames, message, moves)
        found: Recognition = self.call("POST", "/identity/v1/recognitions", body=body)
        return found

    def recognise_by_code(self, receipt: str, pin: str) -> Recognition:
        """The same without a face. POST /identity/v1/recognitions/by-code"""
        body = {"receipt": receipt, "pin": pin}
        found: Recognition = self.call("POST", "/identity/v1/recognitions/by-code", body=body)
        return found

    def visit(
        self,
        nonce: str,
        frames: Iterable[bytes] = (),
        scene: Scene = "orders",
        *,
        n: int = 5,
        moves: Iterable[bytes] = (),
        message: bytes | None = None,
        **context: Unpack[Context],
    ) -> Visit:
        """Recognise and suggest in one call. POST /v1/visits"""
        look = _look(nonce, frames, message, moves)
        seen: Visit = self.call(
            "POST", "/v1/visits", body={**look, "scene": scene, "n": n, "context": _said(context)}
        )
        return seen

    def visit_by_code(
        self, receipt: str, pin: str, scene: Scene = "orders", *, n: int = 5, **context: Unpack[Context]
    ) -> Visit:
        """The same without a face. POST /v1/visits/by-code"""
        body = {"receipt": receipt, "pin": pin, "scene": scene, "n": n, "context": _said(context)}
        seen: Visit = self.call("POST", "/v1/visits/by-code", body=body)
        return seen

    def raise_token(self, token: str, pin: str) -> Json:
        """A token that the PIN has raised, in place of this one. POST /identity/v1/tokens/raise"""
        return dict(self.call("POST", "/identity/v1/tokens/raise", body={"token": token, "pin": pin}))

    def not_me(self, token: str, *, permanent: bool = False) -> None:
        """The match is wrong; `permanent`: from now on that face alone greets nobody. POST /identity/v1/not-me"""
        self.call("POST", "/identity/v1/not-me" + "/permanent" * permanent, body={"token": token})

    def face_again(self, token: str) -> None:
        """Take that back, with a raised token. DELETE /identity/v1/not-me/permanent"""
        self.call("DELETE", "/identity/v1/not-me/permanent", body={"token": token})

    # joining and leaving

    def notice(self, language: str = "en", *, place: str | None = None, version: str | None = None) -> Json:
        """What a customer reads before they agree. GET /identity/v1/notice"""
        query = {"language": language, "place": place, "version": version}
        return dict(self.call("GET", "/identity/v1/notice", query=query))

    def receipt_key(self) -> Json:
        """The public key of signed receipts. GET /identity/v1/receipt-key"""
        return dict(self.call("GET", "/identity/v1/receipt-key"))

    def enrol(
        self,
        consent: Mapping[str, Any],
        *,
        nonce: str | None = None,
        frames: Iterable[bytes] = (),
        message: bytes | None = None,
        pin: str | None = None,
        earlier: str | None = None,
        somebody_else: bool | None = None,
    ) -> Json:
        """Opt in; without a nonce by code and PIN. It counts once confirmed. POST /identity/v1/enrolments"""
        look = {"way": "code"} if nonce is None else _look(nonce, frames, message)
        more = _said({"pin": pin, "earlier": earlier, "somebody_else": somebody_else})
        return dict(self.call("POST", "/identity/v1/enrolments", body={"consent": consent, **look, **more}))

    def confirm(self, receipt: str) -> None:
        """The customer has seen the receipt. PUT /identity/v1/enrolments/{receipt}/confirmed"""
        self.call("PUT", f"{_enrolment(receipt)}/confirmed")

    def forget(self, receipt: str) -> Json:
        """Opt out by the receipt. DELETE /identity/v1/enrolments/{receipt}"""
        return dict(self.call("DELETE", _enrolment(receipt)))

    def forget_face(
        self,
        nonce: str,
        frames: Iterable[bytes] = (),
        *,
        pin: str | None = None,
        moves: Iterable[bytes] = (),
        message: bytes | None = None,
    ) -> Json:
        """Opt out by face. POST /identity/v1/opt-outs"""
        body = _look(nonce, frames, message, moves) | _said({"pin": pin})
        return dict(self.call("POST", "/identity/v1/opt-outs", body=body))

    def set_pin(self, receipt: str, secret: str, pin: str) -> None:
        """The PIN of somebody who just joined. PUT /identity/v1/enrolments/{receipt}/pin"""
        self.call("PUT", f"{_enrolment(receipt)}/pin", body={"secret": secret, "pin": pin})

    def add_face(
        self,
        receipt: str,
        nonce: str,
        frames: Iterable[bytes] = (),
        *,
        message: bytes | None = None,
        pin: str | None = None,
        notice_version: str | None = None,
        language: str | None = None,
        somebody_else: bool | None = None,
    ) -> None:
        """A face for somebody who joined without one. PUT /identity/v1/enrolments/{receipt}/face"""
        more = {"pin": pin, "notice_version": notice_version, "language": language, "somebody_else": somebody_else}
        self.call("PUT", f"{_enrolment(receipt)}/face", body=_look(nonce, frames, message) | _said(more))

    def drop_face(self, receipt: str, *, pin: str | None = None) -> None:
        """Only code and PIN from now on. DELETE /identity/v1/enrolments/{receipt}/face"""
        self.call("DELETE", f"{_enrolment(receipt)}/face", body=_said({"pin": pin}))

    # suggestions, and what became of them

    def suggest(
        self, scene: Scene = "orders", *, token: str | None = None, n: int = 5, **context: Unpack[Context]
    ) -> Suggestions:
        """What to offer: popular here and now, or a customer's own. GET /recommender/v1/suggestions/{scene}"""
        query = {**context, "n": n}
        found: Suggestions = self.call("GET", f"/recommender/v1/suggestions/{scene}", query=query, token=token)
        return found

    def similar(self, item_id: str, *, n: int = 5, **context: Unpack[Context]) -> Json:
        """Dishes like this one. GET /recommender/v1/items/{item_id}/similar"""
        path = f"/recommender/v1/items/{quote(item_id, safe='')}/similar"
        return dict(self.call("GET", path, query={**context, "n": n}))

    def events(self, events: Sequence[Event], *, token: str | None = None, once: str | None = None) -> Stored:
        """Tell what happened, 1,000 events at most. POST /recommender/v1/events"""
        stored: Stored = self.call(
            "POST", "/recommender/v1/events", body={"events": events}, token=token, once=once
        )
        return stored

    def order(
        self, items: Sequence[Line], *, token: str | None = None, event_id: str = "", **about: Unpack[About]
    ) -> Stored:
        """An order. With the till's own number as `event_id` it counts once, also after a restart of the till.

        Where the token does not hold any more it is a guest's order: the kitchen needs it all the same.
        """
        ordered = [event("ordered", event_id=event_id or str(uuid.uuid4()), items=items, **about)]
        try:
            return self.events(ordered, token=token)
        except TokenRefused:
            return self.events(ordered)

    def offer(
        self,
        outcome: Outcome,
        offer: Suggestion,
        shown: Suggestions,
        *,
        token: str | None = None,
        **about: Unpack[About],
    ) -> Stored:
        """What became of an offer of `shown`; redeemed needs `order_id`, the event_id of its order."""
        line: Line = {"item_id": offer["item_id"]}
        about.setdefault("recommendation_id", shown["recommendation_id"])
        return self.events([event(outcome, scene="offers", items=[line], **about)], token=token)

    # the catalogue

    def rows(self, kind: Kind) -> list[Json]:
        """All of them. GET /recommender/v1/items /places /offers"""
        found: list[Json] = []
        cursor: str | None = None
        while True:
            page = self.call("GET", f"/recommender/v1/{kind}", query={"n": 200, "cursor": cursor})
            found += page["rows"]
            if not (cursor := page.get("next_cursor")):
                return found

    def row(self, kind: Kind, row_id: str) -> Json:
        """One of them. GET /recommender/v1/items/{item_id}"""
        return dict(self.call("GET", f"/recommender/v1/{kind}/{quote(row_id, safe='')}"))

    def store(self, kind: Kind, rows: Sequence[Mapping[str, Any]]) -> Json:
        """Write rows of the catalogue, all or none (scope `train`). POST /recommender/v1/items"""
        return dict(self.call("POST", f"/recommender/v1/{kind}", body={"rows": rows}))

    def link_code(self, account: str) -> Json:
        """A code that ties a customer to an account. POST /recommender/v1/accounts/{account}/link-codes"""
        return dict(self.call("POST", f"/recommender/v1/accounts/{quote(account, safe='')}/link-codes"))

    # a ride

    def hand_over(self, item_id: str) -> Json:
        """Show a place to the taxi's driver. POST /v1/ride"""
        return dict(self.call("POST", "/v1/ride", body={"item_id": item_id}))

    def ride(self, *, watch: str | None = None, since: int | None = None) -> Json | None:
        """The ride as it is; with `watch` and `since` of the last answer it waits for news. GET /v1/ride"""
        ride: Json | None = self.call("GET", "/v1/ride", query={"watch": watch, "since": since}, timeout_s=WAIT_S)
        return ride

    def end_ride(self, ride_id: str) -> None:
        """The ride is over. DELETE /v1/ride"""
        self.call("DELETE", "/v1/ride", query={"ride_id": ride_id})

    def driver_code(self) -> Json:
        """A code that makes another device this taxi's driver's screen. POST /v1/driver/codes"""
        return dict(self.call("POST", "/v1/driver/codes", body={}))


def _enrolment(receipt: str) -> str:
    return f"/identity/v1/enrolments/{quote(receipt, safe='')}"


# --- the same for asyncio ---

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


def _waiting(
    work: Callable[Concatenate[Usual, Arguments], Answer],
) -> Callable[Concatenate[AsyncUsual, Arguments], Awaitable[Answer]]:
    async def wait(self: AsyncUsual, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
        return await asyncio.to_thread(work, self.sync, *args, **kwargs)

    wait.__doc__ = work.__doc__
    return wait


class AsyncUsual:
    """Usual with methods that are awaited: each request waits in a thread, and the event loop goes on.

    Somebody who stops waiting does not stop the request: what it did is done.
    """

    def __init__(self, server: str, key: str, **options: Any) -> None:
        """The arguments of Usual."""
        self.sync = Usual(server, key, **options)

    call = _waiting(Usual.call)
    live = _waiting(Usual.live)
    settings = _waiting(Usual.settings)
    call_staff = _waiting(Usual.call_staff)
    news = _waiting(Usual.news)
    press = _waiting(Usual.press)
    recognise = _waiting(Usual.recognise)
    recognise_by_code = _waiting(Usual.recognise_by_code)
    visit = _waiting(Usual.visit)
    visit_by_code = _waiting(Usual.visit_by_code)
    raise_token = _waiting(Usual.raise_token)
    not_me = _waiting(Usual.not_me)
    face_again = _waiting(Usual.face_again)
    notice = _waiting(Usual.notice)
    receipt_key = _waiting(Usual.receipt_key)
    enrol = _waiting(Usual.enrol)
    confirm = _waiting(Usual.confirm)
    forget = _waiting(Usual.forget)
    forget_face = _waiting(Usual.forget_face)
    set_pin = _waiting(Usual.set_pin)
    add_face = _waiting(Usual.add_face)
    register_key = _waiting(Usual.register_key)
    drop_face = _waiting(Usual.drop_face)
    suggest = _waiting(Usual.suggest)
    similar = _waiting(Usual.similar)
    events = _waiting(Usual.events)
    order = _waiting(Usual.order)
    offer = _waiting(Usual.offer)
    rows = _waiting(Usual.rows)
    row = _waiting(Usual.row)
    store = _waiting(Usual.store)
    link_code = _waiting(Usual.link_code)
    hand_over = _waiting(Usual.hand_over)
    ride = _waiting(Usual.ride)
    end_ride = _waiting(Usual.end_ride)
    driver_code = _waiting(Usual.driver_code)
