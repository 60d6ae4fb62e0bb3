"""The SQL with which an administrator prepares a PostgreSQL server. It can be run again."""

from __future__ import annotations

from psycopg import sql

LOGINS = {
    "usual_identity_login": ("usual_identity", "usual_access"),
    "usual_recommender_login": ("usual_recommender", "usual_access"),
}
"""Who logs in for each half, and the roles that they may act as."""

ROLES = ("usual_identity", "usual_recommender", "usual_access")
"""Who owns the tables. Nobody logs in as one of them."""


def statements(database: str, keys: str) -> str:
    """The whole text, for psql; `database` and `keys` are the names of the two databases."""
    lines = [
        "-- What Usual needs of a PostgreSQL server, as an administrator. It can be run again.",
        "-- Roles that own the tables; nobody logs in as one of them.",
        *(_made(role, "NOLOGIN") for role in ROLES),
        "-- A login for each half, which can act as its own role and as that of devices' keys.",
        *(_made(login, "LOGIN") for login in LOGINS),
        *(f"GRANT {', '.join(of)} TO {login};" for login, of in LOGINS.items()),
        "-- Both halves in one process use one login that may act as all three:",
        "--   CREATE ROLE usual_login LOGIN;",
        f"--   GRANT {', '.join(ROLES)} TO usual_login;",
        f"--   GRANT CONNECT, CREATE ON DATABASE {_quoted(database)}, {_quoted(keys)} TO usual_login;",
        "-- The state, and the keys of customers: no backup of the first contains the second.",
        *(_database(name) for name in (database, keys)),
        *(f"REVOKE ALL ON DATABASE {_quoted(name)} FROM PUBLIC;" for name in (database, keys)),
        f"GRANT CONNECT, CREATE ON DATABASE {_quoted(database)} TO {', '.join(LOGINS)};",
        f"GRANT CONNECT, CREATE ON DATABASE {_quoted(keys)} TO usual_identity_login, usual_recommender_login;",
        "-- No row of a customer in the server's log: not with a statement, and not with an error.",
        *(f"ALTER ROLE {login} SET {name} = {value};" for login in LOGINS for name, value in QUIET.items()),
        "-- Then give each login a password, which stays out of this text and of the log:",
        *(f"--   \\password {login}" for login in LOGINS),
    ]
    return "\n".join(lines)


QUIET = {
    "log_statement": "'none'",
    "log_min_duration_statement": "-1",
    "log_min_error_statement": "'panic'",
    "log_error_verbosity": "'terse'",
    "log_parameter_max_length": "0",
}
"""Settings of a session that keep the content of rows out of the server's log."""


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string()


def _made(role: str, how: str) -> str:
    return (
        f"DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{role}')"  # noqa: S608 - ours
        f" THEN CREATE ROLE {role} {how}; END IF; END $$;"
    )


def _database(name: str) -> str:
    made = f"CREATE DATABASE {_quoted(name)} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"
    return (
        f"SELECT {sql.Literal(made).as_string()}"  # noqa: S608 - for psql, and quoted
        f" WHERE NOT EXISTS (SELECT 1 FROM pg_database WHERE datname = {sql.Literal(name).as_string()}) \\gexec"
    )
