"""A request that waits for a second person, and how it is carried out once that person agrees."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Response, current_app, g, request
from pydantic import BaseModel, Field
from werkzeug.exceptions import HTTPException

from plumbing.access.approvals import (
    APPROVED,
    CARRYING_OUT,
    DONE,
    EXPORT,
    FAILED,
    OUTDATED,
    REFUSED,
    NoSuchProposal,
    Proposal,
    TwoPeopleNeeded,
)
from plumbing.access.caller import Caller
from plumbing.access.changes import APPROVAL
from plumbing.access.errors import ScopeMissing
from plumbing.access.record import APPROVED as APPROVED_NOW
from plumbing.access.record import Approved, Proposed, recorded, who_is
from plumbing.clock import SECOND
from plumbing.demands import demand_of
from plumbing.problem import Problem

if TYPE_CHECKING:
    from plumbing.access.access import Access

CALLER = "usual.caller"


class ProposedReply(BaseModel):
    """The body of 202: nothing was changed yet."""

    waits_for_approval: bool = Field(description="true: a second person has to approve it at the desk")
    proposal_id: str
    kind: str
    until: str = Field(description="when it ends if nobody decides")


class Waiting(dict[str, object]):
    """The body of a reply to a request that waits: status 202."""


def proposed(
    access: Access, caller: Caller, kind: str, scopes: Sequence[str], work: Callable[[], Any]
) -> Mapping[str, object] | Response | None:
    """Check a request as its route does, and keep it in place of carrying it out.

    A GET (an export) that was approved is carried out, once.

    Raises:
        TwoPeopleNeeded: the caller is a key. TooManyProposals, ProposalTooLarge, DatabaseBusy, DiskFull.
    """
    if not caller.user:
        raise TwoPeopleNeeded
    who, sent = who_is(caller), request
    query = sent.query_string.decode("latin-1")
    route = f"{sent.method} {sent.url_rule.rule}" if sent.url_rule else ""
    if sent.method == "GET":
        approved = access.approvals.use_export(caller.tenant, who, sent.path, query)
        if approved is not None:
            access.record.add(
                caller.tenant, who, route, kind=APPROVAL, subject=approved.subject or sent.path, scopes=scopes,
                later={"approved_by": approved.decided_by},
            )  # fmt: skip
            done: Mapping[str, object] | Response | None = work()
            return done
    g.proposing = True
    try:
        with recorded(access.record, caller, route, must=True, scopes=scopes):
            if sent.method == "GET":
                raise Proposed(f"export {sent.path}", None, None)
            work()
        raise TypeError(f"{route} wrote before it said what it changes: call note_change first")
    except Proposed as said:
        kept = access.approvals.propose(
            caller.tenant, kind, who, (sent.method, sent.path, query, sent.get_data(as_text=True)),
            subject=said.subject, earlier=said.earlier, later=said.later,
        )  # fmt: skip
    finally:
        g.proposing = False
    return Waiting(
        ProposedReply(
            waits_for_approval=True,
            proposal_id=kept.proposal_id,
            kind=kind,
            until=datetime.fromtimestamp(kept.until_us / SECOND, UTC).isoformat(timespec="seconds"),
        ).model_dump()
    )


@dataclass(frozen=True, slots=True)
class CarriedOut:
    """How a proposal ended: its state now, and the sentence of the refusal when it was refused on the way."""

    proposal: Proposal
    detail: str = ""


def approve(
    access: Access, caller: Caller, proposal_id: str, person: Callable[[str, str], Caller | None]
) -> CarriedOut:
    """Carry out what waits, as if the first person had sent it now. `person(tenant, id)` gives the first person
    with the rights that they have today.

    Raises:
        NoSuchProposal, OwnProposal. TwoPeopleNeeded: the caller is a key. ScopeMissing: not with these rights.
    """
    approvals = access.approvals
    found = approvals.proposal(caller.tenant, proposal_id)
    _require_rights(found, caller)
    if not scopes_of_proposal(found):
        raise NoSuchProposal
    if found.kind == EXPORT and found.method == "GET":
        return CarriedOut(approvals.decide(caller.tenant, proposal_id, who_is(caller), APPROVED))
    found = approvals.decide(caller.tenant, proposal_id, who_is(caller), CARRYING_OUT)
    first = person(caller.tenant, found.who.removeprefix("user:"))
    if first is None:
        approvals.end(caller.tenant, proposal_id, FAILED, "person_gone")
        return CarriedOut(approvals.proposal(caller.tenant, proposal_id))
    response = _sent_again(found, first, Approved(proposal_id, who_is(caller), found.tag))
    body = response.get_json(silent=True) if response.status_code >= 400 else None
    problem: Mapping[str, object] = body if isinstance(body, dict) else {}
    code = str(problem.get("code", ""))
    ended = DONE if response.status_code < 400 else OUTDATED if code == "changed_meanwhile" else FAILED
    approvals.end(caller.tenant, proposal_id, ended, code)
    return CarriedOut(approvals.proposal(caller.tenant, proposal_id), str(problem.get("detail", "")))


def refuse(access: Access, caller: Caller, proposal_id: str) -> Proposal:
    """Refuse what waits; the first person takes it back in the same way. Raises as `approve` does."""
    found = access.approvals.proposal(caller.tenant, proposal_id)
    _require_rights(found, caller)
    access.approvals.decide(caller.tenant, proposal_id, who_is(caller), REFUSED)
    access.approvals.end(caller.tenant, proposal_id, REFUSED)
    return access.approvals.proposal(caller.tenant, proposal_id)


def scopes_of_proposal(proposal: Proposal) -> tuple[str, ...]:
    """The rights of its route; empty when this release has no such route, and nobody may approve it."""
    try:
        endpoint, _ = current_app.url_map.bind("desk").match(proposal.path, method=proposal.method)
    except HTTPException:
        return ()
    demand = demand_of(current_app, endpoint)
    return () if demand is None else demand.scopes or ()


def _require_rights(proposal: Proposal, caller: Caller) -> None:
    if not caller.user:
        raise TwoPeopleNeeded
    for scope in scopes_of_proposal(proposal):
        if scope not in caller.scopes:
            raise ScopeMissing(scope, of_key=False)


def _sent_again(proposal: Proposal, first: Caller, approved: Approved) -> Response:
    """The reply to the request that waited, sent by `first` through every check of the door."""
    if missing := set(scopes_of_proposal(proposal)) - first.scopes:
        error: Problem = ScopeMissing(min(missing), of_key=not first.user)
        return Response(json.dumps({"code": error.code, "detail": error.detail}), 403, mimetype="application/json")
    with current_app.test_request_context(
        proposal.path,
        method=proposal.method,
        query_string=proposal.query,
        data=proposal.body,
        content_type="application/json" if proposal.body else None,
        environ_overrides={CALLER: first, APPROVED_NOW: approved, "REMOTE_ADDR": request.remote_addr or ""},
    ):
        return current_app.full_dispatch_request()
