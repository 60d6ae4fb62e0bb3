"""Whether this machine has the same secrets as the other machines that share its state.

The secrets are files of each home, copied by an operator. Kept of them is a hash under the secret itself, with
which nothing can be opened or guessed: the secrets are random.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping

from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

from plumbing.problem_json import Problem
from plumbing.storage.state import State

migrations = Migrations("machines")


@migrations()
def secrets_of_machines(db: Utils) -> None:
    """`file` names a file of the home, `mark` is a hash of a secret in it: after a rotation there are two."""
    db.execute("CREATE TABLE secrets (file TEXT NOT NULL, mark TEXT NOT NULL, PRIMARY KEY (file, mark))")


class SecretDiffers(Problem, ValueError):
    """The home of this machine has another secret than that of the machines that were here before."""

    code = "secret_differs"
    status = 500
    title = "This machine has another secret than the others"
    what_to_do = "Copy the file that the reply names from the home of another machine."


def mark_of(secret: bytes) -> str:
    """What is kept of a secret."""
    return hmac.digest(secret, b"usual: the same on all machines", hashlib.sha256).hex()


COPY = "copy theirs into this home"


def require_same(state: State, half: str, found: Mapping[str, Iterable[bytes]], *, mend: str = COPY) -> None:
    """Compare the secrets in files of the home with those of the other machines, and keep what is new.

    Of a file with several secrets (after a rotation) one has to be known. State in files of the home is not
    shared: nothing is compared, and nothing kept.

    Args:
        half: "access", "identity" or "recommender".
        found: by the file's name, the secrets in it; a file without any is left out.
        mend: what to do when they differ.

    Raises:
        SecretDiffers: it names the file. DatabaseUnusable, DatabaseBusy.
    """
    if not state.is_shared:
        return
    database = state.database(f"{half}-machines", migrations)
    try:
        with database.write() as connection:
            for file, secrets in found.items():
                mine = {mark_of(secret) for secret in secrets}
                rows = connection.execute("SELECT mark FROM secrets WHERE file = ?", (file,)).fetchall()
                there = {row["mark"] for row in rows}
                if mine and there and not mine & there:
                    raise SecretDiffers(
                        f"{state.home / file.partition(' ')[0]} is not the file that the other machines have:"
                        f" {mend}, and start again."
                    )
                for mark in mine - there:
                    connection.execute("INSERT INTO secrets VALUES (?, ?)", (file, mark))
    finally:
        database.close()
