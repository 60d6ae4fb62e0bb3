"""Routes of the record of changes: who changed what, as a page and as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from desk.approvals import approval_routes
from desk.common import BASE
from desk.differences import differences
from desk.record_words import answer_of, thing
from plumbing.access.access import Access
from plumbing.access.caller import Caller
from plumbing.access.changes import KINDS, SIGN_IN, Change, Wanted
from plumbing.access.record import who_is
from plumbing.clock import DAY, SECOND
from plumbing.describing.later import Api
from plumbing.door import Body, Door
from plumbing.people.errors import NoSuchUser
from plumbing.people.people import People
from plumbing.problem import Problem
from plumbing.query import Query
from plumbing.shared import Shared
from plumbing.words import language_of

MOST_ROWS = 500
MOST_IN_FILE = 20_000
WEEK_US = 7 * DAY
INSTALLATION = "operate"
"""The right to see what belongs to no tenant, such as wrong keys."""


class DateRefused(Problem, ValueError):
    """A date that is none."""

    code = "date_refused"
    status = 422
    title = "This is no date"
    says = "Write dates as 2026-11-30."


class ChangesQuery(Query):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    who: str = Field("", max_length=100, description="user:ID, key:ID, command:NAME or provider:HOST")
    kind: str = Field("", pattern="^(" + "|".join(("", *KINDS)) + ")$")
    since: str = Field("", alias="from", max_length=10, description="the first day, YYYY-MM-DD, UTC")
    until: str = Field("", alias="to", max_length=10, description="the last day")
    before: str = Field("", max_length=20, pattern="^[0-9]*$", description="`next_cursor` of the page before")
    n: int = Field(100, ge=1, le=MOST_ROWS)
    language: str = Field("", max_length=10)


class DifferenceModel(BaseModel):
    field: str
    earlier: str | None
    later: str | None


class ChangeModel(BaseModel):
    change_id: str
    number: int = Field(description="its place in the chain; 0 while it is open")
    at: str
    kind: str
    who: str
    who_name: str
    second: str = Field(description="who approved it, where a second person was needed")
    second_name: str
    what: str
    route: str
    state: str
    why: str
    times: int = Field(description="how often it was refused within a minute")
    hidden: bool = Field(description="the values are not for this caller's role")
    differences: list[DifferenceModel]


class ChangesReply(BaseModel):
    answer: str
    rows: list[ChangeModel]
    next_cursor: str | None
    people: list[dict[str, str]]
    kinds: list[str]


def routes(shared: Shared) -> APIBlueprint:
    """The record and the changes that wait for a second person."""
    api = Api("desk-record", __name__, abp_tags=[Tag(name="desk", description="People who sign in")])
    door = Door(api, access=shared.access, limits=shared.limits, once=shared.once)
    reader = Reader(shared.access, shared.people)

    @door.route(
        "GET",
        BASE + "/changes",
        scopes=("view",),
        reply=ChangesReply,
        summary="Who changed what, latest first",
        errors=("date_refused",),
    )
    def list_changes(caller: Caller, query: ChangesQuery) -> Body:
        """The record of changes: who changed what and when, with both versions. `before` of the next page is the
        smallest `change_id` of this one.
        """
        language = language_of(request)
        found = reader.latest(caller, _wanted(query), query.n)
        rows = [reader.described(caller, one, language) for one in found]
        week = reader.latest(caller, Wanted(since_us=shared.now_us() - WEEK_US), MOST_IN_FILE)
        return {
            "answer": answer_of(language, week, lambda one: reader.name(caller, one.who), shared.now_us()),
            "rows": rows,
            "next_cursor": str(found[-1].at_us) if len(found) == query.n else None,
            "people": reader.people_of(caller),
            "kinds": list(KINDS),
        }

    @door.route(
        "GET",
        BASE + "/changes.csv",
        scopes=("view",),
        reply=None,
        approval="export",
        summary="The record as a file for a spreadsheet",
        errors=("date_refused",),
    )
    def export_changes(caller: Caller, query: ChangesQuery) -> Response:
        """The same as CSV, for an auditor; that it was exported is on record too."""
        language = language_of(request)
        found = reader.latest(caller, _wanted(query), MOST_IN_FILE)
        text = as_csv([reader.described(caller, one, language) for one in found])
        headers = {"Content-Disposition": 'attachment; filename="record.csv"'}
        return Response(text, mimetype="text/csv", headers=headers)

    approval_routes(door, shared)
    return api


@dataclass(frozen=True)
class Reader:
    """The record as one caller may see it."""

    access: Access
    people: People

    def latest(self, caller: Caller, wanted: Wanted, n: int) -> list[Change]:
        """Rows of the caller's tenant. Who signed in when is for those who look after people; everybody sees their
        own."""
        rows = self.access.record.latest(caller.tenant, n, wanted, nobodys=INSTALLATION in caller.scopes)
        return [
            row for row in rows if row.kind != SIGN_IN or "people" in caller.scopes or row.who == who_is(caller)
        ]

    def described(self, caller: Caller, row: Change, language: str) -> dict[str, Any]:
        """A row for a reader; what their role may not see is left out."""
        hidden = not set(row.scopes) <= caller.scopes and row.who != who_is(caller)
        at = datetime.fromtimestamp(row.at_us / SECOND, UTC).isoformat(timespec="seconds")
        return {
            "change_id": row.change_id,
            "number": row.number,
            "at": at,
            "kind": row.kind,
            "who": row.who,
            "who_name": self.name(caller, row.who),
            "second": row.second,
            "second_name": self.name(caller, row.second),
            "what": thing(language, row),
            "route": row.route,
            "state": row.state,
            "why": row.why,
            "times": row.times,
            "hidden": hidden,
            "differences": [] if hidden else differences(row.earlier, row.later),
        }

    def name(self, caller: Caller, who: str) -> str:
        """What a person is called; of a key its device; a command as it is written."""
        kind, _, key = who.partition(":")
        if kind == "key":
            return self.access.device_of(caller.tenant, key) or who
        if kind != "user":
            return key if kind == "command" else who
        try:
            user = self.people.user(caller.tenant, key)
        except NoSuchUser:
            return who
        return user.display or user.name or who

    def people_of(self, caller: Caller) -> list[dict[str, str]]:
        """Whom one can filter by."""
        users = self.people.users(caller.tenant)
        return [{"who": f"user:{one.user_id}", "name": one.display or one.name} for one in users]


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows for a spreadsheet, which takes no cell for a formula."""
    names = ("at", "kind", "who_name", "second_name", "what", "route", "state", "why", "times")
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*names, "earlier", "later"])
    for row in rows:
        sides = [
            "; ".join(f"{one['field']}: {one[side]}" for one in row["differences"] if one[side] is not None)
            for side in ("earlier", "later")
        ]
        writer.writerow([_plain(row[name]) for name in names] + [_plain(side) for side in sides])
    return "\ufeff" + out.getvalue()


def _plain(value: Any) -> Any:
    text = str(value)
    is_formula = (isinstance(value, str) and text.lstrip()[:1] in ("=", "+", "-", "@", "'")) or text[:1] in "\t\r"
    return f"'{text}" if text and is_formula else value


def _wanted(query: ChangesQuery) -> Wanted:
    until = _day(query.until, 2**62 - DAY) + DAY
    if query.before:
        until = min(until, int(query.before))
    return Wanted(who=query.who, kind=query.kind, since_us=_day(query.since, 0), until_us=until)


def _day(text: str, left_out: int) -> int:
    """The beginning of a day in microseconds. Raises DateRefused."""
    if not text:
        return left_out
    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()) * SECOND
    except (ValueError, OverflowError) as error:
        raise DateRefused from error
