"""Four eyes: a change that waits until a second person approves it.

A tenant chooses the kinds of change that need one (none at first). A route that belongs to a kind declares it at
the door (`approval="rollback"`). While the kind is on, the request itself waits: method, path, query and body. A
second person, who has the rights of the route and is not the first one, approves or refuses. Then the request is
carried out as if the first person had sent it, with both on record; not if what it changes is another thing
meanwhile, if the first person has lost the right, or after a week.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from plumbing.access.redaction import kept
from plumbing.clock import DAY, MINUTE, Clock
from plumbing.etags import tag_of
from plumbing.problem import Problem
from plumbing.storage.database import Database, Row

ROLLBACK, EXPORT, SETTINGS = "rollback", "export", "settings"
KINDS = (ROLLBACK, EXPORT, SETTINGS)
"""What a tenant can choose. The choice itself needs four eyes as soon as any of them does."""

CHOICE = "four_eyes"
"""The kind of the choice itself."""

PROPOSAL_US = 7 * DAY
EXPORT_US = DAY
"""An approved export can be fetched once, for so long."""

CARRIED_OUT_US = 10 * MINUTE
"""A proposal that was being carried out for so long was stopped with its server."""

MOST_WAITING = 200
MOST_BODY = 64 * 1024

WAITING, CARRYING_OUT, DONE, APPROVED, REFUSED, FAILED, OUTDATED, EXPIRED = (
    "waiting",
    "carrying_out",
    "done",
    "approved",
    "refused",
    "failed",
    "outdated",
    "expired",
)


class NoSuchProposal(Problem):
    """No such proposal, or one that waits no more."""

    code = "no_such_proposal"
    status = 404
    title = "This change does not wait any more"
    says = "Somebody decided about it, or its week is over. Look at the record."


class OwnProposal(Problem):
    """Who proposed a change tries to approve it."""

    code = "own_proposal"
    status = 403
    title = "Your own change needs somebody else"
    says = "Ask a colleague with the same rights to look at it."


class TwoPeopleNeeded(Problem):
    """A key tries what needs two people."""

    code = "two_people_needed"
    status = 403
    title = "This change needs two people"
    says = "Sign in at the desk and make it there; a second person then approves it. A key alone cannot."


class TooManyProposals(Problem):
    """So many wait already."""

    code = "too_many_proposals"
    status = 409
    title = "Too many changes wait for a second person"
    says = "Have some of them approved or refused first."


class NobodyToApprove(Problem):
    """Four eyes would lock the only person out."""

    code = "nobody_to_approve"
    status = 409
    title = "There is nobody who could approve"
    says = "At least two people must have signed in at the desk. Invite a colleague first."


class ProposalTooLarge(Problem):
    """A body that is not kept."""

    code = "proposal_too_large"
    status = 413
    title = "This change is too large to wait for a second person"
    says = "Split it into smaller changes."


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that waits or waited; `who` and `decided_by` as in the record ("user:ID")."""

    proposal_id: str
    tenant: str
    kind: str
    at_us: int
    until_us: int
    who: str
    method: str
    path: str
    query: str
    body: str
    subject: str
    earlier: Any
    later: Any
    tag: str
    state: str
    decided_by: str
    decided_us: int
    why: str


