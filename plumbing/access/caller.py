"""Who makes a request."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request: an authenticated key, or someone who is signed in at the desk.

    `device` identifies one device: the name it has, its name and a number after it was replaced, or the key's
    own id when the key belongs to no device.
    """

    tenant: str
    key_id: str
    device: str
    site: str
    scopes: frozenset[str]
    page: str = ""  # of a paired screen: it sent its cookie, or stands on another host ("own") and sent its key
    expires_us: int = 0
    user: str = ""  # id of the person who is signed in; a key has none
    sites: frozenset[str] = frozenset()
    """The only sites that a person may see; empty: all of the tenant."""

    def may_see(self, site: str) -> bool:
        """Whether figures of this site may be shown."""
        return not self.sites or site in self.sites
