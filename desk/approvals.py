"""Routes of four eyes: what needs a second person, what waits, approve, refuse."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from flask import request
from pydantic import BaseModel, ConfigDict, Field

from desk.common import BASE
from desk.differences import differences
from desk.record_words import named
from desk.web import WORDS
from plumbing.access.approvals import CHOICE, KINDS, NobodyToApprove, Proposal
from plumbing.access.caller import Caller
from plumbing.access.proposing import CarriedOut, approve, refuse, scopes_of_proposal
from plumbing.access.record import note_change, who_is
from plumbing.clock import SECOND
from plumbing.door import Body, Door
from plumbing.etags import note_tag, require_unchanged
from plumbing.people.errors import NoSuchUser
from plumbing.people.linked import caller_of
from plumbing.shared import Shared
from plumbing.words import language_of


class FourEyesBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kinds: list[Literal["rollback", "export", "settings"]] = Field(max_length=3, description="empty: off")


class FourEyesReply(BaseModel):
    kinds: list[str] = Field(description="kinds of change that need a second person")
    possible: list[str]


class ProposalPath(BaseModel):
    proposal_id: str = Field(min_length=16, max_length=16, pattern="^[0-9a-f]+$")


class ProposalReply(BaseModel):
    proposal_id: str
    kind: str
    at: str
    until: str
    who: str
    who_name: str
    what: str
    state: str
    why: str
    says: str = Field(description="how it ended, in the reader's language")
    decided_by_name: str
    yours: bool = Field(description="proposed by the caller, who cannot approve it")
    may_approve: bool
    differences: list[dict[str, Any]]


class ProposalsReply(BaseModel):
    rows: list[ProposalReply]


def approval_routes(door: Door, shared: Shared) -> None:
    """Put the routes on the door."""
    _choice_routes(door, shared)
    _decision_routes(door, shared)


def _choice_routes(door: Door, shared: Shared) -> None:
    approvals = shared.access.approvals

    def document(tenant: str) -> dict[str, list[str]]:
        return {"kinds": list(approvals.kinds(tenant))}

    @door.route(
        "GET", BASE + "/four-eyes", scopes=("view",), reply=FourEyesReply, summary="What needs a second person"
    )
    def get_four_eyes(caller: Caller) -> Body:
        """Which kinds of changes wait for a second person at this tenant."""
        note_tag(document(caller.tenant))
        return document(caller.tenant) | {"possible": list(KINDS)}

    @door.route(
        "PUT",
        BASE + "/four-eyes",
        scopes=("people",),
        reply=FourEyesReply,
        approval=CHOICE,
        summary="Choose what needs a second person; while anything does, this choice does too",
        errors=("changed_meanwhile", "person_needed"),
    )
    def set_four_eyes(caller: Caller, body: FourEyesBody) -> Body:
        """Replaces the choice. Needs two people who have signed in; while anything needs a second person, so
        does this.
        """
        earlier, later = document(caller.tenant), {"kinds": [name for name in KINDS if name in body.kinds]}
        require_unchanged(earlier)
        if later["kinds"] and sum(user.state == "active" for user in shared.people.users(caller.tenant)) < 2:
            raise NobodyToApprove
        note_change("four-eyes", earlier=earlier, later=later)
        approvals.choose(caller.tenant, later["kinds"])
        return later | {"possible": list(KINDS)}


def _decision_routes(door: Door, shared: Shared) -> None:
    access, people = shared.access, shared.people

    def shown(caller: Caller, one: Proposal, detail: str = "") -> dict[str, Any]:
        return described(shared, caller, one, language_of(request), detail)

    @door.route(
        "GET",
        BASE + "/proposals",
        scopes=("view",),
        reply=ProposalsReply,
        summary="Changes that wait for a second person",
    )
    def list_proposals(caller: Caller) -> Body:
        """Changes that colleagues proposed and nobody has decided about yet, with what would change."""
        return {"rows": [shown(caller, one) for one in access.approvals.proposals(caller.tenant)]}

    @door.route(
        "POST",
        BASE + "/proposals/<proposal_id>/approve",
        scopes=("view",),
        reply=ProposalReply,
        records=True,
        summary="Approve a colleague's change: it is carried out now",
        errors=("no_such_proposal", "own_proposal", "person_needed", "two_people_needed", "changed_meanwhile"),
    )
    def approve_proposal(caller: Caller, path: ProposalPath) -> Body:
        """The second person agrees: the change is carried out now, under both names. Nobody approves their own."""
        done: CarriedOut = approve(
            access, caller, path.proposal_id, lambda tenant, user: caller_of(people, tenant, user)
        )
        note_change(
            f"proposal {done.proposal.subject}", earlier={"state": "waiting"}, later={"state": done.proposal.state}
        )
        return shown(caller, done.proposal, done.detail)

    @door.route(
        "POST",
        BASE + "/proposals/<proposal_id>/refuse",
        scopes=("view",),
        reply=ProposalReply,
        records=True,
        summary="Refuse a colleague's change, or take one's own back",
        errors=("no_such_proposal", "person_needed"),
    )
    def refuse_proposal(caller: Caller, path: ProposalPath) -> Body:
        """The change is dropped. Who proposed it takes it back in the same way."""
        refused = refuse(access, caller, path.proposal_id)
        note_change(f"proposal {refused.subject}", earlier={"state": "waiting"}, later={"state": "refused"})
        return shown(caller, refused)


def described(shared: Shared, caller: Caller, one: Proposal, language: str, detail: str = "") -> dict[str, Any]:
    """A proposal for a reader; the values only for those who have the rights of its route."""
    needed = set(scopes_of_proposal(one))
    rights = bool(needed) and needed <= caller.scopes
    yours = one.who == who_is(caller)
    return {
        "proposal_id": one.proposal_id,
        "kind": one.kind,
        "at": _time(one.at_us),
        "until": _time(one.until_us),
        "who": one.who,
        "who_name": _name(shared, caller, one.who),
        "what": named(language, one.subject),
        "state": one.state,
        "why": one.why,
        "says": detail or WORDS.text(language, f"proposal-{one.state.replace('_', '-')}"),
        "decided_by_name": _name(shared, caller, one.decided_by),
        "yours": yours,
        "may_approve": rights and not yours and bool(caller.user) and one.state == "waiting",
        "differences": differences(one.earlier, one.later) if rights or yours else [],
    }


def _name(shared: Shared, caller: Caller, who: str) -> str:
    if not who:
        return ""
    try:
        user = shared.people.user(caller.tenant, who.removeprefix("user:"))
    except NoSuchUser:
        return who
    return user.display or user.name or who


def _time(us: int) -> str:
    return datetime.fromtimestamp(us / SECOND, UTC).isoformat(timespec="seconds")
