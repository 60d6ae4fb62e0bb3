"""A kiosk whose helper serves the page and looks at the pictures, paired with a house whose requests are kept."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from doorway.kiosk_helper.running import Running
from plumbing.outbox.server import free_port
from plumbing.settings import Config
from tests.browser.fake_server import serve
from tests.journey import Place

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Overheard:
    """An application whose requests' bodies are kept."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app
        self.bodies: list[bytes] = []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.bodies.append(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
        environ["wsgi.input"] = io.BytesIO(self.bodies[-1])
        return self._app(environ, start_response)


@dataclass
class HelpedKiosk:
    """Where its page is, what its house heard, and what the helper said to the operator."""

    address: str
    house: Overheard
    said: list[str] = field(default_factory=list)


@contextmanager
def helped_kiosk(place: Place, home: Path, page: str = "kiosk") -> Iterator[HelpedKiosk]:
    """The helper of a kiosk or of a taxi's tablet (`page`), with the engine pack of the house in its sandbox.

    `home` is its own folder.
    """
    house, said, port = Overheard(place.app), list[str](), free_port()
    helper = Running(home, Config(home=place.home, cache=place.cache), said.append)
    with serve(house) as address:
        helper.pair(address, place.access.create_pairing(place.tenant, page, device=f"{page}-1", site="mill"))
        place.access.modes.choose(place.tenant, f"{page}-1", "vectors")
        try:
            with serve(helper.opened(port), port) as own:
                yield HelpedKiosk(own, house, said)
        finally:
            helper.close()
