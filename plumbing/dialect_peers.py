"""Systems that call a tenant in a dialect with a secret of their own in place of a key of ours.

A secret that was replaced counts for another day, so that both sides need not change it in the same second.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from plumbing.clock import DAY, Clock
from plumbing.people.sealing import Sealing
from plumbing.problem import Problem
from plumbing.storage.database import Database

USE = "dialect peer"
OVERLAP_US = DAY
"""So long a secret that was replaced is still taken."""


class NoSuchPeer(Problem):
    """Nothing was agreed with this system yet."""

    code = "no_such_peer"
    status = 404
    title = "Nothing was agreed with this system yet"
    what_to_do = "Set its secret with `usual dialects secret NAME` or PUT /v1/dialects/NAME/peer."

    def __init__(self, name: str) -> None:
        super().__init__(f"Set its secret: `usual dialects secret {name}`, or PUT /v1/dialects/{name}/peer.")


@dataclass(frozen=True, slots=True)
class Peer:
    """What a tenant agreed on with another system. `sites` gives our site for the other system's id of one."""

    secret: str = field(repr=False)
    access_token: str = field(default="", repr=False)  # with which we ask the other system
    address: str = ""  # ours, as the other system has it
    sandbox: bool = False  # the other system's place for trials
    sites: Mapping[str, str] = field(default_factory=dict)
    set_us: int = 0
    earlier: str = field(default="", repr=False)  # the secret before, while it counts
    earlier_until_us: int = 0

    @property
    def secrets(self) -> tuple[str, ...]:
        """Those that count now, the newest first."""
        return (self.secret, self.earlier) if self.earlier else (self.secret,)

    def shows(self, secret: str) -> bool:
        """Whether this is one of its secrets, in a time that tells nothing."""
        found = [hmac.compare_digest(one.encode(), secret.encode()) for one in self.secrets]
        return any(found)


class PeersOfDialects:
    """Of all tenants; read with every call, so that a change is in force at once in every process."""

    def __init__(self, database: Database, key: bytes, now_us: Clock) -> None:
        """`key` is a Fernet key."""
        self._database, self._now_us, self._sealing = database, now_us, Sealing(key, now_us)
        self._key = key

    def path(self, tenant: str, name: str) -> str:
        """Where the other system calls. No request names a tenant: a keyed hash of it does, which is no secret."""
        return f"/api/{name}/{self._id(tenant, name)}"

    def _id(self, tenant: str, name: str) -> str:
        digest = hmac.digest(self._key, f"{name}\n{tenant}".encode(), hashlib.sha256)[:10]
        return base64.b32encode(digest).decode().lower()

    def called(self, name: str, peer_id: str) -> tuple[str, Peer | None]:
        """Whose address this is, and what was agreed; "" and None: nobody's."""
        row = self._database.row(
            "SELECT tenant FROM dialect_peers WHERE name = ? AND peer_id = ?", (name, peer_id)
        )
        return ("", None) if row is None else (str(row["tenant"]), self.find(str(row["tenant"]), name))

    def find(self, tenant: str, name: str) -> Peer | None:
        """What was agreed; None: nothing, or its secrets cannot be opened with the key of this house."""
        row = self._database.row(
            "SELECT secrets, settings, set_us FROM dialect_peers WHERE tenant = ? AND name = ?", (tenant, name)
        )
        opened = None if row is None else self._sealing.open(USE, (tenant, name), str(row["secrets"]))
        if row is None or opened is None:
            return None
        kept, settings = json.loads(opened), json.loads(row["settings"])
        counts = kept["earlier_until_us"] > self._now_us()
        return Peer(
            kept["secret"],
            kept["access_token"],
            settings["address"],
            settings["sandbox"],
            settings["sites"],
            row["set_us"],
            kept["earlier"] if counts else "",
            kept["earlier_until_us"] if counts else 0,
        )

    def get(self, tenant: str, name: str) -> Peer:
        """Raises NoSuchPeer."""
        found = self.find(tenant, name)
        if found is None:
            raise NoSuchPeer(name)
        return found

    def put(self, tenant: str, name: str, peer: Peer) -> Peer:
        """Keep it. A secret that differs from the one before leaves that one in force for a day."""
        now, before = self._now_us(), self.find(tenant, name)
        earlier, until = "", 0
        if before is not None:
            earlier, until = before.earlier, before.earlier_until_us
            if before.secret != peer.secret:
                earlier, until = before.secret, now + OVERLAP_US
        kept = {"secret": peer.secret, "access_token": peer.access_token}
        text = json.dumps(kept | {"earlier": earlier, "earlier_until_us": until})
        settings = {"address": peer.address, "sandbox": peer.sandbox, "sites": dict(peer.sites)}
        self._database.change(
            "INSERT INTO dialect_peers VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, name) DO UPDATE SET"
            " peer_id = excluded.peer_id, secrets = excluded.secrets, settings = excluded.settings,"
            " set_us = excluded.set_us",
            (
                tenant,
                name,
                self._id(tenant, name),
                self._sealing.seal(USE, (tenant, name), text),
                json.dumps(settings),
                now,
            ),
        )
        return self.get(tenant, name)

    def remove(self, tenant: str, name: str) -> bool:
        """Take no call of it any more, at once; False: there was nothing."""
        gone = self._database.change(
            "DELETE FROM dialect_peers WHERE tenant = ? AND name = ? RETURNING 1", (tenant, name)
        )
        return bool(gone)
