"""A small HTTP client for the demo and the measurements: what a kiosk does, without a browser."""

from __future__ import annotations

import base64
import http.client
import json
import secrets
from collections.abc import Sequence
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from data.faces import people
from data.faces.brush import Picture


class Refused(Exception):
    """The server refused a request; `code` is the stable name of the problem."""

    def __init__(self, status: int, body: dict[str, Any], what: str) -> None:
        self.status, self.code = status, str(body.get("code", ""))
        self.detail = str(body.get("detail", ""))
        super().__init__(f"{what} was refused: {status} {self.code}. {self.detail}")


class Client:
    """One device with its key, on one connection that is kept open."""

    def __init__(self, url: str, key: str, *, timeout: float = 60.0) -> None:
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(
            address.hostname or "127.0.0.1", address.port or 80, timeout=timeout
        )
        self._key = key

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def call(self, method: str, path: str, body: object = None, *, token: str | None = None) -> Any:
        """The JSON of a successful answer, None when there is none.

        Raises:
            Refused: the server answered 4xx or 5xx.
            OSError: it did not answer.
        """
        headers = {"X-API-Key": self._key, "Accept": "application/json"}
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        if method == "POST":  # a request that is repeated because its answer was lost is executed once
            headers["Idempotency-Key"] = secrets.token_hex(16)
        if token:
            headers["Authorization"] = f"Bearer {token}"
        try:
            self._connection.request(method, path, data, headers)
            reply = self._connection.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self._connection.close()  # the server closed an idle connection: try once more on a new one
            self._connection.request(method, path, data, headers)
            reply = self._connection.getresponse()
        content = reply.read()
        answer = json.loads(content) if content and "json" in (reply.getheader("Content-Type") or "") else None
        if reply.status >= 400:
            raise Refused(reply.status, answer or {}, f"{method} {path.partition('?')[0]}")
        return answer

    # --- what a kiosk does ---------------------------------------------------------------------------

    def press(self) -> str:
        """The customer presses the button: a nonce for one recognition."""
        return str(self.call("POST", "/identity/v1/presses", {})["nonce"])

    def recognise(self, frames: Sequence[Picture]) -> dict[str, Any]:
        """Press and be recognised: `decision`, `token`, `purposes`."""
        sent = {"nonce": self.press(), "frames": pictures(frames)}
        return dict(self.call("POST", "/identity/v1/recognitions", sent))

    def visit(self, frames: Sequence[Picture], scene: str, context: dict[str, Any], n: int = 5) -> Any:
        """Press, then recognition and suggestions in one call."""
        sent = {"nonce": self.press(), "frames": pictures(frames), "scene": scene, "context": context, "n": n}
        return self.call("POST", "/v1/visits", sent)

    def enrol(self, frames: Sequence[Picture], purposes: Sequence[str], pin: str | None) -> dict[str, Any]:
        """Read the notice, agree to some purposes, be enrolled, set a PIN, and confirm the receipt."""
        notice = self.call("GET", "/identity/v1/notice")
        names = [purpose["name"] for purpose in notice["purposes"]]
        consent = {
            "purposes": {name: name in purposes for name in names},
            "notice_version": notice["version"],
            "age_confirmed": True,
        }
        sent = {"nonce": self.press(), "frames": pictures(frames), "consent": consent}
        enrolled = dict(self.call("POST", "/identity/v1/enrolments", sent))
        if pin is not None:
            setup = {"secret": enrolled["pin_setup"]["secret"], "pin": pin}
            self.call("PUT", f"/identity/v1/enrolments/{enrolled['receipt']}/pin", setup)
        self.call("PUT", f"/identity/v1/enrolments/{enrolled['receipt']}/confirmed")
        return enrolled

    def opt_out(self, frames: Sequence[Picture]) -> str:
        """Opt out by face: "forgotten" or "unknown"."""
        sent = {"nonce": self.press(), "frames": pictures(frames)}
        return str(self.call("POST", "/identity/v1/opt-outs", sent)["decision"])

    def raise_level(self, token: str, pin: str) -> str:
        """A token that also opens destinations."""
        return str(self.call("POST", "/identity/v1/tokens/raise", {"token": token, "pin": pin})["token"])

    def suggestions(self, scene: str, token: str | None, context: dict[str, Any], n: int = 5) -> Any:
        """What this customer most likely wants now; without a token, what is popular."""
        query = urlencode({"n": n} | context, doseq=True)
        return self.call("GET", f"/recommender/v1/suggestions/{scene}?{query}", token=token)

    def events(self, events: Sequence[dict[str, Any]], token: str | None) -> int:
        """Record events, in batches; returns how many of them were new."""
        new = 0
        for start in range(0, len(events), 500):
            sent = [{k: v for k, v in event.items() if k != "customer"} for event in events[start : start + 500]]
            new += int(self.call("POST", "/recommender/v1/events", {"events": sent}, token=token)["accepted"])
        return new


def pictures(frames: Sequence[Picture]) -> list[str]:
    """Frames as the API takes them: base64 of JPEG."""
    return [base64.b64encode(people.jpeg(frame)).decode() for frame in frames]
