"""Errors of PostgreSQL as ours: nothing that a row holds is in them."""

from __future__ import annotations

import traceback

import pytest
from psycopg import errors

from plumbing.storage.database import RefusedByDatabase
from plumbing.storage.postgres_statements import errors_named


@pytest.mark.parametrize(
    "error",
    [
        errors.InvalidTextRepresentation('invalid input syntax for type bigint: "p-4711"'),
        errors.NumericValueOutOfRange('value "p-4711" is out of range for type bigint'),
        errors.UniqueViolation("duplicate key\nDETAIL:  Key (customer)=(p-4711) already exists."),
    ],
)
def test_a_value_of_a_row_is_in_no_message_and_no_traceback(error: Exception) -> None:
    with pytest.raises(RefusedByDatabase) as raised, errors_named():
        raise error

    shown = "".join(traceback.TracebackException.from_exception(raised.value).format())
    assert "p-4711" not in shown.replace("raise error", "")
