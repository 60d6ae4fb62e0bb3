"""The door that every route goes through: authenticate, limit, once, answer, no-store.

A request is authenticated and its body measured before the body is looked at, here or already in the gate in front
of the application (`plumbing/gate`), which hands over the caller that it found.

A route declares where it is defined what it needs (scopes, a rate limit, one transaction); the description of the
API is made from the same declaration. Its function gets the caller and the validated parts of the request, and
returns the body of the reply.
"""

from __future__ import annotations

import functools
import hashlib
import json
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Literal, TypeVar

from flask import Response, current_app, g, request
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel

from plumbing.access import approvals, cookies
from plumbing.access.access import OWN, SCOPES, Access, Caller, key_of, route_of
from plumbing.access.device_figures import clock_of, noted_alarm, noted_decision
from plumbing.access.errors import SiteNeeded, SiteRefused
from plumbing.access.proposing import ProposedReply, Waiting, proposed
from plumbing.access.record import approved_now, note_what_was_sent, recorded
from plumbing.access.roles import ADMINISTRATION
from plumbing.access.watch import watched
from plumbing.bearer import bearer_of
from plumbing.clock import MINUTE
from plumbing.demands import SCREEN, SMALL, BodySize, Demand, Hold, Stream, demand_of, remember, too_large
from plumbing.describing.deprecation import Deprecation
from plumbing.describing.route import described_as
from plumbing.etags import noted_tag
from plumbing.idempotency import Idempotency, Reply
from plumbing.json_limits import parts_of
from plumbing.limits import Limits
from plumbing.security.proxies import counted_as
from plumbing.storage.database import DatabaseBusy
from plumbing.storage.room import DiskFull
from plumbing.storage.sqlite import busy_is_named, storage_is_named
from plumbing.storage.tenants import of_request

CALLER = "usual.caller"
"""Where the gate leaves the caller in the WSGI environment. No header can be written there."""

Body = Mapping[str, object] | None
"""A JSON object, or nothing (status 204)."""

Handler = TypeVar("Handler", bound=Callable[..., Body | Response])
"""A route's own work: `(caller, *, path, query, body)` with those that it names; a public route has no caller.
It returns the reply's body, or a whole Response where the reply is no JSON or sets a cookie."""

Sites = Literal["all", "own", "none"]
"""What a person gets whose account is for some sites: of a route about "all" of them nothing, of one that narrows
what it does to their "own" that, and of one in which "none" is named everything."""

PUBLIC = None
"""In place of scopes: no key is needed."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` requests a minute: of one API key; on a public route of one network address."""

    name: str
    most: int


@dataclass(frozen=True, slots=True)
class _Route:
    """What a route declared."""

    scopes: tuple[str, ...] | None
    status: int
    limit: Limit | None
    one_transaction: bool
    approval: str = ""
    records: bool = False
    sites: Sites = "all"
    deprecated: Deprecation | None = None

    @property
    def is_administration(self) -> bool:
        """Whether it changes how the installation works, or what it holds of a person."""
        return self.records or bool(ADMINISTRATION.intersection(self.scopes or ()))


