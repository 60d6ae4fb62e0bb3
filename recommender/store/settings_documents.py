"""Settings that are one JSON document for each tenant: wrong fields named all at once, read and replaced whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any, Generic, Protocol, TypeVar

from plumbing.sentence import ended
from plumbing.storage.database import Database
from recommender.errors import RecommenderError
from recommender.store.events import raise_generation


class WrongSettings(RecommenderError):
    """A document with wrong fields; nothing was changed. `fields` are (name, message) of each."""

    status = 422

    def __init__(self, wrong: Mapping[str, str]) -> None:
        messages = "; ".join(f"{name}: {message}" for name, message in wrong.items())
        super().__init__(
            f"Check these fields. {ended(messages)}",
            fields=[{"field": name, "message": message} for name, message in wrong.items()],
        )


def wrong_fields(given: Mapping[str, Any], checks: Mapping[str, Callable[[Any], str]]) -> dict[str, str]:
    """What is wrong with each field, by its name; a check answers with "" for a good value."""
    wrong = {name: "is not known" for name in given if name not in checks}
    said = {name: check(given[name]) for name, check in checks.items() if name in given}
    return wrong | {name: message for name, message in said.items() if message}


class Settings(Protocol):
    """What is kept as a document."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""


T = TypeVar("T", bound=Settings)


class SettingsStore(Generic[T]):
    """One document for each tenant in a table; where none was saved, the defaults."""

    def __init__(
        self,
        database: Database,
        table: str,
        version: int,
        known: Collection[str],
        read: Callable[[dict[str, Any]], T],
    ) -> None:
        """`known` are the fields, and `read` makes settings of some of them. `table` names the generation too."""
        self._database, self._table, self._version = database, table, version
        self._known, self._read = known, read

    def get(self, tenant: str) -> T:
        """The tenant's settings."""
        with self._database.hurried():
            row = self._database.row(f"SELECT document FROM {self._table} WHERE tenant = ?", (tenant,))  # noqa: S608 constant name
        if row is None:
            return self._read({})
        stored = json.loads(row["document"])  # a newer release may have saved more
        return self._read({name: value for name, value in stored.items() if name in self._known})

    def save(self, tenant: str, settings: T) -> None:
        """Replace them; they hold from the next request on, in all processes."""
        document = json.dumps({"version": self._version} | settings.to_dict(), sort_keys=True)
        with self._database.write() as connection:
            connection.execute(
                f"INSERT INTO {self._table} VALUES (?, ?)"  # noqa: S608 constant name
                " ON CONFLICT (tenant) DO UPDATE SET document = excluded.document",
                (tenant, document),
            )
            raise_generation(connection, tenant, self._table)
