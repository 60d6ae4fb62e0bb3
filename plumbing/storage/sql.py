"""What PostgreSQL reads in place of a statement that was written for SQLite.

The stores keep to what both have (`ON CONFLICT`, `RETURNING`, window functions). What is left is spelled
differently only: the marks of parameters, the names of types, hexadecimal literals, and a trigger that refuses.
"""

from __future__ import annotations

import re
from functools import lru_cache

_QUOTED = re.compile(r"('(?:[^']|'')*')")
_HEX = re.compile(r"(?<![A-Za-z0-9_])[xX]'([0-9A-Fa-f]*)'")
_HEX_MARK = "\x01"
_TYPES = (
    (re.compile(r"\bBLOB\b"), "BYTEA"),
    (re.compile(r"\bINTEGER\b"), "BIGINT"),
    (re.compile(r"\bREAL\b"), "DOUBLE PRECISION"),
    # SQLite compares text byte by byte, and so do the collation "C" and no other.
    (re.compile(r"\bTEXT\b"), 'TEXT COLLATE "C"'),
    (re.compile(r"\)\s*WITHOUT ROWID"), ")"),
)
_TRIGGER = re.compile(
    r"\s*CREATE TRIGGER (?P<name>\w+) (?P<when>BEFORE (?P<what>INSERT|UPDATE|DELETE)) ON (?P<table>\w+)"
    r"(?: WHEN (?P<only>.+))? BEGIN SELECT RAISE\(ABORT, '(?P<says>[^']*)'\); END\s*",
    re.DOTALL,
)

_NO_TRIGGER = re.compile(r"\s*DROP TRIGGER (?:IF EXISTS )?(?P<name>\w+)\s*")


@lru_cache(maxsize=2_048)
def for_postgres(sql: str) -> str:
    """The same statement as psycopg and PostgreSQL read it."""
    if (trigger := _TRIGGER.fullmatch(sql)) is not None:
        return _trigger(**trigger.groupdict())
    if (trigger := _NO_TRIGGER.fullmatch(sql)) is not None:
        return f"DROP FUNCTION IF EXISTS {trigger.group('name')}() CASCADE"
    makes = sql.lstrip().upper().startswith(("CREATE", "ALTER"))
    literals: list[str] = []

    def kept(found: re.Match[str]) -> str:
        literals.append(f"'\\x{found.group(1)}'::bytea")
        return _HEX_MARK

    parts = _QUOTED.split(_HEX.sub(kept, sql))
    for place, part in enumerate(parts):
        part = part.replace("%", "%%")
        if place % 2 == 0:  # outside of quotes
            part = part.replace("?", "%s")
            if makes:
                for pattern, instead in _TYPES:
                    part = pattern.sub(instead, part)
        parts[place] = part
    text = "".join(parts)
    for literal in literals:
        text = text.replace(_HEX_MARK, literal, 1)
    return text


def _trigger(name: str, when: str, what: str, table: str, only: str | None, says: str) -> str:
    """A function and the trigger that calls it: a condition of PostgreSQL's own `WHEN` may not ask a table."""
    row = "OLD" if what == "DELETE" else "NEW"
    refuse = f"RAISE EXCEPTION '{says}' USING ERRCODE = 'integrity_constraint_violation'"
    body = f"IF {only} THEN {refuse}; END IF;" if only else f"{refuse};"
    return (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN {row}; END $$;"
        f" CREATE TRIGGER {name} {when} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
    ).replace("%", "%%")
