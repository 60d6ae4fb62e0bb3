"""The tables of people, in access.db: staff who sign in, never customers."""

from __future__ import annotations

from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

migrations = Migrations("people")


@migrations()
def users_and_sessions(db: Utils) -> None:
    """Who may sign in, and who is signed in. A sign-in name is unique in the installation."""
    db.execute(
        "CREATE TABLE users (tenant TEXT NOT NULL, user_id TEXT NOT NULL, name TEXT NOT NULL UNIQUE,"
        " display TEXT NOT NULL, password_hash TEXT NOT NULL, totp TEXT NOT NULL, roles TEXT NOT NULL,"
        " sites TEXT NOT NULL, language TEXT NOT NULL, issuer TEXT NOT NULL, subject TEXT NOT NULL,"
        " state TEXT NOT NULL, created_us BIGINT NOT NULL, PRIMARY KEY (tenant, user_id))"
    )
    db.execute(
        "CREATE TABLE sessions (secret_hash TEXT PRIMARY KEY, tenant TEXT NOT NULL, user_id TEXT NOT NULL,"
        " created_us BIGINT NOT NULL, seen_us BIGINT NOT NULL)"
    )
    db.execute("CREATE INDEX sessions_of_user ON sessions (tenant, user_id)")
    db.execute(
        "CREATE TABLE invitations (secret_hash TEXT PRIMARY KEY, tenant TEXT NOT NULL, user_id TEXT NOT NULL,"
        " expires_us BIGINT NOT NULL)"
    )


@migrations()
def second_steps_and_removals(db: Utils) -> None:
    """Why a session ended and in which browser it began; when somebody was removed; what a second step needs.

    `users.totp` is the sealed secret of a code app, empty without one. `code_uses.step` is the last time step of
    which a code was used: an earlier one and the same one are refused.
    """
    db.execute("ALTER TABLE sessions ADD COLUMN browser TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE sessions ADD COLUMN ended TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE users ADD COLUMN removed_us BIGINT NOT NULL DEFAULT 0")
    db.execute("CREATE INDEX invitations_of_user ON invitations (tenant, user_id)")
    db.execute(
        "CREATE TABLE recovery_codes (tenant TEXT NOT NULL, user_id TEXT NOT NULL, code_hash TEXT NOT NULL,"
        " PRIMARY KEY (tenant, user_id, code_hash))"
    )
    db.execute(
        "CREATE TABLE code_uses (tenant TEXT NOT NULL, user_id TEXT NOT NULL, step BIGINT NOT NULL,"
        " PRIMARY KEY (tenant, user_id))"
    )
