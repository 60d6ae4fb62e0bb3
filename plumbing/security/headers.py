"""The headers that tell a browser what a reply may do: all of them are defined here.

Pages of screens and desk ask for `page_headers`; every other reply gets the strictest rules, and a page of the
documentation of the API those that its own inline scripts need, by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from flask import Flask, Response, request

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
TLS_ALONE = "max-age=31536000; includeSubDomains"
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""The policy of a reply that is no page."""
OF_ANOTHER_SERVER = {
    "Content-Security-Policy": f"{NOTHING}; style-src 'unsafe-inline'; sandbox",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
"""Of a reply that another server has made: opened as a page it runs nothing and asks for nothing."""

_INLINE = re.compile(rb"<(script|style)(?:\s[^>]*)?>(.*?)</\1>", re.DOTALL)


def page_headers(
    *, camera: bool, position: bool = False, engine: bool = False, image_hosts: Sequence[str] = ()
) -> Mapping[str, str]:
    """The headers of a page of ours: one host, no inline code, no inline style, no plug-in, nobody's frame; text
    never becomes HTML (trusted types). `camera` and `position` say whether the page may ask for these, `engine`
    whether it may start the thread of the browser's engine, `image_hosts` from where else it may load pictures."""
    # The one address of a screen's service worker, and that of the engine's thread, are made by policies of these
    # names; a page without has none.
    quoted_none = "'none'"
    policies = [name for name, wanted in (("usual-worker", camera), ("usual-engine", engine)) if wanted]
    policy = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        " ".join(["img-src 'self' data: blob:", *(f"https://{host}" for host in image_hosts)]),
        "media-src 'self' blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        f"trusted-types {' '.join(policies) or quoted_none}",
        *(["worker-src 'self'"] if engine else []),
    )
    own, where = "self" if camera else "", "self" if position else ""
    return EVERYWHERE | {
        "Content-Security-Policy": "; ".join(policy),
        "Permissions-Policy": (
            f"camera=({own}), microphone=(), geolocation=({where}), payment=(), usb=(), display-capture=()"
        ),
        "Cross-Origin-Opener-Policy": "same-origin",
        # A page that is left leaves nothing, also not in the browser's list of pages to go back to.
        "Cache-Control": "no-store",
    }


def thread_headers() -> Mapping[str, str]:
    """The headers of the module of the engine's own thread, whose policy is not that of its page: it may compile
    WebAssembly, which no page of ours may, and asks its own host alone."""
    policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; trusted-types 'none'"
    return EVERYWHERE | {"Content-Security-Policy": f"{policy}; require-trusted-types-for 'script'"}


def framed_by_own(policy: str) -> str:
    """The content policy of a page that pages of our own origin may hold in a frame, and nobody else."""
    return policy.replace("frame-ancestors 'none'", "frame-ancestors 'self'")


def framing_own(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers of a page that holds pages of our own origin in a frame."""
    return {**headers, "Content-Security-Policy": headers["Content-Security-Policy"] + "; frame-src 'self'"}


def register(app: Flask) -> None:
    """Protect every reply of `app`."""
    app.after_request(protect)
    app.after_request(demand_tls)


def demand_tls(response: Response) -> Response:
    """Over TLS, tell the browser to come back over TLS alone, for a year."""
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", TLS_ALONE)
    return response


def protect(response: Response) -> Response:
    """Give `response` the headers that its route did not set, and no host in a redirect.

    A redirect names a path alone: the address in `Host` is the caller's word and never comes back.
    """
    location = response.headers.get("Location")
    if location is not None:
        response.set_data(b"")
        response.headers["Location"] = _path_of(location)
    for name, value in EVERYWHERE.items():
        response.headers.setdefault(name, value)
    if "Content-Security-Policy" not in response.headers:
        page = response.mimetype == "text/html" and not response.direct_passthrough
        response.headers["Content-Security-Policy"] = policy_of(response.get_data()) if page else NOTHING
    return response


def _path_of(location: str) -> str:
    """The path and query of an address; never one that a browser would read as a host."""
    path = re.sub(r"^[a-zA-Z][a-zA-Z0-9+.-]*://[^/?#]*", "", location)
    return "/" + path.lstrip("/\\")


@lru_cache(maxsize=16)
def policy_of(page: bytes) -> str:
    """The policy of a documentation page: its own host, and the inline scripts and styles that are in it."""
    allowed: dict[str, list[str]] = {"script": ["'self'"], "style": ["'self'"]}
    for kind, text in _INLINE.findall(page):
        if text.strip():
            digest = base64.b64encode(hashlib.sha256(text).digest()).decode()
            allowed[kind.decode()].append(f"'sha256-{digest}'")
    return "; ".join(
        (
            "default-src 'none'",
            "script-src " + " ".join(allowed["script"]),
            "style-src " + " ".join(allowed["style"]),
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
