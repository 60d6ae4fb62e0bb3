"""The picture of a request: a part of a form, or base64 in JSON, as CompreFace's clients send either.

It stays in memory: the framework's own reader of forms would write a part of more than half a megabyte to disk.
"""

from __future__ import annotations

import base64
import binascii
from io import BytesIO

from flask import Request
from werkzeug.formparser import MultiPartParser

from identity.errors import NotAnImage

FIELD = "file"


def picture_of(request: Request) -> bytes:
    """The bytes of the field `file`. Raises NotAnImage."""
    if request.mimetype == "multipart/form-data":
        return _of_form(request)
    body = request.get_json(silent=True)
    text = body.get(FIELD) if isinstance(body, dict) else None
    if not isinstance(text, str):
        raise _missing()
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotAnImage("A picture in JSON is sent as base64 of a JPEG, PNG or WebP file.") from error


def _of_form(request: Request) -> bytes:
    content = request.get_data()
    boundary = request.mimetype_params.get("boundary", "").encode("latin-1", "replace")
    parser = MultiPartParser(stream_factory=lambda *_, **__: BytesIO(), max_form_parts=20)
    try:
        _, files = parser.parse(BytesIO(content), boundary, len(content))
    except Exception as error:  # of werkzeug: ValueError, RequestEntityTooLarge
        raise NotAnImage("The form cannot be read; send the picture as its part `file`.") from error
    if FIELD not in files:
        raise _missing()
    return bytes(files[FIELD].stream.read())


def _missing() -> NotAnImage:
    return NotAnImage("Send the picture as the part `file` of a form, or as base64 in the field `file` of JSON.")
