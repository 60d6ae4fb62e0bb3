"""Pictures as texts: how they travel in JSON."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from identity.errors import NotAnImage


def pictures(frames: Sequence[str]) -> list[bytes]:
    """The bytes of base64 texts. Raises NotAnImage."""
    try:
        return [base64.b64decode(text, validate=True) for text in frames]
    except (binascii.Error, ValueError) as error:
        raise NotAnImage("A picture is sent as base64 of a JPEG, PNG or WebP file.") from error
