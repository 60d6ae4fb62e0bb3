"""One press at the helper: what the house said of it is kept until the pictures come, and then makes one message.

The page names the press alone. To which key a message is sealed, for which device, and which moves were asked for,
the helper has from the house itself: a page cannot have a face sealed to somebody else.
"""

from __future__ import annotations

import base64
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from doorway.kiosk_helper.errors import HelperError, PicturesStayHere
from identity.capture.challenge import STEPS, Step
from identity.device_vectors.looking import Looking, Pictures
from identity.device_vectors.message import Purpose
from identity.device_vectors.opening import shape_of
from identity.device_vectors.sealing import sealed_message
from identity.errors import OtherPack, PressExpired, PressRefused
from identity.sandbox.supervisor import EngineUnavailable

OPEN_S = 15.0
"""How long a press is kept: longer than a house lets one live."""
MOST_OPEN = 8
BUSY_S = 3.0
UNREADABLE = "What the house answers to a press cannot be read: is it of another release?"


@dataclass(frozen=True, slots=True)
class Press:
    """What the house said of a press."""

    device: str
    pack: str
    key_id: bytes
    seal_key: bytes
    steps: tuple[Step, ...]
    until: float


class Looks:
    """Makes messages of pictures, one at a time; of each press one. `looking` is None where no engine runs."""

    def __init__(self, looking: Looking | None, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.looking = looking
        self._monotonic = monotonic
        self._open: OrderedDict[str, Press] = OrderedDict()
        self._lock = threading.Lock()
        self._at_work = threading.BoundedSemaphore(1)  # one camera

    def pressed(self, said: Mapping[str, Any]) -> None:
        """Keep what a house answered to a press.

        Raises PicturesStayHere: the house wants pictures of this device. OtherPack: it compares vectors of another
        pack. EngineUnavailable: no engine runs here. HelperError: it is no answer to a press.
        """
        if "nonce" in said and said.get("seal") is None:
            raise PicturesStayHere
        if self.looking is None:
            raise EngineUnavailable(
                "The engine pack of this kiosk does not run: its helper said why when it started."
            )
        try:
            seal = said["seal"]
            press = Press(
                device=str(seal["device"]),
                pack=str(seal["pack"]),
                key_id=bytes.fromhex(seal["key_id"]),
                seal_key=base64.urlsafe_b64decode(seal["public_key"] + "="),
                steps=tuple(STEPS[STEPS.index(step)] for step in said["challenge"]),
                until=self._monotonic() + OPEN_S,
            )
            nonce = str(said["nonce"])
        except (KeyError, TypeError, ValueError) as error:
            raise HelperError(UNREADABLE) from error
        if press.pack != self.looking.pack.id:
            raise OtherPack(press.pack)
        with self._lock:
            self._open[nonce] = press
            while len(self._open) > MOST_OPEN:
                self._open.popitem(last=False)

    def message(self, nonce: str, purpose: Purpose, pictures: Pictures, signing: EllipticCurvePrivateKey) -> bytes:
        """The message of the pictures of a press, which is used up by it; `pictures.steps` are filled in here.

        Raises PressRefused: an unknown press, or one that was used. PressExpired. What `Looking.content` raises.
        HelperError: the house's key is none.
        """
        with self._lock:
            press = self._open.pop(nonce, None)
        if press is None:
            raise PressRefused
        if self._monotonic() > press.until:
            raise PressExpired
        looking = self.looking
        assert looking is not None, "presses are kept for an engine alone"
        if not self._at_work.acquire(timeout=BUSY_S):
            raise EngineUnavailable("The engine pack of this kiosk is busy.")
        try:
            content = looking.content(replace(pictures, steps=press.steps), purpose)
        finally:
            self._at_work.release()
        try:
            return sealed_message(
                content,
                shape_of(purpose, looking.pack),
                pack=press.pack,
                device=press.device,
                nonce=nonce,
                key_id=press.key_id,
                seal_key=press.seal_key,
                signing_key=signing,
            )
        except ValueError as error:  # no key that anything can be sealed to
            raise HelperError(UNREADABLE) from error
