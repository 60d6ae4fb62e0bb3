"""What each device sends of a face, pictures or vectors, and the public key with which it signs vectors.

The mode is the operator's choice for a place: it has the device's name, and stays when another screen takes that
name. The key belongs to one screen: a screen that takes its place has another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, get_args

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from plumbing.access.caller import NO_DEVICE
from plumbing.access.errors import DeviceKeyInvalid, DeviceKeySet, DeviceNeeded, DeviceUnknown
from plumbing.storage.database import Connection, Database, Row

Mode = Literal["pictures", "vectors"]
MODES: tuple[Mode, ...] = get_args(Mode)
DEFAULT: Mode = "pictures"
KEY_BYTES = 65
"""An uncompressed point of P-256, as WebCrypto exports it (`raw`)."""


@dataclass(frozen=True, slots=True)
class DeviceMode:
    """`attested`: the operator vouches that nobody can change the program on this device. `public_key` is the
    key with which the device signs; empty: none was registered."""

    mode: Mode = DEFAULT
    attested: bool = False
    public_key: bytes = b""


class DeviceModes:
    """Of all tenants, in access.db."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, tenant: str, device: str) -> DeviceMode:
        """The mode and the key of a device, named as in `Caller.device`."""
        name = device.partition("~")[0]
        mode = self._database.row(
            "SELECT mode, attested FROM device_modes WHERE tenant = ? AND name = ?", (tenant, name)
        )
        if mode is None:
            return DeviceMode()
        key = self._database.row(
            "SELECT public_key FROM device_keys WHERE tenant = ? AND name = ? AND device = ?",
            (tenant, name, device),
        )
        return replace(_mode_of(mode), public_key=b"" if key is None else bytes.fromhex(key["public_key"]))

    def all(self, tenant: str) -> Mapping[str, DeviceMode]:
        """Every device whose mode was ever chosen, by name; without its key."""
        rows = self._database.rows("SELECT name, mode, attested FROM device_modes WHERE tenant = ?", (tenant,))
        return {row["name"]: _mode_of(row) for row in rows}

    def sending_vectors(self) -> list[tuple[str, str, bool]]:
        """(tenant, name, whether it has a key to sign with) of each device in use that sends vectors, in order."""
        rows = self._database.rows(
            "SELECT m.tenant, m.name, EXISTS (SELECT 1 FROM device_keys k WHERE k.tenant = m.tenant AND"
            " k.name = m.name) AS has_key FROM device_modes m WHERE m.mode = 'vectors' AND EXISTS"
            " (SELECT 1 FROM keys WHERE keys.tenant = m.tenant AND keys.device = m.name) ORDER BY m.tenant, m.name"
        )
        return [(row["tenant"], row["name"], bool(row["has_key"])) for row in rows]

    def choose(self, tenant: str, name: str, mode: Mode, *, attested: bool = False) -> None:
        """Let the device of this name send pictures or vectors, from its next press on.

        Raises DeviceUnknown: the tenant has no device of this name.
        """
        with self._database.write() as connection:
            known = connection.execute("SELECT 1 FROM devices WHERE tenant = ? AND name = ?", (tenant, name))
            if known.fetchone() is None:
                raise DeviceUnknown(name)
            connection.execute(
                "INSERT INTO device_modes VALUES (?, ?, ?, ?) ON CONFLICT (tenant, name) DO UPDATE SET"
                " mode = excluded.mode, attested = excluded.attested",
                (tenant, name, mode, int(attested and mode == "vectors")),
            )

    def register(self, tenant: str, device: str, public_key: bytes) -> None:
        """Remember the key that a device signs with, once; the same key again changes nothing.

        Raises DeviceNeeded: the caller's key belongs to no device. DeviceKeyInvalid: no point of P-256.
        DeviceKeySet: the device has another key; it has to be paired again.
        """
        if device.startswith(NO_DEVICE):
            raise DeviceNeeded
        checked(public_key)
        kept = self._database.change(  # the key of a screen that was replaced makes room
            "INSERT INTO device_keys VALUES (?, ?, ?, ?) ON CONFLICT (tenant, name) DO UPDATE SET"
            " device = excluded.device, public_key = excluded.public_key"
            " WHERE device_keys.device <> excluded.device OR device_keys.public_key = excluded.public_key"
            " RETURNING 1",
            (tenant, device.partition("~")[0], device, public_key.hex()),
        )
        if not kept:
            raise DeviceKeySet


def forget_key(connection: Connection, tenant: str, name: str) -> None:
    """The device of this name has no key to sign with any more. A part of a transaction."""
    connection.execute("DELETE FROM device_keys WHERE tenant = ? AND name = ?", (tenant, name))


def _mode_of(row: Row) -> DeviceMode:
    return DeviceMode("vectors" if row["mode"] == "vectors" else DEFAULT, bool(row["attested"]))


@lru_cache(maxsize=1_024)  # a device shows the same key with each press
def checked(public_key: bytes) -> EllipticCurvePublicKey:
    """The key in its raw form. Raises DeviceKeyInvalid."""
    try:
        key = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), public_key)
    except ValueError as error:
        raise DeviceKeyInvalid from error
    if key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint) != public_key:
        raise DeviceKeyInvalid
    return key
