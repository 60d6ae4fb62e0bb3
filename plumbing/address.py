"""Where the server of a home answers, and which pages of other hosts it lets in: for links in commands."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import click

from plumbing.settings import Config, listening_at, origins_of

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - no address that can be asked
WITHIN_S = 2.0
OPEN_FILE = "/clients/1/usual.js"  # what every page that is let in may read
PORTS = {"http": 80, "https": 443}


class Running(NamedTuple):
    """A server as it described itself at its start; it may have been killed since."""

    process: int
    host: str
    port: int

    @classmethod
    def of(cls, home: Path) -> Running | None:
        """That of a state folder; None where none runs."""
        for half in ("identity", "recommender"):
            try:
                about = json.loads((home / f"server-{half}.json").read_bytes())
                where = re.fullmatch(r"http://(.+):(\d+)", about["address"])
                if where is not None:
                    return cls(int(about["process"]), where[1].strip("[]"), int(where[2]))
            except (OSError, ValueError, KeyError, TypeError):
                continue
        return None

    @property
    def alive(self) -> bool:
        """Whether its process is there."""
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return False
        except PermissionError:  # another user's
            return True
        return True

    def asked(self, timeout_s: float) -> HTTPConnection:
        """A connection to it, not yet opened."""
        return HTTPConnection(EVERYWHERE.get(self.host, self.host), self.port, timeout=timeout_s)


class _Address(click.ParamType[str]):
    """An address with its scheme, as a browser opens it."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            parts = urlsplit(str(value))
            whole = parts.scheme in PORTS and bool(parts.hostname) and parts.port != 0
        except ValueError:
            whole = False
        if not whole:
            self.fail(f"{value!r} is no address: begin it with http:// or https://, such as https://usual.example")
        return str(value)


ADDRESS = _Address()


def url_option(words: str) -> Callable[[Any], Any]:
    """The option --url: None where it was left out, and then `address_of` the home counts."""
    return click.option(
        "--url",
        type=ADDRESS,
        help=f"{words}  [default: where the server of this home answers, else `listen` of the settings]",
    )


def address_of(home: Path) -> str:
    """Where the server of a home answers; while none runs, where the settings let it listen."""
    running = Running.of(home)
    if running is not None and running.alive:
        host, port = running.host, running.port
    else:
        host, port = listening_at(Config.from_environment().listen)
    host = EVERYWHERE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def origin_of(url: str) -> str:
    """The origin of an address, as a browser names it."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port in (None, PORTS.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def lets_in(home: Path, origin: str) -> bool:
    """Whether pages of `origin` may call: as the running server says, else as the settings do."""
    running = Running.of(home)
    if running is not None and running.alive:
        try:
            with closing(running.asked(WITHIN_S)) as connection:
                connection.request("GET", OPEN_FILE, headers={"Origin": origin})
                return connection.getresponse().getheader("Access-Control-Allow-Origin") == origin
        except (OSError, HTTPException):
            pass  # it starts or ends
    return origin in origins_of(Config.from_environment().origins)
