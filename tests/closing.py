"""An application that can be closed: an open page asks on, over a connection that outlives its server."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATIENCE_S = 30.0


class Closing:
    """Lets requests through until it is closed. Then none runs any more: databases can be closed."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app, self._running, self._closed = app, 0, False
        self._changed = threading.Condition()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with self._changed:
            if self._closed:
                start_response("503 Closed", [("Content-Length", "0"), ("Connection", "close")])
                return [b""]
            self._running += 1
        try:
            return self._app(environ, start_response)
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def close(self) -> None:
        """Take no request any more, and wait for those that run."""
        with self._changed:
            self._closed = True
            assert self._changed.wait_for(lambda: self._running == 0, PATIENCE_S), "a request does not end"
