"""People at the desk: use a link, sign in, stay signed in, change what is one's own, sign out."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.fernet import Fernet

from plumbing.access.caller import Caller
from plumbing.access.cookies import DESK
from plumbing.access.kept_secret import hashed
from plumbing.access.roles import scopes_of
from plumbing.clock import DAY, Clock
from plumbing.limits import Limits
from plumbing.people import passwords
from plumbing.people.errors import InvitationRefused, NotProven, SecondStepRefused, SignInRefused
from plumbing.people.sealing import Sealing
from plumbing.people.second_step import Offer, SecondStep
from plumbing.people.sessions import ABSOLUTE_US, ELSEWHERE, IDLE_US, Session
from plumbing.people.staff import INVITATION_US, Staff
from plumbing.people.tables import migrations
from plumbing.people.throttle import Throttle
from plumbing.people.users import User, as_name
from plumbing.security.log import SILENT, SecurityLog
from plumbing.storage.database import Connection, Database, Row

__all__ = ["ABSOLUTE_US", "IDLE_US", "INVITATION_US", "MARK_US", "People", "User", "Where", "migrations"]

MARK_US = 180 * DAY
"""So long a browser in which somebody signed in is known, for the count of wrong passwords alone."""

_MARK = "mark of a browser"


@dataclass(frozen=True, slots=True)
class Where:
    """Where somebody signs in: network address (as it is counted), browser in two words, the mark it showed."""

    address: str = ""
    browser: str = ""
    mark: str = ""


class People(Staff):
    """Users and their sessions, of all tenants."""

    def __init__(
        self,
        database: Database,
        now_us: Clock,
        log: SecurityLog = SILENT,
        *,
        sealing: Sealing | None = None,
        limits: Limits | None = None,
    ) -> None:
        """`sealing` None: what is sealed opens in this object alone. `limits` None: nothing is counted."""
        super().__init__(database, now_us, log)
        self._sealing = sealing or Sealing(Fernet.generate_key(), now_us)
        self._second = SecondStep(self._sealing, now_us)
        self._throttle = Throttle(limits)

    # --- signing in

    def invited(self, secret: str) -> User:
        """Whose link this is, without using it. Raises InvitationRefused."""
        row = self._database.row(
            "SELECT tenant, user_id FROM invitations WHERE secret_hash = ?", (hashed(secret),)
        )
        if row is None:
            raise InvitationRefused
        user = self.user(row["tenant"], row["user_id"])
        self._check_link(user.link_until_us)
        return user

    def accept(self, secret: str, password: str, code: str = "", where: Where | None = None) -> str:
        """Use a link: the user has this password now and is signed in; returns the session's secret.

        Raises:
            InvitationRefused: unknown, used or expired. In these it stays valid:
            PasswordRefused; CodeNeeded, SignInRefused: a link of somebody with a code app needs its code, too.
        """
        where, user = where or Where(), self.invited(secret)
        own_count = f"link of {user.user_id}"  # whoever guesses the password keeps nobody from using a link
        self._throttle.attempt(user.name, where.address, own_count)
        hash_of_it = passwords.hashed(password, user.name)  # before the transaction: it takes a while
        with self._database.write() as connection:
            taken = connection.execute(
                "DELETE FROM invitations WHERE secret_hash = ? RETURNING expires_us", (hashed(secret),)
            ).fetchone()
            if taken is None:
                raise InvitationRefused
            row = self._row(user.tenant, user.user_id)
            self._second.check(connection, row, code)  # raised: the link is not used
            connection.execute(
                "UPDATE users SET password_hash = ?, state = 'active' WHERE tenant = ? AND user_id = ?",
                (hash_of_it, user.tenant, user.user_id),
            )
            self._sessions.end_all(connection, user.tenant, user.user_id, ELSEWHERE)
            fresh = self.begin_session(connection, user.tenant, user.user_id, where.browser)
        self._throttle.right(user.name, where.address, own_count)
        self._log.note("link_used", tenant=user.tenant, user=user.user_id)
        return fresh

    def sign_in(self, name: str, password: str, code: str = "", where: Where | None = None) -> str:
        """The secret of a new session.

        Raises:
            SignInRefused: no such user, a wrong password, a wrong code; all take the same time.
            CodeNeeded: the password is right, and the user has a code app.
            SignInPaused: too many attempts.
        """
        where = where or Where()
        self.sweep()
        try:
            name = as_name(name)
        except ValueError:
            name = ""  # nobody's
        row: Row | None = self._database.row("SELECT * FROM users WHERE name = ? AND state = 'active'", (name,))
        mark = self._known(row, where) if row and where.mark else ""
        self._throttle.attempt(name, where.address, mark)
        try:
            if not passwords.matches(row["password_hash"] if row else "", password) or row is None:
                raise SignInRefused
            with self._database.write() as connection:
                self._second.check(connection, row, code)
                secret = self.begin_session(connection, row["tenant"], row["user_id"], where.browser)
        except SignInRefused:
            self._throttle.wrong(where.address)
            self._log.note("sign_in_refused", tenant=row["tenant"] if row else "")
            raise
        self._throttle.right(name, where.address, mark)
        self._log.note("signed_in", tenant=row["tenant"], user=row["user_id"])
        return secret

    def begin_session(self, connection: Connection, tenant: str, user_id: str, browser: str = "") -> str:
        """The secret of a new session of a user who has shown who they are, inside a write transaction."""
        return self._sessions.begin(connection, tenant, user_id, browser)

    def mark_of(self, caller: Caller) -> str:
        """What a browser keeps in which this person has signed in."""
        return self._sealing.seal(
            _MARK, (caller.tenant, caller.user), hashed(caller.user + str(self._now_us()))[:16]
        )

    def _known(self, row: Row, where: Where) -> str:
        """The count of a browser that shows this person's mark; empty for any other browser."""
        return self._sealing.open(_MARK, (row["tenant"], row["user_id"]), where.mark, life_us=MARK_US) or ""

    def _check_link(self, expires_us: int) -> None:
        # A link that seems to last longer than any was made under a clock that was ahead.
        if not 0 <= expires_us - self._now_us() <= INVITATION_US:
            raise InvitationRefused

    # --- sessions

    def caller(self, secret: str) -> Caller | None:
        """Who is signed in with this session; None when it has ended, or its user was removed."""
        row = self._sessions.found(secret)
        if row is None:
            return None
        return Caller(
            tenant=row["tenant"],
            key_id=f"user:{row['user_id']}",
            device=f"desk:{row['user_id']}",
            site="",
            scopes=scopes_of(row["roles"].split()),
            page=DESK,
            user=row["user_id"],
            sites=frozenset(row["sites"].splitlines()),
        )

    def why_ended(self, secret: str) -> str:
        """Why somebody ended this session: "removed", "rights" or "elsewhere"; empty when time did."""
        return self._sessions.why_ended(secret)

    def sign_out(self, secret: str) -> None:
        """End a session; nothing happens when there is none."""
        for tenant, user in self._sessions.end(secret):
            self._log.note("signed_out", tenant=tenant, user=user)

    def sign_out_everywhere(self, caller: Caller, *, but: str = "") -> None:
        """End all sessions of a person, but the one with the secret `but`."""
        with self._database.write() as connection:
            self._sessions.end_all(connection, caller.tenant, caller.user, ELSEWHERE, but=but)
        self._log.note("signed_out_everywhere", tenant=caller.tenant, user=caller.user)

    def sign_out_of(self, caller: Caller, session_id: str) -> None:
        """End one of a person's own sessions. Raises NoSuchSession."""
        self._sessions.end_one(caller.tenant, caller.user, session_id)

    def sessions(self, caller: Caller, current: str = "") -> list[Session]:
        """A person's own sessions, the latest first; `current` is the secret of the one that asks."""
        return self._sessions.of_user(caller.tenant, caller.user, current)

    def fresh_secret(self, secret: str, browser: str = "") -> str | None:
        """The same session under a new secret, after a change of rights; None: it has ended."""
        with self._database.write() as connection:
            return self._sessions.rotate(connection, secret, browser=browser)

    # --- what is one's own

    def change_password(self, caller: Caller, password: str, fresh: str, where: Where | None = None) -> str:
        """Give oneself another password; all sessions end, and the secret of a new one is returned.

        Raises:
            NotProven: `password` is not the present one. SignInPaused. PasswordRefused: `fresh` is not taken.
        """
        row = self._proven(caller, password, where)
        hash_of_it = passwords.hashed(fresh, row["name"])
        with self._database.write() as connection:
            connection.execute(
                "UPDATE users SET password_hash = ? WHERE tenant = ? AND user_id = ?",
                (hash_of_it, caller.tenant, caller.user),
            )
            secret = self._only_session(connection, caller, where)
        self._log.note("password_changed", tenant=caller.tenant, user=caller.user)
        return secret

    def offer_code_app(self, caller: Caller, password: str, where: Where | None = None) -> Offer:
        """What a code app is set up with; it counts once its first code was sent (`switch_on_code_app`).

        Raises NotProven, SignInPaused, SecondStepRefused.
        """
        return self._second.offer(self._proven(caller, password, where))

    def switch_on_code_app(
        self, caller: Caller, sealed: str, code: str, where: Where | None = None
    ) -> tuple[list[str], str]:
        """From now on signing in asks for a code. Returns the recovery codes, shown this once, and the secret of a
        new session: all others end.

        Raises SecondStepRefused, SignInPaused. NotProven: a wrong code.
        """
        row = self._row(caller.tenant, caller.user)
        self._count(row, where)
        with self._database.write() as connection:
            codes = self._second.switch_on(connection, row, sealed, code)
            secret = self._only_session(connection, caller, where)
        self._log.note("code_app_on", tenant=caller.tenant, user=caller.user)
        return codes, secret

    def switch_off_code_app(self, caller: Caller, password: str, code: str, where: Where | None = None) -> None:
        """Signing in asks for no code any more.

        Raises NotProven, CodeNeeded, SignInPaused, SecondStepRefused.
        """
        row = self._with_app(caller, password, where)
        with self._database.write() as connection:
            self._check_own(connection, row, code)
            self._forget_code_app(connection, caller.tenant, caller.user)
        self._log.note("code_app_off", tenant=caller.tenant, user=caller.user)

    def new_recovery_codes(
        self, caller: Caller, password: str, code: str, where: Where | None = None
    ) -> list[str]:
        """Ten recovery codes in place of the earlier ones, shown this once. Raises as `switch_off_code_app`."""
        row = self._with_app(caller, password, where)
        with self._database.write() as connection:
            self._check_own(connection, row, code)
            return self._second.new_recovery_codes(connection, row)

    def recovery_codes_left(self, caller: Caller) -> int:
        """How many recovery codes a person has not used."""
        row = self._database.row(
            "SELECT COUNT(*) AS n FROM recovery_codes WHERE tenant = ? AND user_id = ?",
            (caller.tenant, caller.user),
        )
        return int(row["n"])

    def _with_app(self, caller: Caller, password: str, where: Where | None) -> Row:
        row = self._proven(caller, password, where)
        if not row["totp"]:
            raise SecondStepRefused("You have no code app.")
        return row

    def _proven(self, caller: Caller, password: str, where: Where | None) -> Row:
        """The caller's row, after they typed their password again. Raises NotProven, SignInPaused."""
        row = self._row(caller.tenant, caller.user)
        self._count(row, where)
        if not passwords.matches(row["password_hash"], password):
            self._throttle.wrong((where or Where()).address)
            self._log.note("sign_in_refused", tenant=caller.tenant, user=caller.user)
            raise NotProven
        self._throttle.right(row["name"], "", f"session of {caller.user}")
        return row

    def _check_own(self, connection: Connection, row: Row, code: str) -> None:
        """Use a code of somebody who is signed in. Raises NotProven, CodeNeeded."""
        try:
            self._second.check(connection, row, code)
        except SignInRefused:
            raise NotProven from None

    def _count(self, row: Row, where: Where | None) -> None:
        """One more attempt of somebody who is signed in; a count of its own keeps nobody from signing in."""
        self._throttle.attempt(row["name"], (where or Where()).address, f"session of {row['user_id']}")

    def _only_session(self, connection: Connection, caller: Caller, where: Where | None) -> str:
        self._sessions.end_all(connection, caller.tenant, caller.user, ELSEWHERE)
        return self.begin_session(connection, caller.tenant, caller.user, (where or Where()).browser)
