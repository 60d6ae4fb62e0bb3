"""The clients that every house serves, so that whoever connects to it needs nothing from elsewhere.

`/clients/1/usual.js` is the module that kiosk and taxi are made with, `/clients/1/usual_client.py` the package
`usual_client` as one file. The number is that of the API: within it both only gain.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from flask import Blueprint, Response, abort

import screens
from screens.assets import CHECKED, type_of
from screens.files import sent


def _file_of(package: str) -> Path:
    """Found, not imported: a server has no use for it."""
    found = find_spec(package)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin)


FILES = {
    "usual.js": Path(screens.__file__).parent / "static" / "js" / "usual.js",
    "usual_client.py": _file_of("usual_client"),
}


def clients() -> Blueprint:
    """`GET /clients/1/NAME`, without a key; a browser asks each time whether it has changed."""
    api = Blueprint("clients", __name__)

    @api.get("/clients/1/<name>")
    def file(name: str) -> Response:
        if name not in FILES:
            abort(404)
        return sent(FILES[name].read_bytes(), type_of(name), CHECKED)

    return api