class Approvals:
    """The choices of the tenants and their proposals, in access.db."""

    def __init__(self, database: Database, now_us: Clock) -> None:
        self._database = database
        self._now_us = now_us

    # --- the choice

    def kinds(self, tenant: str) -> tuple[str, ...]:
        """The kinds of change that need a second person."""
        row = self._database.row("SELECT kinds FROM four_eyes WHERE tenant = ?", (tenant,))
        return () if row is None else tuple(name for name in KINDS if name in row["kinds"].split())

    def choose(self, tenant: str, kinds: Collection[str]) -> None:
        """Set the kinds."""
        self._database.change(
            "INSERT INTO four_eyes VALUES (?, ?) ON CONFLICT (tenant) DO UPDATE SET kinds = excluded.kinds",
            (tenant, " ".join(name for name in KINDS if name in kinds)),
        )

    def needs(self, tenant: str, kind: str) -> bool:
        """Whether a change of this kind needs a second person."""
        chosen = self.kinds(tenant)
        return bool(chosen) if kind == CHOICE else kind in chosen

    # --- proposals

    def propose(
        self,
        tenant: str,
        kind: str,
        who: str,
        request: tuple[str, str, str, str],
        *,
        subject: str,
        earlier: Any,
        later: Any,
    ) -> Proposal:
        """Keep a request (method, path, query, body) until a second person decides. The same request of the same
        person is kept once. Raises TooManyProposals or ProposalTooLarge."""
        method, path, query, body = request
        if len(body) > MOST_BODY:
            raise ProposalTooLarge
        now, proposal_id = self._now_us(), secrets.token_hex(8)
        row = (tenant, proposal_id, kind, now, now + PROPOSAL_US, who, method, path, query, body)
        said = (subject, kept(earlier), kept(later), tag_of(earlier))
        with self._database.write() as connection:
            self._expire(tenant)
            there = connection.execute(
                "SELECT proposal_id FROM proposals WHERE tenant = ? AND state = ? AND who = ? AND method = ?"
                " AND path = ? AND query = ? AND body = ? AND tag = ?",
                (tenant, WAITING, who, method, path, query, body, said[-1]),
            ).fetchone()
            if there is None:
                waiting = connection.execute(
                    "SELECT COUNT(*) AS n FROM proposals WHERE tenant = ? AND state = ?", (tenant, WAITING)
                ).fetchone()["n"]
                if waiting >= MOST_WAITING:
                    raise TooManyProposals
                connection.execute(
                    "INSERT INTO proposals VALUES"
                    " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', '', 0, '')",
                    (*row, *said),
                )
        return self.proposal(tenant, proposal_id if there is None else there["proposal_id"])

    def proposals(self, tenant: str, n: int = 100) -> list[Proposal]:
        """Those that wait first, then the latest."""
        self._expire(tenant)
        rows = self._database.rows(
            "SELECT * FROM proposals WHERE tenant = ?"
            " ORDER BY CASE WHEN state = 'waiting' THEN 0 ELSE 1 END, at_us DESC, proposal_id LIMIT ?",
            (tenant, n),
        )
        return [_as_proposal(row) for row in rows]

    def proposal(self, tenant: str, proposal_id: str) -> Proposal:
        """One of them. Raises NoSuchProposal."""
        row = self._database.row(
            "SELECT * FROM proposals WHERE tenant = ? AND proposal_id = ?", (tenant, proposal_id)
        )
        if row is None:
            raise NoSuchProposal
        return _as_proposal(row)

    def decide(self, tenant: str, proposal_id: str, who: str, state: str) -> Proposal:
        """Take a waiting proposal: `state` is carrying_out, approved (an export) or refused. Of two people who
        decide at once, one does. Raises NoSuchProposal or OwnProposal."""
        self._expire(tenant)
        found = self.proposal(tenant, proposal_id)
        if found.who == who and state != REFUSED:  # taking one's own back is no approval
            raise OwnProposal
        now = self._now_us()
        taken = self._database.change(
            "UPDATE proposals SET state = ?, decided_by = ?, decided_us = ?"
            " WHERE tenant = ? AND proposal_id = ? AND state = 'waiting' RETURNING 1",
            (state, who, now, tenant, proposal_id),
        )
        if not taken:
            raise NoSuchProposal
        return self.proposal(tenant, proposal_id)

    def end(self, tenant: str, proposal_id: str, state: str, why: str = "") -> None:
        """How the request that was carried out ended. What was sent is kept no longer."""
        self._database.change(
            "UPDATE proposals SET state = ?, why = ?, body = '' WHERE tenant = ? AND proposal_id = ?",
            (state, why, tenant, proposal_id),
        )

    def use_export(self, tenant: str, who: str, path: str, query: str) -> Proposal | None:
        """The approval with which this export may be fetched, once; None when there is none."""
        row = self._database.row(
            "SELECT proposal_id FROM proposals WHERE tenant = ? AND who = ? AND path = ? AND query = ?"
            " AND state = 'approved' AND decided_us > ? ORDER BY decided_us LIMIT 1",
            (tenant, who, path, query, self._now_us() - EXPORT_US),
        )
        if row is None:
            return None
        used = self._database.change(
            "UPDATE proposals SET state = 'done' WHERE tenant = ? AND proposal_id = ? AND state = 'approved'"
            " RETURNING 1",
            (tenant, row["proposal_id"]),
        )
        return self.proposal(tenant, row["proposal_id"]) if used else None

    def _expire(self, tenant: str) -> None:
        now = self._now_us()
        self._database.change(
            "UPDATE proposals SET state = 'expired', body = '' WHERE tenant = ?"
            " AND ((state = 'waiting' AND until_us < ?) OR (state = 'approved' AND decided_us < ?))",
            (tenant, now, now - EXPORT_US),
        )
        self._database.change(
            "UPDATE proposals SET state = 'failed', why = 'stopped', body = '' WHERE tenant = ?"
            " AND state = 'carrying_out' AND decided_us < ?",
            (tenant, now - CARRIED_OUT_US),
        )


def _as_proposal(row: Row) -> Proposal:
    return Proposal(
        proposal_id=row["proposal_id"],
        tenant=row["tenant"],
        kind=row["kind"],
        at_us=row["at_us"],
        until_us=row["until_us"],
        who=row["who"],
        method=row["method"],
        path=row["path"],
        query=row["query"],
        body=row["body"],
        subject=row["subject"],
        earlier=json.loads(row["earlier"]),
        later=json.loads(row["later"]),
        tag=row["tag"],
        state=row["state"],
        decided_by=row["decided_by"],
        decided_us=row["decided_us"],
        why=row["why"],
    )
