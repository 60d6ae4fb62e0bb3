"""People whom a provider signs in: matched by issuer and subject, after one invitation. Nobody is matched by
name."""

from __future__ import annotations

from urllib.parse import urlsplit

from plumbing.access.caller import Caller
from plumbing.access.changes import ChangeRecord
from plumbing.access.cookies import DESK
from plumbing.access.kept_secret import hashed
from plumbing.access.roles import ROLES, scopes_of
from plumbing.clock import Clock
from plumbing.people.errors import InvitationRefused, NoSuchUser
from plumbing.people.people import INVITATION_US, People
from plumbing.people.provider_errors import NotInvited, ProviderRefused
from plumbing.security.log import SILENT, SecurityLog
from plumbing.storage.database import Connection, Database


class LinkedPeople:
    """Sign-in with what a provider says. `people` begins the sessions."""

    def __init__(
        self,
        database: Database,
        people: People,
        now_us: Clock,
        log: SecurityLog = SILENT,
        record: ChangeRecord | None = None,
    ) -> None:
        """`record` gets a row where a provider changes somebody's roles; it lies in the same database."""
        self._database = database
        self._people = people
        self._now_us = now_us
        self._log = log
        self._record = record

    def sign_in(self, issuer: str, subject: str, roles: tuple[str, ...] | None) -> str:
        """The secret of a new session. Raises NotInvited, ProviderRefused."""
        row = self._database.row(
            "SELECT tenant, user_id FROM users WHERE issuer = ? AND subject = ? AND state = 'active'",
            (issuer, subject),
        )
        if row is None:
            raise NotInvited
        return self._session(row["tenant"], row["user_id"], roles, issuer)

    def accept(self, secret: str, issuer: str, subject: str, roles: tuple[str, ...] | None) -> str:
        """Use an invitation: from now on this account of the provider is that user, who needs no password. Returns
        the session's secret. Raises InvitationRefused, ProviderRefused."""
        now = self._now_us()
        with self._database.write() as connection:
            row = connection.execute(
                "SELECT i.tenant, i.user_id, i.expires_us, u.totp FROM invitations i JOIN users u"
                " ON u.tenant = i.tenant AND u.user_id = i.user_id WHERE i.secret_hash = ?",
                (hashed(secret),),
            ).fetchone()
            if row is None or not 0 <= row["expires_us"] - now <= INVITATION_US:
                raise InvitationRefused
            if row["totp"]:  # a link alone opens nothing; it stays good for a password and a code
                raise InvitationRefused("Somebody with a code app uses a link with a password and its code.")
            whose = (row["tenant"], row["user_id"])
            # One account is one user: what it was before ends.
            connection.execute(
                "UPDATE users SET issuer = '', subject = '' WHERE issuer = ? AND subject = ?", (issuer, subject)
            )
            connection.execute("DELETE FROM invitations WHERE tenant = ? AND user_id = ?", whose)
            connection.execute(
                "UPDATE users SET issuer = ?, subject = ?, state = 'active' WHERE tenant = ? AND user_id = ?",
                (issuer, subject, *whose),
            )
            return self._session(*whose, roles, issuer)

    def _session(self, tenant: str, user_id: str, roles: tuple[str, ...] | None, issuer: str) -> str:
        """A session with the roles that the provider names; one that the desk does not have gives nothing."""
        known = None if roles is None else sorted(set(roles) & set(ROLES))
        if known == []:
            raise ProviderRefused("The sign-in service gives you no role that the desk has.")
        with self._database.write() as connection:
            if known is not None:
                self._give(connection, tenant, user_id, known, issuer)
            secret = self._people.begin_session(connection, tenant, user_id)
        self._log.note("signed_in", tenant=tenant, user=user_id)
        return secret

    def _give(self, connection: Connection, tenant: str, user_id: str, roles: list[str], issuer: str) -> None:
        """Set the roles; where they are others than before, a row of it stands in the record."""
        before = sorted(self._people.user(tenant, user_id).roles)
        if before == roles:
            return
        if self._record is not None:
            self._record.add(
                tenant,
                f"provider:{urlsplit(issuer).hostname or issuer}",
                "sign-in with the provider",
                subject=f"user {user_id}",
                scopes=("people",),
                earlier={"roles": before},
                later={"roles": roles},
            )
        connection.execute(
            "UPDATE users SET roles = ? WHERE tenant = ? AND user_id = ?", (" ".join(roles), tenant, user_id)
        )


def caller_of(people: People, tenant: str, user_id: str) -> Caller | None:
    """A user with the rights that they have now, as if they sent a request; None when they may not sign in."""
    try:
        user = people.user(tenant, user_id)
    except NoSuchUser:
        return None
    if user.state != "active":
        return None
    return Caller(
        tenant=tenant,
        key_id=f"user:{user_id}",
        device=f"desk:{user_id}",
        site="",
        scopes=scopes_of(user.roles),
        page=DESK,
        user=user_id,
        sites=frozenset(user.sites),
    )
