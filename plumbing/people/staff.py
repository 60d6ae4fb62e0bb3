"""The people of a tenant: invite, give another link, change roles and sites, remove, and what is swept."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from plumbing.access.caller import Caller
from plumbing.access.kept_secret import hashed
from plumbing.clock import DAY, HOUR, Clock
from plumbing.people.errors import LastOperator, NoSuchUser, UserNameTaken, UserNotInvited
from plumbing.people.sessions import ELSEWHERE, REMOVED, RIGHTS, Sessions
from plumbing.people.users import User, as_name, as_user, checked_roles, checked_sites, require_manages
from plumbing.security.log import SILENT, SecurityLog
from plumbing.storage.database import Connection, Database, Row
from plumbing.storage.tenants import check_name, of_all

INVITATION_US = 7 * DAY
NAME_KEPT_US = 30 * DAY
"""So long after a removal the record of changes still shows the name; then only the id is left."""

UNUSED_US = 30 * DAY
"""So long after their link ended, somebody who never signed in is deleted."""

SWEEP_EVERY_US = HOUR
OPERATOR = "operator"

_USERS = (
    "SELECT u.*, i.expires_us FROM users u LEFT JOIN invitations i"
    " ON i.tenant = u.tenant AND i.user_id = u.user_id WHERE u.tenant = ?"
)


class Staff:
    """Who may sign in, of all tenants. `by` is the person who changes something; None is the command line."""

    def __init__(self, database: Database, now_us: Clock, log: SecurityLog = SILENT) -> None:
        self._database = database
        self._now_us = now_us
        self._log = log
        self._sessions = Sessions(database, now_us)
        self._swept_us: int | None = None

    def invite(
        self,
        tenant: str,
        name: str,
        roles: Iterable[str],
        *,
        display: str = "",
        sites: Iterable[str] = (),
        by: Caller | None = None,
    ) -> str:
        """A new user, who cannot sign in yet; returns the secret of their one-time link, shown this once.

        Raises:
            UserNameTaken, UserNameRefused, TenantNameRefused.
            RoleRefused, SitesRefused: there is none of that name, or `by` may not give it.
        """
        check_name(tenant)
        self.sweep()
        given, wanted, places = as_name(name), checked_roles(roles, by), checked_sites(sites, by)
        user_id, now = secrets.token_hex(8), self._now_us()
        with of_all(), self._database.write() as connection:  # a name is unique over all tenants
            if connection.execute("SELECT 1 FROM users WHERE name = ?", (given,)).fetchone():
                raise UserNameTaken
            connection.execute(
                "INSERT INTO users (tenant, user_id, name, display, password_hash, totp, roles, sites, language,"
                " issuer, subject, state, created_us) VALUES (?, ?, ?, ?, '', '', ?, ?, '', '', '', 'invited', ?)",
                (
                    tenant,
                    user_id,
                    given,
                    display.strip() or name.strip(),
                    " ".join(wanted),
                    "\n".join(places),
                    now,
                ),
            )
            secret = self._new_link(connection, tenant, user_id)
        self._log.note("user_invited", tenant=tenant, user=user_id)
        return secret

    def link(self, tenant: str, user_id: str, by: Caller | None = None) -> str:
        """Another one-time link for somebody who has not signed in yet; the one before is worth nothing.

        Raises NoSuchUser, UserNotYours, UserNotInvited.
        """
        with self._database.write() as connection:
            user = self._managed(connection, tenant, user_id, by)
            if user.state != "invited":
                raise UserNotInvited
            secret = self._new_link(connection, tenant, user_id)
        self._log.note("user_invited", tenant=tenant, user=user_id)
        return secret

    def reset(self, tenant: str, user_id: str, *, without_code: bool = False) -> str:
        """A one-time link with which somebody sets a new password; all their sessions end. By command alone.

        The earlier password works until the link is used, so that a link that goes astray locks nobody out.

        Args:
            without_code: forget their code app as well (a lost phone without recovery codes).

        Raises NoSuchUser.
        """
        with self._database.write() as connection:
            self._managed(connection, tenant, user_id, None)
            self._sessions.end_all(connection, tenant, user_id, ELSEWHERE)
            if without_code:
                self._forget_code_app(connection, tenant, user_id)
            secret = self._new_link(connection, tenant, user_id)
        self._log.note("user_reset", tenant=tenant, user=user_id)
        return secret

    def change(
        self,
        tenant: str,
        user_id: str,
        roles: Iterable[str],
        *,
        sites: Iterable[str] = (),
        display: str = "",
        by: Caller | None = None,
        keep: str = "",
    ) -> User:
        """Give a user these roles and sites in place of theirs; their sessions end when either changed.

        Args:
            display: a new name to show; empty: it stays.
            keep: the secret of a session of `by` that goes on (the caller gives it a new secret).

        Raises:
            NoSuchUser, UserNotYours, RoleRefused, SitesRefused. LastOperator: nobody else could operate.
        """
        wanted, places = checked_roles(roles, by), checked_sites(sites, by)
        with self._database.write() as connection:
            user = self._managed(connection, tenant, user_id, by)
            if OPERATOR not in wanted or places:
                self._require_another_operator(connection, user, by)
            connection.execute(
                "UPDATE users SET roles = ?, sites = ?, display = ? WHERE tenant = ? AND user_id = ?",
                (" ".join(wanted), "\n".join(places), display.strip() or user.display, tenant, user_id),
            )
            if (wanted, places) != (user.roles, user.sites):
                self._sessions.end_all(connection, tenant, user_id, RIGHTS, but=keep)
        self._log.note("user_changed", tenant=tenant, user=user_id, roles=" ".join(wanted))
        return self.user(tenant, user_id)

    def remove(self, tenant: str, user_id: str, by: Caller | None = None) -> None:
        """Nobody signs in as this person any more, and their sessions end at once, on a full disk too.

        Their sign-in name, password and code app are deleted now, the name that is shown `NAME_KEPT_US` later.

        Raises NoSuchUser, UserNotYours. LastOperator: nobody else could operate; the command line may do it.
        """
        with self._database.erasing(), self._database.write() as connection:
            user = self._managed(connection, tenant, user_id, by)
            self._require_another_operator(connection, user, by)
            self._forget_code_app(connection, tenant, user_id)
            connection.execute("DELETE FROM invitations WHERE tenant = ? AND user_id = ?", (tenant, user_id))
            self._sessions.end_all(connection, tenant, user_id, REMOVED)
            connection.execute(
                "UPDATE users SET name = ?, password_hash = '', totp = '', roles = '', sites = '', issuer = '',"
                " subject = '', language = '', state = 'removed', removed_us = ? WHERE tenant = ? AND user_id = ?",
                (f"removed {user_id}", self._now_us(), tenant, user_id),  # no sign-in name has a space
            )
        self._log.note("user_removed", tenant=tenant, user=user_id)

    def users(self, tenant: str) -> list[User]:
        """The users of a tenant who were not removed, by name."""
        rows = self._database.rows(f"{_USERS} AND u.state <> 'removed' ORDER BY u.name", (tenant,))
        return [as_user(row) for row in rows]

    def user(self, tenant: str, user_id: str) -> User:
        """One user, a removed one too: `display` is empty when the name was deleted. Raises NoSuchUser."""
        return as_user(self._row(tenant, user_id))

    def named(self, tenant: str, name: str) -> User:
        """The user with a sign-in name. Raises NoSuchUser."""
        row = self._database.row(f"{_USERS} AND u.name = ?", (tenant, as_name(name)))
        if row is None:
            raise NoSuchUser(f"Nobody is called {name!r} there; `usual people list` shows who is.")
        return as_user(row)

    def sites(self, tenant: str) -> list[str]:
        """The sites that a tenant's devices and people name, sorted: what can be chosen in an invitation."""
        rows = self._database.rows("SELECT DISTINCT site FROM devices WHERE tenant = ? AND site <> ''", (tenant,))
        of_people = {site for user in self.users(tenant) for site in user.sites}
        return sorted({str(row["site"]) for row in rows} | of_people)

    def any(self) -> bool:
        """Whether anybody can sign in, or was invited, in any tenant."""
        return self._database.row("SELECT 1 FROM users WHERE state <> 'removed' LIMIT 1") is not None

    def sweep(self, *, now: bool = False) -> None:
        """Delete what has ended: sessions, links, people who never came, names of people who were removed.

        Once an hour at most, unless `now` asks for it.
        """
        at = self._now_us()
        if not now and self._swept_us is not None and 0 <= at - self._swept_us < SWEEP_EVERY_US:
            return
        self._swept_us = at
        with of_all(), self._database.write() as connection:
            self._sessions.sweep(connection)
            connection.execute(
                "DELETE FROM users WHERE state = 'invited' AND created_us < ? AND NOT EXISTS (SELECT 1 FROM"
                " invitations i WHERE i.tenant = users.tenant AND i.user_id = users.user_id AND i.expires_us > ?)",
                (at - UNUSED_US, at - UNUSED_US),
            )
            connection.execute(
                "DELETE FROM invitations WHERE expires_us > ? OR expires_us < ? OR (expires_us < ? AND NOT EXISTS"
                " (SELECT 1 FROM users u WHERE u.tenant = invitations.tenant AND u.user_id = invitations.user_id"
                " AND u.state = 'invited'))",
                (at + INVITATION_US, at - UNUSED_US, at),
            )
            connection.execute(
                "UPDATE users SET display = '' WHERE state = 'removed' AND display <> '' AND removed_us < ?",
                (at - NAME_KEPT_US,),
            )

    def close(self) -> None:
        """For commands, which open the database for themselves."""
        self._database.close()

    def _row(self, tenant: str, user_id: str) -> Row:
        row: Row | None = self._database.row(f"{_USERS} AND u.user_id = ?", (tenant, user_id))
        if row is None:
            raise NoSuchUser
        return row

    def _managed(self, connection: Connection, tenant: str, user_id: str, by: Caller | None) -> User:
        """A user who was not removed, and whom `by` may change. Raises NoSuchUser, UserNotYours."""
        row = connection.execute(f"{_USERS} AND u.user_id = ?", (tenant, user_id)).fetchone()
        if row is None or row["state"] == "removed":
            raise NoSuchUser
        user = as_user(row)
        require_manages(by, user)
        return user

    def _new_link(self, connection: Connection, tenant: str, user_id: str) -> str:
        secret = secrets.token_urlsafe(24)
        connection.execute("DELETE FROM invitations WHERE tenant = ? AND user_id = ?", (tenant, user_id))
        connection.execute(
            "INSERT INTO invitations VALUES (?, ?, ?, ?)",
            (hashed(secret), tenant, user_id, self._now_us() + INVITATION_US),
        )
        return secret

    def _require_another_operator(self, connection: Connection, user: User, by: Caller | None) -> None:
        """Raises LastOperator when `user` is the only one who can operate all sites of the tenant."""
        if by is None or not _operates(user):
            return
        rows = connection.execute(
            "SELECT * FROM users WHERE tenant = ? AND state = 'active'", (user.tenant,)
        ).fetchall()
        if not any(_operates(other) and other.user_id != user.user_id for other in map(as_user, rows)):
            raise LastOperator

    @staticmethod
    def _forget_code_app(connection: Connection, tenant: str, user_id: str) -> None:
        connection.execute("UPDATE users SET totp = '' WHERE tenant = ? AND user_id = ?", (tenant, user_id))
        for table in ("recovery_codes", "code_uses"):
            connection.execute(f"DELETE FROM {table} WHERE tenant = ? AND user_id = ?", (tenant, user_id))  # noqa: S608


def _operates(user: User) -> bool:
    return user.state == "active" and OPERATOR in user.roles and not user.sites
