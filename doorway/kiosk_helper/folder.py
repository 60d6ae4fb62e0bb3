"""The helper's own folder: one file with its house and its two keys, which only its owner can read.

This is the one place where keys are held. `Device.signing` has the interface `EllipticCurvePrivateKey` of
`cryptography`: a key that lives in hardware is another object here, and nothing else changes.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import stat
import tempfile
from dataclasses import dataclass, field
from errno import EISDIR
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from doorway.kiosk_helper.errors import HOW, HelperFileUnusable, HelperNotPaired
from plumbing.storage.files import write_atomic

FILE = "device.json"
VERSION = 1
MOST_BYTES = 16 * 1024
AGAIN = "Pair this kiosk again: usual edge kiosk --server URL --pair CODE"


@dataclass(frozen=True)
class Device:
    """Which device of which house this is. `page` is kiosk or taxi, `key` what the house knows the device by,
    `signing` the key (P-256) with which it signs vectors."""

    server: str
    page: str
    key: str = field(repr=False)
    signing: EllipticCurvePrivateKey = field(repr=False)


class KioskFolder:
    """A folder; it is made when something is kept."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held: int | None = None

    def hold(self) -> None:
        """Keep other helpers out of the folder, which is there, until `let_go` or the end of this process.

        Raises HelperFileUnusable: one is at work here.
        """
        if self._held is not None:
            return
        held = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
        try:
            fcntl.flock(
                held, fcntl.LOCK_EX | fcntl.LOCK_NB
            )  # of the folder: it holds no file but that of the keys
        except BlockingIOError:
            os.close(held)
            raise HelperFileUnusable(
                f"Another helper works with {self.path}. Stop it, or give this one its own folder: --home FOLDER"
            ) from None
        self._held = held

    def let_go(self) -> None:
        """Let another helper use the folder."""
        if self._held is not None:
            os.close(self._held)
            self._held = None

    @property
    def is_paired(self) -> bool:
        return (self.path / FILE).exists()

    def prepare(self) -> None:
        """Make the folder, and write a file there and delete it. Raises HelperFileUnusable: `keep` would fail."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path) as trial:
                trial.write(bytes(MOST_BYTES))
            if (self.path / FILE).is_dir():
                raise IsADirectoryError(EISDIR, os.strerror(EISDIR))
        except OSError as error:
            raise HelperFileUnusable(f"{self.path} cannot take a file: {error.strerror}.") from None

    def keep(self, device: Device) -> None:
        """Write the device, in place of an earlier one: both keys, or neither."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        private = device.signing.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        said = {"server": device.server, "page": device.page, "key": device.key}
        content = {"version": VERSION, **said, "signing": base64.b64encode(private).decode()}
        write_atomic(self.path / FILE, (json.dumps(content, indent=1) + "\n").encode(), mode=0o600)

    def device(self) -> Device:
        """The device. Raises HelperNotPaired, HelperFileUnusable."""
        path = self.path / FILE
        try:
            with path.open("rb") as file:
                seen = os.fstat(file.fileno())  # of the file that is read, not of one that took its place
                if seen.st_uid != os.geteuid() or stat.S_IMODE(seen.st_mode) & 0o077:
                    raise HelperFileUnusable(f"Other users can read {path}: its keys may be known. {AGAIN}")
                said = json.loads(file.read(MOST_BYTES))
        except FileNotFoundError:
            raise HelperNotPaired(f"No kiosk is paired in the folder {self.path.absolute()}. {HOW}") from None
        except PermissionError:
            raise HelperFileUnusable(f"{path} belongs to another user: run the helper as that one.") from None
        except OSError as error:
            raise HelperFileUnusable(f"{path} cannot be read: {error.strerror}. {AGAIN}") from None
        except (ValueError, RecursionError):
            raise HelperFileUnusable(f"{path} is damaged. {AGAIN}") from None
        if isinstance(said, dict) and said.get("version", VERSION) != VERSION:
            raise HelperFileUnusable(
                f"{path} was written by another release of Usual: run that one, or pair again."
            )
        try:
            signing = load_der_private_key(base64.b64decode(said["signing"], validate=True), None)
            if not isinstance(signing, EllipticCurvePrivateKey) or not isinstance(signing.curve, SECP256R1):
                raise ValueError("a key of another kind")
            return Device(str(said["server"]), str(said["page"]), str(said["key"]), signing)
        except (ValueError, KeyError, TypeError):
            raise HelperFileUnusable(f"{path} is damaged. {AGAIN}") from None
