"""A line between a browser and the server that can be cut, before or after the server has done its work."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from playwright.sync_api import Error, Page

from tests.browser.conftest import in_state

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

Cut = Literal["", "before", "after"]


class Line:
    """A WSGI application in front of another one. `cut` drops every connection, "after" once it was answered."""

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app
        self.cut: Cut = ""

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if self.cut == "before":
            return _hang_up(environ)
        answer = self.app(environ, start_response)
        if self.cut == "after":
            for _ in answer:
                pass
            return _hang_up(environ)
        return answer


def _hang_up(environ: dict[str, Any]) -> NoReturn:
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError


def ready(page: Page) -> None:
    page.wait_for_selector("body[data-ready=true]")


def until(page: Page, script: str, *, tries: int = 600) -> None:
    """Wait until `script` is true; trusted types forbid the page's own way to wait for one."""
    for _ in range(tries):
        with suppress(Error):  # the page is being loaded again
            if page.evaluate(script):
                return
        page.wait_for_timeout(50)
    raise AssertionError(f"{script} is still not true")


def kept_for_offline(page: Page) -> None:
    """Wait until the service worker keeps the page and serves it."""
    until(page, "navigator.serviceWorker.controller !== null")


def order(page: Page, dish: str) -> None:
    """One dish as a guest, to the last page and back to the first."""
    page.click("#guest")
    in_state(page, "suggest")
    page.click("#menu-open")
    page.click(f"#menu-list [data-item={dish}]")
    page.click("#basket-open")
    page.click("#order")
    in_state(page, "done")


def waiting(page: Page) -> list[dict[str, Any]]:
    """The records of the orders that wait, as they lie in the browser's database."""
    found: list[dict[str, Any]] = page.evaluate(
        """() => new Promise((resolve, reject) => {
          const opened = indexedDB.open("usual-orders-kiosk", 1);
          opened.onerror = () => reject(opened.error);
          opened.onsuccess = () => {
            const rows = opened.result.transaction("orders").objectStore("orders").getAll();
            rows.onsuccess = () => { opened.result.close(); resolve(rows.result); };
          };
        })"""
    )
    return found