class Door:
    """Defines the routes of one blueprint, and does what all of them have in common."""

    def __init__(
        self,
        api: APIBlueprint,
        *,
        access: Access,
        once: Idempotency,
        limits: Limits,
        pictures: Collection[str] = (),
        name_errors: Callable[[], AbstractContextManager[None]] = nullcontext,
        before_kept: Callable[[], None] = lambda: None,
    ) -> None:
        """Put routes on `api`.

        Args:
            once: remembers the replies to POST requests with an `Idempotency-Key`.
            pictures: fields of request bodies that hold pictures. A request's fingerprint leaves them out: nothing
                derived from a picture is stored.
            name_errors: turns errors of the half's storage into Problems, around every route's work.
            before_kept: raises a Problem where a request must not get a kept reply, as when its customer left.
        """
        self._before_kept = before_kept
        self._api = api
        self._access = access
        self._once = once
        self._limits = limits
        self._pictures = frozenset(pictures)
        self._name_errors = name_errors
        api.before_request(self._enter)
        api.after_request(self._count_for_device)

    def needs_approval(self, tenant: str, kind: str) -> bool:
        """Whether a change of this kind waits for a second person at this tenant."""
        return self._access.approvals.needs(tenant, kind)

    def route(
        self,
        method: str,
        path: str,
        *,
        scopes: tuple[str, ...] | None,
        reply: type[BaseModel] | None,
        summary: str,
        status: int = 200,
        other_replies: Mapping[int, type[BaseModel] | None] | None = None,
        limit: Limit | None = None,
        token: bool = False,
        one_transaction: bool = False,
        size: BodySize = SMALL,
        lane: str = "rest",
        prepares: str | None = None,
        described: bool = True,
        approval: str = "",
        records: bool = False,
        sites: Sites = "all",
        holds: Hold | None = None,
        from_pages: bool = False,
        streams: Stream | None = None,
        errors: Collection[str] = (),
        deprecated: Deprecation | None = None,
    ) -> Callable[[Handler], Handler]:
        """Define a route.

        In the description of the API, the name of its function is the operation's id and its docstring the
        operation's text.

        Args:
            method: GET, POST, PUT, PATCH or DELETE.
            scopes: the caller's key needs every one of them; PUBLIC for a route without a key.
            reply: model of the successful reply, for the description; None when it has no JSON.
            status: of the successful reply.
            other_replies: further replies that are no problems, by status.
            token: whether the Authorization header may carry a token of a customer (for the description). On a
                PUBLIC route it must carry one, which the route checks by itself: see plumbing/bearer.py.
            one_transaction: the Idempotency-Key and what the route writes to its database are stored together.
            size: the largest body; a larger one is refused unread.
            lane: where a request waits when the server is busy (`plumbing/gate/lanes.py`).
            prepares: the lane of what follows, if a request names it in `?for=`: see `Demand`.
            described: False for what only our own processes ask each other: it is left out of `/openapi.json`.
            approval: the kind of change (`approvals.KINDS`) that waits for a second person where the tenant wants
                that: then 202. Its function calls `note_change` after its checks and before it writes.
            records: it stands in the record of changes although its scopes are not those of administration.
            sites: for people whose account is for some sites. Where the query has a field `site` the door checks
                it, and the reply is about that site.
            holds: what a request waits for before it takes a thread; when there is nothing to answer it gets 204.
                Without the gate nobody waits: the route must answer at once as well.
            from_pages: a PUBLIC route that pages of `USUAL_ORIGINS` may call, as they may what a screen does.
            streams: answers piece by piece without a thread. Without the gate, and when no more streams are taken,
                the route itself answers: all that there is now, and the reply ends.
            errors: codes of the problems of its own work. Those of the door and the gate are known.
            deprecated: since when, until when, and which operation to use instead.

        Raises:
            ValueError: a scope or a kind of approval that does not exist.
        """
        _require_known(scopes, approval)
        route = _Route(scopes, status, limit, one_transaction, approval, records, sites, deprecated)
        replies = {str(status): reply} | {str(code): model for code, model in (other_replies or {}).items()}
        if approval:
            replies.setdefault("202", ProposedReply)

        def define(work: Handler) -> Callable[[Callable[..., Response]], object]:
            text = described_as(
                method,
                work,
                scopes=scopes,
                token=token,
                limited=limit is not None,
                approval=bool(approval),
                errors=errors,
                deprecated=deprecated,
            )
            put = getattr(self._api, method.lower())(
                path, responses=replies, summary=summary, doc_ui=described, **text
            )
            return put  # type: ignore[no-any-return]

        bearer, kept = scopes is None and token, route.is_administration
        opened = from_pages if scopes is None else set(scopes) <= set(SCREEN)
        return self._decorate(
            route,
            define,
            lambda work: Demand(
                scopes, size, lane, prepares, bearer, kept, approval, work, holds, opened, streams
            ),
        )

    def _decorate(
        self,
        route: _Route,
        define: Callable[[Handler], Callable[[Callable[..., Response]], object]],
        demand: Callable[[Handler], Demand],
    ) -> Callable[[Handler], Handler]:
        """Puts a function behind the door: `define` gives it its address, `demand` says what it asks for."""

        def decorate(work: Handler) -> Handler:
            @functools.wraps(work)
            def view(**parts: BaseModel) -> Response:
                tenant = None if route.scopes is None else g.caller.tenant
                with of_request(tenant), watched(self._access.log, route.scopes):
                    return self._answer(route, work, parts)

            define(work)(view)
            self._api.record(lambda state: remember(state.app, f"{state.name}.{work.__name__}", demand(work)))
            return work

        return decorate

    def _count_for_device(self, response: Response) -> Response:
        """Count the request for its device, with its status, the decision of the matcher and the time it took."""
        caller, figures, alarm = g.get("caller"), self._access.figures, noted_alarm()
        if caller is not None and alarm:
            self._access.log.note(
                "daily_limit", tenant=caller.tenant, key_id=caller.key_id, route=route_of(request), limit=alarm
            )
        if caller is not None and figures is not None and not caller.user:
            took_s = time.perf_counter() - g.began_s
            clock_s = clock_of(request) if caller.page else None
            figures.count(
                caller,
                status=response.status_code,
                took_s=took_s,
                decision=noted_decision(),
                alarm=alarm,
                clock_s=clock_s,
            )
        return response

    def _enter(self) -> None:
        """Authenticate and measure, before the framework reads and checks the body.

        Raises:
            KeyRefused, ScopeMissing: see `Access.authenticate`.
            SignInNeeded: a route of a customer's own, and no token.
            BodyTooLarge: more bytes or more parts than the route takes.
        """
        demand = demand_of(current_app, request.endpoint)
        if demand is None or request.method == "OPTIONS":
            return
        if demand.scopes is not None:
            found = request.environ.get(CALLER)
            g.began_s = time.perf_counter()
            g.caller = found or self._access.authenticate(request, *demand.scopes)
        if demand.bearer:
            bearer_of(request)
        request.max_content_length = demand.size.most_bytes
        if (request.content_length or 0) > demand.size.most_bytes:
            raise too_large(demand.size)
        if parts_of(request.get_data()) > demand.size.most_parts:
            raise too_large(demand.size, parts=True)

    def _answer(
        self, route: _Route, work: Callable[..., Body | Response], parts: Mapping[str, BaseModel]
    ) -> Response:
        """Count, do the work (once for each Idempotency-Key of a POST), and make the response."""
        if route.scopes is None:
            caller = None
            do_work = functools.partial(work, **parts)
        else:
            caller = g.caller
            do_work = functools.partial(self._carry_out, route, work, caller, parts)
        if route.limit is not None:
            self._count(route.limit, caller)
        with storage_is_named(), self._name_errors(), busy_is_named():
            key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
            if caller is None or key is None:
                done = do_work()
                response = done if isinstance(done, Response) else _json(_status(route, done), done)
            else:
                self._before_kept()
                reply = self._once.run(
                    caller,
                    key,
                    self._fingerprint(),
                    lambda: _stored(route, do_work()),
                    one_transaction=route.one_transaction,
                    secret=self._secret(caller),
                )
                response = _json(reply.status, reply.body)
        response.headers["Cache-Control"] = "no-store"
        if noted_tag():
            response.headers["ETag"] = noted_tag()
        if route.deprecated is not None:
            response.headers.extend(route.deprecated.headers)
        self._renew(caller, response)
        return response

    def _carry_out(
        self, route: _Route, work: Callable[..., Body | Response], caller: Caller, parts: Mapping[str, BaseModel]
    ) -> Body | Response:
        """Do the work; what changes the installation stands in the record of changes first. What needs a second
        person only waits.

        Raises SiteRefused, SiteNeeded: a person whose account is for some sites, and this is about others.
        """
        if caller.sites and route_of(request) not in self._access.for_every_site:
            parts = _of_own_sites(route, caller, parts)
        is_read = request.method == "GET" and not route.records
        if (is_read and not route.approval) or not (route.is_administration or route.approval):
            return work(caller, **parts)
        access, do_work = self._access, functools.partial(work, caller, **parts)
        waits = (
            bool(route.approval)
            and approved_now() is None
            and access.approvals.needs(caller.tenant, route.approval)
        )
        if is_read and not waits:
            return do_work()
        must = "privacy" not in (route.scopes or ())
        if waits:
            return proposed(access, caller, route.approval, route.scopes or (), do_work)
        with recorded(access.record, caller, route_of(request), must=must, scopes=route.scopes or ()):
            done = do_work()
            note_what_was_sent(must=must)
            return done

    @staticmethod
    def _secret(caller: Caller) -> str:
        """What the caller showed: a header, or a paired screen's cookie."""
        return key_of(request) or (caller.page and cookies.secret_of(request, caller.page)) or ""

    def _renew(self, caller: Caller | None, response: Response) -> None:
        """Once a day of use, begin the life of a paired screen's key, and of its cookie, again."""
        if caller is None or caller.user or not caller.page:
            return
        try:
            secret = self._secret(caller)
            if secret and self._access.renew(caller, days=cookies.PAIRED_DAYS) and caller.page != OWN:
                cookies.put(response, request, caller.page, secret)
        except DatabaseBusy:
            pass  # the next request does it

    def _count(self, limit: Limit, caller: Caller | None) -> None:
        """Count this request. Raises TooManyRequests.

        A busy counter does not stop an order. It stops a request without a key: or guessing would be free.
        """
        try:
            if caller is None:
                name = f"{limit.name} from {counted_as(request.remote_addr or '')}"
                self._limits.allow("", name, most=limit.most, window_us=MINUTE)
            else:
                name = f"{limit.name} of key {caller.key_id}"
                self._limits.allow(caller.tenant, name, most=limit.most, window_us=MINUTE)
        except (DatabaseBusy, DiskFull):
            if caller is None:
                raise

    def _fingerprint(self) -> str:
        """Who requests what: method, path, query, Authorization and body, without pictures.

        The API key is a part of the key under which the reply is kept. Two requests that differ in their pictures
        alone differ in the nonce of their press, too, which is good once.
        """
        body = request.get_json(silent=True)
        if isinstance(body, dict):
            body = {name: value for name, value in body.items() if name not in self._pictures}
        elif body is None:
            body = hashlib.sha256(request.get_data()).hexdigest()
        query = request.query_string.decode("latin-1")
        bearer = request.headers.get("Authorization", "")
        content = json.dumps([request.method, request.path, query, bearer, body], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()


def _of_own_sites(route: _Route, caller: Caller, parts: Mapping[str, BaseModel]) -> Mapping[str, BaseModel]:
    """The parts of a request of a person who may see some sites only, about one of these.

    Raises SiteRefused, SiteNeeded.
    """
    query = parts.get("query")
    if query is None or "site" not in type(query).model_fields:
        if route.sites == "all":
            raise SiteRefused(caller.sites, all_sites=True)
        return parts
    asked = str(getattr(query, "site") or "")  # noqa: B009 - the field is known to be there, the class is not
    if not asked and len(caller.sites) > 1:
        raise SiteNeeded(caller.sites)
    if asked and not caller.may_see(asked):
        raise SiteRefused(caller.sites)
    return {**parts, "query": query.model_copy(update={"site": asked or min(caller.sites)})}


def _status(route: _Route, body: Body) -> int:
    return 202 if isinstance(body, Waiting) else route.status


def _stored(route: _Route, body: Body | Response) -> Reply:
    """A reply that can be given a second time."""
    if isinstance(body, Response):
        raise TypeError("a POST route with a key returns a body, so that it can be answered again")
    return Reply(_status(route, body), dict(body or {}))


def _json(status: int, body: Body) -> Response:
    content = "" if status == 204 else json.dumps(body, separators=(",", ":"))
    return Response(content, status=status, mimetype="application/json")


def _require_known(scopes: tuple[str, ...] | None, approval: str) -> None:
    """Raises ValueError: a scope or a kind of approval that does not exist."""
    if unknown := set(scopes or ()) - set(SCOPES):
        raise ValueError(f"unknown scopes {sorted(unknown)}; there are {', '.join(SCOPES)}")
    if approval and approval not in (*approvals.KINDS, approvals.CHOICE):
        raise ValueError(f"unknown kind of approval {approval!r}")
