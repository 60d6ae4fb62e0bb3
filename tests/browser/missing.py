"""Takes features away from a browser before a page is loaded, as older or stricter browsers lack them."""

from __future__ import annotations

from playwright.sync_api import Page

FORBIDDEN = (
    "Object.defineProperty(window, '%s', { get() { throw new DOMException('forbidden', 'SecurityError'); } });"
)
GONE = {
    "crypto.randomUUID": "Object.defineProperty(Crypto.prototype, 'randomUUID', { value: undefined });",
    "AbortSignal.any": "AbortSignal.any = undefined;",
    "AbortSignal.timeout": "AbortSignal.timeout = undefined;",
    "structuredClone": "window.structuredClone = undefined;",
    "Intl.DisplayNames": "Intl.DisplayNames = undefined;",
    "navigator.mediaDevices": "Object.defineProperty(Navigator.prototype, 'mediaDevices', { value: undefined });",
    "navigator.locks": "Object.defineProperty(Navigator.prototype, 'locks', { value: undefined });",
    "navigator.serviceWorker": "delete Navigator.prototype.serviceWorker;",
    "BroadcastChannel": "window.BroadcastChannel = undefined;",
    "wakeLock": "delete Navigator.prototype.wakeLock;",
    "localStorage": FORBIDDEN % "localStorage",
    "indexedDB": FORBIDDEN % "indexedDB",
    "container queries": (
        "const can = CSS.supports.bind(CSS);"
        "CSS.supports = (...what) => !String(what).includes('container') && can(...what);"
    ),
}
"""What is missing, and the script that takes it away."""

PLAIN_HTTP = "".join(
    (
        GONE["crypto.randomUUID"],
        GONE["navigator.mediaDevices"],
        GONE["navigator.locks"],
        GONE["navigator.serviceWorker"],
        "Object.defineProperty(window, 'isSecureContext', { value: false });",
    )
)
"""A page that was opened over http from another machine: no secure context."""

OLD_SAFARI = "".join(
    (GONE["AbortSignal.any"], GONE["crypto.randomUUID"], GONE["structuredClone"], GONE["Intl.DisplayNames"])
)


def without(page: Page, *scripts: str) -> None:
    """Load the page again, in a browser that lacks what `scripts` take away."""
    for script in scripts:
        page.add_init_script(script)
    page.reload()
    page.wait_for_selector("body[data-ready=true]")
